"""The HTTP interface over a fake summariser: answers, and every refusal with its problem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from models.errors import InferenceFailed, NotAnArticle, QueueFull
from service.app import create_app
from service.inputs import Given, Inputs
from service.problem_types import PROBLEM_TYPES
from service.problems import TYPE_PREFIX
from service.schemas import EXAMPLE_TEXT, SummariseRequest
from service.settings import Settings
from tests.fakes import FakeSummariser, with_info


@contextmanager
def served(summariser: FakeSummariser | None = None, **settings: Any) -> Iterator[TestClient]:
    app = create_app(Settings(**settings), summariser or FakeSummariser())
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with served() as client:
        yield client


def refused(response: httpx2.Response, slug: str) -> dict[str, Any]:
    """The problem of a response, checked against the table."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == TYPE_PREFIX + slug
    assert problem["status"] == response.status_code == PROBLEM_TYPES[slug].status
    assert problem["title"] == PROBLEM_TYPES[slug].title
    assert problem["detail"].endswith(".")
    return problem


def post(client: TestClient, **body: Any) -> httpx2.Response:
    return client.post("/v1/summaries", json=body)


def test_a_summary_with_its_evidence(client: TestClient) -> None:
    response = post(client, text=EXAMPLE_TEXT, kind="tldr", length="medium")
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {
        *("id", "summary", "sentences", "kind", "length", "format", "words", "source_words"),
        *("language", "model", "coverage", "truncated", "cached", "timings", "ai_generated"),
        "disclosure",
    }
    for sentence in answer["sentences"]:
        (span,) = sentence["evidence"]
        assert EXAMPLE_TEXT[span["start"] : span["end"]] == sentence["text"]
    assert answer["summary"] == "\n".join(one["text"] for one in answer["sentences"])
    assert answer["words"] == len(answer["summary"].split())
    assert (answer["kind"], answer["length"]) == ("tldr", "medium")
    assert answer["ai_generated"] is True
    assert answer["model"] == {
        "name": "fake",
        "revision": "0" * 12,
        "engine": "fake",
        "precision": "none",
    }


def test_offsets_are_code_points_of_the_text_sent(client: TestClient) -> None:
    text = "😀 Ünïcode came first to the tower. \u200bThe second sentence has 𝔞 letter of its own."
    answer = post(client, text=text).json()
    for sentence in answer["sentences"]:
        (span,) = sentence["evidence"]
        assert text[span["start"] : span["end"]] == sentence["text"]


def test_include_text_returns_what_the_offsets_refer_to(client: TestClient) -> None:
    assert post(client, text=EXAMPLE_TEXT, include_text=True).json()["text"] == EXAMPLE_TEXT
    paragraphs = "".join(f"<p>{part}.</p>" for part in EXAMPLE_TEXT.split(". "))
    page = f"<html><title>Bridge</title><article><h1>Bridge</h1>{paragraphs}</article></html>"
    answer = post(client, html=page, include_text=True).json()
    assert "<p>" not in answer["text"]
    for sentence in answer["sentences"]:
        (span,) = sentence["evidence"]
        assert answer["text"][span["start"] : span["end"]] == sentence["text"]


def test_the_same_request_has_the_same_id_and_other_options_another(client: TestClient) -> None:
    first, second = post(client, text=EXAMPLE_TEXT).json(), post(client, text=EXAMPLE_TEXT).json()
    assert first["id"] == second["id"]
    assert first["summary"] == second["summary"]
    assert second["cached"] is True
    other = post(client, text=EXAMPLE_TEXT, length="long").json()
    assert other["id"] != first["id"]
    assert client.get(f"/v1/summaries/{first['id']}").json()["summary"] == first["summary"]


@pytest.mark.parametrize("identity", ["0" * 64, "nonsense", "%00", "a" * 5000])
def test_an_unknown_id(client: TestClient, identity: str) -> None:
    refused(client.get(f"/v1/summaries/{identity}"), "not-found")


