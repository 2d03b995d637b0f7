"""Reading a company's settings: from YAML to `schema.Company`, and from a mistake to a sentence that names its cure."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hierforecast.errors import SettingsError, nearest
from hierforecast.schema import Company


class _Loader(yaml.SafeLoader):
    """Plain YAML that refuses a repeated key, of which the last would win without a word."""

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


def read_company(path: str | Path) -> Company:
    """Read a company's settings.

    Raises:
        SettingsError: the file is missing, is not YAML, repeats a key, or names a field or value that the schema does
            not have; the message names each field, what came and the nearest valid name.
    """
    path = Path(path)
    if not path.is_file():
        raise SettingsError(f"settings file {str(path)!r} does not exist; give the path of a company's YAML file")
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a SafeLoader
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
