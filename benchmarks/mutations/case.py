"""What a person hands in: settings and tables in one folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

SETTINGS = "settings.yaml"


@dataclass
class Case:
    """A company on its way to a run; mutations change it in place.

    Args:
        settings: as YAML would read them; each panel's `path` names its file.
        tables: "sales" and "media".
        text: written in place of `settings` where it is given.
        files: bytes or None (no such file) by name, in place of a table.
    """

    settings: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    text: str | None = None
    files: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def sales(self) -> pd.DataFrame:
        """The sales table."""
        return self.tables["sales"]

    @sales.setter
    def sales(self, table: pd.DataFrame) -> None:
        self.tables["sales"] = table

    @property
    def media(self) -> pd.DataFrame:
        """The media table."""
        return self.tables["media"]

    @media.setter
    def media(self, table: pd.DataFrame) -> None:
        self.tables["media"] = table

    def write(self, folder: Path) -> Path:
        """Write everything into a folder; the path of the settings."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            path = folder / f"{name}.parquet"
            if path.name not in self.files:
                table.to_parquet(path, index=False)
        for name, content in self.files.items():
            if content is not None:
                (folder / name).write_bytes(content)
        written = self.text if self.text is not None else yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True)
        (folder / SETTINGS).write_text(written, encoding="utf-8")
        return folder / SETTINGS
