import numpy as np
import pandas as pd
import pytest

from hierforecast import results
from hierforecast.options import PrecisionGate
from hierforecast.precision.diagnostics import diagnose, summarise_convergence, verdict, warn_of_shares

xr = pytest.importorskip("xarray", reason="the precision extra is not installed")
GATE = PrecisionGate()


@pytest.fixture
def draws():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "noise": (("chain", "draw"), rng.normal(size=(4, 500))),
            "decay": (("chain", "draw", "tactical"), rng.normal(size=(4, 500, 2))),
        },
        coords={"tactical": ["spot", "brand"]},
    )


def judge(draws, diverging=None, energy_fraction=0.9):
    table = diagnose(draws)
    convergence = summarise_convergence(
        table,
        energy_fraction=np.full(4, energy_fraction),
        diverging=np.zeros((4, 500), bool) if diverging is None else diverging,
        pareto_k=np.array([0.1, 0.4]),
    )
    return verdict(table, convergence, GATE)


def test_independent_draws_pass(draws):
    table = diagnose(draws)
    assert tuple(table.columns) == results.DIAGNOSTICS.columns
    assert list(zip(table["parameter"], table["node"], strict=True)) == [("noise", ""), ("decay", "spot"), ("decay", "brand")]
    assert table["ess_bulk"].between(1500, 2600).all()
    assert judge(draws) == ()


def test_a_chain_elsewhere_is_named_with_its_node(draws):
    draws["decay"][0, :, 1] += 1.0
    reasons = judge(draws)
    assert any(reason.startswith("R-hat of decay[brand] is 1.") for reason in reasons)
    assert any(reason.startswith("bulk ESS of decay[brand]") for reason in reasons)


def test_a_sticky_parameter_lacks_effective_draws(draws):
    draws["noise"].data[:] = np.repeat(draws["noise"].data[:, ::20], 20, axis=1)
    assert any(reason.startswith("bulk ESS of noise is") for reason in judge(draws))


@pytest.mark.parametrize("poison", ["nan", "constant"])
def test_what_is_not_a_number_fails(draws, poison):
    if poison == "nan":
        draws["decay"][0, 3, 0] = np.nan
    else:
        draws["decay"][:, :, 0] = np.nan
    assert any(reason.startswith("R-hat of decay[spot] is nan") for reason in judge(draws))


def test_divergences_fail(draws):
    diverging = np.zeros((4, 500), bool)
    diverging[2, 7] = True
    (reason,) = judge(draws, diverging)
    assert reason.startswith("1 divergences, wanted at most 0")


@pytest.mark.parametrize("fraction", [0.1, np.nan])
def test_chains_that_hardly_change_energy_fail(draws, fraction):
    (reason,) = judge(draws, energy_fraction=fraction)
    assert reason.startswith(f"E-BFMI is {fraction:.2f}, wanted at least 0.3")


def test_two_worst_parameters_are_counted_and_the_worst_is_named(draws):
    draws["decay"][0, :, 0] += 1.0
    draws["decay"][0, :, 1] += 3.0
    reason = next(reason for reason in judge(draws) if reason.startswith("R-hat"))
    assert "decay[brand]" in reason
    assert "; 1 more; sample longer" in reason


def test_a_tail_that_hardly_moves_is_named(draws):
    values = draws["decay"].data[:, :, 0]
    values[:, 100:160] = np.abs(values[:, 100:160]) + 4  # one visit to the tail
    reasons = judge(draws)
    assert any(reason.startswith("tail ESS of decay[spot] is") for reason in reasons)


def test_the_worst_figures_are_told_and_not_a_number_stays(draws):
    table = diagnose(draws)
    told = summarise_convergence(
        table, energy_fraction=np.array([0.8, 0.5]), diverging=np.array([[True, False]]), pareto_k=np.array([0.2, 0.8])
    )
    assert (told.divergences, told.ebfmi, told.max_pareto_k) == (1, 0.5, 0.8)
    assert told.max_rhat == table["rhat"].max()
    table.loc[1, "ess_tail"] = np.nan
    spoiled = summarise_convergence(
        table, energy_fraction=np.array([np.nan, 0.5]), diverging=np.zeros((1, 2), bool), pareto_k=np.array([0.2])
    )
    assert np.isnan(spoiled.min_ess_tail)
    assert np.isnan(spoiled.ebfmi)
    assert spoiled.min_ess_bulk == table["ess_bulk"].min()


def test_the_verdict_of_a_fit_agrees_with_its_tables(fitted):
    strict = PrecisionGate(min_ess=1e6)
    reasons = fitted.verdict(strict)
    worst = fitted.diagnostics().sort_values("ess_bulk").iloc[0]
    assert any(reason.startswith("bulk ESS of") and worst["parameter"] in reason for reason in reasons)
    assert fitted.convergence().min_ess_bulk == worst["ess_bulk"]


def test_shares_that_cannot_be_are_told_with_their_cure():
    def told(tv, search, baseline):
        table = [
            ("channel", "tv", tv),
            ("channel", "search", search),
            ("tactical", "spot", 9.0),
            ("baseline", "baseline", baseline),
        ]
        rows = [(level, node, 1000 * share, 0.0, 0.0, share, 0.0, 0.0) for level, node, share in table]
        return warn_of_shares(pd.DataFrame(rows, columns=list(results.MEDIA_TOTALS.columns)), "channel")

    assert told(0.2, 0.3, 0.5) == ()
    media, baseline = told(0.9, 0.33, -0.23)
    assert "123%" in media
    assert "-23%" in baseline
    assert "priors.effect_median" in media
