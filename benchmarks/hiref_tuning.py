"""Tuning through the flow that people run: trials per minute, and the gain on weeks that no trial saw.

    python -m benchmarks.hiref_tuning --settings deployments/demo.yaml --trials 60

Everything is kept in a temporary home. Prints a table and one line of JSON.
"""

import argparse
import json
import os
import tempfile
import time


def main() -> None:
    """Tune once, and say what it took and what it gave."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml")
    parser.add_argument("--sales")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=30.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HIERFORECAST_HOME"] = home
        from flows.tune_hiref import tune_hiref  # after the home is set, which Prefect reads at import

        began = time.process_time()
        tuned = tune_hiref(**vars(args))
        figures = {
            "benchmark": "hiref_tuning",
            "trials": tuned.found.trials,
            "cut_short": tuned.found.pruned,
            "trials_per_minute": round(tuned.found.per_minute, 1),
            "cpu_seconds_in_all": round(time.process_time() - began, 1),
            "wape_given": round(tuned.found.given, 5),
            "wape_best": round(tuned.found.wape, 5),
            "unseen_given": round(tuned.before, 5),
            "unseen_tuned": round(tuned.after, 5),
            "unseen_gain": round(tuned.before - tuned.after, 5),
        }
        print(tuned.summary)
    print("\n".join(f"{name:<20} {value}" for name, value in figures.items()))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
