"""Serves the widget and the pages that show it: start page, demo, snippet generator.

Each file is read, hashed and compressed once, when `widget_router` is called.
Addresses that hold the content's digest never change what they hold and are
cached for a year; the pages and the plain address of the script are
revalidated by ETag.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

_WIDGET: Final = Path(__file__).parent / "widget"
_SCRIPT: Final = "inbrief.js"
_ICON: Final = "styles/icon.svg"
_ASSETS: Final = ("scripts/generator.js", "scripts/start.js", "styles/site.css", _ICON)
_PAGES: Final = {
    "/": "start.html",
    "/demo/": "demo.html",
    "/demo/telephone-talks": "demo-talks.html",
    "/widget": "generator.html",
}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_REVALIDATED: Final = "public, max-age=300, must-revalidate"
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
        "object-src 'none'; require-trusted-types-for 'script'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# The script is fetched by other sites; `integrity` needs CORS, and CORP lets COEP pages in.
_SHARED_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it goes over the wire; `integrity` as in W3C Subresource Integrity."""

    body: bytes
    compressed: bytes
    media_type: str
    url: str
    integrity: str

    @classmethod
    def of(cls, body: bytes, name: str, prefix: str) -> Asset:
        stem, _, suffix = name.rpartition("/")[2].rpartition(".")
        digest = hashlib.sha384(body).digest()
        return cls(
            body=body,
            compressed=gzip.compress(body, 9, mtime=0),
            media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            url=f"{prefix}{stem}.{digest.hex()[:16]}.{suffix}",
            integrity=f"sha384-{base64.b64encode(digest).decode()}",
        )

    def respond(self, request: Request, headers: dict[str, str]) -> Response:
        etag = f'"{self.integrity[7:39]}"'
        headers = {**headers, "ETag": etag, "Vary": "Accept-Encoding"}
        known = {
            tag.strip().removeprefix("W/")
            for tag in request.headers.get("if-none-match", "").split(",")
        }
        if etag in known:
            return Response(status_code=304, headers=headers)
        body = self.body
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = self.compressed
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=self.media_type)


def widget_router(root_path: str = "") -> APIRouter:
    """Routes of the widget, its pages and their files. Raises OSError if a file is missing.

    `root_path` is the prefix that a proxy in front strips; the pages' links carry it.
    """
    router = APIRouter(include_in_schema=False)
    script = Asset.of((_WIDGET / _SCRIPT).read_bytes(), _SCRIPT, "/widget/")
    _add(router, script.url, script, {**_SHARED_HEADERS, "Cache-Control": _IMMUTABLE})
    _add(router, f"/widget/{_SCRIPT}", script, {**_SHARED_HEADERS, "Cache-Control": _REVALIDATED})
    values = {
        "root": root_path,
        "script_url": root_path + script.url,
        "script_integrity": script.integrity,
    }
    for name in _ASSETS:
        asset = Asset.of((_WIDGET / name).read_bytes(), name, "/assets/")
        _add(router, asset.url, asset, {**_SHARED_HEADERS, "Cache-Control": _IMMUTABLE})
        values[Path(name).stem + "_url"] = root_path + asset.url
        if name == _ICON:
            _add(router, "/favicon.ico", asset, {**_SHARED_HEADERS, "Cache-Control": _REVALIDATED})
    for path, name in _PAGES.items():
        text = (_WIDGET / "pages" / name).read_text(encoding="utf-8")
        page = Asset.of(Template(text).substitute(values).encode(), name, "/")
        _add(router, path, page, _PAGE_HEADERS)
    router.add_api_route(
        "/demo", lambda: RedirectResponse(root_path + "/demo/"), methods=["GET", "HEAD"]
    )
    return router


def _add(router: APIRouter, path: str, asset: Asset, headers: dict[str, str]) -> None:
    async def serve(request: Request) -> Response:
        return asset.respond(request, headers)

    router.add_api_route(path, serve, methods=["GET", "HEAD"], response_model=None)
