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
    for outside in ("../x.parquet", "/etc/passwd", "data/../../x.parquet"):
        with pytest.raises(SettingsError, match="leaves the folder"):
            panel_path(settings, outside)


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
