from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.sqlite_store import SqliteStore


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def store(path: Path, clock: Clock | None = None, max_bytes: int = 2**20) -> SqliteStore:
    return SqliteStore(path, max_bytes=max_bytes, max_age_seconds=3600, clock=clock or Clock())


def test_what_is_put_is_found_by_another_connection(tmp_path: Path) -> None:
    first, second = store(tmp_path / "c.db"), store(tmp_path / "c.db")
    first.put("a", b"one")
    assert second.get("a") == b"one"
    assert second.get("b") is None
    assert second.delete("a") is True
    assert second.delete("a") is False
    assert first.get("a") is None
    first.close()
    second.close()


def test_an_entry_older_than_the_age_bound_is_gone(tmp_path: Path) -> None:
    clock = Clock()
    cache = store(tmp_path / "c.db", clock)
    cache.put("a", b"one")
    clock.now += 3599
    assert cache.get("a") == b"one"
    clock.now += 2
    assert cache.get("a") is None
    cache.close()


@pytest.mark.parametrize("jump_seconds", [-86_400 * 365, -3600, 86_400 * 365])
def test_a_clock_that_jumps_loses_entries_at_most(tmp_path: Path, jump_seconds: int) -> None:
    clock = Clock()
    cache = store(tmp_path / "c.db", clock)
    cache.put("a", b"one")
    clock.now += jump_seconds
    assert cache.get("a") == (b"one" if jump_seconds < 0 else None)
    cache.put("a", b"two")
    assert cache.get("a") == b"two"
    cache.close()


def test_the_least_recently_used_goes_first_and_the_bound_holds(tmp_path: Path) -> None:
    clock = Clock()
    cache = SqliteStore(tmp_path / "c.db", max_bytes=500_000, max_age_seconds=10**6, clock=clock)
    for number in range(800):
        clock.now += 1
        cache.put(f"k{number}", bytes(1000))
        if number % 10 == 0:
            clock.now += 1000
            assert cache.get("k0") is not None, "an entry in use was evicted"
        assert cache.usage()[1] <= 500_000
    assert cache.get("k799") is not None
    assert cache.get("k1") is None
    cache.close()
    assert (tmp_path / "c.db").stat().st_size <= 600_000


def test_a_value_larger_than_the_bound_is_not_kept(tmp_path: Path) -> None:
    cache = store(tmp_path / "c.db", max_bytes=1000)
    cache.put("a", bytes(2000))
    assert cache.get("a") is None
    cache.close()


@pytest.mark.parametrize("damage", ["not a database at all" * 500, ""])
def test_a_file_that_is_no_database_is_moved_aside(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "c.db"
    path.write_text(damage)
    cache = store(path)
    with caplog.at_level(logging.ERROR):
        cache.put("a", b"one")
    assert cache.get("a") == b"one"
    cache.close()
    aside = list(tmp_path.glob("c.db.corrupt-*"))
    if damage:
        assert [file.read_text() for file in aside] == [damage]
        assert "corrupt" in caplog.text
    else:
        assert aside == []  # an empty file is a new database


def test_a_page_overwritten_under_a_running_store_heals(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = store(path)
    for number in range(300):
        cache.put(f"k{number}", bytes(500))
    cache.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    cache = store(path)
    for number in range(300):
        cache.get(f"k{number}")
        cache.put(f"k{number}", b"new")
    assert cache.get("k7") == b"new"
    assert cache.check() == []
    cache.close()
    assert len(list(tmp_path.glob("c.db.corrupt-*"))) == 1


def test_a_killed_process_loses_nothing_it_had_put(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom service.sqlite_store import SqliteStore\n"
        "s = SqliteStore(Path(sys.argv[1]), max_bytes=2**24, max_age_seconds=3600)\n"
        "n = 0\n"
        "while True:\n    s.put(f'k{n}', b'v' * 300)\n    print(n, flush=True)\n    n += 1\n"
    )
    path = tmp_path / "c.db"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    last = -1
    for line in process.stdout:
        last = int(line)
        if last >= 200:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    process.wait(60)
    cache = SqliteStore(path, max_bytes=2**24, max_age_seconds=3600)
    assert all(cache.get(f"k{number}") is not None for number in range(last + 1))
    cache.close()
    assert not list(tmp_path.glob("*.corrupt-*"))


def fill(cache: SqliteStore) -> None:
    for number in range(100):
        cache.put(f"k{number}", bytes(4000))


def test_a_full_disk_is_an_error_and_not_a_corruption(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = store(path)
    cache.put("a", b"one")
    cache.close()
    # The page bound of SQLite raises what a full disk raises: SQLITE_FULL.
    cache = store(path)
    cache.get("a")
    connection = cache._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill(cache)
    cache.put("b", b"two")  # the next call begins anew
    assert cache.get("b") == b"two"
    assert cache.get("a") == b"one"
    cache.close()
    assert not list(tmp_path.glob("*.corrupt-*"))


def test_threads_may_share_a_store(tmp_path: Path) -> None:
    cache = store(tmp_path / "c.db")
    errors: list[Exception] = []

    def work(name: int) -> None:
        try:
            for number in range(50):
                cache.put(f"{name}-{number}", b"x")
                assert cache.get(f"{name}-{number}") == b"x"
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    cache.close()
