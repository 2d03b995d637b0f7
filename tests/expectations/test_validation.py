import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from expectations.columns import read_numbers
from expectations.panel_view import PanelView
from expectations.validation import content_checks, structure_checks, validate
from hierforecast import synthetic
from hierforecast.settings import parse_company, read_company


def failed(report) -> dict:
    """The failures by check and column."""
    return {(result.check, result.column): result for result in report.failures}


def test_clean_panels_pass_and_every_check_is_answered(sales, sales_panel, media, media_panel):
    for frame, panel in ((sales, sales_panel), (media, media_panel)):
        report = validate(frame, panel, name="clean")
        assert report.passed, report.message()
        wanted = [*structure_checks(panel), *content_checks(panel)]
        assert [(result.check, result.column) for result in report.results] == [(check.check, check.column) for check in wanted]
        assert {result.status for result in report.results} == {"passed"}
        answered = sum(len(suite["results"]) for suite in report.gx.values())
        assert answered == len(wanted) == len({check.label for check in wanted})


def test_leakage_and_lag_checks_for_each_kind_of_panel(sales_panel, media_panel):
    for panel in (sales_panel, media_panel):
        found = {check.check: check.severity for check in content_checks(panel)}
        wanted = {"leakage": "stop", "near_leakage": "warn", "copied_periods": "stop", "lags": "stop"}
        assert wanted.items() <= found.items()
        assert ("encoded_keys" in found) == (panel is sales_panel)


def test_a_duplicated_key_stops_before_content_and_is_named(sales, sales_panel):
    report = validate(pd.concat([sales, sales.iloc[[70]]]), sales_panel, name="sales")
    assert list(failed(report)) == [("unique_keys", None)]
    assert report.failures[0].keys == ("region=North, brand=Brio, week=2024-02-12",)
    later = {check.check for check in content_checks(sales_panel)}
    assert {result.status for result in report.results if result.check in later} == {"not run"}
    assert "region=North, brand=Brio, week=2024-02-12" in report.message()


def test_a_duplicate_hidden_by_two_ways_of_writing_a_date_is_found(sales, sales_panel):
    written = sales.assign(week=sales["week"].dt.strftime("%Y-%m-%d"))
    again = written.iloc[[70]].assign(week="2024-02-12 00:00:00")
    report = validate(pd.concat([written, again]), sales_panel, name="sales")
    assert report.failures[0].keys == ("region=North, brand=Brio, week=2024-02-12",)


def test_text_in_one_price_is_named_with_its_key_and_its_text(sales, sales_panel):
    bad = sales.astype({"price": object})
    bad.loc[5, "price"] = "n/a"
    report = validate(bad, sales_panel, name="sales")
    assert list(failed(report)) == [("type", "price")]
    assert report.failures[0].keys == ("region=North, brand=Alba, week=2024-02-05: 'n/a'",)


@pytest.mark.parametrize(
    "dates",
    [
        lambda week: week,
        lambda week: week.dt.tz_localize("UTC"),
        lambda week: week - week[0],
        lambda week: week.dt.to_period("D"),
        lambda week: week.astype("timestamp[ns][pyarrow]"),
    ],
)
def test_dates_and_spans_of_time_are_no_numbers(sales, sales_panel, dates):
    planted = sales.assign(price=dates(sales["week"]))
    planted.loc[3, "price"] = pd.NaT
    numbers = read_numbers(planted["price"])
    assert len(numbers) == len(sales)
    assert np.isnan(numbers).all()
    failure = failed(validate(planted, sales_panel, name="sales"))["type", "price"]
    assert failure.count == len(sales) - 1
    assert failure.keys[1].startswith("region=North, brand=Alba, week=2024-01-08: '")


def test_a_driver_equal_to_next_weeks_sales_is_stopped(sales, sales_panel):
    moved = sales.groupby(["region", "brand"])["units"].shift(-1).fillna(60.0)
    report = validate(sales.assign(price=moved.clip(0.1)), sales_panel, name="sales")
    leak = failed(report)["leakage", None]
    assert "'price' equals 'units' 1 week ahead" in leak.found
    assert leak.keys[0] == "region=North, brand=Alba, week=2024-01-01 (price)"


