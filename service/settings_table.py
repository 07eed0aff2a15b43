"""The settings as people read them: a table for the documentation, values without secrets."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic.fields import FieldInfo

from service.settings import ENV_PREFIX, Settings


def markdown_table() -> str:
    """One row a setting, in the order of the code: name, variable, type, default, meaning."""
    rows = [
        "| setting | environment | type | default | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        rows.append(
            f"| `{name}` | `{ENV_PREFIX}{name.upper()}` | {_type(field)} | {_default(field)} |"
            f" {(field.description or '').replace('|', chr(92) + '|')} |"
        )
    return "\n".join(rows) + "\n"


def shown_values(settings: Settings) -> dict[str, Any]:
    """Every value, passwords in URLs replaced by stars."""
    values: dict[str, Any] = json.loads(settings.model_dump_json())
    return {name: _masked(value) for name, value in values.items()}


def toml_lines(settings: Settings) -> str:
    """The values as a settings file that says the same; unset ones as comments."""
    lines = []
    for name, value in shown_values(settings).items():
        # JSON's strings, numbers, booleans and lists of strings are TOML's too.
        lines.append(f"# {name} is not set" if value is None else f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def _masked(value: Any) -> Any:
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    if parts.password is None:
        return value
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def _type(field: FieldInfo) -> str:
    text = str(field.annotation)
    if isinstance(field.annotation, type):
        text = field.annotation.__name__
    text = text.replace("pathlib.", "").replace("typing.", "").replace(" | None", "")
    if match := re.fullmatch(r"Literal\[(.*)\]", text):
        return " \\| ".join(f"`{part.strip().strip(chr(39))}`" for part in match[1].split(","))
    return {
        "str": "text", "Path": "path", "int": "whole number", "float": "number",
        "bool": "true or false", "tuple[str, ...]": "list",
        "tuple[int, ...]": "list of numbers",
    }.get(text, text)  # fmt: skip


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown_table())
