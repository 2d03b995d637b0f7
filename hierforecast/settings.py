"""Reading a company's settings: from YAML to `schema.Company`, and from a mistake to a sentence that names its cure."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hierforecast.errors import SettingsError, nearest
from hierforecast.schema import Company

MOST_BYTES = 1_000_000  # of a settings file: a thousand drivers and tacticals fill a fifth of it
MOST_VALUES = 200_000  # once aliases are written out
DEEPEST = 50  # levels of a mapping or list inside another


class _Loader(yaml.SafeLoader):
    """Plain YAML that refuses a repeated key, of which the last would win without a word, and aliases that multiply."""

    def get_single_node(self) -> yaml.Node | None:
        """The file's node tree, once it is known to stay small when aliases and merge keys are written out."""
        node = super().get_single_node()
        if node is not None and _written_out(node, {}) > MOST_VALUES:
            raise yaml.YAMLError(f"its aliases (*name) multiply to more than {MOST_VALUES} values; write out what is meant")
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """Compose a node that is not buried in others."""
        self._depth = getattr(self, "_depth", 0) + 1
        if self._depth > DEEPEST:
            line = self.peek_event().start_mark.line + 1
            raise yaml.YAMLError(f"line {line} is nested more than {DEEPEST} levels deep; no setting is")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """Compose a mapping whose plain keys all differ; seen here because merge keys (<<) are not yet expanded."""
        mapping = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, str], int] = {}
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in seen:
                raise yaml.YAMLError(f"line {line} repeats the key {key.value!r} of line {seen[name]}; keep one of them")
            seen[name] = line
        return mapping


def _written_out(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many values a node holds with every alias written out; each node is counted once and remembered."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in known:
        if known[id(node)] is None:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1} holds an alias (*name) of itself; write out what is meant")
        return known[id(node)]
    known[id(node)] = None  # under way
    parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    known[id(node)] = 1 + sum(_written_out(part, known) for part in parts)
    return known[id(node)]


def read_company(path: str | Path) -> Company:
    """Read a company's settings.

    Raises:
        SettingsError: the file is missing, too large, or not YAML, repeats a key, or names a field or value that the
            schema does not have; the message names each field, what came and the nearest valid name.
    """
    path = Path(path)
    if not path.is_file():
        raise SettingsError(f"settings file {str(path)!r} does not exist; give the path of a company's YAML file")
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SettingsError(f"settings file {str(path)!r} has {size} bytes, at most {MOST_BYTES} are read; is it the data?")
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise SettingsError(f"settings file {str(path)!r} cannot be read: {error.strerror}; mend its permissions") from None
    except (yaml.YAMLError, ValueError) as error:  # such as a date in month 13, or bytes that are no UTF-8
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
    """Resolve a path written inside settings: relative to the file, and a file in its folder or below.

    Links are followed first, so none of them leads out. A path that a person types on the command line is theirs to choose
    and never comes here.

    Raises:
        SettingsError: the path leaves the folder of the settings file, is no path, or is a folder, a pipe or a device.
    """
    folder = settings.resolve().parent
    try:
        resolved = (folder / declared).resolve()
        inside = resolved.is_relative_to(folder)
        if inside and resolved.exists() and not resolved.is_file():
            raise SettingsError(f"{settings}: path {declared!r} is no file that can be read; name a Parquet or CSV file")
    except (OSError, ValueError, RuntimeError) as error:  # too long; a NUL in it; links in a circle
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{settings}: path {declared[:100]!r} cannot be followed ({reason}); name a file") from None
    if not inside:
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