def test_several_faults_are_all_told_at_once(sales, sales_panel):
    bad = sales.rename(columns={"promotion": "promotoin"}).astype({"brand": object})
    bad.loc[2, "brand"] = " "
    bad.loc[3, "price"] = np.inf
    report = validate(bad, sales_panel, name="sales")
    assert set(failed(report)) == {("column", "promotion"), ("type", "price"), ("level_filled", "brand")}
    assert "did you mean 'promotoin'?" in report.message()
    assert report.message().count("\n- ") == 4  # three failures and what waits for them
    absent = [result for result in report.results if result.column == "promotion" and result.check == "type"]
    assert [result.status for result in absent] == ["not run"]


def test_unreadable_dates_are_named(sales, sales_panel):
    bad = sales.assign(week=sales["week"].dt.strftime("%Y-%m-%d"))
    bad.loc[1, "week"] = "08/01/2024"
    report = validate(bad, sales_panel, name="sales")
    assert failed(report)["type", "week"].keys == ("region=North, brand=Alba, week=08/01/2024: '08/01/2024'",)


def test_a_missing_period_column_leaves_the_rest_judged(sales, sales_panel):
    report = validate(sales.drop(columns="week"), sales_panel, name="sales")
    assert set(failed(report)) == {("column", "week")}


def test_an_empty_table_is_no_clean_table(sales, sales_panel):
    report = validate(sales.iloc[:0], sales_panel, name="sales")
    assert ("rows", None) in failed(report)


@pytest.mark.parametrize(
    ("row", "column", "value", "check"),
    [
        (10, "units", -1.0, "bounds"),
        (10, "units", np.nan, "known"),
        (10, "price", np.nan, "known"),
        (10, "price", 51.0, "bounds"),
        (10, "price", -2.0, "bounds"),
        (10, "regular_price", -2.0, "bounds"),
        (10, "regular_price", np.nan, "known"),
        (63, "promotion", np.nan, "known"),
        (59, "temperature", np.nan, "known"),
    ],
)
def test_one_bad_cell_is_named(sales, sales_panel, row, column, value, check):
    sales.loc[row, column] = value
    report = validate(sales, sales_panel, name="sales")
    assert list(failed(report)) == [(check, column)]
    week = sales.loc[row, "week"].date()
    assert report.failures[0].keys == (f"region=North, brand=Alba, week={week}",)
    assert report.failures[0].count == 1


def test_a_zero_price_under_a_logarithm_is_left_to_the_model(sales, sales_panel):
    free = [driver for driver in sales_panel.drivers if driver.name != "price"]
    price = {"name": "price", "transform": "log", "reference": "regular_price"}
    panel = parse_company(
        {"company": "x", "sales": {"target": "units", "levels": ["region", "brand"], "drivers": [price, *free]}}
    ).sales
    sales.loc[10, "price"] = 0.0
    assert validate(sales, panel, name="sales").passed
    sales.loc[10, "price"] = -0.5
    assert list(failed(validate(sales, panel, name="sales"))) == [("bounds", "price")]


@pytest.mark.parametrize(("value", "check"), [(-1.0, "bounds"), (np.nan, "known")])
def test_a_weight_that_training_cannot_read_is_named(sales, value, check):
    drivers = [{"name": "price"}]
    settings = {"target": "units", "levels": ["region", "brand"], "drivers": drivers, "weight": "trust"}
    panel = parse_company({"company": "x", "sales": settings | {"checks": {"severity": {"bounds": "warn"}}}}).sales
    planned = sales["units"].isna()
    weighed = sales.assign(trust=np.where(planned, np.nan, 1.0))
    assert validate(weighed, panel, name="sales").passed
    weighed.loc[10, "trust"] = value
    assert list(failed(validate(weighed, panel, name="sales"))) == [(check, "trust")]


