"""What the documents show: keys that the settings have, settings that are valid, commands and names that exist."""

import ast
import importlib
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hierforecast import check_options, driver, mix_model, options, schema
from hierforecast.hiref import HiReF
from hierforecast.settings import parse_company
from hierforecast.synthetic import MarketSize, SalesLaw

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
SETTINGS = [
    *(schema.Company, schema.SalesPanel, schema.Target, schema.Holidays),
    *(driver.Driver, driver.Adstock, driver.Saturation, check_options.Checks, check_options.OwnCheck),
    *(schema.MediaPanel, schema.Metric, options.Training, options.RowsEngine, options.Sampling, options.Gates),
    *(options.HirefGate, options.PrecisionGate, options.Simulation),
    *(mix_model.MixModel, mix_model.Priors, mix_model.HalfLife, mix_model.BetaDecay, mix_model.PooledDecay),
    *(mix_model.EffectPrior, mix_model.LiftTest),
]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def merged(base: Any, change: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    return base | {key: merged(base.get(key), value) for key, value in change.items()}


COMPANY, *PARTS = [yaml.safe_load(block) for block in blocks(GUIDE, "yaml")]
PYTHON = [(page.name, block) for page in PAGES for block in blocks(page.read_text(encoding="utf-8"), "python")]
COMMANDS = [
    (page.name, line)
    for page in PAGES
    for line in re.findall(r"python -m (?:flows|benchmarks)\.\w+[^`\n#&]*", page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("part", SETTINGS, ids=lambda part: part.__name__)
def test_the_guide_names_every_key(part):
    shown = "\n".join([*blocks(GUIDE, "yaml"), *re.findall(r"`([^`\n]+)`", GUIDE)])
    names = [field.name for field in fields(part)] if is_dataclass(part) else list(part.model_fields)
    assert [name for name in names if not re.search(rf"\b{name}\b", shown)] == []


def read_default(text: str) -> Any:
    words = {"true": [True], "false": [False], "all": [None], "none": [None, []]}
    return words.get(text, [float(text)] if re.match(r"[\d.e-]+$", text) else [text])


@pytest.mark.parametrize(("part", "title"), [(options.Training, "training"), (options.RowsEngine, "training.rows")])
def test_defaults_in_the_guide_are_those_of_the_settings(part, title):
    table = GUIDE.split(f"| key of `{title}` |")[1].split("\n\n")[0]
    shown = {}
    for row in table.splitlines()[2:]:
        names, defaults = (row.strip("|").split("|")[place] for place in (0, -1))
        shown |= dict(zip(re.findall(r"`(\w+)`", names), map(str.strip, defaults.split(",")), strict=True))
    usual = {name: field.get_default(call_default_factory=True) for name, field in part.model_fields.items() if name != "rows"}
    assert shown.keys() == usual.keys()
    assert [name for name, text in shown.items() if usual[name] not in read_default(text)] == []


def test_numbers_of_priors_in_the_guide_are_those_of_the_settings():
    table = GUIDE.split("| key of `media.priors` |")[1].split("\n\n")[0]
    usual, shown = mix_model.Priors(), {}
    for row in table.splitlines()[2:]:
        names, told = re.findall(r"`(\w+)`", row.split("|")[1]), row.split("|")[-2]
        if all(isinstance(getattr(usual, name), float) for name in names):
            shown |= dict(zip(names, map(float, told.split(",")), strict=True))
    assert shown == {name: value for name, value in vars(usual).items() if isinstance(value, float)}


@pytest.mark.parametrize("number", range(len(PARTS)))
def test_settings_in_the_guide_are_valid(number):
    company = parse_company(merged(COMPANY, PARTS[number]))
    HiReF.from_panel_settings(company.sales, company.training)


@pytest.mark.parametrize(("page", "block"), PYTHON)
def test_names_in_examples_exist(page, block):
    for line in ast.walk(ast.parse(block)):
        if isinstance(line, ast.ImportFrom) and line.module.startswith("hierforecast"):
            room = importlib.import_module(line.module)
            for name in line.names:
                assert hasattr(room, name.name) or importlib.import_module(f"{line.module}.{name.name}")


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_exist(page, command):
    module, *words = command.split()[2:]
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    source += (ROOT / "flows" / "command_line.py").read_text(encoding="utf-8")
    known = {item.name.replace("_", "-") for part in (MarketSize, SalesLaw) for item in fields(part)}
    for word in words:
        if word.startswith("--"):
            assert f'"{word}"' in source or word[2:] in known | {"sales"}, word


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert "://" in link or (page.parent / link).exists(), link


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/hiref.md"])
def test_the_first_example_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks((ROOT / page).read_text(encoding="utf-8"), "python")[0], page, "exec"), {})  # noqa: S102
    assert (tmp_path / "model" / "manifest.json").is_file()


def spoken(text: str) -> list[str]:
    """The words of a printed text: other machines may round its numbers otherwise."""
    return re.findall(r"[A-Za-z_]{2,}", re.sub(r"-?\d[\d.,e-]*", "", text))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_the_examples_of_the_marketing_mix_model_print_what_the_page_shows(number, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "precision.md").read_text(encoding="utf-8")
    capsys.readouterr()
    exec(compile(blocks(page, "python")[number], "docs/precision.md", "exec"), {})  # noqa: S102
    assert spoken(capsys.readouterr().out) == spoken(blocks(page, "text")[number])
