"""Reads the MLflow registry: which versions exist, what their aliases are, and the tables they carry.

The only module of the dashboard that knows MLflow. It never writes: where the embedded database does not exist yet,
no client is opened, because opening one would create and migrate the file.
"""

import json
import logging
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.entities.model_registry import ModelVersion

from dashboard.cache import ByteCache
from dashboard.catalog import Catalog, Version
from hierforecast.errors import RegistryError, SealError, SettingsError
from hierforecast.layout import registered_name, without_login
from hierforecast.results import PART, Table
from hierforecast.schema import Company
from hierforecast.seal import SEAL, SEAL_TAG, check_file, read_seal
from hierforecast.settings import parse_company

_log = logging.getLogger(__name__)

SQLITE = "sqlite:///"
TABLE_BYTES = 1_000_000_000
REMEMBER_SECONDS = 1.0  # one click fires several callbacks; they should see the same catalog, and ask only once
PAGE_SIZE = 1000
NOTHING_YET = "No model has been registered yet."


class Registry:
    """A reader of one tracking address.

    Args:
        tracking_uri: ``sqlite:///...`` for the embedded store, or a server's address.
        table_bytes: memory for tables of versions, which never change once written.
    """

    def __init__(self, tracking_uri: str, *, table_bytes: int = TABLE_BYTES) -> None:
        self.tracking_uri = tracking_uri
        self._tables: ByteCache[pd.DataFrame] = ByteCache(table_bytes, lambda frame: int(frame.memory_usage(deep=True).sum()))
        self._texts: ByteCache[str] = ByteCache(50_000_000, len)
        self._seals: ByteCache[dict[str, str]] = ByteCache(10_000_000, lambda seal: 200 * len(seal))
        self._scratch = Path(tempfile.mkdtemp(prefix="hierforecast-dashboard-"))
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._remembered = (float("-inf"), Catalog())

    def catalog(self) -> Catalog:
        """All versions with their aliases as they are now. A registry that cannot be read gives its problem in words."""
        read_at, catalog = self._remembered
        if time.monotonic() - read_at > REMEMBER_SECONDS:
            catalog = self._read_catalog()
            self._remembered = (time.monotonic(), catalog)
        return catalog

    def table(self, version: Version, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table of a version: levels as categories of text, `columns` of it or all.

        Raises:
            RegistryError: the version carries no such table, or it cannot be read.
        """
        wanted = tuple(columns) if columns else None
        return self._tables.get((version.run_id, table.name, wanted), lambda: self._read_table(version, table, wanted))

    def table_if_any(self, version: Version, table: Table) -> pd.DataFrame | None:
        """As `table`, None where the version carries none: it was trained by an earlier release."""
        try:
            return self.table(version, table)
        except SealError:
            raise
        except RegistryError:
            return None

    def settings(self, version: Version) -> Company | None:
        """The settings that a version was trained with; None where it carries none that this release understands.

        Raises:
            SealError: they are not those that were registered.
        """
        try:
            text = self._text(version, "settings.json")
            return parse_company(json.loads(text), source=f"settings of {_title(version)}")
        except SealError:
            raise
        except (RegistryError, SettingsError, ValueError) as error:
            _log.warning("%s", error)
            return None

    def metrics(self, version: Version) -> dict[str, float]:
        """The metrics of a version's run, e.g. ``wape.bottom``; empty where the run is gone."""
        try:
            text = self._texts.get(
                (version.run_id, "metrics"), lambda: json.dumps(self._client().get_run(version.run_id).data.metrics)
            )
        except Exception as error:
            _log.warning("no metrics of %s: %s", _title(version), error)
            return {}
        return json.loads(text)

    def report(self, version: Version) -> str:
        """The HTML report of the data checks. Raises RegistryError where there is none."""
        return self._text(version, "checks/report.html")

    def _client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def _read_catalog(self) -> Catalog:
        if not _exists(self.tracking_uri):
            return Catalog(problem=NOTHING_YET)
        try:
            versions = _read_versions(self._client())
        except Exception as error:
            _log.warning("registry %s", without_login(f"{self.tracking_uri}: {error}"))
            return Catalog(problem=f"The registry does not answer ({type(error).__name__}). It is asked again by itself.")
        return Catalog(versions, "" if versions else NOTHING_YET)

    def _read_table(self, version: Version, table: Table, columns: tuple[str, ...] | None) -> pd.DataFrame:
        path = self._download(version, f"tables/{table.name}.parquet")
        try:
            found = pq.read_table(path, columns=list(columns) if columns else None)
        except (OSError, pa.ArrowException, KeyError) as error:
            raise RegistryError(f"table {table.name!r} of {_title(version)} cannot be read: {error}") from None
        finally:
            path.unlink(missing_ok=True)
        return _as_categories(found, [*version.levels, PART]).to_pandas()

    def _text(self, version: Version, artifact: str) -> str:
        return self._texts.get(
            (version.run_id, artifact), lambda: self._download(version, artifact).read_text(encoding="utf-8")
        )

    def _download(self, version: Version, artifact: str) -> Path:
        """An artifact of a version, once it is the one that was registered."""
        seal = self._seal(version)
        path = self._fetch(version, artifact)
        if seal is not None:
            try:
                check_file(seal, artifact, path, of=_title(version))
            except SealError as error:
                path.unlink()
                _log.warning("%s", error)
                raise
        return path

    def _seal(self, version: Version) -> dict[str, str] | None:
        """Digests by artifact; None where the version was registered by an earlier release, without a seal."""
        digest = version.tags.get(SEAL_TAG)
        if digest is None:
            return None
        return self._seals.get(version.run_id, lambda: self._read_seal(version, digest))

    def _read_seal(self, version: Version, digest: str) -> dict[str, str]:
        try:
            text = self._fetch(version, SEAL).read_text(encoding="utf-8", errors="replace")
        except RegistryError as error:
            raise SealError(str(error)) from None
        return read_seal(text, digest, of=_title(version))

    def _fetch(self, version: Version, artifact: str) -> Path:
        folder = self._scratch / version.run_id
        folder.mkdir(exist_ok=True)
        try:
            return Path(
                mlflow.artifacts.download_artifacts(
                    run_id=version.run_id, artifact_path=artifact, dst_path=str(folder), tracking_uri=self.tracking_uri
                )
            )
        except Exception as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise RegistryError(
                f"{_title(version)} carries no readable {artifact!r} ({type(error).__name__}); train it again to write one"
            ) from None


def _exists(tracking_uri: str) -> bool:
    """Whether there is something to read: always for servers, for SQLite only a file that MLflow has set up."""
    if not tracking_uri.startswith(SQLITE):
        return True
    path = Path(tracking_uri.removeprefix(SQLITE))
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            return bool(database.execute("select count(*) from alembic_version").fetchone()[0])
    except sqlite3.Error:
        return False


def _read_versions(client: mlflow.MlflowClient) -> tuple[Version, ...]:
    """Versions that carry our tags, newest first. Aliases come with the models: a search of versions leaves them empty."""
    aliases = {model.name: dict(model.aliases) for model in _pages(client.search_registered_models)}
    found = (_version(item, aliases.get(item.name, {})) for item in _pages(client.search_model_versions))
    return tuple(sorted(filter(None, found), key=lambda v: (v.created, v.number), reverse=True))


def _pages(search: Any) -> list[Any]:
    found = page = search(max_results=PAGE_SIZE)
    items = list(found)
    while page.token:
        page = search(max_results=PAGE_SIZE, page_token=page.token)
        items += page
    return items


def _version(item: ModelVersion, aliases: dict[str, Any]) -> Version | None:
    company, family = item.tags.get("company", ""), item.tags.get("family", "")
    if item.name != registered_name(company, family) or not item.run_id:
        return None  # somebody else's model in a shared registry
    pointing = tuple(sorted(alias for alias, number in aliases.items() if int(number) == int(item.version)))
    created = datetime.fromtimestamp(item.creation_timestamp / 1000, tz=UTC)
    return Version(company, family, int(item.version), item.run_id, created, pointing, dict(item.tags))


def _as_categories(table: pa.Table, names: Sequence[str]) -> pa.Table:
    for name in set(names) & set(table.column_names):
        column = table.column(name)
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _title(version: Version) -> str:
    return f"{registered_name(version.company, version.family)} version {version.number}"
