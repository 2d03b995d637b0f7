import numpy as np
import pandas as pd
import pytest

from hierforecast.results import FIT, FORECASTS, SCORES
from tasks import evaluation
from tasks.registry.records import legal_name


def table(levels: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    weeks = pd.date_range("2024-01-01", periods=20, freq="W-MON")
    series = range(3) if levels else range(1)
    frame = pd.concat([pd.DataFrame({"sku": f"s{number}", "period": weeks}) for number in series], ignore_index=True)
    frame["actual"] = rng.gamma(20, 5, len(frame))
    frame["forecast"] = frame["actual"] * 1.1
    frame["lower"], frame["upper"] = frame["forecast"] * 0.95, frame["forecast"] * 1.05
    frame["part"] = np.where(frame["period"] < weeks[15], "history", "holdout")
    return frame if levels else frame.drop(columns="sku")


@pytest.mark.parametrize("levels", [["sku"], []])
def test_only_held_out_weeks_are_scored(tmp_path, no_run, levels):
    frame = table(len(levels))
    assert set(frame) == {*levels, *(FORECASTS if levels else FIT).columns}
    score = evaluation.score(frame, levels, tmp_path, cutoff=pd.Timestamp("2024-04-08"))
    assert score.wape == pytest.approx(0.1)
    assert score.bias == pytest.approx(0.1)
    assert score.cutoff == "2024-04-08T00:00:00"
    kept = pd.read_parquet(score.holdout)
    assert set(kept["part"]) == {"holdout"}
    scores = pd.read_parquet(score.scores)
    assert list(scores.columns) == list(SCORES.columns)
    assert scores["level"].tolist() == (["bottom", "total"] if levels else ["total"])
    assert scores["coverage"].iloc[0] == 0.0  # the interval lies above every actual


def test_metrics_have_names_that_mlflow_takes(tmp_path, no_run):
    score = evaluation.score(table(1), ["sku"], tmp_path, cutoff=pd.Timestamp("2024-04-08"))
    metrics = evaluation.as_metrics(score)
    assert metrics["wape.bottom"] == pytest.approx(0.1)
    assert all(np.isfinite(value) for value in metrics.values())
    assert legal_name("wape.store × brand (all)") == "wape.store _ brand _all_"
    assert legal_name("wape.a/b") == "wape.a/b"


@pytest.mark.parametrize(
    "name", ["a//b", "../etc/passwd", "a/../../b", "/a", "a/", ".", "..", "..a", "", "a/./b", "a\0b", "//a"]
)
def test_names_that_are_no_path_below_a_folder_are_made_one(name):
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(legal_name(name))
