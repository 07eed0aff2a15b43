"""Records on disk: articles with their summaries, read one at a time.

Formats, by suffix: `.jsonl` and `.csv`, each also compressed (`.gz`, `.xz`,
`.zst`), `.parquet`, `.txt`, and a directory of `.txt` files. Memory does not
grow with the file.

What is wrong with one line or row is yielded in its place as an
`InvalidRecord` that names the line, so that a reader can count it, report it
and go on; nothing is skipped. What is wrong with the whole file (no such
file, unknown suffix, no text column) is raised.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from models.compression import (
    COMPRESSIONS,
    is_damaged_stream,
    open_for_reading,
    open_for_writing,
)
from models.errors import InputError, InvalidRecord, MissingDependency

# One record of a news corpus has some kilobytes; a "line" of this many bytes
# is a file without line ends, and must not be read into memory whole.
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
SUFFIXES: Final = (".jsonl", ".csv", ".parquet", ".txt")
_PARQUET_ROWS_AT_ONCE: Final = 64
_DAMAGED: Final = "the compressed file is damaged or cut off from here on"


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Which fields or columns hold what; of several names the first present counts.

    A record without a text is invalid, or has `absent_text` where that is given.
    """

    id: str = "id"
    text: tuple[str, ...] = ("text", "article")
    title: str = "title"
    summary: tuple[str, ...] = ("summary", "summaries")
    absent_text: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """One article of a file.

    `id` is the record's own, or its line number where it has none.
    `summaries` are the reference summaries, `fields` whatever else the record
    holds. `line` counts lines (JSONL, CSV), rows (Parquet) or files
    (directory) from 1; a CSV record is named by its first line.
    """

    id: str
    text: str
    title: str | None = None
    summaries: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    line: int = 0


def read_records(
    path: Path, fields: FieldNames | None = None
) -> Iterator[ArticleRecord | InvalidRecord]:
    """Stream the records of a file or directory, bad ones as `InvalidRecord` in their place.

    Blank lines of a JSONL file are no records and pass unmentioned.

    Raises:
        InputError: no such file, unknown suffix, not a Parquet file, or a
            table without a text column.
        MissingDependency: Parquet or Zstandard without the `data` extra.
    """
    names = fields or FieldNames()
    if not path.exists():
        raise InputError(f"{path} does not exist.", field="path")
    if path.is_dir():
        return _read_directory(path)
    suffix, compression = _format_of(path)
    if suffix == ".jsonl":
        return _read_json_lines(path, compression, names)
    if suffix == ".csv":
        return _read_csv(path, compression, names)
    if suffix == ".parquet":
        return _read_parquet(path, names)
    return iter([_read_text_file(path, 1)])