@pytest.mark.parametrize(
    ("body", "slug", "field"),
    [
        ({"text": ""}, "empty-article", "text"),
        ({"text": " \n\t "}, "empty-article", "text"),
        ({"text": "Too short."}, "article-too-short", "text"),
        ({}, "one-input-required", None),
        ({"text": EXAMPLE_TEXT, "html": "<p>"}, "one-input-required", None),
        ({"text": None}, "one-input-required", None),
        ({"html": "<html><body></body></html>"}, "not-an-article", "html"),
        ({"url": "https://example.org/a"}, "url-disabled", "url"),
        ({"text": EXAMPLE_TEXT, "colour": "red"}, "unknown-field", "colour"),
        ({"text": EXAMPLE_TEXT, "\ud800": 1}, "invalid-field", None),
        ({"text": 5}, "invalid-field", "text"),
        ({"text": ["a"]}, "invalid-field", "text"),
        ({"text": EXAMPLE_TEXT, "title": "t" * 1001}, "invalid-field", "title"),
        ({"text": EXAMPLE_TEXT, "max_words": "20"}, "invalid-field", "max_words"),
        ({"text": EXAMPLE_TEXT, "max_words": 4}, "invalid-field", "max_words"),
        ({"text": EXAMPLE_TEXT, "max_words": 10**400}, "invalid-field", "max_words"),
        ({"text": EXAMPLE_TEXT, "strict": 1}, "invalid-field", "strict"),
        ({"text": EXAMPLE_TEXT, "format": "html"}, "invalid-field", "format"),
        ({"text": EXAMPLE_TEXT, "language": "English!"}, "invalid-field", "language"),
        ({"text": "half a \ud83d pair"}, "invalid-field", "text"),
        ({"text": EXAMPLE_TEXT, "kind": "poem"}, "unsupported-kind", "kind"),
        ({"text": EXAMPLE_TEXT, "length": "epic"}, "unsupported-length", "length"),
        ({"text": EXAMPLE_TEXT, "model": "gpt"}, "model-not-found", "model"),
    ],
)
def test_a_bad_request_names_field_and_reason(
    client: TestClient, body: dict[str, Any], slug: str, field: str | None
) -> None:
    response = client.post(
        "/v1/summaries", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    problem = refused(response, slug)
    assert problem.get("field") == field


def test_a_problem_names_the_limit(client: TestClient) -> None:
    assert refused(post(client, text="Too short."), "article-too-short")["limit"] == 5
    problem = refused(post(client, text=EXAMPLE_TEXT, max_words=99999), "invalid-field")
    assert problem["limit"] == 2000


def test_several_faults_come_at_once(client: TestClient) -> None:
    problem = refused(post(client, text=EXAMPLE_TEXT, kind="poem", colour=1), "unsupported-kind")
    assert {fault["field"] for fault in problem["errors"]} == {"kind", "colour"}


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"", "invalid-json"),
        (b"   ", "invalid-json"),
        (b"{", "invalid-json"),
        (b'{"text": "a",}', "invalid-json"),
        (b"{'text': 'a'}", "invalid-json"),
        (b'{"max_words": NaN}', "invalid-json"),
        (b'{"max_words": -Infinity}', "invalid-json"),
        (b'{"text": "a", "text": "b"}', "invalid-json"),
        (b'{"text": "a\x01b"}', "invalid-json"),
        (b'{"text": "\xff\xfe"}', "invalid-utf-8"),
        ('{"text": "ä"}'.encode("latin-1"), "invalid-utf-8"),
        ('{"text": "a"}'.encode("utf-16"), "invalid-utf-8"),
        (b"[" * 200_000, "invalid-json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "invalid-json"),
        (b'{"max_words": ' + b"9" * 100_000 + b"}", "invalid-json"),
        (b"null", "invalid-field"),
        (b"[]", "invalid-field"),
        (b'"text"', "invalid-field"),
        (b"1e999", "invalid-field"),
    ],
)
def test_what_is_not_a_json_object(client: TestClient, content: bytes, slug: str) -> None:
    response = client.post(
        "/v1/summaries", content=content, headers={"content-type": "application/json"}
    )
    refused(response, slug)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "nonsense"},
        {"content-type": ""},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_other_media_types(client: TestClient, headers: dict[str, str]) -> None:
    content = json.dumps({"text": EXAMPLE_TEXT}).encode()
    response = client.post("/v1/summaries", content=content, headers=headers)
    refused(response, "unsupported-media-type")
    assert response.headers["accept"] == "application/json"


