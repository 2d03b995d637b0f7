"""One small made company, every form of the model, and a small sampled model, shared by the tests of the room."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.options import Sampling
from hierforecast.precision import (
    Background,
    BetaDecay,
    EffectPrior,
    HalfLife,
    LiftTest,
    MixModel,
    PooledDecay,
    Precision,
    Priors,
)
from hierforecast.precision.adstock import geometric
from hierforecast.precision.engine import tensorflow
from hierforecast.precision.hierarchy import Hierarchy, build_hierarchy
from hierforecast.precision.posterior.data import Old
from hierforecast.precision.posterior.parameters import block_sizes
from hierforecast.precision.posterior.prior import prior_draws
from hierforecast.precision.sampling import Draws
from hierforecast.precision.training import model_data

NATIONAL = Path(__file__).parents[4] / "shared" / "data" / "mmm_national"
HIERARCHY = build_hierarchy(
    {"TV": {"Broadcast": ["spot"]}, "Web": {"Google": ["brand", "generic"], "Meta": ["feed"]}}, ["t", "p", "c"]
)
ONE_LEVEL = build_hierarchy(["spot", "brand", "generic", "feed"], ["t"])
TWO_LEVELS = build_hierarchy({"TV": ["spot"], "Web": ["brand", "generic", "feed"]}, ["t", "c"])
FOUR_LEVELS = build_hierarchy(
    {"Off": {"TV": {"Broadcast": ["spot"]}}, "Web": {"Search": {"Google": ["brand", "generic"]}, "Social": {"Meta": ["feed"]}}},
    ["t", "p", "c", "d"],
)
DECAY = np.array([0.7, 0.1, 0.3, 0.5])
EFFECT = np.array([90.0, 60.0, 50.0, 40.0])
COST = np.array([0.08, 0.05, 0.04, 0.03])  # currency per exposure
FITTED, LATER = 60, 8
GAPS = (10, 11, 25, 26, 27, 40)  # weeks without a known target, where a form has gaps
LIFTS = (
    LiftTest("generic", "2023-03-06", "2023-04-10", 150.0, 30.0, share=0.5, measured_until="2023-05-01"),
    LiftTest("Web", "2023-06-05", "2023-07-24", 500.0, 100.0),
)


class Made(NamedTuple):
    """A panel whose target is known in the first `fitted` weeks, its noiseless target and its decays."""

    panel: pd.DataFrame
    truth: np.ndarray
    fitted: int
    decay: np.ndarray


class Form(NamedTuple):
    """A form of the model with all that it needs beside a panel."""

    model: MixModel = MixModel()
    priors: Priors = Priors()
    hierarchy: Hierarchy = HIERARCHY
    gaps: bool = False
    lifts: tuple[LiftTest, ...] = ()
    refresh: bool = False


OWN = Priors(effect={"Google": EffectPrior(0.2, 0.3), "spot": EffectPrior(0.6, 0.9)}, half_life={"TV": HalfLife(3.0, 0.4)})
ALL = {
    "saturation": "hill",
    "memory": 13,
    "residuals": "ar1",
    "noise": "student",
    "prior_scale": "roi",
    "decay": "pooled_logit",
}
FORMS = {
    "plain": Form(),
    "beta": Form(MixModel(decay="beta"), Priors(beta_decay={"Web": BetaDecay(3.0, 2.0), "feed": BetaDecay(1.0, 4.0)})),
    "pooled_logit": Form(MixModel(decay="pooled_logit"), Priors(pooled_decay=PooledDecay(mean=0.3, spread_median=0.6))),
    "window": Form(MixModel(memory=13)),
    "log": Form(MixModel(saturation="log"), Priors(half_saturation_median=0.8)),
    "hill": Form(MixModel(saturation="hill")),
    "window_log": Form(MixModel(saturation="log", memory=5)),
    "window_hill": Form(MixModel(saturation="hill", memory=13)),
    "one_level": Form(hierarchy=ONE_LEVEL),
    "two_levels": Form(hierarchy=TWO_LEVELS),
    "four_levels": Form(hierarchy=FOUR_LEVELS),
    "at_platform": Form(MixModel(effects_at="p")),
    "at_top": Form(MixModel(effects_at="c")),
    "horseshoe": Form(MixModel(effects="horseshoe")),
    "own_effects": Form(priors=OWN),
    "own_effects_at_platform": Form(MixModel(effects_at="p"), Priors(effect={"Google": EffectPrior(0.2, 0.3)})),
    "roi": Form(MixModel(prior_scale="roi"), Priors(effect_median=1.2)),
    "roi_window": Form(MixModel(prior_scale="roi", memory=13), Priors(effect_median=1.2)),
    "roi_hill_at_platform": Form(MixModel(prior_scale="roi", saturation="hill", effects_at="p"), Priors(effect_median=1.2)),
    "student": Form(MixModel(noise="student"), gaps=True),
    "ar1": Form(MixModel(residuals="ar1"), gaps=True),
    "ar1_student": Form(MixModel(residuals="ar1", noise="student"), gaps=True),
    "lifts": Form(lifts=LIFTS),
    "lifts_window_log_roi": Form(MixModel(saturation="log", memory=13, prior_scale="roi"), gaps=True, lifts=LIFTS),
    "refresh": Form(refresh=True),
    "all": Form(MixModel(**ALL), Priors(effect_median=1.2), FOUR_LEVELS, gaps=True, lifts=LIFTS),
    "all_refresh": Form(MixModel(**ALL), Priors(effect_median=1.2), gaps=True, refresh=True),
}


def make(*, weeks: int = FITTED + LATER, known: int = FITTED, seed: int = 3, noise: float = 10.0) -> Made:
    rng = np.random.default_rng(seed)
    on_air = np.repeat(rng.random((4, weeks // 3 + 1)) < 0.6, 3, axis=1)[:, :weeks]
    media = on_air * rng.gamma(3.0, 1 / 3, (4, weeks))
    price = rng.normal(size=weeks)
    periods = pd.date_range("2023-01-02", periods=weeks, freq="7D")
    season = 40 * np.cos(2 * np.pi * periods.day_of_year.to_numpy() / 365.25)
    truth = 1000 + season - 15 * price + EFFECT @ geometric(media, DECAY)
    panel = pd.DataFrame({"week": periods, "revenue": truth + rng.normal(0, noise, weeks), "price": price})
    panel.loc[known:, "revenue"] = np.nan
    panel = panel.assign(**dict(zip(HIERARCHY.tacticals, 1000 * media, strict=True)))
    spend = {f"{name}_spend": cost * panel[name] for name, cost in zip(HIERARCHY.tacticals, COST, strict=True)}
    return Made(panel.assign(**spend), truth, known, DECAY)


def model(hierarchy: Hierarchy = HIERARCHY, **changes) -> Precision:
    """A model of the made company; spend is known wherever the form asks for it."""
    settings = {"target": "revenue", "control_names": ["price"], "background": Background(seasonality=1, trend=False)}
    if changes.get("model", MixModel()).prior_scale == "roi":
        settings["spend_columns"] = [f"{name}_spend" for name in hierarchy.tacticals]
    sampling = Sampling(chains=2, warmup=200, draws=200, seed=5)
    return Precision(hierarchy, **{**settings, "sampling": sampling, **changes})


def with_gaps(panel: pd.DataFrame, form: Form) -> pd.DataFrame:
    """The panel, its target unknown in the weeks that the form leaves out."""
    return panel.assign(revenue=panel["revenue"].where(~panel.index.isin(GAPS))) if form.gaps else panel


@pytest.fixture(scope="session")
def tf():
    """TensorFlow as the product imports it: half the time of a plain import."""
    if find_spec("tensorflow") is None:
        pytest.skip("the precision extra is not installed")
    return tensorflow()


@pytest.fixture(scope="session")
def made() -> Made:
    return make()


@pytest.fixture(scope="session")
def make_model():
    return model


@pytest.fixture(scope="session")
def make_panel():
    return make


@pytest.fixture(scope="session", params=FORMS)
def form(request) -> Form:
    """Every form; tests that look at some name them: parametrize("form", [...], indirect=True)."""
    return FORMS[request.param]


@pytest.fixture(scope="session")
def form_named():
    """One form by its name."""
    return FORMS.__getitem__


@pytest.fixture(scope="session")
def trained(made):
    """Makes the model of a form that has read the panel, and its arrays: (Precision, ModelData)."""

    def make_trained(form: Form):
        one = model(form.hierarchy, model=form.model, priors=form.priors)
        one._train(with_gaps(made.panel, form), None, form.lifts)
        data, _ = model_data(one._trained, one.hierarchy, one._numbers, form.model)
        if form.refresh:
            size = sum(block_sizes(data, form.model).values())
            mixing = np.random.default_rng(11).normal(size=(size, size)) / 4 + np.eye(size)
            flat = np.random.default_rng(12).normal(size=(4 * size, size)) @ mixing
            one._training = one._trained._replace(old=Old.of(flat, 1.3))
            data, _ = model_data(one._trained, one.hierarchy, one._numbers, form.model)
        return one, data

    return make_trained


@pytest.fixture
def unsampled(monkeypatch):
    """Fits take draws of the prior for those of the posterior: everything but the sampler, in no time."""

    def draw(form, data, spread, *, sampling, progress=None, checkpoint=None):
        chains, draws = sampling.chains, sampling.draws
        flat = prior_draws(data, form, draws=chains * draws, seed=sampling.seed).reshape(chains, draws, len(spread))
        told = np.random.default_rng(0).normal(size=(chains, draws))
        return Draws(flat, told, told > 9, np.exp(-np.abs(told)), (told > 0) + 1, told, np.ones(chains), 0.3, 99)

    monkeypatch.setattr("hierforecast.precision.model.density_of", lambda form: form)
    monkeypatch.setattr("hierforecast.precision.model.sample", draw)


@pytest.fixture
def fit_form(unsampled, made):
    """Fits a form on the company's known weeks, and refreshes it on later ones where the form says so; nothing is sampled."""

    def fit(form: Form, panel: pd.DataFrame | None = None, **changes) -> Precision:
        panel = with_gaps(made.panel.iloc[: made.fitted] if panel is None else panel, form)
        short = Sampling(chains=2, warmup=50, draws=60, seed=4)
        one = model(form.hierarchy, model=form.model, priors=form.priors, sampling=short, **changes)
        if not form.refresh:
            return one.fit(panel, lift_tests=form.lifts)
        return one.fit(panel.iloc[:50]).refresh(panel, inflation=1.2)

    return fit


@pytest.fixture(scope="session")
def fitted(made, tf) -> Precision:
    """The default form, sampled on the known weeks."""
    return model().fit(made.panel.iloc[:FITTED])


@pytest.fixture(scope="session")
def national():
    """The public national problem: panel, media tree, truth."""
    if not NATIONAL.is_dir():
        pytest.skip(f"the national test data are not at {NATIONAL}")
    truth = json.loads((NATIONAL / "national_truth.json").read_text())
    tree = {}
    for name in truth["media"]:
        channel, platform, _ = name.split("__")
        tree.setdefault(channel, {}).setdefault(f"{channel}_{platform}", []).append(name)
    hierarchy = build_hierarchy(tree, ["tactical", "platform", "channel"])
    return pd.read_csv(NATIONAL / "national.csv", parse_dates=["date"]), hierarchy, truth
