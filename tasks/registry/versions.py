"""Versions: log a run with everything people look at, register it, find it again by its fingerprint."""

import contextlib
import json
import logging
import re
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow.parquet as pq
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo

import hierforecast
from hierforecast.errors import PanelError, SettingsError, nearest
from hierforecast.layout import registered_name
from hierforecast.schema import Company
from hierforecast.seal import SEAL_TAG
from hierforecast.settings import parse_company
from tasks.registry import sealing
from tasks.registry.check_report import log_report, warnings_tag
from tasks.registry.connection import client
from tasks.registry.numbers import log_numbers
from tasks.registry.records import CHALLENGER, CHAMPION, Evidence, Version
from tasks.registry.runs import git_revision, open_run
from tasks.registry.settings_text import as_yaml
from tasks.registry.signatures import signature_of

_log = logging.getLogger(__name__)
FAMILIES = ("hiref", "precision")
COMPANY_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")  # as the settings' schema has it
_SERVED_MODEL = Path(__file__).with_name("served_model.py")
_NESTED = ("model", "priors")  # of a media panel's settings
_SHOWN_ROWS = 500  # a table up to this size is also logged as MLflow's pages show one


def find(company: str, family: str, fingerprint: str) -> Version | None:
    """The version with this fingerprint, if it was registered before; of several, which no run leaves, the first."""
    known = [version for version in all_versions(company, family) if version.fingerprint == fingerprint]
    return min(known, key=lambda version: int(version.version), default=None)


def all_versions(company: str, family: str) -> list[Version]:
    """Every registered version of a company's family."""
    return [_described(version) for version in client().search_model_versions(f"name = '{_name(company, family)}'")]


def champion(company: str, family: str) -> Version | None:
    """The version behind the alias `champion`, with the settings it was trained on; None where there is none.

    Its settings are None where this release cannot read them any more.

    Raises:
        MlflowException: the registry cannot be asked. That is not the same as having no champion.
        SealError: its settings are not those that were registered.
    """
    server, name = client(), _name(company, family)
    try:
        # Not straight by the alias: a server with logins forbids the alias of a model that is not there, and says no more.
        number = server.get_registered_model(name).aliases.get(CHAMPION)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    if number is None:
        return None
    version = server.get_model_version(name, str(number))
    found = _described(version)
    raw = json.loads(sealing.sealed_text(found, "settings.json"))
    try:
        settings = parse_company(raw, source=f"settings of {version.name} version {version.version}")
    except SettingsError as error:
        _log.warning("%s", error)
        settings = None
    return found.model_copy(update={"settings": settings})


def load_champion(company: str, family: str) -> tuple[Any, Version]:
    """The champion as a pyfunc model, and which version it is.

    Raises:
        PanelError: the company has no champion of this family yet.
        SealError: a file of it was changed, added or removed since it was registered; nothing of it was run.
    """
    version = champion(company, family)
    if version is None:
        raise PanelError(f"no champion of {registered_name(company, family)!r} yet; run weekly-retrain for it first")
    return sealing.load(version), version


def register(
    company: Company,
    family: str,
    fingerprint: str,
    evidence: Evidence,
    *,
    example: pd.DataFrame,
    answer: pd.DataFrame,
    as_challenger: bool = True,
) -> Version:
    """Log a run with parameters, metrics, tables, checks and model, and register its model.

    The version is made last, after everything it refers to is in place; a run that dies before is marked failed and
    makes no version.

    Args:
        company: settings, logged as parameters and as `settings.json`.
        family: "hiref" or "precision".
        fingerprint: tag that a rerun finds this version by.
        evidence: what to log.
        example: a few rows of the model's input, for the signature.
        answer: what the model answers to them.
        as_challenger: whether it takes the alias `challenger`.
    """
    name = registered_name(company.company, family)
    tags = {"company": company.company, "family": family, "fingerprint": fingerprint, **evidence.tags}
    tags |= warnings_tag(evidence.checks)
    with open_run(company.company, f"{family} {evidence.tags.get('trained_to', '')}".strip(), tags) as run_id:
        server = client()
        log_numbers(run_id, params=_parameters(company, family))
        texts = {
            "settings.json": json.dumps(company.model_dump(mode="json"), indent=2),
            "settings.yaml": as_yaml(company),
            "diagnostics.json": json.dumps(evidence.diagnostics, indent=2, default=str),
        }
        for path, text in texts.items():
            server.log_text(run_id, text, path)
        _log_folders(run_id, evidence)
        with mlflow.start_run(run_id=run_id, nested=True):
            logged = mlflow.pyfunc.log_model(
                name=family,
                python_model=str(_SERVED_MODEL),
                artifacts={"model": evidence.model},
                signature=signature_of(company, family, example, answer),
                input_example=example,
                pip_requirements=[f"hierforecast[{family}]=={hierforecast.__version__}"],
                tags={"family": family, "company": company.company},
            )
        # After the model: MLflow reads back, one by one, every metric that a run has when a model is logged.
        log_numbers(run_id, metrics=evidence.metrics, model_id=logged.model_id)
        log_numbers(run_id, courses=evidence.courses)
        tags = {**tags, SEAL_TAG: sealing.seal_run(run_id, logged.model_uri, evidence, texts)}
    return _make_version(name, logged, run_id, tags, as_challenger=as_challenger)


