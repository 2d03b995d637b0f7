"""A small registry with known tables, a dashboard server that reads it, and a browser that looks at it.

To look at the pages by hand: `python tests/dashboard/conftest.py FOLDER` writes the same registry below FOLDER, then
`HIERFORECAST_HOME=FOLDER python -m dashboard.app` shows it.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.layout import Home, registered_name
from hierforecast.seal import SEAL, SEAL_TAG, digest_of, digests_of, write_seal

# The same as in test.sh: names on the PATH, and where Chrome is on a Mac.
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
LEVELS = ["region", "brand", "pack"]
COMPONENTS = ["season", "price", "price × region", "tv_spend", "promotion", "level"]
TREE = {
    "TV": {"TV national": ["spot_a", "spot_b"]},
    "Search": {"Google": ["brand_terms", "generic"]},
    "Radio": {"FM": ["drive"]},
}
MEDIA_LEVELS = ["tactical", "platform", "channel"]
SETTINGS = {
    "company": "demo",
    "sales": {
        "period": "week",
        "target": {"name": "units", "unit": "units / week"},
        "levels": LEVELS,
        "drivers": [
            {"name": "price", "sign": "-", "transform": "log"},
            {"name": "tv_spend", "sign": "+"},
            {"name": "promotion"},
        ],
    },
    "media": {
        "period": "week",
        "target": {"name": "revenue", "unit": "EUR / week"},
        "levels": MEDIA_LEVELS,
        "tree": TREE,
        "metrics": {"impressions": {"exposure": True}},
        "controls": ["holiday"],
    },
}
REASONS = [
    {"gate": "checks", "value": 0, "limit": 0, "held": True, "sentence": "all data checks passed"},
    {"gate": "wape", "value": 0.121, "limit": 0.131, "held": True, "sentence": "bottom WAPE 0.121, at most 0.131 allowed"},
]
REFUSAL = {
    "gate": "wape",
    "value": 0.19,
    "limit": 0.131,
    "held": False,
    "sentence": "bottom WAPE 0.190 is above the limit 0.131",
}


def hiref_tables(seed: int, weeks: int = 117, error: float = 0.1) -> dict[str, pd.DataFrame]:
    """Tables of 3 × 3 × 2 series whose components sum to the forecast; the last 13 weeks are future, 13 before holdout."""
    random = np.random.default_rng(seed)
    series = pd.MultiIndex.from_product(
        [["North", "South", "West"], ["Alba", "Brio", "Cima"], ["small", "large"]], names=LEVELS
    )
    periods = pd.date_range("2024-01-01", periods=weeks, freq="W-MON")
    frame = series.to_frame(index=False).merge(pd.DataFrame({"period": periods}), how="cross")
    week = frame["period"].map({period: place for place, period in enumerate(periods)}).to_numpy()
    code = np.repeat(np.arange(len(series)), weeks)
    frame["part"] = np.select([week >= weeks - 13, week >= weeks - 26], ["future", "holdout"], "history")
    parts = frame.copy()
    parts["baseline"] = 900.0 + 60 * code
    parts["season"] = 160 * np.sin(2 * np.pi * week / 52)
    parts["price"] = -110 * (week % 9 < 3) + random.normal(0, 6, len(frame))
    parts["price × region"] = -4.0 * (code % 3) * (week % 9 < 3)
    parts["tv_spend"] = 130 * (week % 26 < 6) * (0.8 + 0.1 * (code % 5))
    parts["promotion"] = 240 * ((week + code) % 13 == 0)
    parts["level"] = random.normal(0, 12, len(frame))
    frame["forecast"] = parts[["baseline", *COMPONENTS]].sum(axis=1)
    noise = random.normal(0, error, len(frame)) * frame["forecast"]
    frame["actual"] = (frame["forecast"] + noise).where(frame["part"] != "future")
    frame["lower"], frame["upper"] = frame["forecast"] * 0.85, frame["forecast"] * 1.15
    effects = [("price", "brand", node, effect) for node, effect in [("Alba", -1.9), ("Brio", -1.4), ("Cima", -2.3)]]
    effects += [("tv_spend", "region", node, effect) for node, effect in [("North", 0.04), ("South", 0.06), ("West", 0.09)]]
    return {
        "scores": _scores(["bottom", *LEVELS, "total"], error),
        "forecasts": frame,
        "contributions": parts,
        "elasticities": _with_interval(pd.DataFrame(effects, columns=["driver", "level", "node", "effect"])),
        "nodes": _nodes(frame),
        "ablation": pd.DataFrame(
            {"driver": ["price", "tv_spend"], "wape": error, "wape_without": [0.2, 0.15], "adds": [0.1, 0.05]}
        ),
        "signs": _signs(error),
    }


def _with_interval(effects: pd.DataFrame) -> pd.DataFrame:
    return effects.assign(lower=effects["effect"] - 0.02, upper=effects["effect"] + 0.01)


def _nodes(frame: pd.DataFrame) -> pd.DataFrame:
    """Every level's sums and the total; bounds after the cutoff."""
    tables = []
    for level in (*LEVELS, "total"):
        by = [] if level == "total" else [level]
        sums = frame.groupby([*by, "period", "part"])[["actual", "forecast"]].sum(min_count=1).reset_index()
        late = sums["part"] != "history"
        bounds = {"lower": (sums["forecast"] * 0.9).where(late), "upper": (sums["forecast"] * 1.1).where(late)}
        tables.append(sums.assign(level=level, node=sums[level] if by else "total", **bounds))
    return pd.concat(tables)[["level", "node", "period", "part", "actual", "forecast", "lower", "upper"]]


