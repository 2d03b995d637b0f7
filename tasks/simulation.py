"""A made company as files."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hierforecast import synthetic
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
