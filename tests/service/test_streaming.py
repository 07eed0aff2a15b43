"""Event streams over a real socket, and clients who leave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from models.contract import OnSentence, SummarySentence
from models.errors import InferenceFailed
from service.app import create_app
from service.desk import Desk
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from service.streaming import wants_events
from tests.fakes import FakeSummariser
from tests.live import live
from tests.processes import PATIENCE_SECONDS, wait_until

EVENTS = {"accept": "text/event-stream"}
OTHER_TEXT = f"Another article stands here. {EXAMPLE_TEXT}"


class Stepwise(FakeSummariser):
    """Goes on after a sentence only when it is told to."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.steps = threading.Semaphore(0)
        self.stepping = False

    def summarise(self, requests: Any, on_sentence: OnSentence | None = None) -> Any:
        def step(index: int, sentence: SummarySentence) -> None:
            assert on_sentence is not None
            on_sentence(index, sentence)
            if self.stepping:
                assert self.steps.acquire(timeout=PATIENCE_SECONDS)

        return super().summarise(requests, None if on_sentence is None else step)


class Running:
    """A live service: its address, its desk, its summariser."""

    def __init__(self, url: str, desk: Desk, summariser: FakeSummariser) -> None:
        self.url, self.desk, self.summariser = url, desk, summariser

    def post(self, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return httpx.post(
            f"{self.url}/v1/summaries", json=body, headers=headers, timeout=PATIENCE_SECONDS
        )

    @contextmanager
    def stream(self, **body: Any) -> Iterator[Iterator[tuple[str, str]]]:
        with httpx.stream(
            "POST", f"{self.url}/v1/summaries", json=body, headers=EVENTS, timeout=PATIENCE_SECONDS
        ) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            yield events(response)


@contextmanager
def running(summariser: FakeSummariser | None = None, **settings: Any) -> Iterator[Running]:
    summariser = summariser or FakeSummariser()
    app = create_app(Settings(**{"deadline_seconds": 600.0, **settings}), summariser)
    with live(app) as url:
        yield Running(url, app.state.desk, summariser)


def events(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """(event, data) of a stream; comments are ("", text). (WHATWG HTML, 9.2.6)"""
    name, data = "message", []
    for line in response.iter_lines():
        if line.startswith(":"):
            yield "", line[1:].strip()
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif not line and data:
            yield name, "\n".join(data)
            name, data = "message", []


def test_sentences_in_order_then_the_whole_answer() -> None:
    with running() as service:
        with service.stream(text=EXAMPLE_TEXT, include_text=True) as stream:
            *sentences, (last, answer) = list(stream)
        assert {name for name, _ in sentences} == {"sentence"}
        assert last == "done"
        done = json.loads(answer)
        assert [json.loads(data) for _, data in sentences] == done["sentences"]
        assert done["text"] == EXAMPLE_TEXT
        plain = service.post(text=EXAMPLE_TEXT, include_text=True).json()
        for timed in (done, plain):
            del timed["timings"], timed["cached"]
        assert done == plain


def test_an_answer_from_the_cache_streams_all_its_sentences() -> None:
    with running() as service:
        service.post(text=EXAMPLE_TEXT)
        calls = len(service.summariser.calls)
        with service.stream(text=EXAMPLE_TEXT) as stream:
            names = [name for name, _ in stream]
        assert names == ["sentence", "sentence", "sentence", "done"]
        assert len(service.summariser.calls) == calls


def test_a_sentence_is_sent_before_the_next_is_made() -> None:
    summariser = Stepwise()
    with running(summariser) as service:
        summariser.stepping = True
        with service.stream(text=EXAMPLE_TEXT) as stream:
            for expected in ("The Harbour", "Engineers", "Buses"):
                name, data = next(stream)
                assert name == "sentence"
                assert json.loads(data)["text"].startswith(expected)
                summariser.steps.release()
            assert next(stream)[0] == "done"


def test_a_silent_stream_is_kept_alive() -> None:
    gate = threading.Event()
    gate.set()
    with running(FakeSummariser(gate=gate), heartbeat_seconds=0.05) as service:
        gate.clear()
        with service.stream(text=EXAMPLE_TEXT) as stream:
            assert [next(stream) for _ in range(3)] == [("", "heartbeat")] * 3
            gate.set()
            assert [name for name, _ in stream if name] == ["sentence"] * 3 + ["done"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"text": "Too short."}, 422), ({"text": EXAMPLE_TEXT, "kind": "poem"}, 422), ({}, 422)],
)
def test_what_fails_before_the_first_event_has_its_own_status(
    body: dict[str, Any], status: int
) -> None:
    with running() as service:
        response = service.post(EVENTS, **body)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


class BreaksLater(FakeSummariser):
    """Fails when it has spoken."""

    def summarise(self, requests: Any, on_sentence: OnSentence | None = None) -> Any:
        found = super().summarise(requests, on_sentence)
        return found if on_sentence is None else [InferenceFailed("It broke.") for _ in found]


