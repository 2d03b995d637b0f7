import copy
from datetime import date

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from hierforecast.driver import Driver
from hierforecast.errors import SettingsError
from hierforecast.results import PERIOD
from hierforecast.schema import Company, Holidays, MediaPanel, SalesPanel
from hierforecast.settings import parse_company, read_company


def demo(root) -> dict:
    return yaml.safe_load((root / "deployments/demo.yaml").read_text())


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
        (("sales", "drivers", 2), "adstock", {"shape": 2.0}, "adstock of kind geometric has no shape, got 2.0; leave it out"),
        (
            ("sales", "drivers", 2),
            "saturation",
            {"kind": "power", "half": 3.0},
            "saturation of kind power has no half, got 3.0",
        ),
        (("sales", "drivers", 0), "lags", [1, 1], "lags: [1] appear more than once"),
        (("sales",), "holidays", {}, "holidays: neither a country nor dates are given"),
        (("sales",), "holidays", {"names": ["Easter"]}, "holidays.names are those of a country, and none is given"),
        (("sales",), "target_lags", [2, 2], "sales.target_lags: [2] appear more than once"),
        (("media", "metrics", "clicks"), "lagg", 1, "media.metrics.clicks.lagg: unknown field; did you mean 'lag'?"),
        (("media",), "offline_channels", ["Tv"], "media.offline_channels names 'Tv'; did you mean 'TV'?"),
        (("media",), "levels", ["tactical"], "media.tree is 3 levels deep but media.levels names 1"),
        (("media",), "levels", ["tactical", "platform", "platform"], "media.levels: ['platform'] appear more than once"),
        (("media", "tree"), "TV", {"Broadcast": []}, "media.tree: 'TV > Broadcast' is empty"),
        (("media", "tree"), "TV", {"Google": ["spot"]}, "media.tree, level platform: ['Google'] appear more than once"),
        (("media",), "spend", "{tactical.__class__}", "media.spend: the field 'tactical.__class__' in"),
        (("media", "metrics"), "clicks", {"column": "{tactical"}, "media.metrics.clicks.column: the braces of '{tactical'"),
        (("media", "metrics"), "clicks", {"column": "clicks"}, "media.metrics.clicks: the column pattern 'clicks' needs {tact"),
        (("media",), "spend", "spend", "media.spend: the column pattern 'spend' needs {tactical}"),
        (("training",), "season_by", ["brnd"], "training.season_by names the level 'brnd'; did you mean 'brand'?"),
        (("sales", "drivers", 0), "lower", float("nan"), "sales.drivers.0.lower: input should be a finite number, got nan"),
        (("gates", "precision"), "max_rhat", float("inf"), "gates.precision.max_rhat: input should be a finite number"),
        (("sampling",), "seed", -1, "sampling.seed: input should be greater than or equal to 0, got -1"),
        (("simulation",), "seed", -1, "simulation.seed: input should be greater than or equal to 0, got -1"),
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


def test_a_company_needs_a_panel():
    with pytest.raises(SettingsError, match="needs `sales`, `media` or both"):
        parse_company({"company": "empty"})


@pytest.mark.parametrize("present", [("sales",), ("media",), ("sales", "media")])
def test_either_panel_is_enough(root, present):
    raw = {key: value for key, value in demo(root).items() if key not in ("sales", "media") or key in present}
    assert parse_company(raw).company == "demo"


def test_columns_of_the_demo(root):
    company = read_company(root / "deployments/demo.yaml")
    assert "regular_price" in company.sales.columns  # a reference column is needed like a driver
    assert "spot_prime_clicks" not in company.media.columns  # offline channels keep the exposure metric alone
    assert "facebook_clicks" in company.media.columns
    assert company.media.tacticals[:2] == ["spot_prime", "spot_day"]
    assert company.media.exposure_metric == "impressions"


def test_a_bare_number_is_a_geometric_decay():
    assert Driver("tv", sign="+", adstock=0.6).adstock.decay == 0.6


@pytest.mark.parametrize("reference", [float("nan"), float("inf"), "", True, None, [1.0]])
def test_a_reference_is_a_number_the_mean_or_a_column(root, reference):
    raw = demo(root)
    raw["sales"]["drivers"][0]["reference"] = reference
    with pytest.raises(SettingsError, match=r"drivers\.0\.reference: wanted a finite number, mean or a column's name"):
        parse_company(raw)


@pytest.mark.parametrize(
    ("reference", "role"),
    [("units", "the target"), ("week", "the period"), ("brand", "a level"), ("price", "the driver itself")],
)
def test_a_reference_is_no_key_and_no_target(root, reference, role):
    raw = demo(root)
    raw["sales"]["drivers"][0]["reference"] = reference
    with pytest.raises(SettingsError, match=f"driver 'price': reference names {role}, '{reference}'; give a number"):
        parse_company(raw)


def test_names_of_the_result_tables_are_refused_in_sales():
    def panel(level="shop", driver="price", period="week"):
        return SalesPanel(target="units", levels=[level], drivers=[Driver(driver)], period=period)

    assert panel(period=PERIOD).period == PERIOD  # the tables rename it themselves
    for taken in ("part", "forecast", "what_if", "level", "total", "price by hierarchy"):
        for role in ({"level": taken}, {"driver": taken}, {"period": taken}):
            with pytest.raises(ValidationError, match=f"{taken}.*rename it"):
                panel(**role)
    for role in ({"level": PERIOD}, {"driver": PERIOD}):
        with pytest.raises(ValidationError, match=r"period.*rename it"):
            panel(**role)


