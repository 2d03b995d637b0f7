"""Make a company with known truth, as files to look at, to train on, or to copy settings for.

python -m flows.simulate_data --seed 3 --out made/
python -m flows.simulate_data --market --states 25 --brands 36 --packs 9 --out made/ && ./start.sh --settings made/settings.yaml

Any option of a market's size or law stands for --market too.
"""

import argparse
from dataclasses import fields
from typing import Any

from prefect import flow

from flows.command_line import call
from hierforecast.synthetic import MarketSize, SalesLaw
from tasks import environment, simulation

environment.prepare()


@flow(name="simulate-data", result_serializer="json")
def simulate_data(
    seed: int = 1,
    weeks: int = 156,
    out: str = "made",
    size: dict[str, Any] | None = None,
    law: dict[str, Any] | None = None,
) -> list[str]:
    """Write panels and the truth that made them (`true_*.parquet`) into a folder: the demo company, or a market.

    The demo company has `sales.parquet` and `media.parquet`; a market has `sales.parquet` and `settings.yaml`.

    Args:
        seed: equal seeds give equal companies.
        weeks: of the demo company: weeks with a known target, at least 60.
        out: the folder.
        size: makes a market: fields of `synthetic.MarketSize`, e.g. {"states": 25}; {} is its usual size.
        law: makes a market: fields of `synthetic.SalesLaw`, e.g. {"noise": 0.2}; {} is its usual law.
    """
    if size is None and law is None:
        return simulation.write_company(seed, weeks=weeks, out=out)
    return simulation.write_market(seed, size=size or {}, law=law or {}, out=out)


def read_arguments(words: list[str] | None = None) -> dict[str, Any]:
    """The flow's arguments from a command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.simulate_data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=156, help="of the demo company")
    parser.add_argument("--out", default="made")
    parser.add_argument("--market", action="store_true", help="make a market in place of the demo company")
    for options, title in ((MarketSize, "size of a market"), (SalesLaw, "law of a market")):
        group = parser.add_argument_group(title)
        for item in fields(options):
            told = f"{item.metadata['why']} (default {item.default})".replace("%", "%%")
            choices = item.metadata.get("choices")
            group.add_argument(f"--{item.name.replace('_', '-')}", type=type(item.default), choices=choices, help=told)
    given = {name: value for name, value in vars(parser.parse_args(words)).items() if value is not None}
    arguments = {name: given[name] for name in ("seed", "weeks", "out")}
    chosen = [{item.name: given[item.name] for item in fields(o) if item.name in given} for o in (MarketSize, SalesLaw)]
    return arguments | (dict(zip(("size", "law"), chosen, strict=True)) if given["market"] or any(chosen) else {})


if __name__ == "__main__":
    call(simulate_data, **read_arguments())
