"""Where MLflow is: a server named in MLFLOW_TRACKING_URI, else SQLite and a folder in the home."""

from functools import cache

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from tasks import credentials, environment


def client() -> MlflowClient:
    """A client of the tracking server or of the embedded store."""
    return _client(environment.tracking_uri())


@cache
def _client(uri: str) -> MlflowClient:
    credentials.hand_over(uri)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment(company: str) -> str:
    """The id of a company's experiment, made on first use.

    A server has a place for artifacts. Without one, be the store the embedded database or another, it is given here: MLflow
    would else put them below whatever folder the process that made the experiment happened to stand in.
    """
    server = client()
    found = server.get_experiment_by_name(company)
    if found is not None:
        if found.lifecycle_stage == "deleted":  # by somebody in MLflow's pages; its runs come back with it
            server.restore_experiment(found.experiment_id)
        return found.experiment_id
    served = environment.tracking_uri().startswith(("http://", "https://", "databricks"))
    location = None if served else (environment.home().artifacts / company).as_uri()
    try:
        return server.create_experiment(company, artifact_location=location)
    except MlflowException:
        # Somebody else made it between the look and the making.
        return server.get_experiment_by_name(company).experiment_id