def _signs(error: float) -> pd.DataFrame:
    frame = pd.DataFrame({"driver": ["price", "tv_spend"], "sign": ["-", "+"], "series": 18, "disagree": [0.1, 0.3]})
    return frame.assign(clearly=[0.0, 0.05], wape=error, wape_free=error + 0.001, cost=-0.001)


def precision_tables(seed: int, weeks: int = 104) -> dict[str, pd.DataFrame]:
    """Tables of a five-tactical media mix whose contributions sum to the fitted mean at every level."""
    random = np.random.default_rng(seed)
    periods = pd.date_range("2024-01-01", periods=weeks, freq="W-MON")
    leaves = {
        leaf: (platform, channel) for channel, below in TREE.items() for platform, names in below.items() for leaf in names
    }
    rows = {leaf: (40 + 15 * place) * random.gamma(3, 0.33, weeks) for place, leaf in enumerate(leaves)}
    parts = [("tactical", leaf, mean) for leaf, mean in rows.items()]
    for place, level in enumerate(MEDIA_LEVELS[1:]):
        nodes = dict.fromkeys(above[place] for above in leaves.values())
        parts += [(level, node, sum(rows[leaf] for leaf, above in leaves.items() if above[place] == node)) for node in nodes]
    parts += [("control", "holiday", 120.0 * (np.arange(weeks) % 52 > 49)), ("baseline", "baseline", np.full(weeks, 1500.0))]
    frames = [pd.DataFrame({"period": periods, "level": level, "node": node, "mean": mean}) for level, node, mean in parts]
    contributions = pd.concat(frames, ignore_index=True).assign(
        lower=lambda f: f["mean"] * 0.8, upper=lambda f: f["mean"] * 1.2
    )
    fitted = sum(rows.values()) + parts[-2][2] + parts[-1][2]
    fit = pd.DataFrame({"period": periods, "part": ["history"] * (weeks - 13) + ["holdout"] * 13, "forecast": fitted})
    fit = fit.assign(actual=fitted + random.normal(0, 45, weeks), lower=fitted - 80, upper=fitted + 80)
    decay = np.linspace(0.25, 0.75, len(leaves))
    table = pd.DataFrame({"tactical": list(leaves), "channel": [above[1] for above in leaves.values()], "decay": decay})
    table = table.assign(
        lower=decay - 0.12, upper=decay + 0.1, half_life=np.log(0.5) / np.log(decay), rhat=1.002, ess_bulk=812.0
    )
    names = ["beta0", "sigma", *(f"beta[{leaf}]" for leaf in leaves), *(f"decay[{leaf}]" for leaf in leaves)]
    checks = pd.DataFrame({"parameter": [name.split("[")[0] for name in names], "node": ["", "", *leaves, *leaves]})
    checks = checks.assign(mean=0.5, sd=0.1, rhat=1.001, ess_bulk=900.0, ess_tail=1100.0)
    checks.loc[3, "rhat"] = 1.034
    return {
        **_money_tables(leaves),
        "media_totals": _media_totals(contributions),
        "left_out": pd.DataFrame(
            {"period": periods, "log_density": -5.0, "pareto_k": np.linspace(-0.1, 0.83, weeks), "limit": 0.7}
        ),
        "accuracy": pd.DataFrame(
            [{"weeks": 13, "mape": 0.042, "crps": 31.5, "relative_crps": 0.021, "coverage_90": 0.923, "wape": 0.04}]
        ),
        "scores": _scores(["total"], 0.07),
        "fit": fit,
        "media_contributions": contributions,
        "decay": table,
        "diagnostics": checks,
    }


