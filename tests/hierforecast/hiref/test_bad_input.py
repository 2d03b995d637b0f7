"""What people really hand in. Each mutated panel ends in an error that names the thing and its cure, or in a documented
handling with finite forecasts; in a NaN forecast or a library's stack trace never.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError
from hierforecast.options import Training

LEVELS = ["state", "brand", "pack"]
QUICK = Training(seasonality=1, embedding_size=1, iterations=40)

Mutation = Callable[[pd.DataFrame], pd.DataFrame]


class Told(NamedTuple):
    """A mutation that is refused: the words that name the thing and its cure, as a pattern."""

    mutate: Mutation
    words: str


class Handled(NamedTuple):
    """A mutation that is handled, and the rule."""

    mutate: Mutation
    rule: str


def put(column: str, value: object, every: int = 7) -> Mutation:
    """One value in every so-many-th cell of a column."""

    def mutate(panel):
        hit = np.arange(len(panel)) % every == 0
        return panel.assign(**{column: panel[column].astype(object).where(~hit, value).infer_objects()})

    return mutate


def whole(**columns: object) -> Mutation:
    return lambda panel: panel.assign(**columns)


def cast(column: str, kind: object) -> Mutation:
    return lambda panel: panel.assign(**{column: panel[column].astype(kind)})


def one_series(panel):
    return panel[(panel[LEVELS] == panel[LEVELS].iloc[0]).all(axis=1)]


def nothing(panel):
    return None


def read_only(panel):
    frozen = {}
    for column in ("price", "tv", "units"):
        frozen[column] = panel[column].to_numpy().copy()
        frozen[column].flags.writeable = False
    return panel.assign(**{column: pd.Series(values, index=panel.index, copy=False) for column, values in frozen.items()})


DRIVERS = {
    "NaN driver": Told(put("tv", np.nan), r"driver 'tv' is empty or infinite in \d+ rows.*state S0.*fill the gap"),
    "infinite driver": Told(put("tv", np.inf), "driver 'tv' is empty or infinite.*fill the gap"),
    "minus infinite price": Told(put("price", -np.inf), "driver 'price' is empty or infinite.*fill the gap"),
    "NaN reference": Told(put("regular", np.nan), "column 'regular' is empty or infinite.*fill the gap"),
    "nullable integers with a gap": Told(
        lambda p: p.assign(tv=p["tv"].round().astype("Int64").where(np.arange(len(p)) % 7 != 0)), "driver 'tv' is empty"
    ),
    "zero price under a log": Handled(put("price", 0.0), "counts as at its reference"),
    "negative price under a log": Handled(put("price", -2.0), "counts as at its reference"),
    "zero reference under a log": Handled(put("regular", 0.0), "counts as at its reference"),
    "every price zero": Handled(whole(price=0.0), "the driver says nothing"),
    "a price of 1e300": Told(put("price", 1e300), r"driver 'price' is beyond 1e\+30"),
    "a price of 1e-300": Handled(put("price", 1e-300), "a log takes it; the column's range grows"),
    "media of 1e300": Told(put("tv", 1e300), r"driver 'tv' is beyond 1e\+30"),
    "media of 1e-300": Handled(lambda p: p.assign(tv=p["tv"] * 1e-300), "as good as none"),
    "constant drivers": Handled(whole(tv=3.0, price=2.0, regular=2.0), "they say nothing"),
    "a driver that is always 0": Handled(whole(tv=0.0), "it says nothing"),
    "two drivers that say the same": Handled(lambda p: p.assign(tv=5 - np.log(p["price"] / p["regular"])), "they share"),
    "missing driver": Told(lambda p: p.drop(columns="price"), "no column 'price' in the panel"),
    "missing reference": Told(lambda p: p.drop(columns="regular"), "no column 'regular' in the panel"),
    "misspelt driver": Told(lambda p: p.rename(columns={"price": "prise"}), "did you mean 'prise'"),
    "repeated driver": Told(lambda p: pd.concat([p, p[["price"]]], axis=1), "2 columns named 'price'; keep one"),
    "words for numbers": Told(whole(price="cheap"), "'price' must be numbers, got str; convert"),
    "numbers as text": Told(cast("price", "str"), "'price' must be numbers, got str; convert"),
    "numbers as objects": Handled(cast("price", object), "their numbers"),
    "numbers and text as objects": Told(put("price", "1,99"), "'price' must be numbers, got object; convert"),
    "dates as a driver": Told(lambda p: p.assign(tv=p["week"]), "'tv' must be numbers, got datetime64"),
    "durations as a driver": Told(lambda p: p.assign(tv=p["week"] - p["week"].min()), "'tv' must be numbers, got timedelta"),
    "complex numbers": Told(cast("price", complex), "'price' must be numbers, got complex128"),
    "lists in cells": Told(lambda p: p.assign(tv=[[1.0]] * len(p)), "'tv' must be numbers, got object"),
    "booleans": Handled(lambda p: p.assign(tv=p["tv"] > 0), "0 and 1"),
    "categories of numbers": Handled(lambda p: p.assign(tv=pd.Categorical(p["tv"].round())), "their numbers"),
    "categories of words": Told(lambda p: p.assign(tv=pd.Categorical(["low"] * len(p))), "'tv' must be numbers, got str"),
    "decimals": Handled(lambda p: p.assign(price=[Decimal(f"{x:.2f}") for x in p["price"]]), "their numbers"),
    "small integers that would overflow": Handled(whole(tv=np.int8(100)), "sums are made in floats"),
    "unsigned integers": Handled(lambda p: p.assign(tv=p["tv"].astype(np.uint64)), "their numbers"),
    "half floats": Handled(lambda p: p.assign(tv=p["tv"].astype(np.float16)), "their numbers"),
    "arrow columns": Handled(
        lambda p: p.assign(tv=p["tv"].astype("float64[pyarrow]"), state=p["state"].astype("string[pyarrow]")), "the same"
    ),
    "sparse columns": Handled(lambda p: p.assign(tv=p["tv"].astype(pd.SparseDtype(float, 0.0))), "the same"),
}

TIMES = {
    "repeated rows": Told(lambda p: pd.concat([p, p.head(3)]), "3 rows repeat a series and week.*aggregate to one row"),
    "two rows a week": Told(
        lambda p: pd.concat([p, p.assign(week=p["week"] + pd.Timedelta(days=3))]), "rows repeat a series and week.*aggregate"
    ),
    "weeks that begin on different days": Handled(
        lambda p: p.assign(week=p["week"] + pd.to_timedelta(np.where(p["state"] == "S0", 3, 0), unit="D")),
        "the same seven days, counted from the first date",
    ),
    "one state monthly, one weekly": Handled(
        lambda p: p[(p["state"] != "S0") | (p["week"].dt.day <= 7)], "missing weeks have no row and no exposure"
    ),
    "gaps of a month": Handled(lambda p: p[p["week"].dt.month % 3 != 2], "missing weeks have no row and no exposure"),
    "period as text": Told(lambda p: p.assign(week=p["week"].astype("str")), "'week' must be dates, got str; use pandas"),
    "period as numbers": Told(lambda p: p.assign(week=np.arange(len(p))), "'week' must be dates, got int64"),
    "period as date objects": Told(lambda p: p.assign(week=p["week"].dt.date.astype(object)), "must be dates, got object"),
    "period as pandas periods": Told(lambda p: p.assign(week=p["week"].dt.to_period("W")), "must be dates, got period"),
    "period with a time zone": Handled(lambda p: p.assign(week=p["week"].dt.tz_localize("Asia/Tokyo")), "the local day counts"),
    "empty dates": Told(put("week", pd.NaT), "'week' is empty in.*every row needs a date"),
    "missing period": Told(lambda p: p.drop(columns="week"), "no period column 'week'"),
    "dates in seconds": Handled(lambda p: p.assign(week=p["week"].astype("datetime64[s]")), "the same"),
    "a date that stands for none": Told(
        lambda p: p.assign(week=p["week"].astype("datetime64[s]").where(np.arange(len(p)) != 5, pd.Timestamp("9999-12-31"))),
        "9999-12-31.*drop",
    ),
    "unsorted rows": Handled(lambda p: p.sample(frac=1, random_state=1), "any order"),
}

NODES = {
    "empty node": Told(put("state", None), "level 'state' is empty in.*every row needs a node"),
    "missing level": Told(lambda p: p.drop(columns="state"), "no column for level 'state'"),
    "repeated level": Told(lambda p: pd.concat([p, p[["state"]]], axis=1), "2 columns named 'state'; keep one"),
    "lists as nodes": Told(lambda p: p.assign(state=[["S0"]] * len(p)), "level 'state' must hold names or numbers"),
    "categories as nodes": Handled(lambda p: p.astype(dict.fromkeys(LEVELS, "category")), "their names"),
    "unused categories": Handled(
        lambda p: p.assign(state=pd.Categorical(p["state"], categories=["S9", *p["state"].unique()])), "only what occurs"
    ),
    "whole numbers as nodes": Handled(lambda p: p.assign(state=p["state"].str[1:].astype(int)), "told apart by their text"),
    "floats as nodes": Handled(lambda p: p.assign(state=p["state"].str[1:].astype(float)), "whole ones are named as integers"),
    "truth values as nodes": Handled(lambda p: p.assign(state=p["state"] == "S0"), "told apart by their text"),
    "numbers and their text": Handled(
        lambda p: p.assign(
            state=pd.Series(np.where(p["week"].dt.day % 2 == 0, "1", p["state"]), index=p.index, dtype=object).where(
                (p["week"].dt.day % 2 == 0) | (p["state"] != "S1"), 1
            )
        ).drop_duplicates(["week", "brand", "pack", "state"]),
        'told apart by their text: 1 and "1" are one',
    ),
    "odd names": Handled(
        lambda p: p.assign(state=p["state"].map({"S0": "a,b/|\n\"'; DROP", "S1": "北京 ❄️ " + "x" * 5000})), "any text"
    ),
    "blank names": Handled(lambda p: p.assign(state=p["state"].map({"S0": "", "S1": " "})), "any text"),
    "every row a node of its own": Handled(lambda p: p.assign(brand=[f"X{i}" for i in range(len(p))]), "shrunk"),
    "a brand in two packs only there": Handled(
        lambda p: p[(p["brand"] != "B0") | (p["pack"] == "small")], "levels may be crossed, nested or neither"
    ),
    "a level of one node": Handled(lambda p: p[p["state"] == "S0"], "it says nothing"),
    "no frame": Told(lambda p: p.to_dict("list"), "wanted a pandas DataFrame.*got dict"),
    "a series for a frame": Told(lambda p: p["units"], "wanted a pandas DataFrame.*got Series"),
    "nothing": Told(nothing, "wanted a pandas DataFrame.*got NoneType"),
    "no rows": Told(lambda p: p.head(0), "the panel has no rows"),
    "one series": Handled(one_series, "a regression of its own"),
    "one row": Handled(lambda p: p.head(1), "the mean is all there is"),
    "one row a series": Handled(lambda p: p.groupby(LEVELS).head(1), "the levels' means"),
    "one series of one row": Handled(
        lambda p: pd.concat([p[p["state"] != "S0"], p[p["state"] == "S0"].groupby(LEVELS).head(1)]), "shrunk to its levels"
    ),
    "one period": Handled(lambda p: p[p["week"] == p["week"].min()], "no season, no held-out weeks"),
    "further columns": Handled(whole(junk="x", forecast=1.0, baseline=2.0, series=3, lower="low"), "not read"),
    "repeated index": Handled(lambda p: p.set_axis(np.zeros(len(p), dtype=int), axis=0), "kept"),
    "dates as index": Handled(lambda p: p.set_index("week", drop=False), "kept"),
    "levels as index": Handled(lambda p: p.set_index(LEVELS, drop=False), "kept"),
    "read-only arrays": Handled(read_only, "never written to"),
}

# Only what is learned from has a target.
TARGETS = {
    "no target": Told(lambda p: p.drop(columns="units"), "no target column 'units'.*learning needs"),
    "misspelt target": Told(lambda p: p.rename(columns={"units": "unit"}), "did you mean 'unit'"),
    "future only": Told(whole(units=np.nan), "target 'units' is empty in every row; there is nothing to learn"),
    "negative target": Told(put("units", -1.0), r"target 'units' is below 0 or infinite in \d+ rows.*correct or drop"),
    "infinite target": Told(put("units", np.inf), "target 'units' is below 0 or infinite.*correct or drop"),
    "target as text": Told(cast("units", "str"), "'units' must be numbers, got str; convert"),
    "a target of 1e300": Told(put("units", 1e300), r"target 'units' is beyond 1e\+30"),
    "empty target in some rows": Handled(put("units", np.nan), "those rows are not learned from"),
    "no sales at all": Handled(whole(units=0.0), "nothing is forecast"),
    "one sale": Handled(lambda p: p.assign(units=np.where(np.arange(len(p)) == 5, 3.0, 0.0)), "nearly nothing is forecast"),
    "dust": Handled(put("units", 1e-12), "counts as 0"),
    "sales of 1e25": Handled(whole(units=1e25), "scaled"),
    "integer sales": Handled(lambda p: p.assign(units=p["units"].round().astype("uint8")), "sums are made in floats"),
    "truth values as sales": Handled(lambda p: p.assign(units=p["units"] > p["units"].median()), "0 and 1"),
}

EVERYWHERE = DRIVERS | TIMES | NODES


@pytest.fixture(scope="module")
def split(new_market):
    panel = new_market(seed=3, weeks=60, states=2).panel
    cut = panel["week"].drop_duplicates().iloc[-8]
    parts = [panel[panel["week"] < cut], panel[panel["week"] >= cut]]
    return [part.reset_index(drop=True) for part in parts]


@pytest.fixture(scope="module")
def fitted(split, new_model):
    return new_model(training=QUICK).fit(split[0])


def assert_sound(model, rows):
    """Finite answers everywhere, of as many rows as were asked for, whose parts sum to the forecast."""
    forecast = model.predict(rows)
    assert len(forecast) == len(rows)
    assert forecast.index.equals(rows.index)
    numbers = forecast[["lower", "forecast", "upper"]].to_numpy(dtype=float)
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (np.diff(numbers, axis=1) >= 0).all()
    assert forecast["fallback"].notna().all()
    parts = model.contributions(rows).drop(columns=[*LEVELS, "week"])
    assert np.isfinite(parts.to_numpy(dtype=float)).all()
    np.testing.assert_allclose(parts.sum(axis=1), forecast["forecast"], rtol=1e-6, atol=1e-9 * max(numbers.max(), 1.0))
    changed = model.simulate(rows, price=lambda price: price * 1.05)
    assert np.isfinite(changed[["forecast", "what_if", "change"]].to_numpy(dtype=float)).all()


@pytest.mark.parametrize("name", [*EVERYWHERE, *TARGETS])
def test_learning(name, split, new_model):
    train, holdout = split
    case = (EVERYWHERE | TARGETS)[name]
    model, given = new_model(training=QUICK), case.mutate(train)
    if isinstance(case, Told):
        with pytest.raises(PanelError, match=f"(?s){case.words}"):
            model.fit(given)
        return
    kept = given.copy(deep=True)
    model.fit(given)
    pd.testing.assert_frame_equal(given, kept)  # nobody's panel is written to
    assert np.isfinite(list(map(float, model.series_effects()[["price", "tv"]].to_numpy().ravel()))).all()
    assert_sound(model, holdout)
    if name in EVERYWHERE:
        assert_sound(model, case.mutate(holdout))


NUMBERS = {name: case for name, case in (DRIVERS | TARGETS).items() if isinstance(case, Handled)}


@pytest.mark.parametrize("name", NUMBERS)
def test_learning_without_a_log(name, split, new_model):
    """The identity link squares what is given, and a trend goes on."""
    train, holdout = split
    model = new_model(link="identity", training=Training(seasonality=1, embedding_size=1, iterations=40, trend=True))
    assert_sound(model.fit(NUMBERS[name].mutate(train)), holdout)


@pytest.mark.parametrize("name", [name for name in EVERYWHERE if name != "one series of one row"])
def test_forecasting(name, split, fitted):
    case = EVERYWHERE[name]
    given = case.mutate(split[1])
    if isinstance(case, Told):
        for answer in (fitted.predict, fitted.contributions, lambda rows: fitted.simulate(rows, tv=lambda tv: tv)):
            with pytest.raises(PanelError, match=f"(?s){case.words}"):
                answer(given)
        return
    assert_sound(fitted, given)


@pytest.mark.parametrize("name", ["no target", "future only", "negative target", "target as text", "a target of 1e300"])
def test_forecasting_does_not_look_at_the_target(name, split, fitted):
    plain, given = fitted.predict(split[1]), fitted.predict(TARGETS[name].mutate(split[1]))
    pd.testing.assert_frame_equal(given, plain)


@pytest.mark.parametrize("years", [-40, -25, 25, 40])
def test_dates_far_from_training(years, split, fitted):
    rows = split[1].assign(week=split[1]["week"] + pd.Timedelta(days=7 * 52 * years))
    if abs(years) > 30:
        with pytest.raises(PanelError, match=r"192 rows lie more than 30 years from training, first week .*; correct"):
            fitted.predict(rows)
    else:
        assert_sound(fitted, rows)


def test_a_placeholder_date_in_training_is_named(split, new_model):
    early = split[0].assign(week=split[0]["week"].where(np.arange(len(split[0])) != 9, pd.Timestamp("1900-01-01")))
    with pytest.raises(PanelError, match="no series has a row between week 1900-01-01 and 2022-01-03"):
        new_model(training=QUICK).fit(early)


def test_handling_does_what_its_rule_says(split, fitted, new_model):
    train, holdout = split
    zero = holdout.assign(price=0.0)
    at_reference = holdout.assign(price=holdout["regular"])
    np.testing.assert_array_equal(fitted.predict(zero)["forecast"], fitted.predict(at_reference)["forecast"])
    unsold = new_model(training=QUICK).fit(train.assign(units=0.0))
    assert unsold.predict(holdout)["forecast"].max() < 1e-6
    dusty = train.assign(units=np.where(train.index % 5 == 0, 1e-12, train["units"]))
    clean = train.assign(units=np.where(train.index % 5 == 0, 0.0, train["units"]))
    one, other = (new_model(training=QUICK).fit(panel).predict(holdout)["forecast"] for panel in (dusty, clean))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_integer_codes_that_became_floats_are_the_same_nodes(split, new_model):
    train, holdout = (part.assign(state=part["state"].str[1:].astype(int)) for part in split)
    model = new_model(training=QUICK).fit(train)
    floats = model.predict(holdout.assign(state=holdout["state"].astype(float)))
    assert (floats["fallback"] == "").all()
    np.testing.assert_array_equal(floats["forecast"], model.predict(holdout)["forecast"])
