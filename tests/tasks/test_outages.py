"""What a person is told when a server is down, hangs, breaks or lets nobody in; by MLflow's real client where it is MLflow."""

import errno
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from prefect.states import Failed

from hierforecast.errors import PanelError
from tasks import environment, outages, shelving
from tasks.outages import OutageError
from tasks.registry import asking


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


@pytest.fixture
def ask(monkeypatch):
    """`ask(address)`: a question to MLflow at an address, as a step asks it; the outage that comes of it."""

    def call(address: str) -> OutageError:
        monkeypatch.setattr(environment, "tracking_uri", lambda: address)
        with pytest.raises(OutageError) as caught, asking.of_the_registry():
            MlflowClient(tracking_uri=address, registry_uri=address).get_registered_model("tiny-hiref")
        return caught.value

    return call


@pytest.fixture
def answering():
    """`answering(status)`: the address of a server that answers so to everything."""
    servers = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"not as you wish")

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://planner:secret@127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_server_that_is_down(ask, free_port):
    outage = ask(f"http://planner:secret@127.0.0.1:{free_port}")
    assert str(outage) == f"MLflow at http://***@127.0.0.1:{free_port} does not answer: connection refused"
    assert outage.passing


def test_a_name_that_no_machine_has(ask):
    assert str(ask("http://mlflow.invalid")).endswith("does not answer: no machine has that name")


def test_a_server_that_hangs_was_waited_for_by_mlflows_own_client(ask):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        outage = ask(f"http://127.0.0.1:{deaf.getsockname()[1]}")
    assert "hangs: no answer within 1 s" in str(outage)
    assert not outage.passing


@pytest.mark.parametrize(
    ("status", "told", "passing"),
    [
        (401, "does not know this login (401)", False),
        (403, "forbids this to this login (403)", False),
        (500, "answers with errors", True),
        (503, "answers with errors: too many 503 error responses", True),
    ],
)
def test_a_server_that_answers_with_an_error(ask, answering, status, told, passing):
    outage = ask(answering(status))
    assert told in str(outage)
    assert outage.passing == passing
    assert "secret" not in str(outage)


@pytest.mark.parametrize("error", [PanelError("no column 'price'"), ZeroDivisionError(), MlflowException("no such model")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, asking.of_the_registry():
        raise error
    assert caught.value is error


def refused(error: Exception, *, by: str = "http://127.0.0.1:4200/api/flows/") -> Exception:
    error.request = httpx.Request("POST", by)
    return error


def test_prefects_server_is_named_with_the_cure(monkeypatch):
    monkeypatch.setattr(outages, "_prefects_address", lambda: "http://me:secret@127.0.0.1:4200/api")
    gone = refused(httpx.ConnectError("[Errno 111] Connection refused"))
    at_start = RuntimeError("Failed to reach API")
    at_start.__cause__ = gone
    for error in (gone, at_start):
        told = str(outages.told(error))
        assert told.startswith("Prefect's server at http://***@127.0.0.1:4200/api does not answer: connection refused")
        assert "prefect server start" in told


@pytest.mark.parametrize(("status", "told"), [(401, "lets nobody in"), (503, "answers with errors (503)"), (404, None)])
def test_prefects_server_that_answers_with_an_error(status, told):
    request = httpx.Request("GET", "http://127.0.0.1:4200/api/health")
    error = httpx.HTTPStatusError("", request=request, response=httpx.Response(status, request=request))
    outage = outages.told(error)
    assert (told in str(outage)) if told else outage is None


def test_a_full_disk_is_told_with_its_path():
    told = outages.told(OSError(errno.ENOSPC, "No space left on device", "home/panels/model.bin"))
    assert "cannot write home/panels/model.bin: the disk is full" in str(told)
    with pytest.raises(OutageError, match="the disk is full"), asking.of_the_registry():
        raise OSError(errno.ENOSPC, "No space left on device", "home/artifacts/x")


def test_of_a_copy_that_finds_no_room_the_place_is_told_where_it_was_to_go():
    error = OSError(errno.EFBIG, "File too large", "home/panels/scores.parquet", None, "store/tables/scores.parquet")
    assert "cannot write store/tables/scores.parquet: it grew past the size" in str(outages.told(error))
    assert not outages.told(error).passing


def test_a_path_that_cannot_be_used_is_named_unless_it_only_led_to_the_error(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        tmp_path.open("wb")
    assert str(outages.told(caught.value)).startswith(f"cannot use {tmp_path}: Is a directory.\nName another path")
    other = ValueError("a fault of ours")
    other.__context__ = caught.value
    assert outages.told(other) is None


def test_errors_of_our_own_are_no_outage():
    assert outages.told(ValueError("wrong")) is None
    assert outages.told(OSError(errno.ENOENT, "No such file", "x")) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OutageError("gone"), True),
        (OutageError("unknown login", passing=False), False),
        (PanelError("no column"), False),
        (MlflowException("database is locked"), True),
    ],
)
def test_what_may_pass_is_asked_again(error, again):
    assert shelving._worth_retrying(None, None, Failed(data=error)) == again
