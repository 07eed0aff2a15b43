"""The widget and its pages over HTTP: size, digests, caching, policy."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.assets import widget_router

WIDGET = Path(__file__).parents[2] / "service/widget"
MAX_SCRIPT_BYTES = 12 * 1024
PAGES = ["/", "/demo/", "/demo/telephone-talks", "/widget"]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(widget_router())
    with TestClient(app) as client:
        yield client


def script_of(client: TestClient) -> tuple[str, str]:
    """Address and integrity value, as the pages have them."""
    found = re.search(r'<script src="([^"]+)" integrity="([^"]+)"', client.get("/").text)
    assert found is not None
    return found[1], found[2]


def test_the_script_is_small(client: TestClient) -> None:
    body = (WIDGET / "inbrief.js").read_bytes()
    assert len(gzip.compress(body, 9)) < MAX_SCRIPT_BYTES
    answer = client.get("/widget/inbrief.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < MAX_SCRIPT_BYTES
    assert answer.content == body
    plain = client.get("/widget/inbrief.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == body


def test_the_hashed_address_never_changes_and_has_an_integrity_value(client: TestClient) -> None:
    url, integrity = script_of(client)
    answer = client.get(url)
    digest = hashlib.sha384(answer.content).digest()
    assert integrity == "sha384-" + base64.b64encode(digest).decode()
    assert re.fullmatch(rf"/widget/inbrief\.{digest.hex()[:16]}\.js", url)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert client.get(url.replace(digest.hex()[:16], "0" * 16)).status_code == 404


def test_the_plain_address_is_revalidated(client: TestClient) -> None:
    first = client.get("/widget/inbrief.js")
    assert "must-revalidate" in first.headers["cache-control"]
    again = client.get("/widget/inbrief.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    other = client.get("/widget/inbrief.js", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_pages_obey_their_strict_policy(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)", answer.text)
    assert "$" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_whatever_a_page_names_is_there_and_cached_for_good(client: TestClient, path: str) -> None:
    files = re.findall(r'(?:src|href)="(/(?:assets|widget)/[^"]+)"', client.get(path).text)
    assert len(files) >= 3
    for url in files:
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert "immutable" in answer.headers["cache-control"]


def test_links_carry_the_prefix_of_a_proxy() -> None:
    app = FastAPI()
    app.include_router(widget_router("/inbrief"))
    with TestClient(app) as client:
        for path in PAGES:
            links = re.findall(r'(?:src|href)="(/[^"]*)"', client.get(path).text)
            assert links
            assert all(link.startswith("/inbrief/") for link in links)
        assert client.get("/demo", follow_redirects=False).headers["location"] == "/inbrief/demo/"


def test_the_element_uses_no_way_of_writing_markup() -> None:
    script = (WIDGET / "inbrief.js").read_text(encoding="utf-8")
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in script


def test_the_guide_names_every_attribute_text_event_and_property() -> None:
    script = (WIDGET / "inbrief.js").read_text(encoding="utf-8")
    guide = (Path(__file__).parents[2] / "docs/widget.md").read_text(encoding="utf-8")
    asking = re.findall(r"const ASKING = '(.+)'\.split", script)[0].split()
    names = [*asking, "theme", "reviewed"]
    names += re.findall(r"const KEYS = '(.+)'\.split", script)[0].split()
    names += [f"inbrief:{name}" for name in re.findall(r"#emit\('([a-z]+)'", script)]
    names += re.findall(r"--inbrief-[a-z-]+", script)
    assert len(names) > 40
    assert [name for name in set(names) if f"`{name}`" not in guide] == []
