"""What an answer of the registry means."""

from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST

from tasks.registry import versions


@pytest.fixture
def answers(monkeypatch):
    """The registry answers the question for a model with an error."""

    def answer(code: int) -> None:
        def ask(name: str):
            raise MlflowException("no", error_code=code)

        monkeypatch.setattr(versions, "client", lambda: SimpleNamespace(get_registered_model=ask))

    return answer


def test_a_model_that_is_not_there_has_no_champion(answers):
    answers(RESOURCE_DOES_NOT_EXIST)
    assert versions.champion("demo", "hiref") is None


def test_no_other_error_means_that_there_is_no_champion(answers):
    answers(INVALID_PARAMETER_VALUE)
    with pytest.raises(MlflowException):
        versions.champion("demo", "hiref")
