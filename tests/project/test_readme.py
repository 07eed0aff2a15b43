"""README's commands, run as they are printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT, accepts, free_port, wait_until

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
SECONDS_TO_START = 180


def block_with(words: str) -> str:
    found = [block.strip() for block in BLOCKS if words in block]
    assert len(found) == 1, f"README has {len(found)} blocks with {words!r}"
    return str(found[0])


def test_the_two_commands_are_what_the_makefile_has() -> None:
    assert block_with("make serve") == "make serve"
    assert block_with("make test") == "make test"
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^serve:", targets, re.MULTILINE)
    assert re.search(r"^test:.*\n\t.*pytest", targets, re.MULTILINE)


@pytest.mark.slow
def test_make_serve_serves_and_the_curl_answers(tmp_path: Path) -> None:
    if not shutil.which("make") or not shutil.which("curl"):
        pytest.fail("README's commands need make and curl")
    if not (ROOT / ".venv" / ".installed").exists():
        pytest.skip("this checkout was not set up by make")
    port = free_port()
    environment = os.environ | {"INBRIEF_PORT": str(port), "XDG_DATA_HOME": str(tmp_path)}
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        block_with("make serve").split(),
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        wait_until(lambda: accepts(port), SECONDS_TO_START, "make serve")
        curl = block_with("curl").replace("localhost:8000", f"127.0.0.1:{port}")
        ready = f"curl -sf --retry 60 --retry-delay 1 --retry-all-errors 127.0.0.1:{port}/readyz"
        subprocess.run(ready, shell=True, check=True, stdout=subprocess.DEVNULL)
        answer = subprocess.run(curl, shell=True, check=True, capture_output=True).stdout
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        log.close()

    summary = json.loads(answer)
    text = json.loads(re.search(r"-d '(.*)'", curl)[1])["text"]  # type: ignore[index]
    assert summary["model"]["name"] == "news-small"
    assert 0 < summary["words"] < summary["source_words"]
    assert summary["sentences"]
    for sentence in summary["sentences"]:
        first = sentence["evidence"][0]
        assert text[first["start"] : first["end"]].endswith(".")


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_commands_named_in_the_readme_exist() -> None:
    from typer.main import get_command

    from eval.__main__ import app as judge
    from service.cli import app as edge

    for program, app in (("inbrief", edge), ("inbrief-eval", judge)):
        named = set(re.findall(rf"`{program} ([a-z]+)", README))
        known = set(getattr(get_command(app), "commands", {}))
        assert named <= known, named - known
