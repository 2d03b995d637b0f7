"""What a company declares: its tables, columns, roles, units, signs and options. The single source for every room.

Read from one YAML per company with `settings.read_company`. Expectations, models, synthetic panels and dashboard labels
all derive from these objects; none of them keeps a list of columns of its own.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hierforecast import media_tree
from hierforecast.check_options import Checks
from hierforecast.driver import Driver
from hierforecast.errors import nearest
from hierforecast.hierarchy import BOTTOM
from hierforecast.media_tree import MediaTree
from hierforecast.mix_model import LiftTest, MixModel, Priors
from hierforecast.naming import (
    RESERVED_IN_MEDIA,
    RESERVED_IN_SALES,
    RESERVED_MEDIA_LEVELS,
    check_pattern,
    refuse_repeated,
    refuse_reserved,
    tells_tacticals_apart,
)
from hierforecast.options import Gates, Sampling, Settings, Simulation, Training
from hierforecast.results import PERIOD

Frequency = Literal["day", "week", "month"]


class Target(Settings):
    """The column to be explained, >= 0, with its unit ("units / week")."""

    name: str = Field(min_length=1)
    unit: str = ""
    availability_lag: int = Field(0, ge=0, le=104, description="periods until sales are known; no lag may be shorter")


class Holidays(Settings):
    """Days that belong to the baseline: an official calendar, dates of one's own, or both; each name has its own effect."""

    country: str | None = Field(None, min_length=2, description="ISO code, e.g. US, as in the package `holidays`")
    subdivision: str | None = Field(None, description="of the country, e.g. TX")
    names: list[str] | None = Field(None, description="which of the country's holidays; null is all")
    dates: dict[str, list[date]] = Field(default_factory=dict, description="further days by name, e.g. {Black Friday: [...]}")
    before: int = Field(0, ge=0, le=8, description="periods before a holiday that have an effect of their own")
    after: int = Field(0, ge=0, le=8)
    by: list[str] | None = Field(None, description="levels the effect varies over; null is every level")

    @model_validator(mode="after")
    def _some_days(self) -> "Holidays":
        if self.country is None and (self.subdivision or self.names is not None):
            given = "names" if self.names is not None else "subdivision"
            raise ValueError(f"holidays.{given} are those of a country, and none is given; add one, e.g. country: US")
        if self.country is None and not self.dates:
            raise ValueError("holidays: neither a country nor dates are given; give one, or leave holidays out")
        return self


