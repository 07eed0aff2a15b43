"""What pydantic found wrong with a request, as one problem that names field and limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.contract import KINDS, LENGTHS
from service.problems import FieldError, Problem, make_problem, printable
from service.schemas import ONE_INPUT

_MAX_REPORTED: Final = 20
_MAX_FIELD_CHARACTERS: Final = 100

_SLUGS: Final = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    ONE_INPUT: "one-input-required",
}
_LITERAL_SLUGS: Final = {"kind": "unsupported-kind", "length": "unsupported-length"}
_TYPES: Final = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of sensible size",
    "bool_type": "true or false",
    "list_type": "an array",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
}


def problem_of_validation(details: Sequence[Mapping[str, Any]]) -> Problem:
    """One problem for all faults; its type is the first one's. The input is never quoted."""
    faults = [(_field(detail["loc"]), _sentence(detail)) for detail in details[:_MAX_REPORTED]]
    first = details[0]
    field, sentence = faults[0]
    return make_problem(
        _slug(first),
        sentence,
        field=field or None,
        limit=_limit(first),
        field_errors=[FieldError(field=name, detail=text) for name, text in faults]
        if len(faults) > 1
        else (),
    )


def _field(location: Sequence[Any]) -> str:
    """`kind`, `articles.3`; empty for the whole body."""
    parts = [str(part) for part in location]
    if parts and parts[0] in ("body", "path", "query", "header"):
        parts = parts[1:]
    return printable(".".join(parts)[:_MAX_FIELD_CHARACTERS])


def _slug(detail: Mapping[str, Any]) -> str:
    if detail["type"] == "literal_error" and detail["loc"]:
        return _LITERAL_SLUGS.get(str(detail["loc"][-1]), "invalid-field")
    return _SLUGS.get(detail["type"], "invalid-field")


def _limit(detail: Mapping[str, Any]) -> int | float | None:
    for name in ("ge", "le", "gt", "lt", "min_length", "max_length"):
        value = detail.get("ctx", {}).get(name)
        if isinstance(value, int | float):
            return value
    return None


def _sentence(detail: Mapping[str, Any]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    name = _field(detail["loc"]) or "The body"
    if kind == "missing":
        return f"{name} is missing."
    if kind == "extra_forbidden":
        return f"{name} is not a field of this request."
    if kind == "literal_error":
        allowed = {"kind": KINDS, "length": LENGTHS}.get(str(detail["loc"][-1]))
        choice = ", ".join(allowed) if allowed else str(context.get("expected", ""))
        return f"{name} must be one of {choice}."
    if kind in _TYPES:
        return f"{name} must be {_TYPES[kind]}."
    if kind == "string_unicode":
        return f"{name} holds half of a surrogate pair, which is no character."
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        word = "at least" if kind == "greater_than_equal" else "at most"
        return f"{name} must be {word} {bound}."
    if kind in ("string_too_long", "too_long"):
        unit = "characters" if kind == "string_too_long" else "items"
        return f"{name} may have at most {context['max_length']} {unit}."
    if kind in ("string_too_short", "too_short"):
        unit = "character" if kind == "string_too_short" else "item"
        return f"{name} must have at least {context['min_length']} {unit}."
    if kind == "string_pattern_mismatch":
        return f"{name} is not in the form that it must have."
    message = str(detail["msg"])
    return message if message.endswith(".") else f"{name}: {message}."
