from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from typer.testing import CliRunner

from models.errors import InbriefError
from service.app import create_app
from service.cli import app
from service.keys import KeyFile
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from tests.fakes import FakeSummariser
from tests.processes import PATIENCE_SECONDS, accepts, free_port, wait_until

runner = CliRunner()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INBRIEF_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("INBRIEF_CACHE_URL", "sqlite")
    monkeypatch.setenv("INBRIEF_CACHE_TIMEOUT_SECONDS", "10")  # a busy machine has its cache too
    return tmp_path


@pytest.fixture
def url(data: Path) -> Iterator[str]:
    """A service in a thread, over the same data directory as the commands."""
    port = free_port()
    application = create_app(Settings(port=port), FakeSummariser())
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: accepts(port), PATIENCE_SECONDS, "the service accepting connections")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)


def test_a_key_is_created_listed_rotated_and_revoked(data: Path) -> None:
    created = runner.invoke(
        app,
        [
            "keys",
            "create",
            "CMS",
            "--scope",
            "summarise",
            "--scope",
            "admin",
            "--rate",
            "5/minute",
            "--expires-days",
            "3",
        ],
    )
    assert created.exit_code == 0, created.output
    key = created.stdout.strip()
    file = KeyFile(data / "keys.json")
    record = file.verify(key)
    assert record is not None
    assert record.scopes == ("summarise", "admin")
    (row,) = runner.invoke(app, ["keys", "list", "--json"]).stdout.splitlines()
    assert json.loads(row)["id"] == record.id
    assert "digest" not in json.loads(row)
    assert key not in runner.invoke(app, ["keys", "list"]).stdout
    rotated = runner.invoke(app, ["keys", "rotate", record.id, "--grace-hours", "1"]).stdout.strip()
    assert KeyFile(data / "keys.json").verify(rotated) is not None
    assert runner.invoke(app, ["keys", "revoke", record.id]).exit_code == 0
    assert KeyFile(data / "keys.json").verify(key) is None
    again = runner.invoke(app, ["keys", "revoke", record.id])
    assert isinstance(again.exception, InbriefError)


def test_what_makes_no_key_is_said(data: Path) -> None:
    for arguments in (
        ["--scope", "all"],
        ["--origin", "news.example"],
        ["--rate", "lots"],
        ["--origin", "https://a.example", "--scope", "admin"],
    ):
        result = runner.invoke(app, ["keys", "create", "x", *arguments])
        assert isinstance(result.exception, InbriefError), arguments
    assert not (data / "keys.json").exists()


def test_config_is_shown_and_checked(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "port = 8000" in runner.invoke(app, ["config", "show"]).stdout
    assert json.loads(runner.invoke(app, ["config", "show", "--json"]).stdout)["port"] == 8000
    assert runner.invoke(app, ["config", "check"]).exit_code == 0
    monkeypatch.setenv("INBRIEF_HOST", "0.0.0.0")
    assert isinstance(runner.invoke(app, ["config", "check"]).exception, InbriefError)


def test_the_doctor_says_what_is_there_and_what_is_wrong(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = runner.invoke(app, ["doctor", "--json", "--no-model"])
    findings = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"packages", "processor", "limits", "disk", "access", "cache"} <= {
        finding["subject"] for finding in findings
    }
    assert [finding for finding in findings if finding["verdict"] == "fault"] == []
    assert result.exit_code == 0
    monkeypatch.setenv("INBRIEF_CACHE_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("INBRIEF_MODEL", "no-such-model")
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 1
    faults = [line for line in result.stdout.splitlines() if line.startswith("fault")]
    assert [line.split()[1] for line in faults] == ["cache", "model"]


def test_warming_fills_the_cache_and_purging_empties_it(url: str, tmp_path: Path) -> None:
    articles = tmp_path / "articles.jsonl"
    rows = [{"id": str(number), "text": f"{EXAMPLE_TEXT} Number {number}."} for number in range(5)]
    articles.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"id": "bad"}\n')
    first = runner.invoke(app, ["warm", str(articles), "--url", url])
    assert "5 made, 0 there already, 1 failed" in first.stderr
    assert first.exit_code == 1
    second = runner.invoke(app, ["warm", str(articles), "--url", url])
    assert "0 made, 5 there already, 1 failed" in second.stderr
    answer = httpx.post(f"{url}/v1/summaries", json={"text": rows[0]["text"]}, timeout=60).json()
    assert answer["cached"] is True
    assert runner.invoke(app, ["purge", "--url", url, answer["id"]]).exit_code == 0
    assert runner.invoke(app, ["purge", "--url", url, answer["id"]]).exit_code == 1
    other = httpx.post(f"{url}/v1/summaries", json={"text": rows[1]["text"]}, timeout=60).json()
    assert runner.invoke(app, ["purge", other["id"]]).exit_code == 0
    assert runner.invoke(app, ["purge", other["id"]]).exit_code == 1


def test_addresses_are_asked_for_as_addresses(url: str, tmp_path: Path) -> None:
    listed = tmp_path / "addresses.txt"
    listed.write_text("# tomorrow\nhttps://news.example/a\nhttps://news.example/b\n")
    result = runner.invoke(app, ["warm", str(listed), "--url", url])
    assert "2 failed" in result.stderr
    assert "https://news.example/a: This service does not fetch pages" in result.stderr