class _Panel(Settings):
    path: str | None = Field(None, description="Parquet or CSV, relative to the settings file and inside its folder")
    period: str = Field("week", min_length=1, description="the date column")
    frequency: Frequency = "week"
    target: Target
    horizon: int = Field(13, ge=1, le=104, description="periods held out for the gate, and forecast ahead")
    checks: Checks = Checks()

    @field_validator("path")
    @classmethod
    def _no_address(cls, value: str | None) -> str | None:
        if value and "://" in value:  # not repeated in the message: addresses may hold a password
            raise ValueError("is an address; name a file beside the settings, or hand it over with --sales or --media")
        return value

    @field_validator("target", mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class SalesPanel(_Panel):
    """The sales table: one row per series and period. Rows after the last known target are the plan to forecast."""

    levels: list[str] = Field(min_length=1, description="key columns, any number, crossed or nested")
    link: Literal["identity", "log", "mixed"] = Field(
        "log",
        description="log: all effects multiply; identity: all add units; mixed: drivers add units to a baseline whose season, "
        "trend and level multiply",
    )
    statistic: Literal["mean", "median"] = Field("mean", description="what `forecast` is: mean sums up, median is nearest")
    drivers: list[Driver] = Field(default_factory=list)
    target_lags: list[Annotated[int, Field(ge=1, le=104)]] = Field(
        default_factory=list, description="periods back at which the target explains itself; rolled forward when forecasting"
    )
    holidays: Holidays | None = None
    weight: str | None = Field(None, min_length=1, description="column of row weights >= 0; null weighs rows alike")
    gaps: Literal["forbid", "allow"] = Field(
        "forbid", description="whether a series may miss periods between its first and last"
    )

    @model_validator(mode="after")
    def _names(self) -> "SalesPanel":
        drivers = [driver.name for driver in self.drivers]
        refuse_repeated([*self.levels, self.period, self.target.name, *drivers], "sales")
        refuse_reserved(self.levels, RESERVED_IN_SALES, "level")
        refuse_reserved(drivers, RESERVED_IN_SALES, "driver")
        refuse_reserved([self.period], RESERVED_IN_SALES - {PERIOD}, "period column")
        refuse_repeated(self.target_lags, "sales.target_lags")
        for lag in self.target_lags:
            if lag <= self.target.availability_lag:
                raise ValueError(
                    f"sales.target_lags: lag {lag} is not known yet when the next period is forecast, because sales are known "
                    f"only {self.target.availability_lag} periods later; use lags above that"
                )
        for level in (level for nested in self.checks.nested for level in nested):
            if level not in self.levels:
                raise ValueError(f"sales.checks.nested names the level {level!r}; {nearest(level, self.levels)}")
        for level in (self.holidays.by if self.holidays else None) or ():
            if level not in (*self.levels, BOTTOM):
                raise ValueError(f"sales.holidays.by names the level {level!r}; {nearest(level, [*self.levels, BOTTOM])}")
        if self.weight in (*self.levels, self.period, self.target.name, *drivers):
            raise ValueError(f"sales.weight names {self.weight!r}, which has another role; give a column of its own")
        for driver in self.drivers:
            self._check_reference(driver)
            self._check_lag(driver)
            for level in driver.by or ():
                if level not in (*self.levels, BOTTOM):
                    raise ValueError(f"driver {driver.name!r}: by names the level {level!r}; {nearest(level, self.levels)}")
        return self

    def _check_reference(self, driver: Driver) -> None:
        """A driver measured from the target would carry it past every check; from a key or itself it means nothing."""
        roles = dict.fromkeys(self.levels, "a level") | {self.period: "the period", self.target.name: "the target"}
        role = (roles | {driver.name: "the driver itself"}).get(driver.reference)
        if role:
            raise ValueError(
                f"driver {driver.name!r}: reference names {role}, {driver.reference!r}; "
                "give a number, mean, or a column that holds the driver's usual value"
            )

    def _check_lag(self, driver: Driver) -> None:
        """A declared lag is of a column that is there, and long enough to be known."""
        if driver.lag_of is None:
            return
        others = [self.target.name, *(other.name for other in self.drivers if other is not driver)]
        if driver.lag_of not in others:
            raise ValueError(f"driver {driver.name!r}: lag_of names {driver.lag_of!r}; {nearest(driver.lag_of, others)}")
        if driver.lag_of == self.target.name and driver.lag_periods <= self.target.availability_lag:
            raise ValueError(
                f"driver {driver.name!r}: lag_periods is {driver.lag_periods}, and {driver.lag_of!r} is known only "
                f"{self.target.availability_lag} periods later; take a longer lag"
            )

    @property
    def columns(self) -> list[str]:
        """Every column the panel must have, each once: levels, period, target, drivers, reference columns."""
        references = [d.reference for d in self.drivers if isinstance(d.reference, str) and d.reference != "mean"]
        weight = [self.weight] if self.weight else []
        named = [*self.levels, self.period, self.target.name, *(d.name for d in self.drivers), *references, *weight]
        return list(dict.fromkeys(named))


class Metric(Settings):
    """One way of counting media, e.g. impressions: a column per tactical."""

    exposure: bool = Field(False, description="the metric that offline channels keep and single models are fitted on")
    lag: int = Field(0, ge=0, le=52, description="periods it is moved forward before it may explain the target")
    column: str = Field("{tactical}_{metric}", min_length=1, description="column name pattern")

    _pattern = field_validator("column")(check_pattern)


class MetricEnsemble(Settings):
    """Whether every metric is fitted beside the exposure metric, and how they are weighed."""

    weights: Literal["psis_loo", "pseudo_bma", "leave_future_out", "equal"] = "psis_loo"


class MediaPanel(_Panel):
    """The media table: one row per period with target, controls and one column per tactical and metric."""

    levels: list[str] = Field(min_length=1, description="from the leaves up: tactical, platform, channel")
    tree: MediaTree
    metrics: dict[str, Metric] = Field(min_length=1)
    spend: str | None = Field(None, min_length=1, description="column name pattern of spend, e.g. '{tactical}_spend'")
    offline_channels: list[str] = Field(default_factory=list)
    controls: list[str] = Field(default_factory=list)
    seasonality: int = Field(2, ge=0, le=10, description="yearly Fourier pairs added to the controls")
    trend: bool = True
    trend_knots: int = Field(0, ge=0, le=20, description="places, equally spaced, where the trend's slope may change")
    weekly_pairs: int = Field(0, ge=0, le=3, description="Fourier pairs within the week, for daily data")
    holidays: Holidays | None = Field(None, description="official days that move the target")
    model: MixModel = Field(MixModel(), description="decays, saturation, memory, residuals")
    priors: Priors = Field(Priors(), description="what is believed before the data")
    lift_tests: list[LiftTest] = Field(default_factory=list, description="experiments that enter the likelihood")
    ensemble: MetricEnsemble | None = Field(
        None, description="fit every metric and compare them; null: only the exposure metric"
    )

    @field_validator("metrics", mode="before")
    @classmethod
    def _empty_metric(cls, value: Any) -> Any:
        return {name: options or {} for name, options in value.items()} if isinstance(value, dict) else value

    @field_validator("tree", mode="before")
    @classmethod
    def _walkable(cls, value: Any) -> Any:
        list(media_tree.paths(value))  # one sentence, before pydantic tells two per level
        return value

    @field_validator("spend")
    @classmethod
    def _spend_pattern(cls, value: str | None) -> str | None:
        return value and check_pattern(value)

    @model_validator(mode="after")
    def _names(self) -> "MediaPanel":
        refuse_repeated(self.levels, "media.levels")
        if self.checks.nested:
            raise ValueError("media.checks.nested: a media panel has no level columns, its tree is nested; leave it out")
        media_tree.check_depth_and_names(self.tree, self.levels)
        refuse_reserved(self.levels, RESERVED_MEDIA_LEVELS, "media level")
        refuse_reserved(self.controls, RESERVED_IN_MEDIA, "control")
        refuse_reserved(media_tree.nodes(self.tree), RESERVED_IN_MEDIA, "media node")
        refuse_repeated([*self.controls, *media_tree.nodes(self.tree)], "media.controls and media.tree")
        exposures = [name for name, metric in self.metrics.items() if metric.exposure]
        if len(exposures) > 1:
            raise ValueError(f"media.metrics: only one metric can be the exposure metric, got {exposures}")
        channels = self.tree if isinstance(self.tree, dict) else {}
        if self.model.effects_at is not None and self.model.effects_at not in self.levels:
            raise ValueError(
                f"media.model.effects_at names {self.model.effects_at!r}; {nearest(self.model.effects_at, self.levels)}"
            )
        if self.model.prior_scale == "roi" and self.spend is None:
            raise ValueError("media.model.prior_scale is roi, and media.spend is not declared; add it, or take effect")
        known = media_tree.nodes(self.tree)
        for prior in ("effect", "half_life", "beta_decay"):
            for node in getattr(self.priors, prior):
                if node not in known:
                    raise ValueError(f"media.priors.{prior} names {node!r}; {nearest(node, known)}")
        for test in self.lift_tests:
            if test.node not in known:
                raise ValueError(f"media.lift_tests names {test.node!r}; {nearest(test.node, known)}")
        if self.ensemble and len(self.metrics) < 2:
            raise ValueError(f"media.ensemble compares metrics, and {list(self.metrics)} is one; declare more, or leave it out")
        for channel in self.offline_channels:
            if channel not in channels:
                raise ValueError(f"media.offline_channels names {channel!r}; {nearest(channel, list(channels))}")
        return self

    @model_validator(mode="after")
    def _columns_differ(self) -> "MediaPanel":
        patterns = {f"metrics.{name}": metric.column for name, metric in self.metrics.items()} | {"spend": self.spend}
        for where, pattern in patterns.items():
            if pattern and len(self.tacticals) > 1 and not tells_tacticals_apart(pattern):
                raise ValueError(f"media.{where}: the column pattern {pattern!r} needs {{tactical}}, or all share a column")
        columns = [column for metric in self.metrics for column in self.metric_columns(metric)]
        # National data often have nothing but spend, which then is the exposure as well.
        metrics = [self._fill(metric.column, name, self.tacticals) for name, metric in self.metrics.items()]
        own_spend = [] if self.spend_columns() in metrics else self.spend_columns()
        refuse_repeated([self.period, self.target.name, *self.controls, *columns, *own_spend], "media")
        return self

    @property
    def tacticals(self) -> list[str]:
        """Leaves of the tree in declared order: the order of the columns of every (weeks, tacticals) array."""
        return media_tree.leaves(self.tree)

    @property
    def exposure_metric(self) -> str:
        """The metric declared `exposure: true`, else the first."""
        return next((name for name, metric in self.metrics.items() if metric.exposure), next(iter(self.metrics)))

    def metric_columns(self, metric: str) -> list[str]:
        """Columns of a metric, one per tactical that has it: offline channels only have the exposure metric."""
        offline = set() if metric == self.exposure_metric else set(self.offline_tacticals())
        return self._fill(self.metrics[metric].column, metric, [name for name in self.tacticals if name not in offline])

    def spend_columns(self) -> list[str]:
        """One spend column per tactical, or none where spend is not declared."""
        return self._fill(self.spend, "spend", self.tacticals) if self.spend else []

    @property
    def columns(self) -> list[str]:
        """Every column the panel must have, each once."""
        media = [column for metric in self.metrics for column in self.metric_columns(metric)]
        return list(dict.fromkeys([self.period, self.target.name, *self.controls, *media, *self.spend_columns()]))

    def offline_tacticals(self) -> list[str]:
        """Tacticals below offline channels, which only the exposure metric has."""
        return [leaf for channel in self.offline_channels for leaf in media_tree.leaves(self.tree[channel])]

    @staticmethod
    def _fill(pattern: str, metric: str, tacticals: list[str]) -> list[str]:
        return [pattern.format(tactical=name, metric=metric) for name in tacticals]


class Company(Settings):
    """Everything declared about one company or market. `company` names its registered models."""

    company: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    sales: SalesPanel | None = None
    media: MediaPanel | None = None
    training: Training = Training()
    sampling: Sampling = Sampling()
    gates: Gates = Gates()
    simulation: Simulation | None = None

    @model_validator(mode="after")
    def _something(self) -> "Company":
        if self.sales is None and self.media is None:
            raise ValueError("a company needs `sales`, `media` or both; got neither")
        return self

    @model_validator(mode="after")
    def _own_checks(self) -> "Company":
        for where, panel in (("sales", self.sales), ("media", self.media)):
            if panel:
                panel.checks.check_columns(panel.columns, where)
        return self

    @model_validator(mode="after")
    def _season_levels(self) -> "Company":
        if self.sales:
            self.training.check_levels(self.sales.levels)  # without sales nobody reads them
            self.gates.check_levels(self.sales.levels)
        return self
