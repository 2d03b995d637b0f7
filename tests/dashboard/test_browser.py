"""The pages in a real browser against a real server and a real registry."""

import json

import pytest

from dashboard.pages import PAGES

pytestmark = pytest.mark.browser

PATIENCE = 30_000  # milliseconds; a busy machine draws slowly
DRAWN = {
    "/": "#scores-figure .bars",
    "/forecasts": "#forecast-figure .scatterlayer .trace",
    "/contributions": "#contribution-figure .bars",
    "/media": "#media-figure .bars",
    "/versions": ".tags",
}


@pytest.fixture(scope="module")
def address(serve, shared_demo):
    return serve(shared_demo.home.root)


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.TITLE)
def test_a_page_renders_quietly_and_stays_home(look, address, page, width):
    seen = look(f"{address}{page.PATH}?company=demo", width=width)
    seen.page.wait_for_selector(DRAWN[page.PATH], timeout=PATIENCE)
    seen.page.wait_for_load_state("networkidle")
    assert seen.errors == []
    assert seen.outside == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_links_and_company_travel_together(look, address):
    from playwright.sync_api import expect

    page = look(f"{address}/forecasts?company=north").page
    page.wait_for_selector(DRAWN["/forecasts"], timeout=PATIENCE)
    page.get_by_role("link", name="Media mix").click()
    expect(page.get_by_text("no marketing mix model yet")).to_be_visible(timeout=PATIENCE)
    page.locator("#company").click()
    page.get_by_role("option", name="demo").click()
    page.wait_for_selector(DRAWN["/media"], timeout=PATIENCE)
    assert page.url.endswith("/media?company=demo")


def test_a_filter_changes_the_figure(look, address):
    page = look(f"{address}/forecasts?company=demo").page
    page.wait_for_selector(DRAWN["/forecasts"], timeout=PATIENCE)
    before = drawn(page, "forecast-figure")
    page.get_by_placeholder("all 3").first.click()
    page.get_by_role("option", name="North").click()
    page.get_by_text("region North").wait_for(timeout=PATIENCE)
    page.wait_for_function(f"{numbers_in('forecast-figure')} !== {json.dumps(before)}", timeout=PATIENCE)


def test_money_is_drawn_and_follows_the_media_level(look, address):
    seen = look(f"{address}/media?company=demo")
    for drawn_part in ("#media-returns .scatterlayer .trace", "#media-response .scatterlayer .trace", "#media-budget .bars"):
        seen.page.wait_for_selector(drawn_part, timeout=PATIENCE)
    seen.page.locator("#media-level").get_by_text("tactical").click()
    seen.page.locator("#media-returns .yaxislayer-above").get_by_text("brand_terms").wait_for(timeout=PATIENCE)
    seen.page.get_by_text("Without spend: drive.").wait_for(timeout=PATIENCE)
    seen.page.locator("#media-ensemble-grid .ag-cell[col-id='metric']").get_by_text("clicks").wait_for(timeout=PATIENCE)
    assert seen.errors == []


def test_selecting_another_model_shows_it(look, address):
    page = look(f"{address}/?company=demo").page
    page.locator(".ag-row[row-index='1'] .ag-cell[col-id='model']").click(timeout=PATIENCE)
    page.get_by_text("No version is challenger now.").wait_for(timeout=PATIENCE)


@pytest.mark.slow
def test_promoting_a_version_changes_the_open_page(look, serve, demo):
    page = look(f"{serve(demo.home.root, refresh=1)}/forecasts?company=demo").page
    page.get_by_text("champion v2 · trained").wait_for(timeout=PATIENCE)
    page.get_by_placeholder("all 3").first.click()
    page.get_by_role("option", name="North").click()
    page.get_by_text("region North").wait_for(timeout=PATIENCE)
    before = drawn(page, "forecast-figure")
    demo.alias("hiref", "champion", "3")
    page.get_by_text("challenger and champion v3 · trained").wait_for(timeout=PATIENCE)
    page.wait_for_function(f"{numbers_in('forecast-figure')} !== {json.dumps(before)}", timeout=PATIENCE)
    assert page.get_by_text("region North").is_visible()  # what the person had chosen stays


@pytest.mark.slow
def test_what_waits_for_approval_is_told_with_its_command(look, serve, demo, tables_of):
    demo.alias("hiref", "challenger", demo.add("hiref", tables_of("hiref", 5), decision="waiting"))
    address = serve(demo.home.root)
    command = "python -m flows.approve --settings YOUR.yaml --family hiref --version 4"
    for width in (1400, 390):
        for page in ("/", "/versions"):
            seen = look(f"{address}{page}?company=demo", width=width)
            seen.page.locator(".waiting").get_by_text("version 4 waits for approval").wait_for(timeout=PATIENCE)
            assert command in seen.page.locator(".waiting").inner_text()
            seen.page.wait_for_selector(DRAWN[page], timeout=PATIENCE)
            assert seen.errors == []
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_an_empty_registry_says_what_to_run_and_the_page_comes_alive(look, serve, tmp_path, build):
    root = tmp_path / "home"
    root.mkdir()
    seen = look(serve(root, refresh=1))
    seen.page.get_by_text("./start.sh").wait_for(timeout=PATIENCE)
    assert seen.errors == []
    build(root)
    seen.page.wait_for_selector(DRAWN["/"], timeout=PATIENCE)


def drawn(page, figure):
    """What a figure shows, as text that changes when its numbers do."""
    return page.evaluate(numbers_in(figure))


def numbers_in(figure):
    """The numbers a figure shows, as a browser expression."""
    return f"document.querySelector('#{figure} .js-plotly-plot').calcdata.map(trace => trace.map(point => point.y)).join()"
