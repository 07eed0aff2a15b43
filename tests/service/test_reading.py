"""Pages as a way in, through the whole application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from models.errors import SettingsError
from service.addresses import IPAddress, parse_address
from service.app import create_app
from service.fetching import Fetcher, FetchPolicy
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from service.settings_loading import load_settings
from tests.fakes import FakeSummariser
from tests.live import live

HEAD = (
    "<title>Swing bridge to close</title><meta name='author' content='Jo Smith'>"
    "<meta property='article:published_time' content='2026-03-04T09:00:00Z'>"
)
PARAGRAPHS = "".join(f"<p>{part.rstrip('.')}.</p>" for part in EXAMPLE_TEXT.split(". "))
PAGE = f"<html lang='en'><head>{HEAD}</head><body><article>{PARAGRAPHS}</article></body></html>"


async def site(scope: Any, receive: Any, send: Any) -> None:
    """A news site: an article, one in plain text, a page without one, a paper in PDF."""
    if scope["type"] == "lifespan":
        return
    status, kind, body = {
        "/article": (200, "text/html; charset=utf-8", PAGE),
        "/plain": (200, "text/plain; charset=utf-8", EXAMPLE_TEXT),
        "/menu": (200, "text/html", "<a href='/'>Home</a>"),
        "/empty": (200, "text/plain", " "),
        "/paper": (200, "application/pdf", "%PDF"),
        "/moved": (302, "text/html", ""),
    }.get(scope["path"], (404, "text/html", ""))
    headers = [(b"content-type", kind.encode())]
    if status == 302:
        headers.append((b"location", b"/article"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


def at_home(host: str, port: int, timeout_seconds: float) -> Sequence[IPAddress]:
    return [parse_address("127.0.0.1")]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with live(site) as url:
        yield int(url.rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def client(port: int) -> Iterator[TestClient]:
    policy = FetchPolicy(ports=(port,), allowed_networks=(ip_network("127.0.0.1"),))
    fetcher = Fetcher(policy, resolver=at_home)
    with TestClient(create_app(Settings(), FakeSummariser(), fetcher)) as client:
        yield client


def ask(client: TestClient, port: int, path: str, **options: Any) -> httpx2.Response:
    url = f"http://news.example.org:{port}{path}"
    return client.post("/v1/summaries", json={"url": url, "include_text": True, **options})


@pytest.mark.parametrize("path", ["/article", "/moved"])
def test_an_address(client: TestClient, port: int, path: str) -> None:
    answer = ask(client, port, path).json()
    assert answer["source"] == {
        "title": "Swing bridge to close",
        "author": "Jo Smith",
        "date": "2026-03-04",
        "url": f"http://news.example.org:{port}/article",
    }
    assert "<" not in answer["text"]
    for sentence in answer["sentences"]:
        (span,) = sentence["evidence"]
        assert answer["text"][span["start"] : span["end"]] == sentence["text"]


def test_the_same_page_sent_and_fetched_has_the_same_summary(client: TestClient, port: int) -> None:
    sent = client.post("/v1/summaries", json={"html": PAGE, "include_text": True}).json()
    fetched = ask(client, port, "/article").json()
    assert sent["id"] == fetched["id"]
    assert sent["text"] == fetched["text"]
    assert sent["source"].get("url") is None


def test_plain_text(client: TestClient, port: int) -> None:
    answer = ask(client, port, "/plain").json()
    assert answer["text"] == EXAMPLE_TEXT
    assert answer["source"] == {"url": f"http://news.example.org:{port}/plain"}


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/menu", "not-an-article"),
        ("/empty", "not-an-article"),
        ("/paper", "not-an-article"),
        ("/missing", "fetch-failed"),
    ],
)
def test_no_article_there(client: TestClient, port: int, path: str, slug: str) -> None:
    problem = ask(client, port, path).json()
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == 422
    assert problem["field"] == "url"


def test_the_title_of_the_request_wins(port: int) -> None:
    summariser = FakeSummariser()
    with TestClient(create_app(Settings(), summariser)) as client:
        client.post("/v1/summaries", json={"html": PAGE})
        client.post("/v1/summaries", json={"html": PAGE, "title": "Mine"})
    assert [call[0].article.title for call in summariser.calls[2:]] == [
        "Swing bridge to close",
        "Mine",
    ]


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/", "file:///etc"])
def test_what_is_not_public_is_forbidden(url: str) -> None:
    settings = Settings(url_fetching="public")
    with TestClient(create_app(settings, FakeSummariser())) as client:
        problem = client.post("/v1/summaries", json={"url": url}).json()
    assert problem["type"] == "/problems/fetch-forbidden"
    assert problem["field"] == "url"


def test_only_listed_hosts() -> None:
    settings = Settings(url_fetching="listed", url_hosts=("example.org",))
    with TestClient(create_app(settings, FakeSummariser())) as client:
        problem = client.post("/v1/summaries", json={"url": "http://example.net/"}).json()
    assert problem["type"] == "/problems/fetch-forbidden"
    assert "list" in problem["detail"]


def test_settings_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBRIEF_URL_FETCHING", "listed")
    monkeypatch.setenv("INBRIEF_URL_HOSTS", "example.org, *.example.net")
    monkeypatch.setenv("INBRIEF_URL_PORTS", "80,443,8080")
    settings = load_settings()
    assert settings.url_hosts == ("example.org", "*.example.net")
    assert settings.url_ports == (80, 443, 8080)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("INBRIEF_URL_HOSTS", "http://example.org", "not a host"),
        ("INBRIEF_URL_HOSTS", "*", "not a host"),
        ("INBRIEF_URL_HOSTS", "127.1", "not a host"),
        ("INBRIEF_URL_PORTS", "80,0", "65535"),
        ("INBRIEF_URL_PORTS", "http", "INBRIEF_URL_PORTS"),
    ],
)
def test_settings_that_mean_nothing(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=words):
        load_settings()
