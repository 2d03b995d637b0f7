"""The truth table: what must stop stops, what is near warns, and nothing that looks alike is ever stopped."""

import pandas as pd
import pytest

from benchmarks.leakage_cases import HORIZON, LOOK_ALIKES, PLANTED, Case, make_world
from benchmarks.leakage_truth import ALLOWED, kinds, verdict
from expectations.validation import validate
from hierforecast.settings import parse_company


def named(pairs):
    return [pytest.param(case, kind, id=f"{case.name}, {kind}") for case, kind in pairs]


PAIRS = [(case, kind) for case in (*PLANTED, *LOOK_ALIKES) for kind in kinds(case)]
CASES = named(PAIRS)
# A media panel has no key columns, and its metrics declare lags of another kind.
SUITES = named((case, kind) for case, kind in PAIRS if kind != "single" or not (case.levels or case.lag))
CHECKS = {"leakage", "near_leakage", "encoded_keys", "copied_periods", "lags"}


def test_the_table_is_long_enough():
    assert len(PLANTED) >= 25
    assert len(LOOK_ALIKES) >= 10
    names = [case.name for case in (*PLANTED, *LOOK_ALIKES)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("case", "kind"), CASES)
def test_every_case_gets_its_verdict(case, kind):
    assert verdict(case, 0, single=kind == "single") in ALLOWED[case.expected]


@pytest.mark.slow
@pytest.mark.parametrize("smooth", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(("case", "kind"), CASES)
def test_every_case_gets_its_verdict_whatever_the_seed_and_the_season(case, kind, smooth):
    allowed = ALLOWED[case.expected] | ({"stop"} if case.expected == "warn" and smooth < 0.5 else set())
    assert {verdict(case, seed, single=kind == "single", smooth=smooth) for seed in (1, 2, 3)} <= allowed


def report_of(case: Case, frame: pd.DataFrame, levels: list[str]):
    """What the whole suite says of a case in a sales panel, or, without levels, in a media panel."""
    if levels:
        lag = {"lag_of": "units", "lag_periods": case.lag} if case.lag else {}
        planned = bool(frame.loc[frame["units"].isna(), "x"].notna().any())
        drivers = [{"name": "x", "known_ahead": planned and not lag, **lag}, {"name": "price"}]
        sales = {"target": "units", "levels": [*levels, *case.levels], "drivers": drivers, "horizon": HORIZON}
        panel = parse_company({"company": "case", "sales": sales | ({"gaps": "allow"} if case.levels else {})}).sales
    else:
        media = {"target": "units", "levels": ["tactical"], "tree": ["x"], "metrics": {"spend": {"column": "{tactical}"}}}
        panel = parse_company({"company": "case", "media": {**media, "controls": ["price"], "horizon": HORIZON}}).media
    return validate(frame.drop(columns="number"), panel, name=case.name)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "kind"), SUITES)
def test_every_case_gets_its_verdict_from_the_whole_suite(case, kind):
    world = make_world(4, single=kind == "single")
    report = report_of(case, case.make(world), world.levels)
    stopped = {result.check for result in report.failures} & CHECKS
    warned = {result.check for result in report.warnings} & CHECKS
    assert ("stop" if stopped else "warn" if warned else "pass") in ALLOWED[case.expected], report.message()
    assert all(result.keys for result in (*report.failures, *report.warnings) if result.check in CHECKS)


@pytest.mark.parametrize("name", ["the target", "a centred mean of 5 weeks", "a noisy copy, r = 0.95", "nothing"])
def test_the_suite_says_the_same_as_the_laws(name):
    case = next(case for case in (*PLANTED, *LOOK_ALIKES) if case.name == name)
    world = make_world(5, single=False)
    report = report_of(case, case.make(world), world.levels)
    found = {result.check for result in (*report.failures, *report.warnings)} & CHECKS
    assert found == {"stop": {"leakage"}, "warn": {"near_leakage"}, "pass": set()}[case.expected]
