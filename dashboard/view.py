"""What one look at a page is about: the registry as it is now, the company, and the rest of the address."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode

from dashboard.catalog import Catalog, Version
from dashboard.registry import Registry


class View(NamedTuple):
    """The arguments of every page's `layout`.

    Args:
        company: the one the address names, else the first.
        query: all values of the address by key, e.g. ``{"company": ["demo"], "brand": ["Alba", "Brio"]}``.
    """

    registry: Registry
    catalog: Catalog
    company: str
    query: Mapping[str, list[str]]

    def shown(self, family: str) -> Version | None:
        """The version of a family that the page starts with: the alias in the address, else the champion."""
        return self.catalog.shown(self.company, family, next(iter(self.query.get("alias", [])), None))


def look_at(registry: Registry, search: str | None) -> View:
    """Read the address' query, e.g. ``?company=demo``; an unknown company falls back to the first."""
    query = parse_qs((search or "").lstrip("?"))
    catalog = registry.catalog()
    asked = next(iter(query.get("company", [])), "")
    company = asked if asked in catalog.companies else next(iter(catalog.companies), "")
    return View(registry, catalog, company, query)


def link(path: str, company: str) -> str:
    """The address of a page for a company."""
    return f"{path}?{urlencode({'company': company})}"
