"""What a company declares: its tables, columns, roles, units, signs and options. The single source for every room.

Read from one YAML per company with `read_company`. Expectations, models, synthetic panels and dashboard labels
all derive from these objects; none of them keeps a list of columns of its own.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.dataclasses import dataclass
from typing_extensions import TypeAliasType

from hierforecast.errors import SettingsError, nearest

Frequency = Literal["day", "week", "month"]
Sign = Literal["+", "-", "free"]
MediaTree = TypeAliasType("MediaTree", "dict[str, MediaTree] | list[str]")

_FORBID_EXTRA = ConfigDict(extra="forbid", frozen=True)
_PATTERN_FIELDS = re.compile(r"{(\w*)}")


class _Settings(BaseModel):
    model_config = _FORBID_EXTRA


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Adstock:
    """Carry-over of a driver, ``a[t] = (1 - decay) x[t] + decay a[t-1]``: units are kept, a constant stays itself."""

    decay: Annotated[float, Field(ge=0, lt=1)]
    kind: Literal["geometric"] = "geometric"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Saturation:
    """Diminishing returns. Hill: ``x^slope / (x^slope + half^slope)``; log: ``log1p(x / half)``.

    Args:
        half: where the Hill curve reaches one half, in the driver's unit; None takes the median positive value.
        slope: Hill exponent, dimensionless.
    """

    kind: Literal["hill", "log"]
    half: Annotated[float, Field(gt=0)] | None = None
    slope: Annotated[float, Field(gt=0, le=5)] = 1.0


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Driver:
    """A numeric cause of the target: what it is, in which direction it works, and what is known of it when.

    Args:
        name: column of the sales panel.
        sign: the direction of its total effect in every series: "+", "-" or "free".
        unit: for labels, e.g. "EUR", "share", "GRP / week".
        transform: "log" reads the driver multiplicatively (with a log link its effect is an elasticity).
        reference: the value at which it contributes nothing: a number, "mean" (of training) or a column's name.
        adstock: carry-over; a bare number is a geometric decay.
        saturation: diminishing returns, after the adstock.
        known_ahead: True when its future values are planned (prices, promotions), so forecasts may use them.
        availability_lag: periods until a value is known, for drivers that are measured and not planned.
        by: the levels its effect varies over; None means every level, an empty tuple one effect for all.
        lower: smallest plausible value; None for no bound.
        upper: largest plausible value; None for no bound.
    """

    name: Annotated[str, Field(min_length=1)]
    sign: Sign = "free"
    unit: str = ""
    transform: Literal["identity", "log"] = "identity"
    reference: float | str = 0.0
    adstock: Adstock | None = None
    saturation: Saturation | None = None
    known_ahead: bool = True
    availability_lag: Annotated[int, Field(ge=0)] = 0
    by: tuple[str, ...] | None = None
    lower: float | None = None
    upper: float | None = None

    @field_validator("adstock", mode="before")
    @classmethod
    def _decay_alone(cls, value: Any) -> Any:
        return {"decay": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _consistent(self) -> "Driver":
        if self.transform == "log" and (self.adstock or self.saturation):
            raise ValueError(
                f"driver {self.name!r}: transform 'log' cannot be combined with adstock or saturation; "
                "use saturation: {kind: log} for diminishing returns"
            )
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"driver {self.name!r}: lower {self.lower} is above upper {self.upper}")
        return self


class Target(_Settings):
    """The column to be explained, >= 0, with its unit ("units / week")."""

    name: str = Field(min_length=1)
    unit: str = ""


class _Panel(_Settings):
    path: str | None = Field(None, description="Parquet or CSV, relative to the settings file and inside its folder")
    period: str = Field("week", min_length=1, description="the date column")
    frequency: Frequency = "week"
    target: Target
    horizon: int = Field(13, ge=1, le=104, description="periods held out for the gate, and forecast ahead")

    @field_validator("target", mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class SalesPanel(_Panel):
    """The sales table: one row per series and period. Rows after the last known target are the plan to forecast."""

    levels: list[str] = Field(min_length=1, description="key columns, any number, crossed or nested")
    link: Literal["identity", "log"] = "log"
    statistic: Literal["mean", "median"] = Field("mean", description="what `forecast` is: mean sums up, median is nearest")
    drivers: list[Driver] = Field(default_factory=list)
    gaps: Literal["forbid", "allow"] = Field(
        "forbid", description="whether a series may miss periods between its first and last"
    )

    @model_validator(mode="after")
    def _names(self) -> "SalesPanel":
        names = [*self.levels, self.period, self.target.name, *(driver.name for driver in self.drivers)]
        _no_duplicates(names, "sales")
        for driver in self.drivers:
            for level in driver.by or ():
                if level not in self.levels:
                    raise ValueError(f"driver {driver.name!r}: by names the level {level!r}; {nearest(level, self.levels)}")
        return self

    @property
    def columns(self) -> list[str]:
        """Every column the panel must have, each once: levels, period, target, drivers, reference columns."""
        references = [d.reference for d in self.drivers if isinstance(d.reference, str) and d.reference != "mean"]
        named = [*self.levels, self.period, self.target.name, *(d.name for d in self.drivers), *references]
        return list(dict.fromkeys(named))


class Metric(_Settings):
    """One way of counting media, e.g. impressions: a column per tactical."""

    exposure: bool = Field(False, description="the metric that offline channels keep and single models are fitted on")
    lag: int = Field(0, ge=0, le=52, description="periods it is moved forward before it may explain the target")
    column: str = Field("{tactical}_{metric}", description="column name pattern")


class MediaPanel(_Panel):
    """The media table: one row per period with target, controls and one column per tactical and metric."""

    levels: list[str] = Field(min_length=1, description="from the leaves up: tactical, platform, channel")
    tree: MediaTree
    metrics: dict[str, Metric] = Field(min_length=1)
    spend: str | None = Field(None, description="column name pattern of spend, e.g. '{tactical}_spend'")
    offline_channels: list[str] = Field(default_factory=list)
    controls: list[str] = Field(default_factory=list)
    seasonality: int = Field(2, ge=0, le=10, description="yearly Fourier pairs added to the controls")
    trend: bool = True

    @field_validator("metrics", mode="before")
    @classmethod
    def _empty_metric(cls, value: Any) -> Any:
        return {name: options or {} for name, options in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _names(self) -> "MediaPanel":
        depth = _depth(self.tree)
        if depth != len(self.levels):
            raise ValueError(f"media.tree is {depth} levels deep but media.levels names {len(self.levels)}: {self.levels}")
        _no_duplicates(self.tacticals, "media.tree")
        exposures = [name for name, metric in self.metrics.items() if metric.exposure]
        if len(exposures) > 1:
            raise ValueError(f"media.metrics: only one metric can be the exposure metric, got {exposures}")
        channels = self.tree if isinstance(self.tree, dict) else {}
        for channel in self.offline_channels:
            if channel not in channels:
                raise ValueError(f"media.offline_channels names {channel!r}; {nearest(channel, list(channels))}")
        for pattern in [self.spend, *(metric.column for metric in self.metrics.values())]:
            unknown = set(_PATTERN_FIELDS.findall(pattern or "")) - {"tactical", "metric"}
            if unknown:
                raise ValueError(f"media: the column pattern {pattern!r} has {sorted(unknown)}; it knows tactical and metric")
        _no_duplicates([self.period, self.target.name, *self.controls, *self.metric_columns(self.exposure_metric)], "media")
        return self

    @property
    def tacticals(self) -> list[str]:
        """Leaves of the tree in declared order: the order of the columns of every (weeks, tacticals) array."""
        return _leaves(self.tree)

    @property
    def exposure_metric(self) -> str:
        """The metric declared `exposure: true`, else the first."""
        return next((name for name, metric in self.metrics.items() if metric.exposure), next(iter(self.metrics)))

    def metric_columns(self, metric: str) -> list[str]:
        """Columns of a metric, one per tactical that has it: offline channels only have the exposure metric."""
        pattern = self.metrics[metric].column
        offline = set() if metric == self.exposure_metric else set(self._offline_tacticals())
        return [pattern.format(tactical=name, metric=metric) for name in self.tacticals if name not in offline]

    def spend_columns(self) -> list[str]:
        """One spend column per tactical, or none where spend is not declared."""
        return [self.spend.format(tactical=name, metric="spend") for name in self.tacticals] if self.spend else []

    @property
    def columns(self) -> list[str]:
        """Every column the panel must have, each once."""
        media = [column for metric in self.metrics for column in self.metric_columns(metric)]
        return list(dict.fromkeys([self.period, self.target.name, *self.controls, *media, *self.spend_columns()]))

    def _offline_tacticals(self) -> list[str]:
        return [leaf for channel in self.offline_channels for leaf in _leaves(self.tree[channel])]


class Training(_Settings):
    """How HiReF is fitted. Sizes are per level; strengths are ridge penalties in units of one observation."""

    embedding_size: int = Field(4, ge=1, le=32, description="numbers per node of every level")
    ridge: float = Field(1.0, gt=0, description="shrinkage of nodes towards their level's mean")
    seasonality: int = Field(3, ge=0, le=26, description="yearly Fourier pairs")
    season_by: list[str] | None = Field(None, description="levels the season varies over; null is every level")
    trend: bool = False
    recent_level: bool = Field(True, description="whether each series' recent errors may shift its forecast")
    iterations: int = Field(300, ge=10, le=10_000, description="L-BFGS iterations at most")
    interval: float = Field(0.8, gt=0, lt=1, description="nominal coverage of lower..upper")
    seed: int = 7


class Sampling(_Settings):
    """How Precision is sampled."""

    chains: int = Field(4, ge=2, le=64)
    warmup: int = Field(500, ge=50, le=20_000)
    draws: int = Field(500, ge=50, le=50_000)
    target_acceptance: float = Field(0.9, gt=0.5, lt=1)
    max_tree_depth: int = Field(8, ge=3, le=12)
    interval: float = Field(0.9, gt=0, lt=1, description="nominal coverage of lower..upper")
    seed: int = 7


class HirefGate(_Settings):
    """What a HiReF challenger must hold to become champion."""

    max_wape_increase: float = Field(0.01, ge=0, description="bottom-level WAPE above the champion's, as a difference")
    max_bias: float = Field(0.25, gt=0, description="absolute relative bias of the total after the cutoff")


class PrecisionGate(_Settings):
    """What a Precision challenger must hold to become champion."""

    max_rhat: float = Field(1.01, gt=1)
    min_ess: float = Field(400, gt=0, description="bulk and tail effective draws of the worst parameter")
    max_divergences: int = Field(0, ge=0)
    max_wape_increase: float = Field(0.05, ge=0)


class Gates(_Settings):
    """The gates of both families."""

    hiref: HirefGate = HirefGate()
    precision: PrecisionGate = PrecisionGate()


class Simulation(_Settings):
    """A made company with known truth in place of files: its panels are written where none are given."""

    seed: int = 1
    weeks: int = Field(156, ge=60, le=1040)


class Company(_Settings):
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


def read_company(path: str | Path) -> Company:
    """Read a company's settings.

    Raises:
        SettingsError: the file is missing, is not YAML, or names a field or value that the schema does not have; the
            message names each field, what came and the nearest valid name.
    """
    path = Path(path)
    if not path.is_file():
        raise SettingsError(f"settings file {str(path)!r} does not exist; give the path of a company's YAML file")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {str(path)!r} is not readable YAML: {error}") from None
    return parse_company(raw, source=str(path))


def parse_company(raw: Any, *, source: str = "settings") -> Company:
    """Validate settings that were read already; `source` is named in errors. Raises SettingsError as `read_company`."""
    if not isinstance(raw, dict):
        raise SettingsError(f"{source}: wanted a mapping that starts with `company: NAME`, got {type(raw).__name__}")
    try:
        return Company.model_validate(raw)
    except ValidationError as error:
        lines = [_explain(item) for item in error.errors()]
        raise SettingsError(f"{source} does not fit the schema:\n" + "\n".join(f"  - {line}" for line in lines)) from None


def panel_path(settings: Path, declared: str) -> Path:
    """Resolve a path written inside settings: relative to the file, and never outside its folder.

    Raises:
        SettingsError: the path leaves the folder of the settings file.
    """
    folder = settings.resolve().parent
    resolved = (folder / declared).resolve()
    if not resolved.is_relative_to(folder):
        raise SettingsError(
            f"{settings}: path {declared!r} leaves the folder of the settings file; "
            "put the data beside it, or give the path on the command line with --sales or --media"
        )
    return resolved


def _explain(item: dict[str, Any]) -> str:
    """One pydantic error as a sentence: where, what was wanted, what came, and the nearest valid name."""
    place = [part for part in item["loc"] if not _is_type_tag(part)]
    where = ".".join(str(part) for part in place) or "settings"
    if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where}: unknown field; {nearest(str(place[-1]), _fields_at(place[:-1]))}"
    if item["type"] in ("missing", "missing_argument"):
        return f"{where}: required but missing"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "value_error":
        return message if len(place) < 2 else f"{where}: {message}"
    return f"{where}: {message[0].lower()}{message[1:]}, got {item['input']!r}"


def _is_type_tag(part: str | int) -> bool:
    """Whether pydantic added this part of a location itself, to tell the members of a union apart."""
    return isinstance(part, str) and (part in ("str", "float", "Driver", "Adstock", "Saturation") or "[" in part)


def _fields_at(place: list[str | int]) -> list[str]:
    """Valid names below a location such as ('sales', 'drivers', 0)."""
    model: Any = Company
    for part in place:
        if isinstance(part, int):
            continue
        fields = getattr(model, "model_fields", None) or model.__pydantic_fields__
        if part not in fields:
            continue  # a key of a mapping, such as a metric's name
        model = _inner_model(fields[part].annotation)
        if model is None:
            return []
    return list(getattr(model, "model_fields", None) or model.__pydantic_fields__)


def _inner_model(annotation: Any) -> Any:
    """The settings class inside an annotation such as ``list[Driver]`` or ``SalesPanel | None``."""
    if hasattr(annotation, "model_fields") or hasattr(annotation, "__pydantic_fields__"):
        return annotation
    inner = (_inner_model(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


def _no_duplicates(names: list[str], where: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{where}: {repeated} appear more than once; every column and node needs a name of its own")


def _depth(tree: MediaTree) -> int:
    depths = {_depth(branch) for branch in tree.values()} if isinstance(tree, dict) else {0}
    if len(depths) != 1:
        raise ValueError("media.tree: every branch must be equally deep, and none empty")
    return 1 + depths.pop()


def _leaves(tree: MediaTree) -> list[str]:
    return [leaf for branch in tree.values() for leaf in _leaves(branch)] if isinstance(tree, dict) else list(tree)
