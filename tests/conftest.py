"""What every test shares: a quiet, private home, and a summary of what was skipped and why."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

_SWITCHES = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_USE_LEGACY_KERAS": "1",
    "OMP_NUM_THREADS": "2",
}
# Before any test module imports a library that reads them.
os.environ.update(_SWITCHES)
for _inherited in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "HIERFORECAST_HOME"):
    os.environ.pop(_inherited, None)

# A shell's background job starts with Ctrl-C ignored, and so would every program that the tests start and interrupt:
# what a process catches is reset for its children, what it ignores is not.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.support.servers"]

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skipped-browser", action="store_true", help="a skipped browser test fails the run (CI)")


@pytest.fixture(scope="module", autouse=True)
def nobodys_mlflow() -> Iterator[None]:
    """The store that a module named is forgotten after it: MLflow hands it to every client and program that names none."""
    yield
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
        os.environ.pop("MLFLOW_REGISTRY_URI", None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets beside the checkout; tests that need them are skipped where they are not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not beside this checkout (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny_settings(tmp_path_factory) -> Path:
    """A made company small enough to retrain in about a minute; its gates are as loose as its chains are short."""
    raw = yaml.safe_load((ROOT / "deployments/demo.yaml").read_text())
    raw |= {
        "company": "tiny",
        "simulation": {"seed": 5, "weeks": 80},
        "training": {"seasonality": 2, "trend": False},
        "sampling": {"chains": 2, "warmup": 200, "draws": 200, "seed": 7},
        "gates": {"precision": {"max_rhat": 1.2, "min_ess": 30, "max_divergences": 5}},
    }
    path = tmp_path_factory.mktemp("settings") / "tiny.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # one of several processes, whose reports go to the first
        return
    skipped = [report for report in reporter.stats.get("skipped", []) if "browser" in report.keywords]
    if skipped and session.config.getoption("--fail-on-skipped-browser"):
        reporter.write_line(f"{len(skipped)} browser tests were skipped, which --fail-on-skipped-browser forbids", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
