"""The media tree: tacticals, the platforms and channels above them, and the maps between their numbers.

    build_hierarchy({"TV": {"Broadcast": ["spot_a", "spot_b"]}, "Search": {"Google": ["brand"]}},
                    ["tactical", "platform", "channel"])

Any number of levels. The leaves keep the order in which they are declared: it is the order of the columns of every
(weeks, tacticals) array.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hierforecast.errors import SettingsError, nearest
from hierforecast.media_tree import MediaTree
from hierforecast.naming import RESERVED_MEDIA_LEVELS

Path = tuple[str, ...]


@dataclass(frozen=True)
class Hierarchy:
    """A media tree.

    Args:
        levels: names of the levels from the leaves up, e.g. ("tactical", "platform", "channel").
        paths: per tactical, in declared order, the names of its node on every level, in the order of `levels`.
    """

    levels: tuple[str, ...]
    paths: tuple[Path, ...]

    @property
    def num_tacticals(self) -> int:
        """Number of leaves."""
        return len(self.paths)

    @property
    def tacticals(self) -> tuple[str, ...]:
        """Names of the leaves in declared order."""
        return tuple(path[0] for path in self.paths)

    def nodes(self, level: str) -> tuple[str, ...]:
        """Names of a level's nodes in declared order. Raises SettingsError for an unknown level."""
        place = self._place(level)
        return tuple(dict.fromkeys(path[place] for path in self.paths))

    def membership(self, level: str) -> np.ndarray:
        """The node of `level` above each tactical, (tacticals,) integers into `nodes(level)`."""
        place = self._place(level)
        codes = {name: code for code, name in enumerate(self.nodes(level))}
        return np.array([codes[path[place]] for path in self.paths])

    def parents(self, level: str) -> np.ndarray:
        """The parent of each node of `level`, (nodes,) integers into the nodes one level up; zeros at the top."""
        place = self._place(level)
        if place == len(self.levels) - 1:
            return np.zeros(len(self.nodes(level)), dtype=int)
        above = self.membership(self.levels[place + 1])
        _, first = np.unique(self.membership(level), return_index=True)
        return above[first]

    def to_json(self) -> dict[str, Any]:
        """Levels and paths, JSON-ready."""
        return {"levels": list(self.levels), "paths": [list(path) for path in self.paths]}

    @classmethod
    def from_json(cls, config: dict[str, Any]) -> "Hierarchy":
        """The inverse of `to_json`."""
        return cls(tuple(config["levels"]), tuple(tuple(path) for path in config["paths"]))

    def _place(self, level: str) -> int:
        if level not in self.levels:
            raise SettingsError(f"the media tree has no level {level!r}; {nearest(level, self.levels)}")
        return self.levels.index(level)


def build_hierarchy(tree: MediaTree, levels: Sequence[str]) -> Hierarchy:
    """Read a nested tree whose innermost lists are the tacticals.

    Args:
        tree: mappings from the top level down, lists of tactical names at the bottom.
        levels: names of the levels from the leaves up; as many as the tree is deep.

    Raises:
        SettingsError: depth and levels disagree, a node is empty, or a name occurs twice on a level.
    """
    levels = tuple(levels)
    if not levels or len(set(levels)) != len(levels):
        raise SettingsError(f"the media tree's levels must be different names, from the leaves up; got {list(levels)}")
    for level in levels:
        if level in RESERVED_MEDIA_LEVELS:
            raise SettingsError(f"a media level cannot be called {level!r}, the result tables use that name; rename it")
    paths = tuple(path[::-1] for path in _walk(tree, levels[::-1], ()))
    _refuse_repeated_names(paths, levels)
    return Hierarchy(levels, paths)


def _walk(tree: Any, levels_down: tuple[str, ...], above: Path) -> Iterator[Path]:
    """Yield the path from the top to every tactical."""
    where = f"under {' > '.join(above)}" if above else "at the top"
    wanted = f"a list of {levels_down[0]} names" if len(levels_down) == 1 else f"a mapping of {levels_down[0]} names"
    fits = isinstance(tree, Mapping) if len(levels_down) > 1 else isinstance(tree, Sequence) and not isinstance(tree, str)
    if not fits:
        raise SettingsError(
            f"media tree {where}: wanted {wanted}, got {type(tree).__name__}; "
            "every tactical must be as deep as there are levels"
        )
    if not tree:
        raise SettingsError(f"media tree {where}: wanted {wanted}, got none; drop the empty node or give it a tactical")
    for name in tree:
        if not isinstance(name, str) or not name:
            raise SettingsError(f"media tree {where}: every {levels_down[0]} needs a text name, got {name!r}")
        if len(levels_down) == 1:
            yield (*above, name)
        else:
            yield from _walk(tree[name], levels_down[1:], (*above, name))


def _refuse_repeated_names(paths: tuple[Path, ...], levels: tuple[str, ...]) -> None:
    """A name may occur once per level, so that a table's row says which node it means."""
    for place, level in enumerate(levels):
        seen: dict[str, Path] = {}
        for path in paths:
            name, above = path[place], path[place + 1 :]
            if (place == 0 and name in seen) or seen.get(name, above) != above:
                parents = {" > ".join(reversed(names)) or "the top" for names in (above, seen[name])}
                raise SettingsError(
                    f"media tree: {level} {name!r} is declared twice, under {' and '.join(sorted(parents))}; "
                    "give each a name of its own"
                )
            seen[name] = above