def media(**changes) -> MediaPanel:
    tree = {"TV": ["spot"], "Search": ["brand", "generic"]}
    settings = {"target": "revenue", "levels": ["tactical", "channel"], "tree": tree, "metrics": {"clicks": {}}}
    return MediaPanel(**(settings | changes))


@pytest.mark.parametrize("taken", ["baseline", "control", "trend", "season", "period", "part", "forecast"])
def test_names_of_the_result_tables_are_refused_in_media(taken):
    changes = [
        {"levels": ["tactical", taken]},
        {"controls": [taken]},
        {"tree": {"TV": [taken]}},
        {"tree": {taken: ["spot"]}},
    ]
    for change in changes:
        with pytest.raises(ValidationError, match=f"{taken}.*rename it"):
            media(**change)


@pytest.mark.parametrize(
    ("changes", "doubled"),
    [
        ({"controls": ["spot_clicks"]}, "spot_clicks"),
        ({"controls": ["holiday", "holiday"]}, "holiday"),
        ({"controls": ["TV"]}, "TV"),  # its contribution would be added to that of the channel
        ({"controls": ["spot_spend"], "spend": "{tactical}_spend"}, "spot_spend"),
        ({"target": "brand_clicks"}, "brand_clicks"),
        ({"metrics": {"clicks": {}, "views": {"column": "{tactical}_clicks"}}}, "brand_clicks"),
        ({"metrics": {"clicks": {}, "views": {"lag": 1, "column": "{tactical}_views"}}, "period": "spot_views"}, "spot_views"),
        ({"tree": {"TV": ["a", "a_a"]}, "metrics": {"x": {"column": "{tactical}"}}, "spend": "a_{tactical}"}, "a_a"),
    ],
)
def test_every_media_column_has_one_role(changes, doubled):
    with pytest.raises(ValidationError, match=rf"'{doubled}'.*appear more than once"):
        media(**changes)


def test_spend_may_be_the_exposure():
    panel = media(metrics={"spend": {"exposure": True}, "clicks": {}}, spend="{tactical}_spend", offline_channels=["TV"])
    assert panel.columns.count("spot_spend") == 1
    assert media(metrics={"cost": {"column": "eur_{tactical}"}}, spend="eur_{tactical}").spend_columns()[0] == "eur_spot"


def test_a_single_tactical_needs_no_pattern():
    panel = media(tree={"TV": ["spot"]}, metrics={"clicks": {"column": "clicks"}}, spend="spend")
    assert panel.columns == ["week", "revenue", "clicks", "spend"]


def test_one_name_may_stand_on_two_levels():
    assert media(tree={"YouTube": ["YouTube", "shorts"]}).tacticals == ["YouTube", "shorts"]


def test_season_levels_need_a_sales_panel_only(root):
    raw = demo(root) | {"training": {"season_by": ["brand"]}}
    assert parse_company(copy.deepcopy(raw)).training.season_by == ["brand"]
    del raw["sales"]
    assert parse_company(raw).sales is None


def test_holidays_may_vary_over_levels_and_over_single_series():
    days = {"dates": {"Fair": ["2024-05-01"]}}
    made = {"levels": ["state", "brand"], "target": "units"}
    for by in (["brand"], ["bottom"], []):
        assert SalesPanel(**made, holidays=Holidays(**days, by=by)).holidays.by == by
    with pytest.raises(ValidationError, match=r"holidays.by names the level 'brnd'; did you mean 'brand'"):
        SalesPanel(**made, holidays=Holidays(**days, by=["brnd"]))


LIFT = {"node": "TV", "start": date(2023, 3, 6), "end": "2023-04-03", "lift": 50, "sd": 10}


def test_lift_tests_name_nodes_and_dates_as_yaml_has_them(root):
    raw = demo(root)
    raw["media"]["lift_tests"] = [LIFT, {**LIFT, "node": "facebook", "measured_until": "2023-05-01", "share": 0.5}]
    company = parse_company(raw)
    first, second = company.media.lift_tests
    assert (first.start, first.known_at) == ("2023-03-06", pd.Timestamp("2023-04-03"))
    assert second.known_at == pd.Timestamp("2023-05-01")
    assert Company.model_validate_json(company.model_dump_json()) == company


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"node": "Tv"}, "media.lift_tests names 'Tv'; did you mean 'TV'"),
        ({"sart": "2023-03-06"}, "unknown field; did you mean 'start'"),
        ({"start": "soon"}, "must be dates such as 2024-03-04"),
        ({"end": "2023-01-02"}, "wanted start <= end <= measured_until"),
        ({"sd": 0}, "a finite lift and a positive sd"),
        ({"share": 1.5}, "above 0 and at most 1; got 1.5"),
    ],
)
def test_a_wrong_lift_test_is_told(root, change, wanted):
    raw = demo(root)
    raw["media"]["lift_tests"] = [LIFT | change]
    with pytest.raises(SettingsError, match=wanted):
        parse_company(raw)


def test_an_ensemble_is_off_unless_it_is_asked_for(root):
    raw = demo(root)
    assert parse_company(raw).media.ensemble is None
    raw["media"]["ensemble"] = {}
    assert parse_company(raw).media.ensemble.weights == "psis_loo"
    raw["media"]["ensemble"] = {"weights": "stacking"}
    with pytest.raises(SettingsError, match=r"media\.ensemble\.weights: input should be 'psis_loo'"):
        parse_company(raw)
