import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError, SettingsError
from hierforecast.options import Sampling
from hierforecast.precision import Precision
from hierforecast.precision.posterior.data import Old
from hierforecast.precision.training import model_data

OLD_WEEKS = 44


@pytest.fixture
def old(unsampled, made, make_model):
    """Fitted on the first weeks, without a sampler."""
    short = Sampling(chains=2, warmup=50, draws=60, seed=4)
    return make_model(sampling=short).fit(made.panel.iloc[:OLD_WEEKS])


def test_history_is_frozen_and_only_new_weeks_count(old, made):
    """Old weeks that are told otherwise now stay as they were: they have been learned from already."""
    panel = made.panel.iloc[: made.fitted].copy()
    panel.loc[: OLD_WEEKS - 1, ["revenue", "spot", "price"]] *= 3
    new = old.refresh(panel)
    before, after = old._trained, new._trained
    np.testing.assert_array_equal(after.table.target[:OLD_WEEKS], before.table.target)
    np.testing.assert_array_equal(after.table.media[:, :OLD_WEEKS], before.table.media)
    np.testing.assert_array_equal(after.table.controls[:OLD_WEEKS], before.table.controls)
    np.testing.assert_array_equal(after.observed, np.arange(made.fitted) >= OLD_WEEKS)
    np.testing.assert_array_equal(after.scaled_on, np.arange(made.fitted) < OLD_WEEKS)
    for name in before.scaling._fields:
        np.testing.assert_array_equal(getattr(after.scaling, name), getattr(before.scaling, name))
    np.testing.assert_array_equal(after.design.centre, before.design.centre)
    assert old._trained is before  # the old model is left as it was


def test_new_weeks_may_come_without_the_old_ones(old, made):
    ours, theirs = (old.refresh(made.panel.iloc[start : made.fitted])._trained.table for start in (0, OLD_WEEKS))
    np.testing.assert_array_equal(ours.media, theirs.media)
    pd.testing.assert_series_equal(ours.periods, theirs.periods)


def test_planned_weeks_of_the_old_panel_are_replaced_by_what_came(made, unsampled, make_model):
    short = Sampling(chains=2, warmup=50, draws=60)
    panel = made.panel.iloc[: made.fitted].copy()
    planned = panel.assign(revenue=panel["revenue"].where(panel.index < OLD_WEEKS))
    planned.loc[OLD_WEEKS:, "spot"] = 7000.0
    new = make_model(sampling=short).fit(planned).refresh(panel)
    np.testing.assert_array_equal(new._trained.table.media[0], panel["spot"])


def test_nothing_new_is_refused(old, made):
    with pytest.raises(PanelError, match="no period after 2023-10-30 has a known target"):
        old.refresh(made.panel.iloc[:OLD_WEEKS])
    with pytest.raises(PanelError, match="nothing new to learn"):
        old.refresh(made.panel.iloc[: made.fitted].assign(revenue=np.nan))


def test_a_gap_after_the_old_weeks_is_refused(old, made):
    with pytest.raises(PanelError, match="add the weeks between"):
        old.refresh(made.panel.iloc[OLD_WEEKS + 2 : made.fitted])


@pytest.mark.parametrize("inflation", [0.99, 0.0, -1.0, float("nan")])
def test_old_knowledge_may_fade_but_not_sharpen(old, made, inflation):
    with pytest.raises(SettingsError, match="must be at least 1"):
        old.refresh(made.panel.iloc[: made.fitted], inflation=inflation)


def test_inflation_stretches_the_old_posterior():
    flat = np.random.default_rng(0).multivariate_normal([1, 2], [[1, 0.6], [0.6, 2]], 500)
    for inflation in (1.0, 2.5):
        old = Old.of(flat, inflation)
        np.testing.assert_allclose(old.mean, flat.mean(axis=0))
        np.testing.assert_allclose(np.linalg.inv(old.root @ old.root.T), inflation**2 * np.cov(flat.T), rtol=1e-9)
        white = (flat - old.mean) @ old.root
        np.testing.assert_allclose(np.cov(white.T), np.eye(2) / inflation**2, atol=1e-9)


def test_a_saved_refresh_is_refreshed_again(old, made, tmp_path):
    once = old.refresh(made.panel.iloc[:52])
    once.save(tmp_path / "model")
    loaded = Precision.load(tmp_path / "model")
    panel = made.panel.iloc[: made.fitted]
    ours, theirs = once.refresh(panel), loaded.refresh(panel)
    np.testing.assert_allclose(theirs._trained.old.mean, ours._trained.old.mean, rtol=1e-9)
    np.testing.assert_allclose(theirs._trained.old.root, ours._trained.old.root, rtol=1e-9)
    np.testing.assert_allclose(theirs._trained.centring, old_centring(old), rtol=1e-9)
    pd.testing.assert_frame_equal(ours.predict(), theirs.predict())


def old_centring(old):
    """The coordinates of a chain of refreshes are those of its first fit."""
    return model_data(old._trained, old.hierarchy, old._numbers, old.model)[0].centring


def test_a_medium_that_starts_later_keeps_its_scale_when_a_refresh_is_loaded(made, unsampled, make_model, tmp_path):
    """Its scale was learned from planned weeks; weeks that came since must not change it."""
    panel = made.panel.copy()
    panel.loc[: OLD_WEEKS - 1, "feed"] = 0.0
    panel.loc[OLD_WEEKS:, "feed"] = np.linspace(500, 4000, len(panel) - OLD_WEEKS)
    first = panel.iloc[:52].assign(revenue=panel["revenue"].where(panel.index < OLD_WEEKS))
    short = Sampling(chains=2, warmup=50, draws=60)
    new = make_model(sampling=short).fit(first).refresh(panel.iloc[: made.fitted])
    new.save(tmp_path / "model")
    loaded = Precision.load(tmp_path / "model")
    np.testing.assert_allclose(loaded._trained.scaling.media, new._trained.scaling.media)
    pd.testing.assert_frame_equal(loaded.predict(), new.predict())


def test_old_posterior_and_new_weeks_are_about_a_full_refit(fitted, made, make_model):
    """Decays, effects and noise move from the old posterior to what all weeks at once say."""
    panel = made.panel.iloc[: made.fitted]
    old = make_model().fit(panel, observed=np.arange(made.fitted) < OLD_WEEKS)
    new = old.refresh(panel)
    weeks = np.abs(new.fitted_draws.mean(axis=0) - fitted.fitted_draws.mean(axis=0))
    assert weeks.mean() < 4  # noise is 10, the target's sd about 60

    def summary(one):
        coefficients = one.coefficients
        values = np.concatenate([coefficients.beta, coefficients.decay, coefficients.noise[:, None]], axis=1)
        # Effects per exposure: the scales of the two fits differ.
        values[:, :4] /= one._trained.scaling.media
        return values.mean(axis=0), values.std(axis=0)

    (before, _), (after, spread), (full, full_spread) = (summary(one) for one in (old, new, fitted))
    assert (np.abs(after - full) < 1.0 * full_spread).all()
    assert np.abs(after - full).sum() < np.abs(before - full).sum()
    np.testing.assert_allclose(spread / full_spread, 1, atol=0.45)
