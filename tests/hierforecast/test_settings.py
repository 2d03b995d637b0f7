import itertools
import os
import socket

import pytest
import yaml

from hierforecast.errors import SettingsError
from hierforecast.settings import panel_path, parse_company, read_company


@pytest.mark.parametrize("file", ["deployments/demo.yaml", "benchmarks/frat.yaml"])
def test_shipped_settings_are_valid(root, file):
    company = read_company(root / file)
    assert company.company == file.split("/")[1].removesuffix(".yaml")


def test_every_mistake_is_told_at_once(root):
    raw = yaml.safe_load((root / "deployments/demo.yaml").read_text()) | {"samplng": {}, "gatez": {}}
    with pytest.raises(SettingsError) as error:
        parse_company(raw)
    assert "samplng" in str(error.value)
    assert "gatez" in str(error.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "company: [unclosed", ""])
def test_a_file_that_is_no_mapping_is_told(tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"broken\.yaml"):
        read_company(path)


def test_yaml_cannot_run_code(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("company: !!python/object/apply:os.system ['touch here']")
    with pytest.raises(SettingsError, match="not readable YAML"):
        read_company(path)


def test_paths_inside_settings_stay_in_their_folder(tmp_path):
    settings = tmp_path / "company" / "a.yaml"
    settings.parent.mkdir()
    assert panel_path(settings, "data/x.parquet") == settings.parent / "data/x.parquet"
    outside = (
        "../x.parquet",
        "/etc/passwd",
        "data/../../x.parquet",
        str(tmp_path / "company2/x.csv"),
        "../company2/x.csv",
        "..",
    )
    for path in outside:
        with pytest.raises(SettingsError, match="leaves the folder"):
            panel_path(settings, path)


@pytest.fixture
def company_folder(tmp_path):
    """A settings file in a folder with everything in it that is no plain file, and with links."""
    folder = tmp_path / "company"
    (folder / "data").mkdir(parents=True)
    (folder / "x.csv").write_text("week\n")
    (tmp_path / "secret.csv").write_text("week\n")
    (folder / "good.csv").symlink_to("x.csv")
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "away").symlink_to(tmp_path)
    (folder / "twice.csv").symlink_to("away/secret.csv")
    (folder / "dangling.csv").symlink_to(tmp_path / "not yet")
    (folder / "circle.csv").symlink_to("circle.csv")
    os.mkfifo(folder / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket.csv"))
    return folder / "a.yaml"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("out.csv", "leaves the folder"),
        ("away/secret.csv", "leaves the folder"),
        ("twice.csv", "leaves the folder"),
        ("dangling.csv", "leaves the folder"),
        ("data", "is no file"),
        ("", "is no file"),
        (".", "is no file"),
        ("pipe.csv", "is no file"),
        ("socket.csv", "is no file"),
        ("x\0.csv", "cannot be followed"),
        ("x" * 5000 + ".csv", "cannot be followed"),
        ("d/" * 3000 + "x.csv", "cannot be followed"),
        ("circle.csv", "cannot be followed"),
        ("/dev/zero", "leaves the folder"),
    ],
    ids=lambda value: value[:20].replace("\0", "NUL"),
)
def test_links_pipes_and_strange_names_are_told(company_folder, declared, told):
    with pytest.raises(SettingsError, match=told) as error:
        panel_path(company_folder, declared)
    assert len(str(error.value)) < 500


def test_files_and_links_that_stay_are_read(company_folder):
    assert panel_path(company_folder, "x.csv") == panel_path(company_folder, "good.csv") == company_folder.with_name("x.csv")
    assert panel_path(company_folder, "not/yet/there.csv").is_relative_to(company_folder.parent)


@pytest.mark.parametrize(
    "path", ["https://ada:hunter2@example.org/x.parquet", "s3://key:hunter2@bucket/x", "file:///etc/passwd"]
)
@pytest.mark.parametrize("panel", ["sales", "media"])
def test_addresses_are_refused_and_their_passwords_not_repeated(root, panel, path):
    raw = yaml.safe_load((root / "deployments/demo.yaml").read_text())
    raw[panel]["path"] = path
    with pytest.raises(SettingsError, match=rf"{panel}\.path: is an address; name a file beside the settings") as error:
        parse_company(raw)
    assert "hunter2" not in str(error.value)


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in itertools.pairwise("abcdefghi")
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n" for before, name in itertools.pairwise("abcdefghi")
)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "aliases .* multiply"),
        (MERGES, "aliases .* multiply"),
        ("company: &a [*a]\n", "line 1 holds an alias .* of itself"),
        ("a: &a {b: {c: *a}}\n", "line 1 holds an alias .* of itself"),
        ("company: " + "[" * 60 + "]" * 60, "line 1 is nested more than 50 levels"),
        ("company: " + "[" * 100_000, "nested more than 50 levels"),
        ("company: " + "{a: " * 5000, "nested more than 50 levels"),
        ("company: a # " + "x" * 1_000_001, "has 1000014 bytes, at most 1000000"),
        ("company: 2024-13-45\n", "not readable YAML: month must be in 1..12"),
        ("company: " + "9" * 5000, "not readable YAML"),
        ("company: !!python/name:os.system", "not readable YAML"),
        ("company: !!python/module:os", "not readable YAML"),
        ("company: !!binary xx$", "not readable YAML"),
        ("company: a\n---\ncompany: b\n", "not readable YAML"),
    ],
    ids=lambda value: value[:24],
)
def test_yaml_that_means_harm_is_told_at_once(tmp_path, text, told):
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=told) as error:
        read_company(path)
    assert len(str(error.value)) < 1000


def test_aliases_that_people_write_are_read(tmp_path):
    """Hundreds of drivers that share what they have in common."""
    lines = ["company: a", "sales:", "  target: units", "  levels: [shop]", "  drivers:", "    - &usual {name: d0, sign: '+'}"]
    path = tmp_path / "many.yaml"
    path.write_text("\n".join([*lines, *(f"    - {{<<: *usual, name: d{number}}}" for number in range(1, 500))]))
    assert len(read_company(path).sales.drivers) == 500


@pytest.mark.parametrize("name", ["../x", "a/b", "A", "a b", "a'--", "a\n", "", ".", "a" * 42, "-a", "ä", "a\0"])
def test_names_of_companies_are_plain(name):
    """They become folders, registered models and parts of queries."""
    with pytest.raises(SettingsError, match="company: "):
        parse_company({"company": name})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("company: a\nsales: {}\ncompany: b\n", "line 3 repeats the key 'company' of line 1"),
        ("company: a\nsales:\n  target: units\n  'target': revenue\n", "line 4 repeats the key 'target' of line 3"),
        ("company: a\nsales: {horizon: 1, horizon: 2}\n", "line 2 repeats the key 'horizon' of line 2"),
    ],
)
def test_a_repeated_key_is_named_with_its_line(tmp_path, text, told):
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        read_company(path)
    assert told in str(error.value)
    assert "twice.yaml" in str(error.value)


def test_a_key_may_override_a_merged_one(tmp_path):
    path = tmp_path / "merged.yaml"
    path.write_text(
        "company: a\n"
        "sales:\n"
        "  target: units\n"
        "  levels: [shop]\n"
        "  drivers:\n"
        "    - &price {name: price, sign: '-'}\n"
        "    - {<<: *price, name: list_price}\n"
    )
    assert [(driver.name, driver.sign) for driver in read_company(path).sales.drivers] == [("price", "-"), ("list_price", "-")]
