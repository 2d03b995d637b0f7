"""Facts come from sums that merge: in parts or at once, they are the same."""

import numpy as np
import pytest

from hierforecast.driver import Adstock, Saturation
from hierforecast.hiref import Driver
from hierforecast.hiref.columns.survey import columns_to_survey, facts_from, sum_target, survey_columns
from hierforecast.hiref.link import make_link

DRIVERS = [
    Driver("price", transform="log"),
    Driver("cost", reference="mean"),
    Driver("tv", adstock=Adstock(0.5), saturation=Saturation("hill")),
    Driver("radio", saturation=Saturation("log", half=3.0)),
    Driver("web", saturation=Saturation("power")),
    Driver("trade", reference="regular"),
]


def test_only_columns_with_something_to_learn_are_read(new_settings):
    assert columns_to_survey(new_settings(DRIVERS)) == ["price", "cost", "tv"]


def test_parts_add_up_to_the_whole(new_settings):
    rng = np.random.default_rng(0)
    dates = np.arange("2024-01-01", "2024-04-10", dtype="datetime64[D]")
    columns = {name: np.maximum(rng.normal(2, 2, 100), 0) for name in ("price", "cost", "tv")}
    parts = [survey_columns(dates[cut], {k: v[cut] for k, v in columns.items()}) for cut in (slice(0, 33), slice(33, 100))]
    whole, joined = survey_columns(dates, columns), parts[1] + parts[0]
    assert (joined.first, joined.last) == (whole.first, whole.last)
    facts = facts_from(joined, new_settings(DRIVERS))
    for name, fact in facts_from(whole, new_settings(DRIVERS)).items():
        assert fact == pytest.approx(facts[name])
    assert facts["price"].reference == pytest.approx(columns["price"][columns["price"] > 0].mean())
    assert facts["cost"].reference == pytest.approx(columns["cost"].mean())
    assert facts["tv"].half == pytest.approx(columns["tv"][columns["tv"] > 0].mean())
    assert (facts["radio"].half, facts["web"].half, facts["trade"].reference) == (3.0, 0.0, None)


@pytest.mark.parametrize("name", ["log", "identity"])
def test_target_means_on_the_link_scale_come_from_sums(name):
    rng = np.random.default_rng(1)
    units, series = rng.poisson(1.0, 300).astype(float), rng.integers(0, 4, 300)
    link = make_link(name, units)
    first = sum_target(units[:100], series[:100], 4).renumber(np.arange(4), 5)
    sums = first + sum_target(units[100:], series[100:], 5)
    expected = [link.forward(units)[series == number].mean() for number in range(4)]
    np.testing.assert_allclose(sums.means(link), [*expected, np.nan])
