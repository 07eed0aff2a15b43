"""What the service says of itself: /docs, /problems/… and an exact /openapi.json.

Pages are plain HTML made from the OpenAPI description and from the table of
problems; they load nothing, from here or from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.problem_types import PROBLEM_TYPES
from service.problems import TYPE_PREFIX

pages: Final = APIRouter(include_in_schema=False)

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h3 { margin-top: 1.5rem; }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; border-radius: .3rem; }
code { font: .9em ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
tr { border-bottom: 1px solid var(--line); }
.method { text-transform: uppercase; font-weight: 600; }
"""
# The pages are made of text alone: no script may run and nothing is loaded.
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


@pages.get("/docs")
async def docs(request: Request) -> Response:
    """The reference of the HTTP interface."""
    description = request.app.openapi()
    parts = [f"<p>{escape(description['info'].get('summary', ''))}</p>"]
    parts.append('<p>The same for machines: <a href="openapi.json">openapi.json</a>. ')
    parts.append('Every error: <a href="problems">problems</a>.</p>')
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            parts += _operation(path, method, operation, description)
    return _page(f"{description['info']['title']} {description['info']['version']}", parts)


@pages.get(TYPE_PREFIX.rstrip("/"))
async def list_problems() -> Response:
    """Every type of problem."""
    rows = (
        f'<tr><td><a href="problems/{row.slug}"><code>{row.slug}</code></a></td>'
        f"<td>{row.status}</td><td>{escape(row.title)}</td></tr>"
        for row in PROBLEM_TYPES.values()
    )
    return _page("Problems", ["<table>", *rows, "</table>"])


@pages.get(TYPE_PREFIX + "{slug}")
async def show_problem(slug: str) -> Response:
    """What one type of problem means."""
    row = PROBLEM_TYPES.get(slug)
    if row is None:
        raise HTTPException(404)
    text = f"<p><code>{row.slug}</code>, status {row.status}</p><p>{escape(row.explanation)}</p>"
    return _page(row.title, [text, '<p><a href="../problems">All problems</a></p>'])


def describe_exactly(app: FastAPI) -> None:
    """Make `app.openapi` describe what is sent: problems instead of the framework's errors."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            for operations in description["paths"].values():
                for operation in operations.values():
                    _drop_foreign_errors(operation["responses"])
            for name in ("HTTPValidationError", "ValidationError"):
                description["components"]["schemas"].pop(name, None)
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _drop_foreign_errors(responses: dict[str, Any]) -> None:
    for status in list(responses):
        if "HTTPValidationError" in json.dumps(responses[status]):
            del responses[status]


def _operation(
    path: str, method: str, operation: dict[str, Any], description: dict[str, Any]
) -> Iterator[str]:
    yield f'<h2><span class="method">{method}</span> <code>{escape(path)}</code></h2>'
    yield f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
    for parameter in operation.get("parameters", ()):
        yield f"<p><code>{escape(parameter['name'])}</code> in the {parameter['in']}: "
        yield f"{escape(parameter.get('description', ''))}</p>"
    if body := operation.get("requestBody"):
        schema = _resolve(body["content"]["application/json"]["schema"], description)
        yield "<h3>Request</h3>"
        yield from _fields(schema, description)
        if schema.get("examples"):
            example = json.dumps(schema["examples"][0], ensure_ascii=False)
            command = f"curl -s $INBRIEF{path} -H 'content-type: application/json' -d '{example}'"
            yield f"<pre><code>{escape(command)}</code></pre>"
    yield "<h3>Responses</h3>"
    for status, response in operation["responses"].items():
        yield f"<p><strong>{status}</strong> {_inline(response['description'])}</p>"
        content = response.get("content", {}).get("application/json")
        if content and status == "200":
            yield from _fields(_resolve(content["schema"], description), description)


def _fields(schema: dict[str, Any], description: dict[str, Any]) -> Iterator[str]:
    yield "<table><tr><th>field</th><th>type</th><th>meaning</th></tr>"
    for name, field in schema.get("properties", {}).items():
        default = ""
        if "default" in field and field["default"] is not None:
            default = f" Default: <code>{escape(json.dumps(field['default']))}</code>."
        meaning = _inline(field.get("description", "")) + default
        yield f"<tr><td><code>{escape(name)}</code></td>"
        yield f"<td>{escape(_type(field))}</td><td>{meaning}</td></tr>"
    yield "</table>"
    for name, field in schema.get("properties", {}).items():
        inner = _resolve(field.get("items", field), description)
        if inner is not field and "properties" in inner and "anyOf" not in field:
            yield f"<p><code>{escape(name)}</code>: {escape(inner.get('description', ''))}</p>"
            yield from _fields(inner, description)


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return "object"
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if "const" in field:
        return json.dumps(field["const"])
    if "anyOf" in field:
        return " | ".join(_type(one) for one in field["anyOf"])
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"array of {_type(field.get('items', {}))}"
    bounds = [
        f"{word} {field[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if key in field
    ]
    return " ".join([kind, *bounds])


def _resolve(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = description["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return found


def _inline(text: str) -> str:
    """Escaped text with `code` marked as code."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts)
    )


def _page(title: str, parts: list[str]) -> Response:
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
    )
    return HTMLResponse(head + "\n".join(parts) + "</main></body></html>", headers=_HEADERS)
