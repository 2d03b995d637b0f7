"""The truth table of the leakage and lag checks: planted faults that must stop or warn, look-alikes that must not.

    python -m benchmarks.leakage_truth --seeds 100

Numbers only, without Great Expectations: the laws of the checks are called as the checks call them.
"""

import argparse
from collections import Counter

import pandas as pd

from benchmarks.leakage_cases import HORIZON, LOOK_ALIKES, PLANTED, Case, World, make_world
from expectations.declared_lags import ExpectDeclaredLag
from expectations.leakage.encoded_keys import find_encoded_keys
from expectations.leakage.held_out import find_copied_periods
from expectations.leakage.verdicts import find_leaks
from expectations.panel_view import PanelView

STOP, WARN, PASS = "stop", "warn", "pass"
ALLOWED = {"stop": {STOP}, "warn": {WARN}, "at most warn": {WARN, PASS}, "pass": {PASS, WARN}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--smooth", type=float, default=0.5, help="share of the target's variance that is trend and season")
    parser.add_argument("--only", default="", help="cases whose name has this")
    args = parser.parse_args()
    for title, cases in (("planted", PLANTED), ("look-alikes", LOOK_ALIKES)):
        print(f"\n{title:55} {'expected':13} {'panel':8} {'stop':>5} {'warn':>5} {'pass':>5} {'wrong':>6}")
        for case in (case for case in cases if args.only in case.name):
            for kind in kinds(case):
                said = Counter(verdict(case, seed, single=kind == "single", smooth=args.smooth) for seed in range(args.seeds))
                wrong = sum(count for answer, count in said.items() if answer not in ALLOWED[case.expected])
                counts = " ".join(f"{said[answer]:5}" for answer in (STOP, WARN, PASS))
                print(f"{case.name:55} {case.expected:13} {kind:8} {counts} {wrong:6}", flush=True)


def kinds(case: Case) -> list[str]:
    """The kinds of panel in which a case makes sense."""
    return [kind for kind, sensible in (("single", case.single), ("several", case.several)) if sensible]


def verdict(case: Case, seed: int, *, single: bool, smooth: float = 0.5) -> str:
    """What the checks say of a case: "stop", "warn" or "pass"."""
    world = make_world(seed, single=single, smooth=smooth)
    return judge(world, case, case.make(world))


def judge(world: World, case: Case, frame: pd.DataFrame) -> str:
    """What the checks say of a panel, the worst of them."""
    view = PanelView(frame, (*world.levels, *case.levels), "week", "week")
    plain = PanelView(frame, tuple(world.levels), "week", "week")
    leaks = find_leaks(plain, "units", {"x": 0}, horizon=HORIZON).leaks
    stopped = any(leak.verdict == "stop" for leak in leaks)
    stopped |= bool(case.levels and find_encoded_keys(view, "units"))
    stopped |= bool(find_copied_periods(plain, "units", ["x", "price"], horizon=HORIZON))
    if case.lag is not None:
        where = {"levels": list(world.levels), "period": "week", "frequency": "week"}
        declared = ExpectDeclaredLag(column="x", lag_of="units", lag_periods=case.lag, **where)
        stopped |= declared.find(plain).count > 0
    return STOP if stopped else WARN if leaks else PASS


if __name__ == "__main__":
    main()
