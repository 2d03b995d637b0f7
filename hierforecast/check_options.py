"""What a company declares about its data checks: limits, severities, and checks of its own."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hierforecast.check_catalog import check_severities, check_stock, columns_of
from hierforecast.errors import nearest
from hierforecast.options import Settings

Severity = Literal["stop", "warn"]  # stop: nothing is trained on such data; warn: it is told, and the run goes on


class OwnCheck(Settings):
    """A check that a company adds: one of Great Expectations' own, by its name and arguments.

    ``{expect: expect_column_values_to_be_in_set, arguments: {column: region, value_set: [North, South]}}``
    """

    expect: str = Field(description="an expectation of Great Expectations' gallery, e.g. expect_column_max_to_be_between")
    arguments: dict[str, Any] = Field(default_factory=dict)
    severity: Severity = "stop"
    sentence: str | None = Field(None, min_length=1, description="what is expected, in plain words, for the report")

    @model_validator(mode="after")
    def _as_great_expectations_has_it(self) -> "OwnCheck":
        check_stock(self.expect, self.arguments)
        return self


class Checks(Settings):
    """Limits of the built-in checks, other severities for some, and checks of one's own. They never change a model."""

    severity: dict[str, Severity] = Field(default_factory=dict, description="by check id, e.g. {no_gaps: warn}")
    nested: list[Annotated[list[str], Field(min_length=2)]] = Field(
        default_factory=list,
        description="levels of which each node of a later one lies in one node of the one before, e.g. [[region, state]]",
    )
    max_age: int | None = Field(
        None, ge=0, le=520, description="periods that may lie between the last known target and today; null is not judged"
    )
    max_row_change: float = Field(
        0.3, gt=0, description="share by which rows per period may differ from the champion's training data"
    )
    max_drift: float = Field(
        0.25, gt=0, description="population stability index of a driver against the champion's training data"
    )
    max_jump: float = Field(
        5.0, gt=1, description="factor between a value and its series' usual one that counts as another unit"
    )
    own: list[OwnCheck] = Field(default_factory=list)

    @model_validator(mode="after")
    def _levels_once(self) -> "Checks":
        for levels in self.nested:
            if len(set(levels)) < len(levels):
                raise ValueError(f"checks.nested: {levels} names a level twice; name each once, the widest first")
            if self.nested.count(levels) > 1:
                raise ValueError(f"checks.nested holds {levels} twice; list it once")
        return self

    @model_validator(mode="after")
    def _severities(self) -> "Checks":
        check_severities(self.severity)
        return self

    def check_columns(self, columns: Sequence[str], where: str) -> None:
        """Raise ValueError where an own check reads a column that the panel, named `where`, does not declare."""
        for place, own in enumerate(self.own):
            for column in columns_of(own.arguments):
                if column not in columns:
                    raise ValueError(
                        f"{where}.checks.own.{place}: {own.expect!r} reads the column {column!r}, which {where} does not "
                        f"declare; {nearest(column, columns)}"
                    )
