"""Compressed files as plain streams of bytes, by suffix."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, cast

from models.errors import MissingDependency

COMPRESSIONS: Final = (".gz", ".xz", ".zst")
_READ_BYTES: Final = 64 * 1024


class _ZstandardFrames(io.RawIOBase):
    """The content of one or more frames; EOFError where the last one is cut off.

    zstandard's own stream reader takes a cut-off file for a complete one.
    """

    def __init__(self, raw: BinaryIO, new_frame: Callable[[], Any]) -> None:
        self._raw = raw
        self._new_frame = new_frame
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            compressed = self._raw.read(_READ_BYTES)
            if not compressed:
                if self._frame is not None:
                    raise EOFError("the last frame is not complete")
                return 0
            parts = []
            while compressed:
                self._frame = self._frame or self._new_frame()
                parts.append(self._frame.decompress(compressed))
                compressed = b""
                if self._frame.eof:
                    compressed, self._frame = self._frame.unused_data, None
            self._ready = b"".join(parts)
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def _zstandard_missing() -> NoReturn:
    raise MissingDependency("Files ending in .zst need zstandard: pip install 'inbrief[data]'.")


@contextmanager
def open_for_reading(path: Path, compression: str) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file; `compression` is a suffix of COMPRESSIONS or empty."""
    if compression == ".gz":
        with gzip.open(path, "rb") as stream:
            yield cast(BinaryIO, stream)
    elif compression == ".xz":
        with lzma.open(path, "rb") as stream:
            yield cast(BinaryIO, stream)
    elif compression == ".zst":
        try:
            import zstandard
        except ImportError:
            _zstandard_missing()
        with path.open("rb") as raw:
            frames = _ZstandardFrames(raw, zstandard.ZstdDecompressor().decompressobj)
            with io.BufferedReader(frames, 1024 * 1024) as buffered:
                yield cast(BinaryIO, buffered)
    else:
        with path.open("rb") as plain:
            yield plain


@contextmanager
def open_for_writing(path: Path, compression: str) -> Iterator[BinaryIO]:
    """Write a file compressed; equal content gives equal bytes."""
    if compression == ".gz":
        # No name and no time in the header: equal rows give equal bytes.
        with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
            yield cast(BinaryIO, stream)
    elif compression == ".xz":
        with lzma.open(path, "wb") as stream:
            yield cast(BinaryIO, stream)
    elif compression == ".zst":
        try:
            import zstandard
        except ImportError:
            _zstandard_missing()
        with path.open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as stream:
            yield cast(BinaryIO, stream)
    else:
        with path.open("wb") as plain:
            yield plain


def is_damaged_stream(error: Exception) -> bool:
    """Whether reading failed because the compressed file is damaged or cut off."""
    damaged = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
    return isinstance(error, damaged) or type(error).__name__ == "ZstdError"
