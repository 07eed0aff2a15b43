"""Ray Serve for real, on loopback, over a fake summariser."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from tests.fakes import FAKE_INFO, FakeSummariser
from tests.processes import ROOT, free_port, wait_until

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed (the ray extra)", allow_module_level=True)

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@dataclass(frozen=True)
class Running:
    """Ray Serve in a process of its own."""

    url: str
    program: subprocess.Popen[bytes]

    def deploy(self, revision: str) -> None:
        """Begin to put another model in the place of the one that runs."""
        assert self.program.stdin is not None
        self.program.stdin.write(revision.encode() + b"\n")
        self.program.stdin.flush()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    port = free_port()
    log = tmp_path_factory.mktemp("ray") / "log"
    with log.open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_ray_app", str(port)],
            stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=ROOT,
        )  # fmt: skip

    def ready() -> bool:
        assert program.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
        return False

    try:
        wait_until(ready, 240, "Ray Serve being ready")
        yield Running(f"http://127.0.0.1:{port}", program)
    finally:
        assert program.stdin is not None
        program.stdin.close()
        program.wait(120)


@pytest.fixture
def url(running: Running) -> str:
    return running.url


def test_answers_are_those_of_the_service(url: str) -> None:
    body = {"text": EXAMPLE_TEXT, "kind": "tldr", "length": "medium", "title": "Swing bridge"}
    on_ray = httpx.post(f"{url}/v1/summaries", json=body, timeout=120).json()
    with TestClient(create_app(Settings(), FakeSummariser())) as client:
        here = client.post("/v1/summaries", json=body).json()
    for answer in (on_ray, here):
        answer.pop("timings")
    assert on_ray == here


def test_many_at_once_are_batched_and_each_gets_its_own(url: str) -> None:
    def ask(number: int) -> str:
        text = f"Number {number} is first. {EXAMPLE_TEXT}"
        answer = httpx.post(f"{url}/v1/summaries", json={"text": text}, timeout=120)
        assert answer.status_code == 200
        return str(answer.json()["sentences"][0]["text"])

    with ThreadPoolExecutor(32) as pool:
        firsts = list(pool.map(ask, range(100)))
    assert firsts == [f"Number {number} is first." for number in range(100)]


def test_one_that_breaks_its_batch_harms_no_other(url: str) -> None:
    def ask(text: str) -> int:
        return httpx.post(f"{url}/v1/summaries", json={"text": text}, timeout=120).status_code

    texts = [EXAMPLE_TEXT + f" {number}" for number in range(8)] + [EXAMPLE_TEXT + " explode"]
    with ThreadPoolExecutor(9) as pool:
        assert list(pool.map(ask, texts)) == [200] * 8 + [500]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "invalid-json"),
        (b"{}", 422, "one-input-required"),
        (b'{"text": "x"}', 422, "article-too-short"),
        (b'{"text": "x", "kind": "poem"}', 422, "unsupported-kind"),
        (b'{"html": "<p>x</p>"}', 422, "invalid-field"),
    ],
)
def test_problems_are_those_of_the_service(url: str, body: bytes, status: int, slug: str) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{url}/v1/summaries", content=body, headers=headers, timeout=120)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_new_model_replaces_the_old_one_without_a_failed_request(running: Running) -> None:
    begun, replaced = threading.Event(), threading.Event()

    def read(number: int) -> list[tuple[int, str]]:
        answers: list[tuple[int, str]] = []
        with httpx.Client(timeout=120) as client:
            while not replaced.is_set():
                body = {"text": f"{EXAMPLE_TEXT} It is number {number}."}
                answer = client.post(f"{running.url}/v1/summaries", json=body)
                answers.append((answer.status_code, answer.json()["model"]["revision"]))
                begun.set()
                number += 8
        return answers

    def newest() -> str:
        answer = httpx.post(f"{running.url}/v1/summaries", json={"text": EXAMPLE_TEXT}, timeout=120)
        return str(answer.json()["model"]["revision"])

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read, number) for number in range(8)]
        try:
            assert begun.wait(60)
            running.deploy("b" * 12)
            wait_until(lambda: newest() == "b" * 12, 120, "the new model answering")
            time.sleep(1)
        finally:
            replaced.set()
        answers = [answer for reader in readers for answer in reader.result()]
    assert {status for status, _ in answers} == {200}
    assert {revision for _, revision in answers} == {FAKE_INFO.revision, "b" * 12}


def test_the_configuration_is_one_that_serve_takes() -> None:
    code = (
        "import sys, yaml\n"
        "from ray.serve.schema import ServeDeploySchema\n"
        "from deploy import ray_app\n"
        "schema = ServeDeploySchema.model_validate(yaml.safe_load(open(sys.argv[1])))\n"
        "assert schema.applications[0].import_path == 'deploy.ray_app:build'\n"
        "assert callable(ray_app.build)\n"
    )
    config = str(ROOT / "deploy" / "serve_config.yaml")
    subprocess.run([sys.executable, "-c", code, config], check=True, cwd=ROOT)
