"""One file per page: PATH, TITLE, `layout` (what it starts with) and `register` (its callbacks)."""

from dashboard.pages import contributions, forecasts, media, overview, versions

PAGES = (overview, forecasts, contributions, media, versions)