def _media_totals(contributions: pd.DataFrame) -> pd.DataFrame:
    """Totals of every component with bounds, and a control that is measured from its mean."""
    sums = contributions.groupby(["level", "node"], sort=False)[["mean", "lower", "upper"]].sum().reset_index()
    whole = sums.loc[sums["level"].isin(["tactical", "control", "baseline"]), "mean"].sum()
    table = sums.rename(columns={"mean": "total"}).assign(share=lambda f: f["total"] / whole)
    table = table.assign(share_lower=0.9 * table["share"], share_upper=1.1 * table["share"])
    rounding = {"level": "control", "node": "trend", "total": -3e-12, "lower": -4e-12, "upper": 1e-13, "share": -1e-17}
    return pd.concat([table, pd.DataFrame([rounding | {"share_lower": -2e-17, "share_upper": 0.0}])], ignore_index=True)


def _money_tables(leaves: dict[str, tuple[str, str]]) -> dict[str, pd.DataFrame]:
    """Returns, response curves and a best budget of every node, two metrics side by side; one tactical without spend."""
    spend = {leaf: 1000.0 * (place + 1) for place, leaf in enumerate(leaves)} | {"drive": 0.0}
    nodes = [("tactical", leaf, [leaf]) for leaf in leaves]
    for place, level in enumerate(MEDIA_LEVELS[1:]):
        named = dict.fromkeys(above[place] for above in leaves.values())
        nodes += [(level, node, [leaf for leaf, above in leaves.items() if above[place] == node]) for node in named]
    nodes.append(("total", "total", list(leaves)))
    roi = pd.DataFrame(
        [(level, node, sum(spend[leaf] for leaf in below), 0.4 + len(node) / 5) for level, node, below in nodes],
        columns=["level", "node", "spend", "roi"],
    )
    roi["roi"] = roi["roi"].where(roi["spend"] > 0)
    roi = roi.assign(contribution=roi["roi"] * roi["spend"], median=roi["roi"], lower=0.8 * roi["roi"], upper=1.3 * roi["roi"])
    roi["marginal_roi"], roi["reason"] = 0.7 * roi["roi"], np.where(roi["spend"] > 0, "", "no spend in the window")
    roi = roi.assign(marginal_lower=0.5 * roi["roi"], marginal_upper=0.9 * roi["roi"], cost_per_unit=1 / roi["roi"])
    grid = np.linspace(0, 2, 21).round(2)
    curves = [
        pd.DataFrame({"level": row.level, "node": row.node, "multiple": grid, "spend": grid * row.spend})
        .assign(effect=row.contribution * 1.6 * grid / (grid + 0.6), marginal_roi=1.0, marginal_lower=0.8, marginal_upper=1.2)
        .assign(lower=lambda f: 0.8 * f["effect"], upper=lambda f: 1.2 * f["effect"])
        for row in roi[roi["spend"] > 0].itertuples()
    ]
    budget = roi[["level", "node"]].assign(
        spend_before=roi["spend"], spend_after=roi["spend"] * np.linspace(0.6, 1.4, len(roi))
    )
    for name, factor in (("contribution", 2.0), ("roi", 1.0), ("marginal", 0.7)):
        budget = budget.assign(
            **{f"{name}_before": factor * budget["spend_before"], f"{name}_after": factor * budget["spend_after"]}
        )
    outcome = {"first": pd.Timestamp("2025-12-29"), "last": pd.Timestamp("2026-03-23"), "planned": True, "budget": 10_000.0}
    for name, number in {"before": 21_000.0, "after": 23_500.0, "difference": 2_500.0}.items():
        outcome |= {name: number, f"{name}_lower": 0.8 * number, f"{name}_upper": 1.2 * number}
    outcome |= {"probability_better": 0.97, "converged": True, "message": "spend 10,000 -> 10,000, expected 21,000 -> 23,500"}
    metrics = pd.DataFrame({"metric": ["impressions", "clicks"], "weight": [0.7, 0.3], "standard_error": 0.1})
    metrics = metrics.assign(
        pseudo_bma=0.5, leave_future_out=0.5, elpd=[-500.0, -510.0], elpd_difference=[0.0, -10.0], max_pareto_k=0.5
    )
    side_by_side = roi[["level", "node"]].assign(quantity="roi", impressions=1.5, clicks=1.1, equal=1.3, stacked=1.4, sd=0.2)
    return {
        "roi": roi,
        "response": pd.concat(curves, ignore_index=True),
        "budget": budget,
        "budget_outcome": pd.DataFrame([outcome]),
        "ensemble_weights": metrics,
        "ensemble_roi": side_by_side.assign(disagree=np.arange(len(roi)) % 2 == 0),
    }


