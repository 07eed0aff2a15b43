"""Cached values: sealed with a digest for a store, or hot in this process's memory."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from typing import Final

_MAGIC: Final = b"inb1"
_DIGEST_BYTES: Final = 16


class HotEntries:
    """The entries used last, in memory, bounded in bytes and in seconds."""

    def __init__(self, max_bytes: int, max_age_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if time.monotonic() - entry[0] > self._max_age_seconds:
            self.delete(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: str, value: bytes) -> None:
        self.delete(key)
        self._entries[key] = (time.monotonic(), value)
        self._bytes += len(value)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._entries.popitem(last=False)[1][1])

    def delete(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry[1])


def seal(key: str, value: bytes) -> bytes:
    """`value` with a digest over key and value in front: rot and mixed-up entries are noticed."""
    return _MAGIC + _digest(key, value) + value


def unseal(key: str, sealed: bytes) -> bytes | None:
    """What `seal` was given; None when it is not what `seal` made for this key."""
    head = len(_MAGIC) + _DIGEST_BYTES
    value = sealed[head:]
    if sealed[:head] != _MAGIC + _digest(key, value):
        return None
    return value


def _digest(key: str, value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_DIGEST_BYTES, key=key.encode()[:64]).digest()
