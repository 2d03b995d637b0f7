"""The media tree as it is declared: mappings from the top level down, lists of tacticals at the bottom.

The checks raise ValueError, which pydantic turns into a mistake in the settings.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from typing_extensions import TypeAliasType

from hierforecast.naming import refuse_repeated

MediaTree = TypeAliasType("MediaTree", "dict[str, MediaTree] | list[str]")

_DEEPEST = 10  # levels; a YAML anchor inside itself has no end


def leaves(tree: MediaTree) -> list[str]:
    """The tacticals in declared order."""
    return [path[-1] for path in paths(tree)]


def nodes(tree: MediaTree) -> list[str]:
    """The names on all levels, each once, in declared order."""
    return list(dict.fromkeys(name for path in paths(tree) for name in path))


def paths(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names from the top down to every tactical.

    Raises:
        ValueError: a branch is empty, neither a mapping nor a list, or without an end; or a name is not text.
    """
    where = repr(" > ".join(above)) if above else "the tree"
    if not isinstance(tree, dict | list) or len(above) >= _DEEPEST:
        found = f"more than {_DEEPEST} levels" if len(above) >= _DEEPEST else f"{tree!r}"
        raise ValueError(f"{where} must hold a mapping of the nodes below it or a list of tacticals, got {found}")
    if not tree:
        raise ValueError(f"{where} is empty; drop it, or give it a tactical")
    for name in tree:
        if not isinstance(name, str) or not name:
            raise ValueError(f"{where} holds {name!r}, but every node needs a name; put it in quotes if it is a number")
        if isinstance(tree, dict):
            yield from paths(tree[name], (*above, name))
        else:
            yield (*above, name)


def check_depth_and_names(tree: MediaTree, levels: Sequence[str]) -> None:
    """Raise ValueError if a tactical is not as deep as there are levels, or a name comes twice on one level.

    Args:
        tree: the tree.
        levels: names of the levels from the leaves up.
    """
    found = list(paths(tree))
    for path in found:
        if len(path) != len(levels):
            raise ValueError(
                f"media.tree is {len(path)} levels deep but media.levels names {len(levels)}: {list(levels)}; "
                f"look at {' > '.join(path)!r}"
            )
    for depth, level in enumerate(reversed(levels), start=1):
        above = [path[:depth] for path in found]
        own = above if depth == len(levels) else dict.fromkeys(above)
        refuse_repeated([path[-1] for path in own], f"media.tree, level {level}")