def _scores(levels: list[str], error: float) -> pd.DataFrame:
    wape = error * np.linspace(1, 0.4, len(levels))
    frame = pd.DataFrame({"level": levels, "cells": np.arange(len(levels), 0, -1) * 78, "wape": wape, "mae": wape * 900})
    return frame.assign(rmse=wape * 1200, mase=wape * 7, bias=wape / 10, coverage=0.8)


class DemoRegistry:
    """Writes versions into an MLflow registry below a home folder, the way training does."""

    def __init__(self, root: Path) -> None:
        from mlflow import MlflowClient

        self.home = Home(root.resolve())
        self.home.root.mkdir(parents=True, exist_ok=True)
        self.client = MlflowClient(tracking_uri=self.home.tracking_uri, registry_uri=self.home.tracking_uri)
        place = self.home.artifacts.as_uri()
        found = self.client.get_experiment_by_name("demo")
        self.experiment = found.experiment_id if found else self.client.create_experiment("demo", artifact_location=place)

    def add(self, family: str, tables: dict[str, pd.DataFrame], *, company: str = "demo", decision: str = "promoted") -> str:
        """Log a run with its tables and register it as the next version; the version's number comes back."""
        name = registered_name(company, family)
        if not any(model.name == name for model in self.client.search_registered_models()):
            self.client.create_registered_model(name)
        run = self.client.create_run(self.experiment).info
        with tempfile.TemporaryDirectory() as folder:
            self._write(Path(folder), tables, company)
            self.client.log_artifacts(run.run_id, folder)
            seal = write_seal(digests_of(Path(folder)))
            self.client.log_text(run.run_id, seal, SEAL)
        for row in tables["scores"].itertuples():
            self.client.log_metric(run.run_id, f"wape.{row.level}", row.wape)
        for metric, value in {"divergences": 2, "ebfmi": 0.87}.items() if family == "precision" else ():
            self.client.log_metric(run.run_id, metric, value)
        self.client.set_terminated(run.run_id)
        version = self.client.create_model_version(name, source=run.artifact_uri, run_id=run.run_id).version
        for key, value in (_tags(company, family, decision) | {SEAL_TAG: digest_of(seal)}).items():
            self.client.set_model_version_tag(name, version, key, value)
        return version

    def alias(self, family: str, alias: str, version: str, *, company: str = "demo") -> None:
        """Point an alias at a version: what promoting does."""
        self.client.set_registered_model_alias(registered_name(company, family), alias, version)

    @staticmethod
    def _write(folder: Path, tables: dict[str, pd.DataFrame], company: str) -> None:
        (folder / "tables").mkdir()
        (folder / "checks").mkdir()
        (folder / "settings.json").write_text(json.dumps(SETTINGS | {"company": company}))
        (folder / "checks" / "report.html").write_text("<!doctype html><title>checks</title><h1>All data checks passed</h1>")
        for name, table in tables.items():
            table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)


