"""Whether a model's arguments fit the tree and each other, said before anything is read."""

from hierforecast.errors import SettingsError, nearest
from hierforecast.mix_model import MixModel, Priors
from hierforecast.naming import RESERVED_IN_MEDIA
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import Columns


def check_names(hierarchy: Hierarchy, columns: Columns) -> None:
    """Every tactical has its columns, and no column two roles (spend may be the exposure itself)."""
    for what, names in (("media_columns", columns.media), ("spend_columns", columns.spend)):
        if len(names) != hierarchy.num_tacticals and (names or what == "media_columns"):
            raise SettingsError(f"{what} needs one column per tactical: wanted {hierarchy.num_tacticals}, got {len(names)}")
    names = [columns.period, columns.target, *columns.media, *columns.controls]
    double = sorted({name for name in names if names.count(name) > 1})
    double += sorted({name for name in columns.spend if name in (columns.period, columns.target, *columns.controls)})
    refused = sorted({*columns.controls, *(name for path in hierarchy.paths for name in path)} & RESERVED_IN_MEDIA)
    if refused:
        raise SettingsError(f"{refused} are names of the result tables; rename these controls or nodes")
    if double:
        raise SettingsError(f"each column has one role; {double} have several of period, target, media, spend and control")


def check_form(hierarchy: Hierarchy, columns: Columns, model: MixModel, priors: Priors) -> None:
    """The form does not ask for what is not there."""
    if model.effects_at is not None and model.effects_at not in hierarchy.levels:
        raise SettingsError(
            f"model.effects_at names the level {model.effects_at!r}; {nearest(model.effects_at, hierarchy.levels)}"
        )
    if model.prior_scale == "roi" and not columns.spend:
        raise SettingsError("model.prior_scale is roi, and there is no spend; declare media.spend, or take prior_scale: effect")
    if model.effects == "horseshoe" and model.prior_scale == "roi":
        raise SettingsError("a horseshoe's scale is in target sd, so prior_scale must be effect; or take effects: tree")
    if model.effects == "horseshoe" and priors.effect:
        raise SettingsError(
            f"a horseshoe pools all effects, so {sorted(priors.effect)} cannot have priors of their own; use tree"
        )