def write_json_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    """Write one JSON object a line, compressed by the suffix; the number of rows.

    The file appears whole or not at all: it is written beside its place and
    renamed. NaN and infinities are refused, since they are not JSON.

    Raises:
        InputError: the suffix is not `.jsonl` with or without a compression.
        ValueError: a row holds NaN or an infinity.
    """
    suffix, compression = _format_of(path)
    if suffix != ".jsonl":
        raise InputError(f"{path.name}: records are written as .jsonl only.", field="path")
    partial = path.with_name(path.name + ".partial")
    count = 0
    try:
        with open_for_writing(partial, compression) as stream:
            for row in rows:
                stream.write(json_line(row).encode())
                count += 1
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def json_line(row: Mapping[str, object]) -> str:
    """One object as one line of JSON, line end included; ValueError for NaN."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _format_of(path: Path) -> tuple[str, str]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSIONS else ""
    suffix = suffixes[-1] if suffixes else ""
    if suffix in (".jsonl", ".csv") or (suffix in SUFFIXES and not compression):
        return suffix, compression
    raise InputError(
        f"{path.name}: unknown kind of file; known are .jsonl and .csv (also .gz, .xz, .zst),"
        " .parquet, .txt and a directory of .txt files.",
        field="path",
    )


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | InvalidRecord]]:
    """Number and bytes of each line; a line over the bound or a damaged stream as an error."""
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE_BYTES)
            too_long = len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")
            while too_long and (rest := stream.readline(MAX_LINE_BYTES)):
                if rest.endswith(b"\n"):
                    break
        except Exception as error:
            if not is_damaged_stream(error):
                raise
            yield number, _invalid(number, _DAMAGED)
            return
        if not line:
            return
        if too_long:
            yield number, _invalid(number, f"the line is longer than {MAX_LINE_BYTES} bytes")
        else:
            yield number, line


def _read_json_lines(
    path: Path, compression: str, names: FieldNames
) -> Iterator[ArticleRecord | InvalidRecord]:
    with open_for_reading(path, compression) as stream:
        for number, line in _lines(stream):
            if isinstance(line, InvalidRecord):
                yield line
                continue
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield _parse_json_line(number, line, names)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_json_line(number: int, line: bytes, names: FieldNames) -> ArticleRecord | InvalidRecord:
    try:
        row = json.loads(line.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        return _invalid(number, "the line is not UTF-8")
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return _invalid(number, f"the line is not JSON ({reason})")
    if not isinstance(row, dict):
        return _invalid(number, f"the line holds {_type_name(row)}, not an object")
    return record_of(number, row, names)


def _read_csv(
    path: Path, compression: str, names: FieldNames
) -> Iterator[ArticleRecord | InvalidRecord]:
    # The module's bound of 131,072 characters is global and less than a long
    # article has; a changed bound is the only way to lift it.
    csv.field_size_limit(MAX_LINE_BYTES)
    with open_for_reading(path, compression) as stream:
        # Undecodable bytes become surrogates, which `record_of` reports by row.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        rows = csv.reader(text, strict=True)
        try:
            header = next(rows, None)
        except Exception as error:
            if not is_damaged_stream(error):
                raise
            yield _invalid(1, _DAMAGED)
            return
        _require_text_column(path, header or [], names)
        assert header is not None
        while True:
            number = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield _invalid(number, f"the row is not CSV ({error})")
                continue
            except Exception as error:
                if not is_damaged_stream(error):
                    raise
                yield _invalid(number, _DAMAGED)
                return
            if not row:
                continue
            if len(row) != len(header):
                yield _invalid(number, f"the row has {len(row)} columns, not {len(header)}")
                continue
            yield record_of(number, dict(zip(header, row, strict=True)), names)


def _read_parquet(path: Path, names: FieldNames) -> Iterator[ArticleRecord | InvalidRecord]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependency(
            "Parquet files need pyarrow: pip install 'inbrief[data]'."
        ) from None
    try:
        table = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise InputError(f"{path.name} is not a Parquet file.", field="path") from error
    number = 0
    with table:
        _require_text_column(path, table.schema_arrow.names, names)
        for batch in table.iter_batches(batch_size=_PARQUET_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                number += 1
                yield record_of(number, row, names)


def _read_directory(path: Path) -> Iterator[ArticleRecord | InvalidRecord]:
    files = sorted(file for file in path.glob("*.txt") if file.is_file())
    if not files:
        raise InputError(f"{path} holds no .txt file.", field="path")
    return (_read_text_file(file, number) for number, file in enumerate(files, start=1))


def _read_text_file(path: Path, number: int) -> ArticleRecord | InvalidRecord:
    try:
        # The text is the caller's, to which offsets refer: line ends stay as they are.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return _invalid(number, f"{path.name} is not UTF-8", record_id=path.stem)
    return ArticleRecord(id=path.stem, text=text, line=number)


def _require_text_column(path: Path, columns: Iterable[str], names: FieldNames) -> None:
    columns = list(columns)
    if not set(names.text) & set(columns):
        raise InputError(
            f"{path.name} has no column {' or '.join(map(repr, names.text))};"
            f" its columns are {', '.join(map(repr, columns)) or 'none'}.",
            field=names.text[0],
        )


# --- one record ----------------------------------------------------------


def record_of(
    number: int, row: Mapping[str, object], names: FieldNames
) -> ArticleRecord | InvalidRecord:
    """One row, already parsed, as a record; `number` names it in errors."""
    record_id: str | None = None
    try:
        record_id = _identifier(row.get(names.id), number, names)
        text_name, text = _first_present(row, names.text)
        if text_name is None and names.absent_text is not None:
            text = names.absent_text
        elif text_name is None:
            wanted = " or ".join(map(repr, names.text))
            raise InvalidRecord(f"the record has no {wanted}", field=names.text[0])
        if not isinstance(text, str):
            raise InvalidRecord(f"{text_name!r} is {_type_name(text)}, not text", field=text_name)
        title = row.get(names.title)
        if title is not None and not isinstance(title, str):
            raise InvalidRecord(
                f"{names.title!r} is {_type_name(title)}, not text", field=names.title
            )
        summary_name, summary = _first_present(row, names.summary)
        summaries = _summaries(summary_name, summary)
        for name, value in ((text_name or "", text), (names.title, title or "")):
            _refuse_surrogates(name, value)
        for value in summaries:
            _refuse_surrogates(summary_name or "", value)
    except InvalidRecord as error:
        return _invalid(number, error.message, field_name=error.field, record_id=record_id)
    used = {names.id, text_name, names.title, summary_name}
    rest = {name: value for name, value in row.items() if name not in used}
    return ArticleRecord(record_id, text, title, summaries, rest, number)


def _first_present(row: Mapping[str, object], names: tuple[str, ...]) -> tuple[str | None, object]:
    for name in names:
        if row.get(name) is not None:
            return name, row[name]
    return None, None


def _identifier(value: object, number: int, names: FieldNames) -> str:
    if value is None:
        return str(number)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        wrong = "empty" if value == "" else _type_name(value)
        raise InvalidRecord(f"{names.id!r} is {wrong}, not text or a whole number", field=names.id)
    _refuse_surrogates(names.id, str(value))
    return str(value)


def _summaries(name: str | None, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not isinstance(one, str):
            raise InvalidRecord(
                f"{name!r} holds {_type_name(one)}, not text or a list of texts", field=name
            )
    return tuple(values)


def _refuse_surrogates(name: str, value: str) -> None:
    with suppress(UnicodeEncodeError):
        value.encode()
        return
    raise InvalidRecord(f"{name!r} holds half a character (invalid Unicode)", field=name)


def _invalid(
    number: int, reason: str, *, field_name: str | None = None, record_id: str | None = None
) -> InvalidRecord:
    return InvalidRecord(
        f"Line {number}: {reason}.", field=field_name, line=number, record_id=record_id
    )


def _type_name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, (int, float)) else "no text")
