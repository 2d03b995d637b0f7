"""A small marketing mix model in a moment: a made sampler stands in for the real one, the rest is the product's own.

Its draws scatter around the priors' medians, so they are a posterior like any other, but of no data.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.precision.sampling import Draws
from hierforecast.schema import Company
from hierforecast.settings import parse_company

CHAINS, DRAWS, PLANNED = 2, 100, 6
RAW = {
    "company": "tiny",
    "media": {
        "target": {"name": "revenue", "unit": "EUR / week"},
        "levels": ["tactical", "channel"],
        "tree": {"TV": ["spot"], "Web": ["brand", "generic"]},
        "metrics": {"impressions": {"exposure": True}},
        "spend": "{tactical}_spend",
        "controls": ["holiday"],
        "horizon": 8,
        "seasonality": 1,
        "model": {"saturation": "hill"},
    },
    "sampling": {"chains": CHAINS, "warmup": 50, "draws": DRAWS},
    "gates": {"precision": {"max_rhat": 1.2, "min_ess": 10}},
}


class QuickMix(NamedTuple):
    """A company, its weeks with a known target, and those that are planned."""

    company: Company
    panel: pd.DataFrame
    history: pd.DataFrame
    plan: pd.DataFrame


def quick_mix(raw=RAW, *, weeks=90, seed=4) -> QuickMix:
    rng = np.random.default_rng(seed)
    count = weeks + PLANNED
    media = rng.gamma(2.0, 50.0, (count, 3)) * (rng.random((count, 3)) < 0.7)
    panel = pd.DataFrame({"week": pd.date_range("2023-01-02", periods=count, freq="7D")})
    for place, name in enumerate(("spot", "brand", "generic")):
        panel[f"{name}_impressions"] = media[:, place]
        panel[f"{name}_spend"] = (place + 1) * media[:, place]
    panel["holiday"] = (np.arange(count) % 13 == 0).astype(float)
    panel["revenue"] = 1000 + media @ [1.0, 2.0, 0.5] + 80 * panel["holiday"] + rng.normal(0, 20, count)
    panel.loc[weeks:, "revenue"] = np.nan
    return QuickMix(parse_company(raw), panel, panel[:weeks], panel[weeks:])


def made_sample(log_density, data, spread, *, sampling, progress=None, seed=None, checkpoint=None) -> Draws:
    """Stands in for `sampling.sample`: independent normal draws, and the same calls of `progress`."""
    rng = np.random.default_rng(sampling.seed)
    shape = (sampling.chains, sampling.draws)
    for phase, steps in (("warm-up", sampling.warmup), ("draws", sampling.draws)):
        for done in range(10, steps + 1, 10):
            if progress:
                progress(phase, done, steps)
    if checkpoint:
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "call-00000.safetensors").write_bytes(b"")
    return Draws(
        flat=0.3 * rng.standard_normal((*shape, len(spread))),
        energy=rng.standard_normal(shape),
        diverging=np.zeros(shape, dtype=bool),
        acceptance=np.full(shape, 0.9),
        leapfrogs=np.full(shape, 7),
        log_density=rng.standard_normal(shape),
        energy_fraction=np.full(sampling.chains, 0.9),
        step_size=0.5,
        warmup_leapfrogs=100,
    )
