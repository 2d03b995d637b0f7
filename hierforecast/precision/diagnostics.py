"""Whether the draws may be believed: R-hat, effective draws, divergences, E-BFMI, and a verdict in words.

Rank-normalised split R-hat, bulk and tail ESS: Vehtari, Gelman, Simpson, Carpenter & Buerkner 2021, Bayesian Analysis
16(2), doi:10.1214/20-BA1221, as ArviZ computes them. E-BFMI: Betancourt 2016, arXiv:1604.00695.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.options import PrecisionGate

if TYPE_CHECKING:
    import xarray as xr


class Convergence(NamedTuple):
    """The worst over all scalar parameters, and the sampler's own warnings. JSON-ready; not a number means not known."""

    max_rhat: float
    min_ess_bulk: float
    min_ess_tail: float
    divergences: int
    ebfmi: float
    max_pareto_k: float  # of leave-one-out; warns above `psis.LARGEST_K`


def diagnose(posterior: "xr.Dataset") -> pd.DataFrame:
    """One row per scalar parameter in the columns of `results.DIAGNOSTICS`.

    Args:
        posterior: variables with dims (chain, draw) and at most one more, whose coordinate names the nodes.
    """
    import arviz

    rhat = arviz.rhat(posterior, method="rank")
    bulk, tail = arviz.ess(posterior, method="bulk"), arviz.ess(posterior, method="tail")
    rows = []
    for name, draws in posterior.data_vars.items():
        dims = [dim for dim in draws.dims if dim not in ("chain", "draw")]
        nodes = [str(node) for node in draws[dims[0]].to_numpy()] if dims else [""]
        columns = (draws.mean(("chain", "draw")), draws.std(("chain", "draw"), ddof=1), rhat[name], bulk[name], tail[name])
        values = np.stack([np.atleast_1d(column.to_numpy()) for column in columns], axis=1)
        rows += [(name, node, *map(float, row)) for node, row in zip(nodes, values, strict=True)]
    return pd.DataFrame(rows, columns=list(results.DIAGNOSTICS.columns))


def summarise_convergence(
    table: pd.DataFrame, *, energy_fraction: np.ndarray, diverging: np.ndarray, pareto_k: np.ndarray
) -> Convergence:
    """The worst figures; NaN anywhere stays NaN.

    Args:
        table: from `diagnose`.
        energy_fraction: (chains,) E-BFMI.
        diverging: (chains, draws) bool.
        pareto_k: (weeks,) of leave-one-out.
    """
    return Convergence(
        max_rhat=float(table["rhat"].max(skipna=False)),
        min_ess_bulk=float(table["ess_bulk"].min(skipna=False)),
        min_ess_tail=float(table["ess_tail"].min(skipna=False)),
        divergences=int(diverging.sum()),
        ebfmi=float(energy_fraction.min()),
        max_pareto_k=float(pareto_k.max()),
    )


def verdict(table: pd.DataFrame, convergence: Convergence, gate: PrecisionGate) -> tuple[str, ...]:
    """Why the draws must not be used: one sentence per reason, none where they may. What is not a number fails.

    Args:
        table: from `diagnose`.
        convergence: from `summarise_convergence`.
        gate: the company's bounds.
    """
    reasons = [
        _worst(table, "rhat", "R-hat", gate.max_rhat, above=True),
        _worst(table, "ess_bulk", "bulk ESS", gate.min_ess, above=False),
        _worst(table, "ess_tail", "tail ESS", gate.min_ess, above=False),
    ]
    if convergence.divergences > gate.max_divergences:
        reasons.append(
            f"{convergence.divergences} divergences, wanted at most {gate.max_divergences}; "
            "raise sampling.target_acceptance or give the parameters above tighter priors"
        )
    if not convergence.ebfmi >= gate.min_ebfmi:
        reasons.append(
            f"E-BFMI is {convergence.ebfmi:.2f}, wanted at least {gate.min_ebfmi:g}; the chains hardly change energy: "
            "look at scales and tails among the parameters, or sample longer"
        )
    return tuple(reason for reason in reasons if reason)


def warn_of_shares(totals: pd.DataFrame, top: str) -> tuple[str, ...]:
    """Sentences about shares of the fitted total that cannot be: media above 1, a baseline below 0; none where all can.

    Of a fitted total that is not positive nothing is said.

    Args:
        totals: in the columns of `results.MEDIA_TOTALS`.
        top: the top level of the media tree.
    """
    once = totals["level"].isin([top, results.CONTROL, results.BASELINE])
    if not totals.loc[once, "total"].sum() > 0:
        return ()
    share = totals.set_index(["level", "node"])["share"]
    media, baseline = float(share[top].sum()), float(share[results.BASELINE].sum())
    cure = "look for what moves with media and is missing (season, holidays, promotions), or lower priors.effect_median"
    told = []
    if media > 1.0:
        told.append(f"media bring {media:.0%} of the fitted total, more than there is; {cure}")
    if baseline < 0.0:
        told.append(f"the baseline is {baseline:.0%} of the fitted total, less than nothing; {cure}")
    return tuple(told)


def _worst(table: pd.DataFrame, column: str, label: str, bound: float, *, above: bool) -> str | None:
    """A sentence that names the worst offender of one column, None where all are within the bound."""
    values = table[column].to_numpy()
    good = values <= bound if above else values >= bound  # False for NaN
    if good.all():
        return None
    badness = np.where(np.isnan(values), math.inf, values if above else -values)
    worst = table.iloc[int(np.argmax(badness))]
    name = f"{worst['parameter']}[{worst['node']}]" if worst["node"] else worst["parameter"]
    limit = f"at most {bound:g}" if above else f"at least {bound:g}"
    others = f"; {int((~good).sum()) - 1} more" if (~good).sum() > 1 else ""
    return f"{label} of {name} is {worst[column]:.4g}, wanted {limit}{others}; sample longer or look at that node's data"
