from __future__ import annotations

import asyncio
from pathlib import Path

from eval.load import LoadPlan, run_load
from tests.processes import service

TEXTS = ["The ferry was late on Monday. Nobody was hurt. The company said sorry for it."]


def test_a_run_reports_what_the_readers_got(tmp_path: Path) -> None:
    environment = {
        "FAKE_SECONDS": "0.2",
        "INBRIEF_QUEUE_MAX_ARTICLES": "4",
        "INBRIEF_INFERENCE_MAX_ARTICLES": "2",
    }
    with service(tmp_path, environment) as running:
        plan = LoadPlan(
            running.url,
            clients=4,
            seconds=3,
            repeats=0.7,
            think_seconds=0.05,
            overload_clients=30,
            overload_seconds=2,
            idle_connections=20,
        )
        report = asyncio.run(run_load(plan, TEXTS))
    steady, over = report["phases"]
    assert steady["failures"] == over["failures"] == 0
    assert steady["statuses"]["200"] == steady["cached"]["n"] + steady["computed"]["n"]
    assert steady["cached"]["n"] > 0
    assert over["statuses"]["503"] == over["refused"]["n"] > 0
    assert steady["client_lag"]["n"] > 0
    assert over["cached"]["n"] == 0
    assert report["recovery_seconds"] is not None
    assert report["idle_connections_opened"] == 20
    assert all(size > 10_000_000 for size in report["memory_bytes"])


def test_a_service_that_is_not_there_is_a_failure_and_no_crash() -> None:
    plan = LoadPlan("http://127.0.0.1:1", clients=2, seconds=0.5, think_seconds=0.1)
    report = asyncio.run(run_load(plan, TEXTS))
    (steady,) = report["phases"]
    assert steady["failures"] == steady["requests"] > 0
    assert set(steady["statuses"]) == {"ClientConnectorError"}