def test_a_weight_may_be_what_a_driver_is_measured_from(sales):
    drivers = [{"name": "promotion", "reference": "trust"}]
    settings = {"target": "units", "levels": ["region", "brand"], "drivers": drivers, "weight": "trust"}
    panel = parse_company({"company": "x", "sales": settings}).sales
    weighed = sales.assign(trust=1.0 + np.arange(len(sales)) % 7)
    assert validate(weighed, panel, name="sales").passed
    weighed.loc[10, "trust"] = -1.0
    assert list(failed(validate(weighed, panel, name="sales"))) == [("bounds", "trust")]


def test_a_panel_without_any_known_target_is_refused(sales, sales_panel):
    report = validate(sales.assign(units=np.nan), sales_panel, name="sales")
    assert "nothing to learn from" in failed(report)["known", "units"].found


def test_media_cells_are_named(media, media_panel):
    media.loc[3, "brand_clicks"] = -1.0
    media.loc[4, "spot_impressions"] = np.nan
    media.loc[5, "holiday"] = np.nan
    media["generic_impressions"] = 0.0
    report = validate(media, media_panel, name="media")
    found = failed(report)
    assert found["bounds", "brand_clicks"].keys == ("week=2023-01-23",)
    assert found["known", "spot_impressions"].keys == ("week=2023-01-30",)
    assert found["known", "holiday"].keys == ("week=2023-02-06",)
    assert found["spend_shows", None].keys == ("generic",)
    assert len(found) == 4


def test_metrics_may_end_with_the_target_but_planned_exposure_may_not(media, media_panel):
    media.loc[120:, ["brand_clicks", "generic_clicks"]] = np.nan
    assert validate(media, media_panel, name="media").passed
    media.loc[121, "brand_impressions"] = np.nan
    assert list(failed(validate(media, media_panel, name="media"))) == [("known", "brand_impressions")]


def test_two_rows_of_one_media_week_are_named(media, media_panel):
    report = validate(pd.concat([media, media.iloc[[7]]]), media_panel, name="media")
    assert failed(report)["unique_keys", None].keys == ("week=2023-02-20",)


def test_the_frame_is_left_as_it_is(sales, sales_panel):
    before = sales.copy()
    validate(sales, sales_panel, name="sales")
    pd.testing.assert_frame_equal(sales, before)


def test_order_and_types_of_a_csv_file_do_not_matter(sales, sales_panel, tmp_path):
    shuffled = sales.sample(frac=1, random_state=3)
    shuffled.to_csv(tmp_path / "sales.csv", index=False)
    report = validate(pd.read_csv(tmp_path / "sales.csv"), sales_panel, name="sales")
    assert report.passed, report.message()


def test_the_evidence_is_json(sales, sales_panel):
    report = validate(sales, sales_panel, name="sales")
    again = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert again["passed"] is True
    assert again["gx"]["content"]["success"] is True
    assert len(again["results"]) == len(report.results)


def test_importing_the_package_does_not_import_great_expectations():
    code = "import sys, expectations; raise SystemExit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_half_a_million_real_rows_pass(shared_data):
    frame = pd.read_parquet(shared_data / "frat/frat.parquet")
    drivers = [{"name": "price", "transform": "log", "reference": "base_price"}]
    drivers += [{"name": name} for name in ("base_price", "feature", "display", "tpr_only")]
    levels = ["state", "msa", "store_id", "category", "brand", "upc_id", "pack"]
    settings = {"target": "units", "levels": levels, "gaps": "allow", "drivers": drivers}
    panel = parse_company({"company": "frat", "sales": settings}).sales
    report = validate(frame, panel, name="frat")
    assert report.passed, report.message()
    key = PanelView.of(frame, panel).keys(np.array([0]))
    assert key == (
        "state=TX, msa=26420, store_id=10019, category=BAG SNACKS, brand=PRIVATE LABEL, upc_id=1111009477, "
        "pack=15 OZ, week=2009-01-14",
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_made_companies_pass_the_demos_own_declaration(root, seed):
    company = read_company(root / "deployments/demo.yaml")
    made = synthetic.company(seed=seed, weeks=104)
    for frame, panel in ((made.sales, company.sales), (made.media, company.media)):
        report = validate(frame, panel, name=f"seed {seed}")
        assert report.passed, report.message()
