"""API keys at rest: one JSON file, digests only, read again when it changes.

A key is 256 random bits, shown once. Its SHA-256 is what the file holds: a
slow password hash protects secrets that can be guessed, and these cannot.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from models.errors import SettingsError

Scope = Literal["summarise", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

# Lets secret scanners find a key that was committed by mistake.
KEY_PREFIX: Final = "inb"
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 4
_VERSION: Final = 1
# A change of the file is seen within this time.
RELOAD_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is kept.

    `origins` makes it a site key: it works only from pages of exactly these
    origins (scheme, host, port), and for summaries only. `rate` overrides the
    service's rate for keys, such as `1200/minute`. Times are ISO 8601 in UTC.
    """

    id: str
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    created: str
    origins: tuple[str, ...] = ()
    rate: str | None = None
    expires: str | None = None

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and datetime.fromisoformat(self.expires) <= now


@dataclass(slots=True)
class _Loaded:
    """The file as it was read last."""

    stamp: tuple[int, int, int] | None = None
    records: dict[str, KeyRecord] = field(default_factory=dict)
    checked: float = float("-inf")


class KeyFile:
    """The keys in `path`. Reading never raises: a file that turns bad leaves the last good state.

    Writing goes through a lock and an atomic replacement; processes that read
    see either the old file or the new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._loaded = _Loaded()
        self._ever_held_keys = False

    def records(self) -> tuple[KeyRecord, ...]:
        """All keys, oldest first."""
        return tuple(self._current().values())

    @property
    def guards(self) -> bool:
        """Whether requests need a key: as soon as one exists, and from then on.

        A file that is deleted under a running service locks it rather than opens it.
        """
        self._ever_held_keys = self._ever_held_keys or bool(self._current())
        return self._ever_held_keys

    def verify(self, key: str) -> KeyRecord | None:
        """The record of `key`, in constant time for any secret; None when it is not valid."""
        prefix, _, rest = key.partition("_")
        key_id, _, secret = rest.partition("_")
        record = self._current().get(key_id)
        digest = record.digest if record is not None else "0" * 64
        same = hmac.compare_digest(_digest(secret), digest)
        if record is None or not same or prefix != KEY_PREFIX:
            return None
        return None if record.expired(datetime.now(UTC)) else record

    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        origins: Sequence[str] = (),
        rate: str | None = None,
        expires: datetime | None = None,
    ) -> tuple[KeyRecord, str]:
        """A new record and its key, which is nowhere else.

        Raises:
            SettingsError: an origin is not one, or a site key asks for more than summaries.
        """
        if origins and set(scopes) != {"summarise"}:
            raise SettingsError("A site key can only have the scope summarise.", field="scopes")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        record = KeyRecord(
            id=secrets.token_hex(_ID_BYTES),
            name=name,
            digest=_digest(secret),
            scopes=tuple(dict.fromkeys(scopes)),
            created=_timestamp(datetime.now(UTC)),
            origins=tuple(canonical_origin(origin) for origin in origins),
            rate=rate,
            expires=None if expires is None else _timestamp(expires),
        )
        with self._changing() as records:
            records[record.id] = record
        return record, f"{KEY_PREFIX}_{record.id}_{secret}"

    def revoke(self, key_id: str) -> bool:
        """Remove a key; false when there is none of this id."""
        with self._changing() as records:
            return records.pop(key_id, None) is not None

    def rotate(self, key_id: str, *, grace: timedelta) -> tuple[KeyRecord, str] | None:
        """A new key like `key_id`, which stays valid for `grace`; None when there is none."""
        old = self._read().get(key_id)
        if old is None:
            return None
        created = self.create(old.name, old.scopes, origins=old.origins, rate=old.rate)
        with self._changing() as records:
            ends = _timestamp(datetime.now(UTC) + grace)
            records[key_id] = replace(old, expires=min(old.expires or ends, ends))
        return created

    def _current(self) -> dict[str, KeyRecord]:
        loaded, now = self._loaded, time.monotonic()
        if now - loaded.checked < RELOAD_SECONDS:
            return loaded.records
        loaded.checked = now
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != loaded.stamp:
                loaded.records = self._read()
                loaded.stamp = stamp
        except FileNotFoundError:
            loaded.records, loaded.stamp = {}, None
        except (OSError, ValueError, TypeError, KeyError) as error:
            logger.error(
                "keys file %s cannot be read (%s): the keys of before stay",
                self.path,
                type(error).__name__,
            )
        return loaded.records

    def _read(self) -> dict[str, KeyRecord]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        if content["version"] != _VERSION:
            raise ValueError("unknown version")
        records = (
            KeyRecord(**{**row, "scopes": tuple(row["scopes"]), "origins": tuple(row["origins"])})
            for row in content["keys"]
        )
        return {record.id: record for record in records}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, KeyRecord]]:
        """The records to change; written back when the block ends well.

        Raises:
            SettingsError: the file there is not a keys file.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_name(self.path.name + ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                records = self._read()
            except (ValueError, TypeError, KeyError) as error:
                raise SettingsError(
                    f"{self.path} is not a keys file.", field="keys_file"
                ) from error
            yield records
            self._write(records)
        self._loaded = _Loaded()

    def _write(self, records: dict[str, KeyRecord]) -> None:
        content = {"version": _VERSION, "keys": [asdict(record) for record in records.values()]}
        new = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            if self.path.exists():  # the service may run as another user of the same group
                os.chmod(new, self.path.stat().st_mode & 0o777)
            os.replace(new, self.path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def canonical_origin(origin: str) -> str:
    """`origin` as browsers send it: scheme, host and a port that is not the scheme's own.

    Raises:
        SettingsError: it has a path, a wildcard, no host or another scheme than http and https.
    """
    try:
        parts = urlsplit(origin.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not host or "*" in host or not plain:
        raise SettingsError(
            f"{origin!r} is not an origin; write it like https://news.example.", field="origins"
        )
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
