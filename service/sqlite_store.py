"""Bytes by key in one SQLite file, bounded in bytes and in age."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)

# Answers are about 3 kB: four or five share a page of this size, in SQLite's
# default size one page each would stand a quarter empty.
PAGE_BYTES: Final = 16_384
# Pages in the write-ahead log before they are copied into the file: 4 MiB.
LOG_PAGES: Final = 256
# A read refreshes an entry's place in the eviction order at most this often,
# so that reading stays reading.
TOUCH_SECONDS: Final = 600.0
# After this many writes, entries past their age go.
WRITES_BETWEEN_SWEEPS: Final = 256
# An eviction goes down to this share of the bound, so that the next write
# does not evict again.
EVICT_TO: Final = 0.9
# A second process may hold the write lock; longer than this is a failure.
BUSY_SECONDS: Final = 0.2

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, size INTEGER NOT NULL,
    created REAL NOT NULL, used REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used);
CREATE INDEX IF NOT EXISTS entries_by_age ON entries (created);
"""
_EVICT: Final = """
DELETE FROM entries WHERE key IN (
    SELECT key FROM (SELECT key, SUM(size) OVER (ORDER BY used, key) - size AS before FROM entries)
    WHERE before < ?)
"""


class SqliteStore:
    """A key-value file in write-ahead mode: readers never wait for a writer.

    Least recently used entries go first when the file passes `max_bytes`
    (the write-ahead log beside it takes a few MiB more).
    Entries older than `max_age_seconds` are never returned. The file is opened
    by the first call. A file that SQLite calls corrupt is moved aside
    (`NAME.corrupt-…`) and a new one is begun; what was in it is computed
    again. Every method may raise `sqlite3.Error` or `OSError`. Calls are
    serialised by a lock.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        max_age_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._writes = 0

    def get(self, key: str) -> bytes | None:
        return self._run(lambda db: self._get(db, key))

    def put(self, key: str, value: bytes) -> None:
        self._run(lambda db: self._put(db, key, value))

    def delete(self, key: str) -> bool:
        """Remove an entry; false when there was none."""
        return self._run(
            lambda db: db.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount > 0
        )

    def usage(self) -> tuple[int, int]:
        """Entries, and the bytes of the file that they fill."""

        def measure(db: sqlite3.Connection) -> tuple[int, int]:
            (entries,) = db.execute("SELECT COUNT(*) FROM entries").fetchone()
            return int(entries), self._filled_bytes(db)

        return self._run(measure)

    def check(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty when it is sound."""

        def inspect(db: sqlite3.Connection) -> list[str]:
            return [row[0] for row in db.execute("PRAGMA quick_check") if row[0] != "ok"]

        return self._run(inspect)

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def _get(self, db: sqlite3.Connection, key: str) -> bytes | None:
        row = db.execute(
            "SELECT value, created, used FROM entries WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        value, created, used = row
        now = self._clock()
        if now - created > self._max_age_seconds:
            return None
        # abs(): after the clock was set back, "used" lies in the future.
        if abs(now - used) > TOUCH_SECONDS:
            db.execute("UPDATE entries SET used = ? WHERE key = ?", (now, key))
        return bytes(value)

    def _put(self, db: sqlite3.Connection, key: str, value: bytes) -> None:
        size = len(key) + len(value)
        if size > self._max_bytes // 2:
            return
        now = self._clock()
        db.execute(
            "INSERT OR REPLACE INTO entries (key, value, size, created, used)"
            " VALUES (?, ?, ?, ?, ?)",
            (key, value, size, now, now),
        )
        self._writes += 1
        if self._writes % WRITES_BETWEEN_SWEEPS == 0:
            oldest = now - self._max_age_seconds
            db.execute("DELETE FROM entries WHERE created < ?", (oldest,))
        if self._filled_bytes(db) > self._max_bytes:
            self._evict(db)

    def _evict(self, db: sqlite3.Connection) -> None:
        while (excess := self._filled_bytes(db) - EVICT_TO * self._max_bytes) > 0:
            if db.execute(_EVICT, (excess,)).rowcount == 0:
                break  # what is left is SQLite's own
        db.execute("PRAGMA incremental_vacuum").fetchall()

    @staticmethod
    def _filled_bytes(db: sqlite3.Connection) -> int:
        pages, free = (
            int(db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count")
        )
        return (pages - free) * PAGE_BYTES

    def _run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                return operation(self._connect())
            except sqlite3.DatabaseError as error:
                if not _is_corruption(error):
                    # A full disk or a vanished directory may heal: begin anew next time.
                    self._disconnect()
                    raise
                self._set_aside(error)
            return operation(self._connect())

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # only a new file takes these two
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL").fetchall()
            # A crash of the process loses nothing; of the machine, the last writes at most.
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}").fetchall()
            db.execute(f"PRAGMA journal_size_limit = {LOG_PAGES * PAGE_BYTES}").fetchall()
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        self._connection = db
        self._inode = self._path.stat().st_ino
        return db

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        opened = self._inode if self._connection is not None else None
        self._disconnect()
        if not self._path.exists() or opened not in (None, self._path.stat().st_ino):
            return  # another process moved it already
        aside = self._path.with_name(f"{self._path.name}.corrupt-{time.time_ns()}")
        logger.error("cache file %s is corrupt (%s): moved to %s", self._path, error, aside.name)
        os.replace(self._path, aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    # The low byte is the primary code, the rest says where (sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
