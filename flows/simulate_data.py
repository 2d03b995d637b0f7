"""Make a company with known truth, as files to look at or to copy settings for.

python -m flows.simulate_data --seed 3 --out made/
"""

import argparse

from prefect import flow

from flows.command_line import call
from tasks import environment, simulation

environment.prepare()


@flow(name="simulate-data")
def simulate_data(seed: int = 1, weeks: int = 156, out: str = "made") -> list[str]:
    """Write `sales.parquet`, `media.parquet` and the truth that made them (`true_*.parquet`) into a folder.

    Args:
        seed: equal seeds give equal companies.
        weeks: weeks with a known target, at least 60.
        out: the folder.
    """
    return simulation.write_company(seed, weeks=weeks, out=out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=156)
    parser.add_argument("--out", default="made")
    call(simulate_data, **vars(parser.parse_args()))
