"""A made company or market as files."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from prefect import task
from prefect.cache_policies import NO_CACHE

from hierforecast import synthetic
from hierforecast.errors import PanelError, nearest
from hierforecast.synthetic import MarketSize, SalesLaw
from hierforecast.whole_files import write_text
from tasks.panels import write_parquet


@task(name="write-company", cache_policy=NO_CACHE)
def write_company(seed: int, *, weeks: int, out: str) -> list[str]:
    """Make a company and write its panels and truth; returns the paths."""
    made = synthetic.company(seed, weeks=weeks)
    tables = {
        "sales": made.sales,
        "media": made.media,
        "true_elasticities": made.truth.elasticities,
        "true_sales_parts": made.truth.sales.parts,
        "true_decay": made.truth.decay,
        "true_media_contributions": made.truth.media.contributions,
    }
    return [str(write_parquet(table, Path(out) / f"{name}.parquet")) for name, table in tables.items()]


@task(name="write-market", cache_policy=NO_CACHE)
def write_market(seed: int, *, size: Mapping[str, Any], law: Mapping[str, Any], out: str) -> list[str]:
    """Make a market and write its panel, its truth, and the settings that fit it; returns the paths.

    Raises:
        PanelError: `size` or `law` names something that a market does not have, or a value out of bounds.
    """
    made = synthetic.market(size=_chosen(MarketSize, size), law=_chosen(SalesLaw, law), seed=seed)
    tables = {"sales": made.panel, "true_sales_parts": made.truth.parts, "true_effects": made.truth.effects}
    paths = [str(write_parquet(table, Path(out) / f"{name}.parquet")) for name, table in tables.items()]
    settings = Path(out) / "settings.yaml"
    text = yaml.safe_dump(
        synthetic.declare(made.truth), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )
    write_text(settings, f"# A made market, seed {seed}; its truth lies beside it.\n{text}")
    return [*paths, str(settings)]


def _chosen(options: type[MarketSize] | type[SalesLaw], given: Mapping[str, Any]) -> Any:
    """Options with some fields replaced. Raises PanelError for a name that is no field."""
    valid = [item.name for item in fields(options)]
    for name in given:
        if name not in valid:
            raise PanelError(f"{options.__name__} has no {name!r}; {nearest(name, valid)}")
    return options(**given)
