"""Where a home folder keeps what: pure names, so that flows, dashboard and supervisor agree without sharing code."""

from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "HIERFORECAST_HOME"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
DEFAULT_HOME = "data"


@dataclass(frozen=True)
class Home:
    """All state of an installation below one absolute folder."""

    root: Path

    @property
    def database(self) -> Path:
        """MLflow's embedded database."""
        return self.root / "mlflow.db"

    @property
    def tracking_uri(self) -> str:
        """MLflow's embedded store; a server's address in MLFLOW_TRACKING_URI takes precedence where that is read."""
        return f"sqlite:///{self.database}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts: everything a run or version keeps."""
        return self.root / "artifacts"

    @property
    def panels(self) -> Path:
        """Panels by company and content digest."""
        return self.root / "panels"

    @property
    def work(self) -> Path:
        """Model folders, check reports and tables on their way to the registry."""
        return self.root / "work"

    @property
    def caches(self) -> Path:
        """Compiled programs and the like; safe to delete."""
        return self.root / "caches"

    @property
    def prefect(self) -> Path:
        """Prefect's own home and results."""
        return self.root / "prefect"


def registered_name(company: str, family: str) -> str:
    """The registered model of a company and family, e.g. ``demo-hiref``."""
    return f"{company}-{family}"