def test_json_with_a_declared_charset_is_taken(client: TestClient) -> None:
    response = client.post(
        "/v1/summaries",
        content=json.dumps({"text": EXAMPLE_TEXT}),
        headers={"content-type": "application/json; charset=UTF-8"},
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"{}"', 304),
        ('W/"{}"', 304),
        ('"other", "{}"', 304),
        ("*", 304),
        ('"other"', 200),
        ("{}", 200),  # an entity tag has quotation marks
        ("", 200),
    ],
)
def test_who_has_a_summary_is_not_sent_it_again(
    client: TestClient, condition: str, status: int
) -> None:
    identity = post(client, text=EXAMPLE_TEXT).json()["id"]
    headers = {"if-none-match": condition.format(identity)}
    answer = client.get(f"/v1/summaries/{identity}", headers=headers)
    assert answer.status_code == status
    assert (answer.content == b"") == (status == 304)
    assert answer.headers["etag"] == f'"{identity}"'
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_an_article_over_the_bound_in_characters() -> None:
    summariser = FakeSummariser()
    with served(summariser, max_article_characters=1000) as client:
        calls = len(summariser.calls)
        problem = refused(post(client, text="word " * 201), "article-too-long")
        assert problem["limit"] == 1000
        assert problem["field"] == "text"
        assert post(client, text="word " * 200).status_code == 200
        assert len(summariser.calls) == calls + 1


