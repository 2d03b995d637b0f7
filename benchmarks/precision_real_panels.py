"""The public marketing mix data sets as panels of one shape: period, target, controls, and two columns per tactical.

`{tactical}` holds the exposure and `{tactical}_spend` the money; what has no price of its own has a spend of 0.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

RETAIL_MEDIA = {
    "direct_mail": "dm",
    "insert": "inst",
    "newspaper": "nsp",
    "radio_digital": "auddig",
    "radio": "audtr",
    "tv": "vidtr",
    "video_digital": "viddig",
    "social": "so",
    "display": "on",
    "email": "em",
    "sms": "sms",
    "affiliate": "aff",
    "search": "sem",
}
ROBYN_MEDIA = {  # exposure and spend
    "tv": ("tv_S", "tv_S"),
    "out_of_home": ("ooh_S", "ooh_S"),
    "print": ("print_S", "print_S"),
    "facebook": ("facebook_I", "facebook_S"),
    "search": ("search_clicks_P", "search_S"),
    "newsletter": ("newsletter", None),
}
GEO_MEDIA = tuple(f"channel{place}" for place in range(4))
ONE_GEO = "Geo0"


def read_retail(data: Path) -> pd.DataFrame:
    """A retailer's 209 weeks: impressions of 13 media, spend of 10 of them, holidays as flags."""
    raw = pd.read_csv(data / "mmm_retail" / "data.csv", parse_dates=["wk_strt_dt"])
    kept = raw[
        ["wk_strt_dt", "sales", *(name for name in raw if not name.startswith(("mdip_", "mdsp_", "wk_")) and name != "sales")]
    ]
    kept = kept.rename(columns={"wk_strt_dt": "week"})
    media = {name: raw[f"mdip_{short}"] for name, short in RETAIL_MEDIA.items()}
    spend = {f"{name}_spend": raw.get(f"mdsp_{short}", 0.0) for name, short in RETAIL_MEDIA.items()}
    return kept.assign(**media, **spend)


def read_robyn(data: Path) -> pd.DataFrame:
    """208 simulated weeks of a shop with five paid media, a newsletter and a competitor whose sales move alike."""
    raw = pd.read_csv(data / "mmm_robyn" / "dt_simulated_weekly.csv", parse_dates=["DATE"])
    own = {"week": raw["DATE"], "revenue": raw["revenue"], "competitor_sales": raw["competitor_sales_B"]}
    events = {name: (raw["events"] == name).astype(float) for name in ("event1", "event2")}
    media = {name: raw[exposure] for name, (exposure, _) in ROBYN_MEDIA.items()}
    spend = {f"{name}_spend": raw[column] if column else 0.0 for name, (_, column) in ROBYN_MEDIA.items()}
    return pd.DataFrame({**own, **events, **media, **spend})


def read_geos(data: Path) -> pd.DataFrame:
    """156 weeks of all 20 geos together: media and conversions are summed, controls weighted by population."""
    return _weekly(_geo_table(data))


def read_one_geo(data: Path) -> pd.DataFrame:
    """156 weeks of one geo."""
    table = _geo_table(data)
    return _weekly(table[table["geo"] == ONE_GEO])


def _geo_table(data: Path) -> pd.DataFrame:
    return pd.read_csv(data / "mmm_meridian_geo" / "geo_media.csv", parse_dates=["time"]).rename(columns={"time": "week"})


def _weekly(table: pd.DataFrame) -> pd.DataFrame:
    media = {f"Channel{place}_impression": name for place, name in enumerate(GEO_MEDIA)}
    spend = {f"Channel{place}_spend": f"{name}_spend" for place, name in enumerate(GEO_MEDIA)}
    controls = {"competitor_activity_score_control": "competitor", "sentiment_score_control": "sentiment"}
    table = table.rename(columns={**media, **spend, **controls})
    people = table["population"] / table.groupby("week")["population"].transform("sum")
    table[list(controls.values())] = table[list(controls.values())].mul(people, axis=0)
    wanted = [*media.values(), *spend.values(), *controls.values(), "conversions"]
    return table.groupby("week", as_index=False)[wanted].sum()


PANELS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "retail": read_retail,
    "robyn": read_robyn,
    "geo": read_geos,
    "one_geo": read_one_geo,
}
