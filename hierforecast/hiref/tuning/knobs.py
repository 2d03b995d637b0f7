"""The knobs of HiReF: what each is called, where it may stand, and settings with the knobs turned.

Values are plain numbers, booleans and words, so that they travel as JSON and lie in any study's storage.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from hierforecast.errors import SettingsError, nearest
from hierforecast.hierarchy import BOTTOM
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

Value = float | int | bool | str
Model = TypeVar("Model", SalesPanel, Training)

RIDGE, DEFAULT, USUAL, FULL = "ridge", "default", 1.0, "full"
EVERY, NONE = "every level", "no level"  # how `season_by` is called where it is not one level; several are "state + brand"
AND = " + "
ON_REQUEST = ("link", "statistic", "loss")  # they change what the model means, not only how well it does


class Knob(NamedTuple):
    """One thing to turn: a range, on a log scale or not, or a list of choices.

    Args:
        name: as in the study.
        low: smallest value; None where there are choices.
        high: largest value.
        whole: whether only whole numbers are meant.
        log: whether equal ratios are equal steps.
        choices: the values to choose from; empty where there is a range.
    """

    name: str
    low: float | None = None
    high: float | None = None
    whole: bool = False
    log: bool = False
    choices: tuple[Value, ...] = ()


def list_knobs(
    settings: SalesPanel,
    training: Training = Training(),  # noqa: B008  frozen
    *,
    also: Sequence[str] = (),
) -> list[Knob]:
    """What to search for a panel, ranges and choices widened to hold where the settings stand.

    Args:
        settings: the panel.
        training: where the search begins.
        also: some of ON_REQUEST.

    Raises:
        SettingsError: `also` names anything else.
    """
    for name in also:
        if name not in ON_REQUEST:
            raise SettingsError(f"cannot tune {name!r} on request; {nearest(name, ON_REQUEST)}")
    several = len(settings.levels) > 1
    knobs = [
        *(Knob(f"{RIDGE}.{group}", 0.03, 100.0, log=True) for group in (*settings.levels, BOTTOM)),
        Knob("embedding_size", choices=(4, 1, 2, 3, 6, 8, FULL)),
        Knob("seasonality", 0, 6, whole=True),  # a half-year wave is pair 2, a two-month one pair 6
        Knob("season_by", choices=(EVERY, NONE, *(settings.levels if several else ()))),
        Knob("trend", choices=(False, True)),
        Knob("recent_level", choices=(True, False)),
        Knob("discount", 0.98, 1.0),  # per period; 0.98 a week forgets two thirds of a row in a year
        Knob("link", choices=("log", "identity")),
        Knob("statistic", choices=("mean", "median")),
        Knob("loss", choices=("squared", "poisson", "gamma")),
    ]
    asked = [knob for knob in knobs if knob.name not in ON_REQUEST or knob.name in also]
    return [_widened(knob, _value_of(settings, training, knob.name)) for knob in asked]


def turn(settings: SalesPanel, training: Training, values: Mapping[str, Value]) -> tuple[SalesPanel, Training]:
    """Settings with the knobs at these values; what is not named stays as it is."""
    options = {name: value for name, value in values.items() if name in Training.model_fields}
    strengths = {name.removeprefix(f"{RIDGE}."): value for name, value in values.items() if name.startswith(f"{RIDGE}.")}
    if strengths:
        options[RIDGE] = _with_defaults(training, strengths)
    if "season_by" in options:
        word = str(options["season_by"])
        options["season_by"] = {EVERY: None, NONE: []}.get(word, word.split(AND))
    panel = {name: value for name, value in values.items() if name in SalesPanel.model_fields}
    return _changed(settings, panel), _changed(training, options)


def stand(settings: SalesPanel, training: Training, knobs: Sequence[Knob]) -> dict[str, Value]:
    """Where the knobs stand in given settings, as near as each knob's bounds allow; the inverse of `turn`."""
    values: dict[str, Value] = {}
    for knob in knobs:
        value = _value_of(settings, training, knob.name)
        if knob.choices:
            values[knob.name] = value if value in knob.choices else knob.choices[0]
        else:
            bounded = min(max(value, knob.low), knob.high)
            values[knob.name] = int(bounded) if knob.whole else float(bounded)
    return values


def _value_of(settings: SalesPanel, training: Training, name: str) -> Value:
    if name.startswith(f"{RIDGE}."):
        ridge = training.ridge
        said = ridge.get(name.removeprefix(f"{RIDGE}."), USUAL) if isinstance(ridge, dict) else ridge
        said = said.get(DEFAULT, USUAL) if isinstance(said, dict) else said
        return USUAL if isinstance(said, str) else said
    if name == "season_by":
        by = training.season_by
        return EVERY if by is None or set(by) == set(settings.levels) else (AND.join(by) or NONE)
    return getattr(settings if name in SalesPanel.model_fields else training, name)


def _widened(knob: Knob, value: Value) -> Knob:
    """The knob with a value among its choices or within its range, so that a search can begin there."""
    if knob.choices:
        return knob if value in knob.choices else knob._replace(choices=(*knob.choices, value))
    return knob._replace(low=min(knob.low, value), high=max(knob.high, value))


def _with_defaults(training: Training, strengths: Mapping[str, Value]) -> dict[str, object]:
    """Strengths per level; those that settings name for groups of columns stay beside the level's default."""
    ridge = training.ridge if isinstance(training.ridge, dict) else {}
    named = {level: said for level, said in ridge.items() if isinstance(said, dict)}
    return {level: {**named[level], DEFAULT: value} if level in named else value for level, value in strengths.items()}


def _changed(model: Model, update: Mapping[str, object]) -> Model:
    """A copy that is validated again: bounds that the schema has, a study cannot leave."""
    return type(model).model_validate({**model.model_dump(), **update})
