"""YAML that does not fit: typos, wrong names, numbers out of bounds, paths that leave their folder, and no YAML at all."""

from typing import Any

import numpy as np
import yaml

from benchmarks.mutations.case import Case
from benchmarks.mutations.catalogue import mutation


def _as_text(case: Case) -> str:
    return yaml.safe_dump(case.settings, sort_keys=False, allow_unicode=True)


def _set(case: Case, place: str, value: Any) -> None:
    *path, last = place.split(".")
    inner: Any = case.settings
    for part in path:
        inner = inner.setdefault(part, {})
    inner[last] = value


@mutation("settings")
def a_key_is_misspelt(case: Case, rng: np.random.Generator) -> None:
    place = str(rng.choice(["sales.horizn", "media.metrix", "sampling.chain", "gates.hirf", "training.seasonalty"]))
    _set(case, place, 3)


@mutation("settings")
def a_number_is_out_of_bounds(case: Case, rng: np.random.Generator) -> None:
    places = {"sales.horizon": -1, "sampling.chains": 0, "gates.hiref": {"max_bias": -1}, "media.seasonality": 99}
    place = str(rng.choice(list(places)))
    _set(case, place, places[place])


@mutation("settings")
def a_word_in_place_of_a_number(case: Case, rng: np.random.Generator) -> None:
    _set(case, str(rng.choice(["sales.horizon", "sampling.draws", "media.horizon"])), "thirteen")


@mutation("settings")
def a_key_is_there_twice(case: Case, rng: np.random.Generator) -> None:
    case.text = _as_text(case) + "\ncompany: another\n"


@mutation("settings")
def a_company_name_that_no_registry_takes(case: Case, rng: np.random.Generator) -> None:
    case.settings["company"] = str(rng.choice(["../other", "Acme & Co", "", "a'; DROP TABLE versions; --"]))


@mutation("settings")
def a_path_that_leaves_its_folder(case: Case, rng: np.random.Generator) -> None:
    _set(case, "sales.path", str(rng.choice(["../secrets.parquet", "/etc/passwd", "a/../../b.csv"])))


@mutation("settings")
def an_unknown_sign(case: Case, rng: np.random.Generator) -> None:
    case.settings["sales"]["drivers"][0]["sign"] = "negative"


@mutation("settings")
def a_driver_is_declared_twice(case: Case, rng: np.random.Generator) -> None:
    drivers = case.settings["sales"]["drivers"]
    case.settings["sales"]["drivers"] = [*drivers, drivers[int(rng.integers(len(drivers)))]]


@mutation("settings")
def an_unknown_level(case: Case, rng: np.random.Generator) -> None:
    case.settings["sales"]["drivers"][0]["by"] = ["brnd"]


@mutation("settings")
def a_driver_measured_from_the_target(case: Case, rng: np.random.Generator) -> None:
    case.settings["sales"]["drivers"][0]["reference"] = "units"


@mutation("settings")
def no_target(case: Case, rng: np.random.Generator) -> None:
    del case.settings[str(rng.choice(["sales", "media"]))]["target"]


@mutation("settings")
def a_tree_of_the_wrong_depth(case: Case, rng: np.random.Generator) -> None:
    _set(case, "media.levels", ["tactical"])


@mutation("settings")
def a_tactical_in_two_channels(case: Case, rng: np.random.Generator) -> None:
    tree = case.settings["media"]["tree"]
    one = next(iter(tree.values()))
    case.settings["media"]["tree"] = {**tree, "Again": one}


@mutation("settings")
def an_unknown_offline_channel(case: Case, rng: np.random.Generator) -> None:
    _set(case, "media.offline_channels", ["Radio"])


@mutation("settings")
def columns_without_their_tactical(case: Case, rng: np.random.Generator) -> None:
    _set(case, "media.spend", "spend")


@mutation("settings")
def an_unknown_check_of_ones_own(case: Case, rng: np.random.Generator) -> None:
    _set(case, "sales.checks", {"own": [{"expect": "expect_columns_to_be_nice", "arguments": {"column": "price"}}]})


@mutation("settings")
def a_check_of_ones_own_that_does_not_hold(case: Case, rng: np.random.Generator) -> None:
    arguments = {"column": "region", "value_set": ["Nowhere"]}
    _set(case, "sales.checks", {"own": [{"expect": "expect_column_values_to_be_in_set", "arguments": arguments}]})


@mutation("settings")
def levels_that_are_not_nested(case: Case, rng: np.random.Generator) -> None:
    _set(case, "sales.checks", {"nested": [["state", "brand"]]})


@mutation("settings")
def no_yaml_at_all(case: Case, rng: np.random.Generator) -> None:
    case.text = str(
        rng.choice(["", "just words", "- a\n- list\n", "company: [unclosed\n", "\tcompany: tabs\n", "company: \x00\n"])
    )


@mutation("settings")
def an_object_that_yaml_should_make(case: Case, rng: np.random.Generator) -> None:
    case.text = 'company: !!python/object/apply:os.system ["echo owned"]\n' + _as_text(case).split("\n", 1)[1]


@mutation("settings")
def aliases_that_explode(case: Case, rng: np.random.Generator) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    case.text = "\n".join([*lines, _as_text(case)])
