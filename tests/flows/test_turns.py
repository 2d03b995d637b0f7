"""Every flow that writes a company's work takes its turn first."""

import pytest

from flows.train_hiref import train_hiref
from flows.train_precision import train_precision
from flows.tune_hiref import tune_hiref
from flows.weekly_retrain import weekly_retrain


class TakenError(Exception):
    """The turn was asked for."""


@pytest.mark.parametrize("flow", [weekly_retrain, train_hiref, train_precision, tune_hiref], ids=lambda flow: flow.name)
def test_a_flow_that_writes_takes_its_turn_before_anything_else(flow, monkeypatch, root):
    def take(company: str, name: str):
        raise TakenError(company, name)

    monkeypatch.setattr("tasks.turns.one_at_a_time", take)
    monkeypatch.setattr("tasks.panels.ingest", lambda *_, **__: pytest.fail("too early"))
    with pytest.raises(TakenError) as taken:
        flow.fn(settings=str(root / "deployments/demo.yaml"))
    assert taken.value.args == ("demo", flow.name)
