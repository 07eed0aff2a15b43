"""The process: it starts, says when it is ready, and stops without losing what it accepted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from service.schemas import EXAMPLE_TEXT
from tests.processes import ROOT, Service, free_port, service, wait_until


def ask(url: str, marker: str = "") -> httpx.Response:
    body = {"text": f"{marker} {EXAMPLE_TEXT}"}
    return httpx.post(f"{url}/v1/summaries", json=body, timeout=30)


def metric(running: Service, name: str) -> float:
    lines = httpx.get(f"{running.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split()[0] == name)


def queued(running: Service) -> int:
    return round(metric(running, "inbrief_queue_articles"))


def _under_way(running: Service) -> bool:
    return metric(running, "inbrief_queue_wait_seconds_count") > 0


def test_a_stop_finishes_what_was_accepted_and_refuses_what_comes(tmp_path: Path) -> None:
    settings = {"FAKE_SECONDS": "1", "INBRIEF_INFERENCE_MAX_ARTICLES": "1"}
    with service(tmp_path, settings) as running, ThreadPoolExecutor(4) as pool:
        accepted = [pool.submit(ask, running.url, f"Number {i} of three.") for i in range(3)]
        wait_until(
            lambda: _under_way(running) and queued(running) == 2, 10, "one at work, two waiting"
        )
        running.signal(signal.SIGTERM)
        wait_until(
            lambda: httpx.get(f"{running.url}/readyz").status_code == 503, 5, "readyz saying so"
        )
        refused = ask(running.url, "Too late.")
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/draining"
        assert httpx.get(f"{running.url}/healthz").status_code == 200
        assert [one.result().status_code for one in accepted] == [200, 200, 200]
        assert running.wait(10) == 0
    assert "Traceback" not in running.log.read_text()


def test_a_stream_and_a_batch_under_way_are_finished(tmp_path: Path) -> None:
    settings = {
        "FAKE_SECONDS": "1.5",
        "INBRIEF_INFERENCE_MAX_ARTICLES": "1",
        "INBRIEF_BATCH_CONCURRENCY": "1",
    }

    def stream() -> str:
        return httpx.post(
            f"{running.url}/v1/summaries",
            json={"text": EXAMPLE_TEXT},
            headers={"accept": "text/event-stream"},
            timeout=30,
        ).text

    def batch() -> httpx.Response:
        articles = [{"text": f"Number {i} of two. {EXAMPLE_TEXT}"} for i in range(2)]
        return httpx.post(
            f"{running.url}/v1/summaries:batch", json={"articles": articles}, timeout=30
        )

    with service(tmp_path, settings) as running, ThreadPoolExecutor(2) as pool:
        streamed = pool.submit(stream)
        wait_until(lambda: _under_way(running), 10, "the stream's article at work")
        batched = pool.submit(batch)
        wait_until(lambda: queued(running) == 1, 10, "the batch's first article waiting")
        running.signal(signal.SIGTERM)
        assert "event: done" in streamed.result()
        # Its second article came to the queue after the signal: it belongs to it.
        assert ["summary" in one for one in batched.result().json()["results"]] == [True] * 2
        running.wait(10)


def test_an_idle_service_stops_at_once(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        running.signal(signal.SIGINT)
        assert running.wait(10) == 0


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    settings = {"FAKE_SECONDS": "7", "INBRIEF_INFERENCE_MAX_ARTICLES": "1"}
    with service(tmp_path, settings) as running:
        client = threading.Thread(target=_ignore_errors, args=(running.url,))
        client.start()
        wait_until(lambda: _under_way(running), 10, "the article's run")
        begin = time.monotonic()
        running.signal(signal.SIGTERM)
        time.sleep(0.3)
        running.signal(signal.SIGTERM)
        running.wait(10)
        assert time.monotonic() - begin < 6  # the batch takes longer
        client.join(10)


def test_a_stop_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    settings = {"FAKE_SECONDS": "7", "INBRIEF_DRAIN_SECONDS": "0.5"}
    with service(tmp_path, settings) as running:
        client = threading.Thread(target=_ignore_errors, args=(running.url,))
        client.start()
        wait_until(lambda: _under_way(running), 10, "the article's run")
        begin = time.monotonic()
        running.signal(signal.SIGTERM)
        running.wait(10)
        assert time.monotonic() - begin < 6  # the batch takes longer
        client.join(10)
    assert "stopped within a batch" in running.log.read_text()


def _ignore_errors(url: str) -> None:
    try:
        ask(url)
    except httpx.TransportError:
        return


def test_a_delay_leaves_the_load_balancer_time_to_notice(tmp_path: Path) -> None:
    with service(tmp_path, {"INBRIEF_DRAIN_DELAY_SECONDS": "1.5"}) as running:
        running.signal(signal.SIGTERM)
        wait_until(
            lambda: httpx.get(f"{running.url}/readyz").status_code == 503, 1, "readyz saying so"
        )
        assert ask(running.url).json()["type"] == "/problems/draining"
        running.wait(10)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "no-such-model"], "There is no model 'no-such-model'"),
        (["--port", "99999"], "--port: input should be less than or equal to 65535."),
        (["--host", "0.0.0.0"], "create one with `inbrief keys create`"),
    ],
)
def test_a_start_that_cannot_be_is_a_sentence_and_status_two(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "serve", "--port", str(free_port()), *arguments],
        cwd=ROOT,
        env={**os.environ, "INBRIEF_DATA_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert said in done.stderr.splitlines()[-1]


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "service",
                "serve",
                "--model",
                "lead-3",
                "--port",
                str(running.port),
            ],
            cwd=ROOT,
            env={**os.environ, "INBRIEF_DATA_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert f"port {running.port}: Address already in use." in done.stderr


def test_it_is_alive_before_it_is_ready_and_answers_with_a_real_model(tmp_path: Path) -> None:
    running = Service(tmp_path, {"INBRIEF_MODEL": "lead-3"}, command=("-m", "service", "serve"))
    try:
        running.start()
        answer = ask(running.url).json()
        assert answer["model"]["name"] == "lead-3"
        assert answer["summary"].startswith("The Harbour Commission voted on Tuesday")
    finally:
        running.kill()
