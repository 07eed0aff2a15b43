"""The process: it starts, says when it is ready, and stops without losing what it accepted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from service.schemas import EXAMPLE_TEXT
from tests.processes import (
    PATIENCE_SECONDS,
    ROOT,
    Hold,
    Service,
    free_port,
    service,
    wait_until,
)


def ask(running: Service, marker: str = "") -> httpx.Response:
    return running.post("/v1/summaries", json={"text": f"{marker} {EXAMPLE_TEXT}"})


def wait_until_accepted(running: Service, articles: int) -> None:
    wait_until(
        lambda: running.accepted() == articles, PATIENCE_SECONDS, f"{articles} being accepted"
    )


def test_a_stop_finishes_what_was_accepted_and_refuses_what_comes(tmp_path: Path) -> None:
    hold = Hold(tmp_path)
    settings = {**hold.environment, "INBRIEF_INFERENCE_MAX_ARTICLES": "1"}
    with service(tmp_path, settings) as running, ThreadPoolExecutor(4) as pool:
        hold.close()
        accepted = [pool.submit(ask, running, f"Number {i} of three.") for i in range(3)]
        wait_until_accepted(running, 3)  # one at work, two waiting
        running.signal(signal.SIGTERM)
        running.wait_until_draining()
        refused = ask(running, "Too late.")
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/draining"
        assert running.get("/healthz").status_code == 200
        hold.open()
        assert [one.result().status_code for one in accepted] == [200, 200, 200]
        assert running.wait() == 0
    assert "Traceback" not in running.log.read_text()


def test_a_stream_and_a_batch_under_way_are_finished(tmp_path: Path) -> None:
    hold = Hold(tmp_path)
    settings = {
        **hold.environment,
        "INBRIEF_INFERENCE_MAX_ARTICLES": "1",
        "INBRIEF_BATCH_CONCURRENCY": "1",
    }

    def stream() -> str:
        headers = {"accept": "text/event-stream"}
        return running.post("/v1/summaries", json={"text": EXAMPLE_TEXT}, headers=headers).text

    def batch() -> httpx.Response:
        articles = [{"text": f"Number {i} of two. {EXAMPLE_TEXT}"} for i in range(2)]
        return running.post("/v1/summaries:batch", json={"articles": articles})

    with service(tmp_path, settings) as running, ThreadPoolExecutor(2) as pool:
        hold.close()
        streamed = pool.submit(stream)
        wait_until_accepted(running, 1)
        batched = pool.submit(batch)
        wait_until_accepted(running, 2)  # the batch's first one waits
        running.signal(signal.SIGTERM)
        running.wait_until_draining()
        hold.open()
        assert "event: done" in streamed.result()
        # Its second article came to the queue after the signal: it belongs to it.
        assert ["summary" in one for one in batched.result().json()["results"]] == [True] * 2
        assert running.wait() == 0


def test_an_idle_service_stops_at_once(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        running.signal(signal.SIGINT)
        assert running.wait() == 0


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    hold = Hold(tmp_path)
    with service(tmp_path, hold.environment) as running, ThreadPoolExecutor(1) as pool:
        hold.close()
        asking = pool.submit(ask, running)
        wait_until_accepted(running, 1)
        running.signal(signal.SIGTERM)
        running.wait_until_draining()
        running.signal(signal.SIGTERM)
        running.wait()  # the batch has not ended yet
        assert asking.result().status_code == 503
        assert asking.result().json()["type"] == "/problems/draining"


def test_a_stop_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    hold = Hold(tmp_path)
    settings = {**hold.environment, "INBRIEF_DRAIN_SECONDS": "0.5"}
    with service(tmp_path, settings) as running, ThreadPoolExecutor(1) as pool:
        hold.close()
        asking = pool.submit(ask, running)
        wait_until_accepted(running, 1)
        running.signal(signal.SIGTERM)
        running.wait()  # the batch has not ended yet
        assert asking.result().status_code == 503
        assert asking.result().json()["type"] == "/problems/draining"
    log = running.log.read_text()
    assert "stopped within a batch" in log
    assert "Traceback" not in log


def test_a_delay_leaves_the_load_balancer_time_to_notice(tmp_path: Path) -> None:
    with service(tmp_path, {"INBRIEF_DRAIN_DELAY_SECONDS": "600"}) as running:
        running.signal(signal.SIGTERM)
        running.wait_until_draining()
        assert ask(running).json()["type"] == "/problems/draining"
        assert running.process is not None
        assert running.process.poll() is None


def test_a_delay_comes_to_its_end(tmp_path: Path) -> None:
    with service(tmp_path, {"INBRIEF_DRAIN_DELAY_SECONDS": "1"}) as running:
        begin = time.monotonic()
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
        assert time.monotonic() - begin >= 1


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
        timeout=PATIENCE_SECONDS,
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
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert f"port {running.port}: Address already in use." in done.stderr


def test_it_is_alive_before_it_is_ready_and_answers_with_a_real_model(tmp_path: Path) -> None:
    running = Service(tmp_path, {"INBRIEF_MODEL": "lead-3"}, command=("-m", "service", "serve"))
    try:
        running.start()
        answer = ask(running).json()
        assert answer["model"]["name"] == "lead-3"
        assert answer["summary"].startswith("The Harbour Commission voted on Tuesday")
    finally:
        running.kill()
