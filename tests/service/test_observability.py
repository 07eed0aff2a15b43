from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from models.errors import InferenceFailed
from service.app import create_app
from service.keys import KeyFile
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from tests.fakes import FakeSummariser
from tests.processes import wait_until

NAMES = {
    "inbrief_articles_inferred", "inbrief_requests", "inbrief_request_seconds",
    "inbrief_queue_articles", "inbrief_queue_wait_seconds", "inbrief_batch_articles",
    "inbrief_batch_fill_ratio", "inbrief_inference_seconds", "inbrief_tokens", "inbrief_cache",
    "inbrief_single_flight_joins", "inbrief_sentences", "inbrief_refusals", "inbrief_ready",
    "inbrief_model_info", "inbrief_queue_expected_seconds", "process_resident_memory_bytes",
}  # fmt: skip


@contextmanager
def served(summariser: FakeSummariser, **settings: Any) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(**settings), summariser)) as client:
        yield client


def value(client: TestClient, sample: str, **labels: str) -> float:
    """The sum of the samples with this name and these labels."""
    total = 0.0
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for one in family.samples:
            if one.name == sample and labels.items() <= one.labels.items():
                total += one.value
    return total


def post(client: TestClient, text: str = EXAMPLE_TEXT) -> int:
    return client.post("/v1/summaries", json={"text": text}).status_code


def test_every_metric_is_there_in_a_format_that_prometheus_reads() -> None:
    with served(FakeSummariser()) as client:
        post(client)
        response = client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = {one.name for one in text_string_to_metric_families(response.text)}
        assert families >= NAMES


def test_what_is_counted_is_what_happened() -> None:
    broken = FakeSummariser(errors={"broken": InferenceFailed("no")})
    with served(broken) as client:
        assert [post(client), post(client), post(client, "x")] == [200, 200, 422]
        assert post(client, "This one is broken. " * 8) == 500
        assert value(client, "inbrief_articles_inferred_total", engine="fake") == 3
        route = {"route": "/v1/summaries", "method": "POST"}
        assert value(client, "inbrief_requests_total", **route, status="200") == 2
        assert value(client, "inbrief_requests_total", **route, status="422") == 1
        assert value(client, "inbrief_cache_total", result="hit") == 1
        assert value(client, "inbrief_cache_total", result="miss") == 1
        assert value(client, "inbrief_refusals_total", reason="article-too-short") == 1
        assert value(client, "inbrief_refusals_total", reason="inference-failed") == 1
        assert value(client, "inbrief_sentences_total", supported="true") == 3
        assert value(client, "inbrief_tokens_total") > 0
        assert value(client, "inbrief_queue_wait_seconds_count") == 3
        assert value(client, "inbrief_ready") == 1


def test_addresses_with_ids_and_made_up_paths_make_no_labels() -> None:
    with served(FakeSummariser()) as client:
        for number in range(5):
            client.get(f"/v1/summaries/{number:064x}")
            client.get(f"/made/up/{number}")
        assert value(client, "inbrief_requests_total", route="/v1/summaries/{id}") == 5
        assert value(client, "inbrief_requests_total", route="other") == 5


def test_what_is_refused_at_the_door_is_counted_by_its_route(tmp_path: Path) -> None:
    path, body = tmp_path / "keys.json", {"text": EXAMPLE_TEXT}
    _, key = KeyFile(path).create("site", ["summarise"], origins=["https://news.example"])
    headers = {"authorization": f"Bearer {key}", "origin": "https://other.example"}
    with served(FakeSummariser(), keys_file=path, metrics_open=True) as client:
        assert client.post("/v1/summaries", json=body).status_code == 401
        assert client.post("/v1/summaries", json=body, headers=headers).status_code == 403
        assert client.get(f"/v1/summaries/{0:064x}").status_code == 401
        assert client.put("/v1/summaries").status_code == 401
        asked = {"route": "/v1/summaries", "method": "POST"}
        assert value(client, "inbrief_requests_total", **asked, status="401") == 1
        assert value(client, "inbrief_requests_total", **asked, status="403") == 1
        assert value(client, "inbrief_requests_total", route="/v1/summaries/{id}") == 1
        assert value(client, "inbrief_requests_total", method="PUT", route="/v1/summaries") == 1
        assert value(client, "inbrief_requests_total", route="other") == 0


