"""Versions on a real shelf: registered in full once, further ones of the same run and model, and what is decided of them."""

from hierforecast.gates import Decision, GateResult
from tasks.registry import versions
from tasks.registry.records import CHALLENGER

HELD = Decision((GateResult("bottom WAPE", 0.1, None, held=True, sentence="fine"),))
BROKEN = Decision((GateResult("bottom WAPE", 0.9, 0.2, held=False, sentence="bottom WAPE is 0.9, at most 0.2"),))
ASKS = Decision(HELD.results, manual=True)


def register(trained, fingerprint="f" * 64):
    company, evidence, rows, answer = trained
    return versions.register(company, "hiref", fingerprint, evidence, example=rows, answer=answer)


def another(shelf, fingerprint):
    """A further version, of the first one's run and model: logging takes longer than all that is tested with it."""
    first = shelf.get_model_version("demo-hiref", "1")
    source = shelf.get_model_version_download_uri("demo-hiref", "1")
    tags = {**{name: first.tags[name] for name in ("company", "family", "seal")}, "fingerprint": fingerprint}
    shelf.create_model_version("demo-hiref", source, first.run_id, tags=tags)
    made = versions.find("demo", "hiref", fingerprint)
    shelf.set_registered_model_alias("demo-hiref", CHALLENGER, made.version)
    return made


def aliases(shelf) -> dict[str, str]:
    return {name: str(version) for name, version in shelf.get_registered_model("demo-hiref").aliases.items()}
