"""The output of a batch run: a file that only its own run continues.

Beside `OUT.jsonl` lies `OUT.jsonl.run.json`, which says what writes it: a
fingerprint of the input, the options, the model. With it a run that was killed
goes on at the line where it stopped, and a file that no such run began is
never touched.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from models.errors import InputError

_BLOCKS: Final = 64
_BLOCK_BYTES: Final = 2**20
_MANIFEST_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Written:
    """A line that is there: its record's id (null for a record without one) and its outcome."""

    id: str | None
    failed: bool


def manifest_path(output: Path) -> Path:
    return output.with_name(output.name + ".run.json")


def fingerprint(source: Path) -> str:
    """SHA-256 of a file's size and content; for a directory, of its names and sizes.

    Of a file over 64 MiB, 64 blocks of 1 MiB are read, evenly spread: corpora
    may be large, and the ids of the lines that are there are compared too.
    """
    digest = hashlib.sha256()
    if source.is_dir():
        for file in sorted(source.glob("*.txt")):
            digest.update(
                f"{file.name}\0{file.stat().st_size}\0".encode("utf-8", "surrogateescape")
            )
        return digest.hexdigest()
    size = source.stat().st_size
    digest.update(f"{size}\0".encode())
    with source.open("rb") as stream:
        for block in range(_BLOCKS):
            stream.seek(max(block * _BLOCK_BYTES, block * (size - _BLOCK_BYTES) // (_BLOCKS - 1)))
            digest.update(stream.read(_BLOCK_BYTES))
    return digest.hexdigest()


class BatchOutput:
    """The output file, open for this run alone; a context manager.

    A line cut off by the end of an earlier run is taken away on entry.
    """

    def __init__(self, path: Path, arguments: Mapping[str, Any], *, restart: bool = False) -> None:
        self._path = path
        self._arguments = {"version": _MANIFEST_VERSION, **arguments}
        self._restart = restart
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Claim the file.

        Raises:
            InputError: it was written by something else, by a run with other
                arguments, or is being written by another process.
        """
        if self._path.suffix != ".jsonl" or not self._path.parent.is_dir():
            raise InputError(
                f"The output must end in .jsonl and lie in a directory that exists, not "
                f"{self._path}.",
                field="output",
            )
        manifest = manifest_path(self._path)
        known = _read_manifest(manifest)
        if not self._path.exists():
            # The manifest is first: a run that is killed here owns what it creates next.
            _write_manifest(manifest, self._arguments)
            self._stream = self._open()
            return self
        self._refuse_foreign(known)
        self._stream = self._open()
        if self._restart:
            self._stream.truncate(0)
            _write_manifest(manifest, self._arguments)
        self._cut_partial_line()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._stream is not None  # entered
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def written(self) -> Iterable[Written]:
        """The lines that are there, in order.

        Raises:
            InputError: a line is not one of this command's.
        """
        assert self._stream is not None  # entered
        self._stream.seek(0)
        for number, line in enumerate(self._stream, 1):
            try:
                row = json.loads(line)
                yield Written(row["id"], "error" in row)
            except (ValueError, TypeError, KeyError):
                raise InputError(
                    f"Line {number} of {self._path} was not written by this command.",
                    field="output",
                ) from None

    def append(self, lines: Iterable[str]) -> None:
        """Add whole lines, and hand them to the operating system before returning."""
        assert self._stream is not None  # entered
        self._stream.seek(0, os.SEEK_END)
        self._stream.write("".join(lines).encode("utf-8"))
        self._stream.flush()

    def _refuse_foreign(self, known: dict[str, Any] | None) -> None:
        if known is None:
            raise InputError(
                f"{self._path} exists and was not written by this command; "
                "name another output or move it away.",
                field="output",
            )
        changed = sorted(
            key for key in {*known, *self._arguments} if known.get(key) != self._arguments.get(key)
        )
        if changed and not self._restart:
            raise InputError(
                f"{self._path} was begun with other arguments ({', '.join(changed)}); repeat "
                "those, name another output, or begin again with --restart.",
                field="output",
            )

    def _open(self) -> BinaryIO:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        stream = os.fdopen(descriptor, "r+b")
        try:
            # Gone with the process, however it ends.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise InputError(
                f"{self._path} is being written by another run.", field="output"
            ) from None
        return stream

    def _cut_partial_line(self) -> None:
        assert self._stream is not None  # entered
        position = self._stream.seek(0, os.SEEK_END)
        while position > 0:
            step = min(_BLOCK_BYTES, position)
            self._stream.seek(position - step)
            newline = self._stream.read(step).rfind(b"\n")
            if newline >= 0:
                self._stream.truncate(position - step + newline + 1)
                return
            position -= step
        self._stream.truncate(0)


def _read_manifest(path: Path) -> dict[str, Any] | None:
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise InputError(f"{path} is damaged; move it away.", field="output") from None
    return manifest


def _write_manifest(path: Path, arguments: Mapping[str, Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(arguments, stream, indent=2, ensure_ascii=False)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
