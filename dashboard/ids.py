"""Ids of every component that a callback names, so that a typo is an AttributeError and not a silent nothing."""

URL = "url"
TICK = "tick"
STAMP = "stamp"
SHELL = "shell"
COMPANY = "company"

OVERVIEW_GRID = "overview-grid"
OVERVIEW_DETAIL = "overview-detail"

FORECAST_ALIAS = "forecast-alias"
FORECAST_VIEW = "forecast-view"
FORECAST_FIGURE = "forecast-figure"

CONTRIBUTION_ALIAS = "contribution-alias"
CONTRIBUTION_PART = "contribution-part"
CONTRIBUTION_BASELINE = "contribution-baseline"
CONTRIBUTION_VIEW = "contribution-view"
CONTRIBUTION_FIGURE = "contribution-figure"
ELASTICITY_DRIVER = "elasticity-driver"
ELASTICITY_VIEW = "elasticity-view"

MEDIA_ALIAS = "media-alias"
MEDIA_LEVEL = "media-level"
MEDIA_SCOPE = "media-scope"
MEDIA_VIEW = "media-view"
MEDIA_FIGURE = "media-figure"
MEDIA_DECAY_GRID = "media-decay-grid"
MEDIA_RETURNS = "media-returns"
MEDIA_RETURNS_GRID = "media-returns-grid"
MEDIA_RESPONSE = "media-response"
MEDIA_BUDGET = "media-budget"
MEDIA_BUDGET_GRID = "media-budget-grid"
MEDIA_ENSEMBLE_GRID = "media-ensemble-grid"

VERSIONS_GRID = "versions-grid"
VERSIONS_DETAIL = "versions-detail"

FILTER = "level-filter"


def level_filter(level: object) -> dict[str, object]:
    """The id of one level's filter; pass Dash's ALL for all of them."""
    return {"type": FILTER, "level": level}
