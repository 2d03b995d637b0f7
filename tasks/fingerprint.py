"""What a version was made of, as one digest: equal fingerprints mean that training again would make the same version."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import hierforecast
from hierforecast.schema import Company
from tasks.panels import PanelReference

_FAMILIES = ("hiref", "precision")


def fingerprint(company: Company, panel: PanelReference, family: str) -> str:
    """SHA-256 of the panel's content, the settings that reach the family, the package's version and its source."""
    ingredients = {
        "family": family,
        "panel": panel.digest,
        "settings": family_settings(company, family),
        "version": hierforecast.__version__,
        "source": source_digest(family),
    }
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


def family_settings(company: Company, family: str) -> dict[str, Any]:
    """The part of the settings that shapes a family's model: the panel and how it is fitted, not its path, checks or gates."""
    panel, options = (company.sales, company.training) if family == "hiref" else (company.media, company.sampling)
    return {
        "panel": panel.model_dump(mode="json", exclude={"path", "checks"}),
        "options": options.model_dump(mode="json"),
    }


@cache
def source_digest(family: str) -> str:
    """SHA-256 of the Python source that a family runs: the shared library and its own package, not the other's."""
    root = Path(hierforecast.__file__).parent
    others = {root / name for name in _FAMILIES if name != family}
    sources = [path for path in sorted(root.rglob("*.py")) if not others & set(path.parents)]
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
