import numpy as np
import pandas as pd
import pytest

from hierforecast.precision.model import Precision
from hierforecast.results import PRECISION_TABLES, SPEND_TABLES
from tasks import media_tables
from tasks.decay_prior import decay_prior
from tests.support.quick_mix import quick_mix

DECLARED = {table.name: table.columns for table in (*PRECISION_TABLES, *SPEND_TABLES)}


@pytest.fixture(scope="module")
def made():
    return quick_mix()


@pytest.fixture(scope="module")
def model(made, made_sampler):
    return Precision.from_panel_settings(made.company.media, made.company.sampling).fit(made.history)


def advise(model, made, plan=None, settings=None):
    told = []
    settings = settings or made.company.media
    return media_tables.advise(model, made.history, made.plan if plan is None else plan, settings, tell=told.append), told


def test_every_table_has_its_declared_columns(model, made):
    tables = media_tables.explain(model, made.history) | advise(model, made)[0]
    assert set(tables) == set(DECLARED) - {"scores", "accuracy", "fit"}  # those are made of the fit up to the cutoff
    for name, table in tables.items():
        assert tuple(table.columns) == DECLARED[name], name
        assert len(table), name


def test_totals_are_sums_of_the_weeks(model, made):
    tables = media_tables.explain(model, made.history)
    weekly = tables["media_contributions"].groupby(["level", "node"])["mean"].sum()
    totals = tables["media_totals"].set_index(["level", "node"])["total"]
    pd.testing.assert_series_equal(totals.sort_index(), weekly.sort_index(), check_names=False, rtol=1e-9, atol=1e-6)


def test_the_plan_s_budget_is_spread_anew_within_its_limits(model, made):
    tables, told = advise(model, made)
    assert told == []
    budget, outcome = tables["budget"].set_index("node"), tables["budget_outcome"].iloc[0]
    spent = made.plan[made.company.media.spend_columns()].to_numpy().sum()
    assert outcome["planned"]
    assert outcome["budget"] == pytest.approx(spent)
    assert budget.loc["total", "spend_after"] == pytest.approx(spent, rel=1e-6)
    multiples = budget["spend_after"] / budget["spend_before"]
    assert multiples.between(0.5 - 1e-6, 1.5 + 1e-6).all()
    assert outcome["after"] >= outcome["before"]
    assert outcome["difference_lower"] <= outcome["difference"] <= outcome["difference_upper"]


def test_without_a_plan_the_last_weeks_are(model, made):
    outcome = advise(model, made, plan=made.plan.head(0))[0]["budget_outcome"].iloc[0]
    weeks = made.history.tail(made.company.media.horizon)
    assert not outcome["planned"]
    assert (outcome["first"], outcome["last"]) == (weeks["week"].min(), weeks["week"].max())
    assert outcome["budget"] == pytest.approx(weeks[made.company.media.spend_columns()].to_numpy().sum())


def test_a_plan_whose_spend_is_not_known_yet_counts_as_none(model, made):
    plan = made.plan.assign(spot_spend=np.nan)
    assert not advise(model, made, plan=plan)[0]["budget_outcome"].iloc[0]["planned"]


def test_where_no_spend_is_declared_nothing_is_said_of_money(model, made):
    settings = made.company.media.model_copy(update={"spend": None})
    assert advise(model, made, settings=settings) == ({}, [])


def test_what_cannot_be_planned_is_told_and_returns_stay(model, made):
    off_air = made.history.copy()
    last = off_air.index[-made.company.media.horizon :]
    columns = [name for name in off_air if name.endswith(("_spend", "_impressions"))]
    off_air.loc[last, columns] = 0.0
    silent = Precision.from_panel_settings(made.company.media, made.company.sampling).fit(off_air)
    told = []
    tables = media_tables.advise(silent, off_air, made.plan.head(0), made.company.media, tell=told.append)
    assert set(tables) == {"roi", "response"}
    assert told[0].startswith("no best budget: ")


def test_numbers_of_the_tables_become_metrics(model, made, tmp_path):
    for name, table in advise(model, made)[0].items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    model.accuracy(made.history, held_out=np.arange(90) >= 80).to_parquet(tmp_path / "accuracy.parquet")
    numbers = media_tables.metrics_in(str(tmp_path))
    roi = pd.read_parquet(tmp_path / "roi.parquet").set_index("node")
    assert numbers["roi.channel.Web"] == roi.loc["Web", "roi"]
    assert numbers["marginal_roi.total.total"] == roi.loc["total", "marginal_roi"]
    assert {"held_out.mape", "held_out.crps", "held_out.coverage_90", "budget.difference"} <= set(numbers)
    assert media_tables.metrics_in(str(tmp_path / "of another family")) == {}


@pytest.mark.parametrize("kind", ["half_life", "beta", "pooled_logit"])
def test_the_prior_of_decays_is_that_of_the_model(made, kind):
    """Drawn once more from the model's own prior."""
    from hierforecast.precision.posterior.parameters import constrain
    from hierforecast.precision.posterior.prior import prior_draws
    from hierforecast.precision.training import model_data

    media = made.company.media
    settings = media.model_copy(update={"model": media.model.model_copy(update={"decay": kind})})
    other = Precision.from_panel_settings(settings, made.company.sampling)
    other._train(made.history, None)
    data, _ = model_data(other._trained, other.hierarchy, other._numbers, other.model)
    drawn = constrain(prior_draws(data, other.model, draws=20_000, seed=1)[None], data, other.model).decay[0]
    table = decay_prior(other)
    wanted = np.quantile(drawn, [0.5, 0.05, 0.95], axis=0)
    np.testing.assert_allclose(table[["median", "lower", "upper"]].to_numpy().T, wanted, atol=0.03)