def test_every_other_error_exit_has_the_same_shape(client: TestClient) -> None:
    refused(client.get("/nothing/here"), "not-found")
    response = client.put("/v1/summaries", json={})
    refused(response, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    every = client.put("/v1/summaries/" + "0" * 64)
    assert every.headers["allow"] == "DELETE, GET, HEAD"
    refused(client.get("/problems/no-such-problem"), "not-found")


def test_what_nobody_foresaw_is_a_problem_and_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    explosions = {"SECRET": ValueError("cannot read SECRET article text")}
    with served(FakeSummariser(explosions=explosions)) as client:
        response = post(client, text=f"SECRET {EXAMPLE_TEXT}")
        problem = refused(response, "inference-failed")
        assert post(client, text=EXAMPLE_TEXT).status_code == 200
    assert "SECRET" not in json.dumps(problem)
    assert "ValueError" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_model_that_breaks_while_it_loads_is_said_and_nothing_is_served() -> None:
    # The text that every model reads first speaks of a library.
    with served(FakeSummariser(explosions={"library": OSError("secret path")})) as client:
        assert "secret" not in refused(client.get("/readyz"), "not-ready")["detail"]
        refused(post(client, text=EXAMPLE_TEXT), "not-ready")
        assert client.get("/healthz").status_code == 200
        failure = client.app.state.desk.failure  # type: ignore[attr-defined]
        assert failure.message == "The model cannot be loaded: OSError."


def test_what_the_model_refuses() -> None:
    errors = {
        "MENU": NotAnArticle("This is a menu.", field="text"),
        "CRASH": InferenceFailed("The model returned nothing."),
    }
    with served(FakeSummariser(errors=errors)) as client:
        refused(post(client, text=f"MENU {EXAMPLE_TEXT}"), "not-an-article")
        refused(post(client, text=f"CRASH {EXAMPLE_TEXT}"), "inference-failed")


def test_what_the_model_does_not_do_is_refused_before_the_queue() -> None:
    summariser = FakeSummariser(
        info=with_info(kinds=("tldr",), lengths=("short",), languages=("en", "de"))
    )
    with served(summariser) as client:
        calls = len(summariser.calls)
        problem = refused(post(client, text=EXAMPLE_TEXT), "unsupported-kind")
        assert "tldr" in problem["detail"]
        body = {"text": EXAMPLE_TEXT, "kind": "tldr"}
        problem = refused(post(client, **body, length="long"), "unsupported-length")
        assert "short" in problem["detail"]
        problem = refused(post(client, **body, language="fr"), "language-not-supported")
        assert "en, de" in problem["detail"]
        assert len(summariser.calls) == calls
        assert post(client, **body, language="de-AT").json()["language"] == "de"


def test_a_batch_goes_into_the_queue_as_there_is_room_for_it() -> None:
    """Twenty articles, of which one is read and one may wait: all are answered."""
    articles = [{"text": f"{EXAMPLE_TEXT} This is article {number}."} for number in range(20)]
    limits = {"inference_max_articles": 1, "queue_max_articles": 1}
    with served(FakeSummariser(seconds_a_call=0.01), **limits) as client:
        response = client.post("/v1/summaries:batch", json={"articles": articles})
        assert ["id" in one for one in response.json()["results"]] == [True] * 20


def test_a_batch_answers_each_in_order(client: TestClient) -> None:
    articles = [
        {"text": EXAMPLE_TEXT},
        {"text": "Too short."},
        "not an object",
        {"text": EXAMPLE_TEXT, "kind": "headline", "length": "long"},
        {"text": EXAMPLE_TEXT, "colour": 1},
    ]
    response = client.post("/v1/summaries:batch", json={"articles": articles})
    assert response.status_code == 200
    results = response.json()["results"]
    assert [one.get("type", "").removeprefix(TYPE_PREFIX) for one in results] == [
        *("", "article-too-short", "invalid-field", "", "unknown-field"),
    ]
    assert results[3]["kind"] == "headline"
    single = post(client, text=EXAMPLE_TEXT).json()
    for timed in (results[0], single):
        del timed["timings"], timed["cached"]
    assert results[0] == single


def test_the_bounds_of_a_batch() -> None:
    with served(max_batch_articles=3) as client:
        body: dict[str, Any] = {"articles": [{"text": EXAMPLE_TEXT}] * 4}
        problem = refused(client.post("/v1/summaries:batch", json=body), "invalid-field")
        assert (problem["field"], problem["limit"]) == ("articles", 3)
        refused(client.post("/v1/summaries:batch", json={"articles": []}), "invalid-field")
        refused(client.post("/v1/summaries:batch", json={}), "missing-field")


def test_probes_and_models(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "model": "fake"}
    (model,) = client.get("/v1/models").json()["models"]
    assert model["name"] == "fake"
    assert model["loaded"] is True
    assert model["kinds"] == ["key-points", "tldr", "teaser", "headline"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a", "http://localhost/", "file:///etc/passwd"])
def test_an_address_that_is_not_public_is_refused_where_addresses_are_allowed(url: str) -> None:
    with served(url_fetching="public") as client:
        assert refused(post(client, url=url), "fetch-forbidden")["field"] == "url"


def test_as_many_pages_wait_as_may_and_no_more() -> None:
    async def test() -> None:
        gate = asyncio.Event()
        read: list[str] = []

        async def read_page(html: str) -> Given:
            await gate.wait()
            read.append(html)
            return Given(html)

        inputs = Inputs(max_article_characters=1000, read_page=read_page, max_waiting=3)
        bodies = [SummariseRequest(html=f"page {i}") for i in range(4)]
        tasks = [asyncio.create_task(inputs.read(body)) for body in bodies[:3]]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await inputs.read(bodies[3])
        assert (await inputs.read(SummariseRequest(text="text"))).text == "text"
        tasks[2].cancel()  # who leaves makes room, and is never read
        await asyncio.wait({tasks[2]})
        tasks[2] = asyncio.create_task(inputs.read(bodies[3]))
        await asyncio.sleep(0)
        gate.set()
        assert [(await task).text for task in tasks] == ["page 0", "page 1", "page 3"]
        assert read == ["page 0", "page 1", "page 3"]

    asyncio.run(test())