def test_readers_who_join_are_counted() -> None:
    gate = threading.Event()
    summariser = FakeSummariser(gate=gate)
    app = create_app(Settings(), summariser)
    gate.set()
    with TestClient(app) as client:
        gate.clear()
        summariser.started.clear()
        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(post, client) for _ in range(8)]
            # The key of the one article that is being read; seven wait for the first one's.
            flights = app.state.desk._cache._flights._flights
            wait_until(lambda: [one.waiters for one in flights.values()] == [8], 25, "all waiting")
            gate.set()
            assert [one.result() for one in answers] == [200] * 8
        assert value(client, "inbrief_single_flight_joins_total") == 7
        assert value(client, "inbrief_articles_inferred_total") == 1


def test_two_services_in_one_process_share_no_counter() -> None:
    with served(FakeSummariser()) as first, served(FakeSummariser()) as second:
        post(first)
        assert value(second, "inbrief_articles_inferred_total") == 0


def test_readyz_tells_of_a_full_queue_and_of_room() -> None:
    gate = threading.Event()
    gate.set()
    summariser = FakeSummariser(gate=gate)
    app = create_app(Settings(queue_max_articles=2, gather_seconds=0), summariser)
    with TestClient(app) as client:
        assert client.get("/readyz").status_code == 200
        gate.clear()
        summariser.started.clear()
        with ThreadPoolExecutor(4) as pool:
            texts = [f"{EXAMPLE_TEXT} Number {number}." for number in range(4)]
            answers = [pool.submit(post, client, texts[0])]
            assert summariser.started.wait(25)
            answers += [pool.submit(post, client, text) for text in texts[1:3]]
            while (response := client.get("/readyz")).status_code == 200:
                assert not any(one.done() for one in answers)
            assert response.json()["type"] == "/problems/queue-full"
            assert int(response.headers["retry-after"]) >= 1
            assert post(client, texts[3]) == 503
            gate.set()
            assert [one.result() for one in answers] == [200] * 3
        assert client.get("/readyz").status_code == 200
        assert value(client, "inbrief_refusals_total", reason="queue-full") >= 1


def test_readyz_and_a_metric_tell_of_a_wait_that_is_too_long() -> None:
    """Behind a batch that does not end, more than the half of four seconds is soon expected."""
    gate = threading.Event()
    gate.set()
    summariser = FakeSummariser(gate=gate)
    settings = Settings(deadline_seconds=4.0, gather_seconds=0)
    with TestClient(create_app(settings, summariser)) as client, ThreadPoolExecutor(1) as pool:
        assert client.get("/readyz").status_code == 200
        assert value(client, "inbrief_queue_expected_seconds") == 0
        gate.clear()
        answer = pool.submit(post, client)
        while (response := client.get("/readyz")).status_code == 200:
            assert not answer.done()
        assert response.json()["type"] == "/problems/queue-full"
        assert value(client, "inbrief_queue_expected_seconds") > 2
        gate.set()
        answer.result()  # the deadline may have passed before the model was let go
        wait_until(lambda: client.get("/readyz").status_code == 200, 25, "room again")
        assert value(client, "inbrief_queue_expected_seconds") == 0


@pytest.mark.parametrize("given", ["abc-123", "x" * 64])
def test_a_plain_request_id_is_kept(given: str) -> None:
    with served(FakeSummariser()) as client:
        response = client.get("/healthz", headers={"x-request-id": given})
        assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, 'a"b', "a b", "<script>"])
def test_another_one_is_replaced(given: str) -> None:
    with served(FakeSummariser()) as client:
        made = client.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"]
        assert made != given
        assert len(made) == 32
