"""MLflow's errors that mean: the server is down, hangs, or does not let this login in."""

import re

import requests
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError
from urllib3.exceptions import ReadTimeoutError

from hierforecast.layout import without_login
from tasks import environment
from tasks.outages import OutageError, chain, reason

_CONNECTION = (requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.RetryError)
_REFUSED = ("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED")
_BROKEN_OFF = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)


def as_outage(error: BaseException) -> OutageError | None:
    """The outage behind an error of MLflow's client; None where the server was reached and said something else."""
    where = f"MLflow at {without_login(environment.tracking_uri())}"
    for item in chain(error):
        status = _status(item)
        if status in (401, 403):
            return OutageError(f"{where} {_refusal(status)}", passing=False)
        if status >= 500 and not environment.tracking_uri().startswith("sqlite"):
            return OutageError(f"{where} answers with errors ({status}): {without_login(str(item).splitlines()[0])[:300]}")
        if isinstance(item, (*_CONNECTION, *_BROKEN_OFF)):
            return _unreachable(where, item)
        if isinstance(item, OperationalError) and not environment.tracking_uri().startswith("sqlite"):
            return OutageError(f"{where} does not answer: {reason(item)}")
    return None


def _unreachable(where: str, error: BaseException) -> OutageError:
    """A server that hangs was waited for long enough by MLflow's own client; one that refuses may be starting."""
    hangs = isinstance(error, requests.exceptions.Timeout) or "Read timed out" in str(error)
    hangs = hangs or any(isinstance(getattr(cause, "reason", None), ReadTimeoutError) for cause in error.args)
    if hangs:
        waited = f"no answer within {MLFLOW_HTTP_REQUEST_TIMEOUT.get()} s, several times"
        return OutageError(f"{where} hangs: {waited}", passing=False)
    if isinstance(error, requests.exceptions.RetryError):
        answers = re.search(r"too many \d+ error responses", str(error))
        return OutageError(f"{where} answers with errors: {answers[0] if answers else type(error).__name__}")
    return OutageError(f"{where} does not answer: {reason(error)}")


def _status(error: BaseException) -> int:
    """The HTTP status that an error carries; 0 for none."""
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return error.response.status_code
    if isinstance(error, MlflowException) and (error.error_code in _REFUSED or "failed with error code" in str(error)):
        return error.get_http_status_code()
    return 0


def _refusal(status: int) -> str:
    if status == 401:
        cure = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD as that server knows them, and run again."
        return f"does not know this login (401).\nNothing was registered or promoted. {cure}"
    cure = "Ask whoever keeps the server for the right to edit, and run again."
    return f"forbids this to this login (403).\nNothing was promoted. {cure}"