def _tags(company: str, family: str, decision: str) -> dict[str, str]:
    hiref = family == "hiref"
    reasons = [REASONS[0], REFUSAL] if decision == "kept" else REASONS
    return {
        "company": company, "family": family, "fingerprint": "3f9a0c", "git_revision": "1e7564c", "package_version": "0.1.0",
        "trained_from": "2024-01-01", "trained_to": "2025-12-22", "cutoff": "2025-09-29", "decision": decision,
        "decision_reasons": json.dumps(reasons), "levels": json.dumps(LEVELS if hiref else MEDIA_LEVELS), "frequency": "week",
        "target": "units" if hiref else "revenue", "unit": "units / week" if hiref else "EUR / week", "period": "week",
    }  # fmt: skip


def build_demo(root: Path) -> DemoRegistry:
    """Two companies: demo with champions, an older champion and a challenger that was kept out; north with HiReF alone."""
    demo = DemoRegistry(root)
    demo.add("hiref", hiref_tables(0, error=0.15))
    demo.alias("hiref", "champion", demo.add("hiref", hiref_tables(1)))
    demo.alias("hiref", "challenger", demo.add("hiref", hiref_tables(2, error=0.19), decision="kept"))
    demo.alias("precision", "champion", demo.add("precision", precision_tables(3)))
    demo.alias("hiref", "challenger", demo.add("hiref", hiref_tables(4), company="north", decision="kept"), company="north")
    return demo


class Page(NamedTuple):
    """A browser page and what must stay empty while it is looked at."""

    page: object
    errors: list[str]
    outside: list[str]


@pytest.fixture(scope="session")
def tables_of():
    """A function that makes the tables of one version: `tables_of("hiref", 1)`."""
    return lambda family, seed: hiref_tables(seed) if family == "hiref" else precision_tables(seed)


@pytest.fixture(scope="session")
def build():
    """The function that writes the demo registry below a folder."""
    return build_demo


@pytest.fixture
def demo(tmp_path):
    """A fresh demo registry that the test may change."""
    return build_demo(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_demo(tmp_path_factory):
    """One demo registry for all tests that only read."""
    return build_demo(tmp_path_factory.mktemp("shared") / "home")


@pytest.fixture(scope="session")
def serve():
    """A function that starts a real dashboard server for a home folder and gives its address; all end with the session."""
    running = []

    def start(root: Path, *, refresh: int = 15) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "dashboard.app", "--port", str(port), "--refresh", str(refresh)]
        environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
        log = (root.parent / f"dashboard-{port}.log").open("w")
        process = subprocess.Popen(
            command, env=environment | {"HIERFORECAST_HOME": str(root)}, stdout=log, stderr=log, cwd=Path(__file__).parents[2]
        )
        running.append((process, log))
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/healthz", process)
        return address

    yield start
    for process, log in running:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for(address: str, process: subprocess.Popen, seconds: float = 120) -> None:
    """Return when an address answers 200; fail when its process ended or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"the dashboard ended with status {process.returncode} before {address} answered")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"{address} did not answer within {seconds} seconds")


@pytest.fixture(scope="session")
def chromium():
    """Headless Chromium of the system; skips where none is installed."""
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    if binary is None:
        pytest.skip("no chromium, chromium-browser or google-chrome found; install one to run the browser tests")
    from playwright.sync_api import sync_playwright

    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def look(chromium):
    """A function that opens an address and records console errors and requests that leave this machine."""
    contexts = []

    def open_page(address: str, *, width: int = 1400, height: int = 900) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        seen = Page(context.new_page(), [], [])
        seen.page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("request", lambda request: seen.outside.append(request.url) if _leaves(request.url) else None)
        seen.page.goto(address)
        return seen

    yield open_page
    for context in contexts:
        context.close()


def _leaves(address: str) -> bool:
    return not address.startswith(("http://127.0.0.1:", "data:", "blob:"))


if __name__ == "__main__":
    build_demo(Path(sys.argv[1]))
