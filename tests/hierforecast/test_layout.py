"""One home, however it is written; what is told to libraries because of it; and sentences for homes that cannot be used."""

from pathlib import Path

import pytest

from hierforecast.errors import HomeError
from hierforecast.layout import Home, default_environment, find_home, is_loopback, open_home, part_login, without_login


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "base/data"),
        ("", "base/data"),
        ("here", "base/here"),
        ("../there/./x", "there/x"),
        ("~", "person"),
        ("~/forecasts", "person/forecasts"),
    ],
)
def test_a_home_is_found_from_where_a_person_stood(tmp_path, monkeypatch, value, found):
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    assert find_home(value, tmp_path / "base") == Home((tmp_path / found).resolve())
    assert not list(tmp_path.iterdir())


def test_an_absolute_home_needs_no_base(tmp_path):
    assert find_home(str(tmp_path), Path("/elsewhere")) == Home(tmp_path.resolve())


def test_nobodys_home_is_an_error_with_the_value():
    with pytest.raises(HomeError, match="~nobody-by-this-name/data"):
        find_home("~nobody-by-this-name/data", Path("/"))


def test_opening_makes_the_folder_once_and_again(tmp_path):
    home = Home(tmp_path / "a" / "b")
    assert open_home(home) == open_home(home) == home
    assert home.root.is_dir()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_is_no_home(tmp_path, name):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(HomeError, match=r"file.*HIERFORECAST_HOME="):
        open_home(Home(tmp_path / name))


def test_a_folder_that_refuses_writing_is_no_home(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write to any folder of a test
    with pytest.raises(HomeError, match="no permission to write"):
        open_home(Home(tmp_path))


def test_what_is_given_is_not_set_again(tmp_path):
    home = Home(tmp_path)
    everything = default_environment(home, {})
    for name in everything:
        assert name not in default_environment(home, {name: "mine"})
    assert default_environment(home, everything) == {}


@pytest.mark.parametrize("name", ["PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE"])
def test_prefect_lives_in_our_home_only_where_it_has_no_place_yet(tmp_path, name):
    assert default_environment(Home(tmp_path), {})["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert "PREFECT_HOME" not in default_environment(Home(tmp_path), {name: "mine"})


def test_tensorflow_is_told_a_path_in_one_piece():
    flags = default_environment(Home(Path('/my "own" \\ home')), {})["TF_XLA_FLAGS"]
    assert flags == r'--tf_xla_persistent_cache_directory="/my \"own\" \\ home/caches/xla"'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("http://ada:hunter2@host:5000/x", "http://***@host:5000/x"),
        (
            "see postgresql+asyncpg://ada:hunter2@db/mlflow and https://host/",
            "see postgresql+asyncpg://***@db/mlflow and https://host/",
        ),
        ("s3://hunter2@bucket", "s3://***@bucket"),
        ("http://ada:hun/ter2@@host", "http://***@host"),
        ("'http://ada:hunter2@a' \"http://ada:hunter2@b\"", "'http://***@a' \"http://***@b\""),
        ("sqlite:////srv/data/mlflow.db", "sqlite:////srv/data/mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_logins_are_left_out_of_texts(text, left):
    assert without_login(text) == left
    assert "hunter2" not in without_login(text)


def test_a_login_in_an_address_is_parted_from_it():
    given = {"MLFLOW_TRACKING_URI": "https://ada:hunter%2F2@host:5000/mlflow?a=b", "PATH": "/bin"}
    apart = {
        "MLFLOW_TRACKING_URI": "https://host:5000/mlflow?a=b",
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": "hunter/2",
    }
    assert part_login(given) == apart
    assert part_login(given | apart) == {}
    assert part_login({**given, "MLFLOW_TRACKING_PASSWORD": "other"}).get("MLFLOW_TRACKING_PASSWORD") is None  # given wins


@pytest.mark.parametrize("address", ["", "sqlite:////x/mlflow.db", "http://host:5000", "postgresql://ada:hunter2@db/mlflow"])
def test_other_addresses_stay(address):
    assert part_login({"MLFLOW_TRACKING_URI": address}) == {}


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "192.168.0.7", "fe80::1", "example.org", "")],  # noqa: S104
)
def test_which_addresses_only_this_machine_reaches(host, alone):
    assert is_loopback(host) is alone
