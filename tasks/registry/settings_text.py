"""Settings as a person would write them: YAML without what is usual anyway, one driver to a line."""

from typing import Any

import yaml

from hierforecast.schema import Company

_NARROW = 60  # characters up to which a mapping or list is written on one line
_WIDTH = 200


class _Line(dict):
    """A mapping that is written on one line."""


class _Row(list):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Plain YAML with lines for `_Line` and `_Row`, and lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  asked for by PyYAML
        """Indent lists as people do."""
        super().increase_indent(flow, False)


_Dumper.add_representer(_Line, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True))
_Dumper.add_representer(_Row, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True))


def as_yaml(company: Company) -> str:
    """The settings without defaults; reading them back gives the same settings."""
    fields = company.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump(_laid_out(fields), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _laid_out(value: Any, *, inside_list: bool = False) -> Any:
    """The same value with its short parts, and every mapping in a list, on one line."""
    if isinstance(value, dict):
        if inside_list or len(str(value)) <= _NARROW:
            return _Line(value)
        return {key: _laid_out(item) for key, item in value.items()}
    if isinstance(value, list):
        flat = not any(isinstance(item, dict) for item in value)
        return _Row(value) if flat else [_laid_out(item, inside_list=True) for item in value]
    return value
