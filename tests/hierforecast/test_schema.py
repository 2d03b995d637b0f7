import pytest
import yaml

from hierforecast.errors import SettingsError
from hierforecast.schema import Company, Driver, panel_path, parse_company, read_company


def demo(root) -> dict:
    return yaml.safe_load((root / "deployments/demo.yaml").read_text())


@pytest.mark.parametrize("file", ["deployments/demo.yaml", "benchmarks/frat.yaml"])
def test_shipped_settings_are_valid(root, file):
    company = read_company(root / file)
    assert company.company == file.split("/")[1].removesuffix(".yaml")


def test_settings_survive_json(root):
    company = read_company(root / "deployments/demo.yaml")
    assert Company.model_validate_json(company.model_dump_json()) == company


@pytest.mark.parametrize(
    ("place", "name", "value", "wanted"),
    [
        ((), "samplng", {}, "samplng: unknown field; did you mean 'sampling'?"),
        (("sales",), "levls", ["a"], "sales.levls: unknown field; did you mean 'levels'?"),
        (("sales", "drivers", 0), "sing", "-", "sales.drivers.0.sing: unknown field; did you mean 'sign'?"),
        (("sales", "drivers", 0), "sign", "minus", "sales.drivers.0.sign: input should be '+', '-' or 'free', got 'minus'"),
        (("sales", "drivers", 0), "by", ["brnd"], "by names the level 'brnd'; did you mean 'brand'?"),
        (("sales", "drivers", 2, "adstock"), "decay", 1.5, "adstock.decay: input should be less than 1, got 1.5"),
        (("media", "metrics", "clicks"), "lagg", 1, "media.metrics.clicks.lagg: unknown field; did you mean 'lag'?"),
        (("media",), "offline_channels", ["Tv"], "media.offline_channels names 'Tv'; did you mean 'TV'?"),
        (("media",), "levels", ["tactical"], "media.tree is 3 levels deep but media.levels names 1"),
        (("gates", "hiref"), "max_wape", 0.1, "gates.hiref.max_wape: unknown field; did you mean 'max_wape_increase'?"),
        ((), "company", "Demo Company", "company: string should match pattern"),
    ],
)
def test_a_mistake_is_named_with_its_cure(root, place, name, value, wanted):
    raw = demo(root)
    inner = raw
    for step in place:
        inner = inner[step]
    inner[name] = value
    with pytest.raises(SettingsError) as error:
        parse_company(raw, source="demo.yaml")
    assert wanted in str(error.value)
    assert "demo.yaml" in str(error.value)


def test_every_mistake_is_told_at_once(root):
    raw = demo(root) | {"samplng": {}, "gatez": {}}
    with pytest.raises(SettingsError) as error:
        parse_company(raw)
    assert "samplng" in str(error.value)
    assert "gatez" in str(error.value)


def test_a_company_needs_a_panel():
    with pytest.raises(SettingsError, match="needs `sales`, `media` or both"):
        parse_company({"company": "empty"})


@pytest.mark.parametrize("present", [("sales",), ("media",), ("sales", "media")])
def test_either_panel_is_enough(root, present):
    raw = {key: value for key, value in demo(root).items() if key not in ("sales", "media") or key in present}
    assert parse_company(raw).company == "demo"


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


def test_columns_of_the_demo(root):
    company = read_company(root / "deployments/demo.yaml")
    assert "regular_price" in company.sales.columns  # a reference column is needed like a driver
    assert "spot_prime_clicks" not in company.media.columns  # offline channels keep the exposure metric alone
    assert "facebook_clicks" in company.media.columns
    assert company.media.tacticals[:2] == ["spot_prime", "spot_day"]
    assert company.media.exposure_metric == "impressions"


def test_a_bare_number_is_a_geometric_decay():
    assert Driver("tv", sign="+", adstock=0.6).adstock.decay == 0.6