def test_what_fails_later_is_an_error_event() -> None:
    with running(BreaksLater()) as service, service.stream(text=EXAMPLE_TEXT) as stream:
        *sentences, (name, data) = list(stream)
    assert [one for one, _ in sentences] == ["sentence"] * 3
    assert name == "error"
    problem = json.loads(data)
    assert problem["type"] == "/problems/inference-failed"
    assert problem["status"] == 500


def test_a_deadline_that_passes_within_a_stream_is_an_error_event() -> None:
    summariser = Stepwise()
    with running(summariser, deadline_seconds=3.0) as service:
        summariser.stepping = True
        with service.stream(text=EXAMPLE_TEXT) as stream:
            assert next(stream)[0] == "sentence"
            name, data = next(stream)
            assert list(stream) == []
        for _ in range(3):
            summariser.steps.release()
        assert name == "error"
        problem = json.loads(data)
        assert problem["type"] == "/problems/deadline-exceeded"
        assert problem["status"] == 504


def send_and_leave_open(url: str, body: dict[str, Any], accept: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    content = json.dumps(body).encode()
    client = socket.create_connection((host, int(port)))
    client.sendall(
        b"POST /v1/summaries HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        + f"accept: {accept}\r\ncontent-length: {len(content)}\r\n\r\n".encode()
        + content
    )
    return client


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_client_that_leaves_frees_its_place(accept: str) -> None:
    gate = threading.Event()
    gate.set()
    summariser = FakeSummariser(gate=gate)
    with running(summariser, queue_max_articles=1) as service:
        gate.clear()
        summariser.started.clear()
        first = send_and_leave_open(service.url, {"text": EXAMPLE_TEXT}, accept)
        wait_until(summariser.started.is_set, PATIENCE_SECONDS, "the first article's run")
        second = send_and_leave_open(service.url, {"text": OTHER_TEXT}, accept)
        wait_until(
            lambda: service.desk.queued_articles == 1, PATIENCE_SECONDS, "the second one's waiting"
        )
        refused = service.post(text=f"A third article comes. {EXAMPLE_TEXT}")
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/queue-full"
        assert int(refused.headers["retry-after"]) >= 1
        second.close()
        wait_until(
            lambda: service.desk.queued_articles == 0, PATIENCE_SECONDS, "the place being free"
        )
        gate.set()
        assert service.post(text=EXAMPLE_TEXT).status_code == 200
        assert OTHER_TEXT not in summariser.articles
        first.close()


def test_a_batch_whose_client_leaves_frees_its_places() -> None:
    gate = threading.Event()
    gate.set()
    with running(FakeSummariser(gate=gate), inference_max_articles=1) as service:
        gate.clear()
        articles = [{"text": f"Article {i} begins here. {EXAMPLE_TEXT}"} for i in range(8)]
        content = json.dumps({"articles": articles}).encode()
        host, _, port = service.url.removeprefix("http://").partition(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(
            b"POST /v1/summaries:batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            + f"content-length: {len(content)}\r\n\r\n".encode()
            + content
        )
        wait_until(
            lambda: service.desk.queued_articles == 7, PATIENCE_SECONDS, "the batch's waiting"
        )
        client.close()
        wait_until(
            lambda: service.desk.queued_articles == 0, PATIENCE_SECONDS, "the places being free"
        )
        gate.set()


def test_a_batch_without_any_room_is_refused_as_a_whole() -> None:
    gate = threading.Event()
    gate.set()
    summariser = FakeSummariser(gate=gate)
    with running(summariser, queue_max_articles=1) as service:
        gate.clear()
        summariser.started.clear()
        with send_and_leave_open(service.url, {"text": EXAMPLE_TEXT}, "*/*"):
            wait_until(summariser.started.is_set, PATIENCE_SECONDS, "the first article's run")
            with send_and_leave_open(service.url, {"text": OTHER_TEXT}, "*/*"):
                wait_until(
                    lambda: service.desk.queued_articles == 1, PATIENCE_SECONDS, "a full queue"
                )
                articles = [{"text": f"Article {i} is here. {EXAMPLE_TEXT}"} for i in range(3)]
                response = httpx.post(
                    f"{service.url}/v1/summaries:batch",
                    json={"articles": articles},
                    timeout=PATIENCE_SECONDS,
                )
                assert response.status_code == 503
                assert response.json()["type"] == "/problems/queue-full"
                gate.set()


def test_a_deadline_is_a_504() -> None:
    gate = threading.Event()
    gate.set()
    with running(FakeSummariser(gate=gate), deadline_seconds=0.1) as service:
        gate.clear()
        response = service.post(text=EXAMPLE_TEXT)
        gate.set()
        assert response.status_code == 504
        problem = response.json()
        assert problem["type"] == "/problems/deadline-exceeded"
        assert problem["limit"] == 0.1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", True),
        ("TEXT/EVENT-STREAM; q=0.5", True),
        ("application/json;q=0.9, text/event-stream", True),
        ("application/json, text/event-stream;q=0.1", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=nonsense", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_who_wants_events(accept: str, expected: bool) -> None:
    assert wants_events(Headers({"accept": accept})) is expected
