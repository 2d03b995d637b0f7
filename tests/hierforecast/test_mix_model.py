import dataclasses
import json

import pytest
from pydantic import TypeAdapter, ValidationError

from hierforecast.errors import SettingsError
from hierforecast.mix_model import BetaDecay, EffectPrior, HalfLife, MixModel, PooledDecay, Priors

PRIORS = Priors(
    scale_median=0.2,
    effect={"TV": EffectPrior(0.4, 0.2)},
    half_life={"TV": HalfLife(3.0)},
    default_half_life=HalfLife(2.0),
    beta_decay={"Web": BetaDecay(1.0, 5.0)},
    default_beta_decay=BetaDecay(3.0, 3.0),
    pooled_decay=PooledDecay(mean=0.2),
)


def test_the_plainest_form_is_the_default():
    assert MixModel() == MixModel(
        decay="half_life",
        memory=None,
        saturation="none",
        effects="tree",
        effects_at=None,
        prior_scale="effect",
        residuals="iid",
        noise="normal",
    )
    assert len({MixModel(), MixModel(), MixModel(memory=3)}) == 2  # equal forms share one compilation


@pytest.mark.parametrize(
    "wrong",
    [
        {"decay": "weibull"},
        {"memory": 0},
        {"memory": 521},
        {"saturation": "s-curve"},
        {"effects": "flat"},
        {"prior_scale": "money"},
        {"residuals": "ar2"},
        {"noise": "cauchy"},
        {"satturation": "log"},
    ],
)
def test_other_forms_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        MixModel(**wrong)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Priors)])
def test_every_prior_is_a_positive_number_or_a_law(field):
    plain = getattr(Priors(), field)
    for wrong in (0.0, -1.0) if isinstance(plain, float) else ("much",):
        with pytest.raises((SettingsError, ValidationError), match=f"(?i){field}"):
            Priors(**{field: wrong})


@pytest.mark.parametrize(
    "law", [HalfLife, EffectPrior, lambda first: BetaDecay(a=first), lambda first: PooledDecay(mean=first)]
)
@pytest.mark.parametrize("wrong", [0.0, -1.0, float("inf"), float("nan")])
def test_laws_have_positive_finite_numbers(law, wrong):
    with pytest.raises((SettingsError, ValidationError), match=r"positive|finite"):
        law(wrong)


def test_a_decay_is_a_share_and_noise_has_a_variance():
    with pytest.raises(SettingsError, match=r"mean below 1, a share per period; got 1.2"):
        PooledDecay(mean=1.2)
    with pytest.raises(SettingsError, match=r"tails_median must be above 2.*got 2"):
        Priors(tails_median=2.0)


@pytest.mark.parametrize("priors", [Priors(), PRIORS], ids=["default", "own"])
def test_priors_are_their_json_again(priors):
    assert Priors.from_json(priors.to_json()) == priors
    assert Priors.from_json(json.loads(json.dumps(priors.to_json()))) == priors
    assert TypeAdapter(Priors).validate_json(json.dumps(priors.to_json())) == priors


def test_an_unknown_prior_is_refused():
    with pytest.raises(ValidationError, match="half_lives"):
        TypeAdapter(Priors).validate_python({"half_lives": {}})
