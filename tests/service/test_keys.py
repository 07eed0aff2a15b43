from __future__ import annotations

import json
import logging
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import SettingsError
from service import keys
from service.keys import KeyFile, canonical_origin
from tests.processes import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the file at every call instead of once a second."""
    monkeypatch.setattr(keys, "RELOAD_SECONDS", 0.0)


def test_a_key_is_shown_once_and_only_its_digest_is_kept(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    record, key = file.create("CMS", ["summarise"])
    secret = key.split("_", 2)[2]
    content = (tmp_path / "keys.json").read_text()
    assert secret not in content
    assert record.digest in content
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert file.verify(key) == record


def test_what_is_not_the_key_is_refused(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    record, key = file.create("CMS", ["summarise"])
    for wrong in (
        "",
        "inb",
        f"inb_{record.id}_",
        key[:-1],
        key + "x",
        key.replace("inb", "xyz", 1),
        f"inb_{'0' * 8}_{key.split('_', 2)[2]}",
        "ß\udcff",
    ):
        assert file.verify(wrong) is None, wrong


def test_rotation_needs_no_restart(tmp_path: Path) -> None:
    service, operator = KeyFile(tmp_path / "keys.json"), KeyFile(tmp_path / "keys.json")
    assert not service.guards
    old, old_key = operator.create("CMS", ["summarise"])
    assert service.verify(old_key) is not None
    rotated = operator.rotate(old.id, grace=timedelta(hours=1))
    assert rotated is not None
    assert service.verify(old_key) is not None
    assert service.verify(rotated[1]) is not None
    assert operator.revoke(old.id) is True
    assert operator.revoke(old.id) is False
    assert service.verify(old_key) is None
    assert service.verify(rotated[1]) is not None
    assert operator.rotate("00000000", grace=timedelta(0)) is None


def test_a_key_ends_when_it_expires(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    now = datetime.now(UTC)
    _, past = file.create("old", ["admin"], expires=now - timedelta(seconds=5))
    _, future = file.create("new", ["admin"], expires=now + timedelta(hours=1))
    assert file.verify(past) is None
    assert file.verify(future) is not None


def test_a_broken_file_leaves_the_keys_of_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    service = KeyFile(path)
    _, key = KeyFile(path).create("CMS", ["summarise"])
    assert service.verify(key) is not None
    path.write_text('{"version": 1, "keys": [')
    with caplog.at_level(logging.ERROR):
        assert service.verify(key) is not None
    assert "keys" in caplog.text
    with pytest.raises(SettingsError, match="not a keys file"):
        KeyFile(path).create("other", ["summarise"])


def test_a_deleted_file_locks_rather_than_opens(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    service = KeyFile(path)
    _, key = KeyFile(path).create("CMS", ["summarise"])
    assert service.guards
    path.unlink()
    assert service.verify(key) is None
    assert service.guards


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    code = (
        "import sys\nfrom pathlib import Path\nfrom service.keys import KeyFile\n"
        "for n in range(10): KeyFile(Path(sys.argv[1])).create(str(n), ['summarise'])\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [process.wait(PATIENCE_SECONDS) for process in processes] == [0, 0, 0]
    assert len(KeyFile(path).records()) == 30
    assert len(json.loads(path.read_text())["keys"]) == 30


def test_a_site_key_only_summarises(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    with pytest.raises(SettingsError, match="only have the scope summarise"):
        file.create("site", ["summarise", "admin"], origins=["https://news.example"])


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://news.example", "https://news.example"),
        ("https://News.Example:443/", "https://news.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_origins_are_written_as_browsers_send_them(written: str, sent: str) -> None:
    assert canonical_origin(written) == sent


@pytest.mark.parametrize(
    "text",
    [
        "news.example",
        "https://",
        "https://*.example",
        "https://a.example/path",
        "ftp://a.example",
        "https://a.example?x",
        "null",
        "https://user@a.example",
        "https://a.example:port",
        "http://[::",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="not an origin"):
        canonical_origin(text)