def _log_folders(run_id: str, evidence: Evidence) -> None:
    """Tables, checks and pictures; small tables once more as MLflow's pages show them."""
    server = client()
    server.log_artifacts(run_id, evidence.tables, "tables")
    log_report(run_id, evidence.checks)
    if evidence.plots:
        server.log_artifacts(run_id, evidence.plots, "plots")
    for path in sorted(Path(evidence.tables).glob("*.parquet")):
        if pq.read_metadata(path).num_rows <= _SHOWN_ROWS:
            server.log_table(run_id, _readable(pd.read_parquet(path)), f"shown/{path.stem}.json")


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers rounded to what a page has room for, dates as text."""
    dates = {name: table[name].astype(str) for name in table.select_dtypes("datetime").columns}
    numbers = {name: table[name].map(lambda value: float(f"{value:.5g}")) for name in table.select_dtypes("floating").columns}
    return table.assign(**dates, **numbers).astype(object).where(table.notna(), None)


def log_stopped_run(company: str, checks: str, message: str) -> str:
    """Keep the evidence of a run that the checks stopped: a failed run with the report, and no version. Returns its id."""
    with (
        contextlib.suppress(_StoppedError),
        open_run(company, "stopped by checks", {"company": company, "stopped": message[:4000]}) as run_id,
    ):
        log_report(run_id, checks)
        raise _StoppedError
    return run_id


class _StoppedError(Exception):
    """Ends a run as failed without being anybody's error."""


def _make_version(name: str, logged: ModelInfo, run_id: str, tags: dict[str, str], *, as_challenger: bool) -> Version:
    server = client()
    with contextlib.suppress(MlflowException):  # it exists already
        server.create_registered_model(name, tags={"company": tags["company"], "family": tags["family"]})
    tags = {**tags, "git_revision": git_revision()}
    # A server takes the address of a model only with its id; the embedded store would do without.
    made = server.create_model_version(name, logged.model_uri, run_id, tags=tags, model_id=logged.model_id)
    first = _first_of_its_kind(name, tags["fingerprint"])
    if first and int(first.version) < int(made.version):
        _give_way(made, first)
        return _described(first)
    if as_challenger:
        server.set_registered_model_alias(name, CHALLENGER, made.version)
    return _described(server.get_model_version(name, made.version))


def _first_of_its_kind(name: str, fingerprint: str) -> ModelVersion | None:
    """The lowest version of a fingerprint. Numbers rise with time, so of two machines that register at once both see it."""
    found = [v for v in client().search_model_versions(f"name = '{name}'") if v.tags.get("fingerprint") == fingerprint]
    return min(found, key=lambda version: int(version.version), default=None)


def _give_way(made: ModelVersion, first: ModelVersion) -> None:
    """Take back a version that another machine has made at the same time; its run stays, and says so."""
    _log.warning("%s: another run has just registered version %s of the same ingredients", made.name, first.version)
    client().delete_model_version(made.name, made.version)
    client().set_tag(made.run_id, "same_as_version", str(first.version))


def _name(company: str, family: str) -> str:
    """The registered model's name, which becomes part of a query: made of letters, digits and dashes alone."""
    if family not in FAMILIES:
        raise SettingsError(f"family {family!r} is unknown; {nearest(family, FAMILIES)}")
    if not COMPANY_NAME.fullmatch(company):
        raise SettingsError(f"company {company!r}: a name has lower-case letters, digits and dashes, at most 41 of them")
    return registered_name(company, family)


def _described(version: ModelVersion) -> Version:
    return Version(
        name=version.name,
        version=str(version.version),
        run_id=version.run_id,
        fingerprint=version.tags.get("fingerprint", ""),
        decision=version.tags.get("decision"),
        judged_against=version.tags.get("judged_against") or None,
        told=version.description or "",
    )


def _parameters(company: Company, family: str) -> dict[str, Any]:
    """Settings as flat MLflow parameters: ``sales.levels``, ``sales.driver.price``, ``training.ridge`` ..."""
    panel, options = (company.sales, company.training) if family == "hiref" else (company.media, company.sampling)
    part = "sales" if family == "hiref" else "media"
    fields = panel.model_dump(mode="json", exclude={"drivers"})
    # One parameter each, so that runs can be compared by them.
    deeper = {f"{name}.{key}": value for name in _NESTED if name in fields for key, value in fields.pop(name).items()}
    flat = {f"{part}.{key}": value for key, value in (fields | deeper).items()}
    flat |= {
        f"{'training' if family == 'hiref' else 'sampling'}.{key}": value
        for key, value in options.model_dump(mode="json").items()
    }
    if family == "hiref":
        drivers = panel.model_dump(mode="json")["drivers"]
        flat |= {
            f"sales.driver.{driver['name']}": {key: value for key, value in driver.items() if value is not None}
            for driver in drivers
        }
    return flat
