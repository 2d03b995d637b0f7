"""Logins of MLflow's server: from the environment, else from Prefect's Secret blocks. Never from settings, and never kept.

variable                    block
MLFLOW_TRACKING_USERNAME    hierforecast-mlflow-username
MLFLOW_TRACKING_PASSWORD    hierforecast-mlflow-password

Prefect's own login is Prefect's own matter: PREFECT_API_KEY or PREFECT_API_AUTH_STRING, or its profile.
"""

import os

import httpx
from prefect.blocks.system import Secret
from prefect.context import FlowRunContext, TaskRunContext

from hierforecast.layout import PASSWORD_VARIABLE, USER_VARIABLE

BLOCKS = {USER_VARIABLE: "hierforecast-mlflow-username", PASSWORD_VARIABLE: "hierforecast-mlflow-password"}
_GIVEN_ELSEWHERE = (*BLOCKS, "MLFLOW_TRACKING_TOKEN")


def hand_over(uri: str) -> None:
    """Put the login for MLflow's server where its client reads it, in this process alone.

    Nothing is asked for where the environment has a login already, where `uri` is no server's, or outside a Prefect run.
    """
    if not uri.startswith(("http://", "https://")) or any(os.environ.get(name) for name in _GIVEN_ELSEWHERE):
        return
    if FlowRunContext.get() is None and TaskRunContext.get() is None:
        return
    for variable, block in BLOCKS.items():
        secret = _secret(block)
        if secret:
            os.environ[variable] = secret


def _secret(block: str) -> str | None:
    """What a Secret block holds; None where nobody made one, or Prefect's server is gone: MLflow says if it wants a login."""
    try:
        return str(Secret.load(block, _sync=True).get())
    except (ValueError, httpx.HTTPError):
        return None
