"""A made market in a company's settings: what its analyst would declare, with the carry-over and saturation that hold."""

from typing import Any

from hierforecast.synthetic.assembly import LEVELS, TARGET, MarketTruth
from hierforecast.synthetic.outside import USUAL_CONFIDENCE
from hierforecast.synthetic.shelf import FULL_DISTRIBUTION

HOLDOUT = {"day": 91, "week": 13, "month": 6}  # periods held out for the gate, and forecast ahead


def declare(truth: MarketTruth, *, company: str = "market", path: str | None = "sales.parquet") -> dict[str, Any]:
    """The settings that fit a market, as `settings.parse_company` reads them and YAML writes them.

    Args:
        truth: of the market.
        company: names the registered models.
        path: of the sales file, relative to the settings; None leaves it out.
    """
    frequency = truth.size.frequency
    sales = {
        **({"path": path} if path else {}),
        "period": frequency,
        "frequency": frequency,
        "target": {"name": TARGET, "unit": f"units / {frequency}"},
        "levels": LEVELS,
        "horizon": min(HOLDOUT[frequency], max(truth.size.periods // 4, 1)),
        "link": "log",
        "gaps": "allow",  # launches, delistings, rows that were never delivered
        "holidays": {
            "dates": {name: [day.isoformat() for day in days] for name, days in truth.holidays.items()},
            "by": ["segment"],
        },
        "drivers": _drivers(truth),
    }
    return {"company": company, "sales": sales, "training": {"seasonality": 2, "season_by": ["segment"], "trend": True}}


def _drivers(truth: MarketTruth) -> list[dict[str, Any]]:
    law, per = truth.law, f"kEUR / {truth.size.frequency}"
    drivers = [
        _driver("price", "-", "EUR", ["brand", "pack"], transform="log", reference="reference_price"),
        # Free, because what a promotion sells now is partly missing in the periods after it.
        _driver("depth", "free", "share", ["brand"], lags=[0, 1, 2], upper=1),
        _driver("feature", "+", "share", ["brand"], upper=1),
        _driver("display", "+", "share", ["segment"], upper=1),
        _driver("distribution", "+", "points", [], reference=FULL_DISTRIBUTION, upper=100),
        _driver("tv_spend", "+", per, ["region"], adstock=law.tv_decay, saturation={"kind": "hill", "half": law.tv_half}),
        _driver(
            *("digital_spend", "+", per, ["region"]),
            adstock=law.digital_decay,
            saturation={"kind": "log", "half": law.digital_half},
        ),
        _driver("trade_spend", "+", per, ["brand"]),
        {"name": "temperature", "unit": "°C", "by": ["segment"], "reference": "mean"} | _measured(),
        {"name": "confidence", "unit": "points", "by": [], "reference": USUAL_CONFIDENCE} | _measured(),
    ]
    if law.cannibalisation:
        drivers.append(_driver("rival_depth", "-", "share", [], upper=1))
    wasted = [f"noise_{number + 1:03d}" for number in range(law.noise_drivers)]
    return drivers + [{"name": name, "by": [], "reference": "mean"} for name in wasted]


def _driver(name: str, sign: str, unit: str, by: list[str], **declared: Any) -> dict[str, Any]:
    return {"name": name, "sign": sign, "unit": unit, "by": by, "lower": 0} | declared


def _measured() -> dict[str, Any]:
    return {"known_ahead": False, "availability_lag": 1}
