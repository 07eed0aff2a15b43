import gzip
import json
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from models.articles import ArticleRecord, FieldNames, read_records, write_json_lines
from models.errors import InputError, InvalidRecord

RECORDS: list[Mapping[str, object]] = [
    {"id": "a", "text": "One — “two”.", "title": "T", "summary": "S", "section": "world"},
    {"id": 7, "article": "Three.\u2028Four.", "summaries": ["S1", "S2"], "n": 3},
]
EXPECTED = [
    ArticleRecord("a", "One — “two”.", "T", ("S",), {"section": "world"}, 1),
    ArticleRecord("7", "Three.\u2028Four.", None, ("S1", "S2"), {"n": 3}, 2),
]


def errors_of(path: Path, fields: FieldNames | None = None) -> list[InvalidRecord]:
    return [one for one in read_records(path, fields) if isinstance(one, InvalidRecord)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.xz", ".jsonl.zst"])
def test_records_come_back_as_they_were_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"corpus{suffix}"
    assert write_json_lines(path, RECORDS) == 2
    assert list(read_records(path)) == EXPECTED
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.xz", ".jsonl.zst"])
def test_equal_rows_give_equal_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    write_json_lines(first, RECORDS)
    write_json_lines(second, RECORDS)
    assert first.read_bytes() == second.read_bytes()


def test_several_zstandard_frames_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl.zst"
    frames = [zstandard.compress(json.dumps(row).encode() + b"\n") for row in RECORDS]
    path.write_bytes(b"".join(frames))
    assert list(read_records(path)) == EXPECTED


def test_not_a_number_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    with pytest.raises(ValueError, match="JSON"):
        write_json_lines(path, [{"x": float("nan")}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b"[1]", "a list, not an object"),
        (b"null", "null, not an object"),
        (b'{"id": "x"}', "no 'text' or 'article'"),
        (b'{"text": 3}', "'text' is a number, not text"),
        (b'{"text": "t", "id": ""}', "'id' is empty"),
        (b'{"text": "t", "id": true}', "'id' is a truth value"),
        (b'{"text": "t", "title": []}', "'title' is a list"),
        (b'{"text": "t", "summary": {"a": 1}}', "'summary' holds an object"),
        (b'{"text": "t", "summaries": ["a", 1]}', "'summaries' holds a number"),
        (b'{"text": "t", "x": NaN}', "NaN is not JSON"),
        (b'{"text": "\\ud800"}', "half a character"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_reported_in_its_place(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b'{"text": "before"}\n\n' + line + b'\n{"text": "after", "id": "z"}')
    before, bad, after = read_records(path)
    assert isinstance(before, ArticleRecord)
    assert isinstance(after, ArticleRecord)
    assert isinstance(bad, InvalidRecord)
    assert (before.id, before.line, after.id, after.line) == ("1", 1, "z", 4)
    assert bad.line == 3
    assert bad.message.startswith("Line 3: ")
    assert message in bad.message


def test_a_bad_record_keeps_its_id(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"id": "q", "text": null}\n')
    (error,) = errors_of(path)
    assert (error.record_id, error.field) == ("q", "text")


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("kind", [".jsonl", ".csv"])
def test_a_cut_off_compressed_file_is_reported(tmp_path: Path, suffix: str, kind: str) -> None:
    # Numbers spelt out do not compress away, so that half the bytes hold many records.
    rows = [f"article {number * 7919 % 10007}" for number in range(5000)]
    if kind == ".csv":
        plain = "text\n" + "\n".join(rows)
    else:
        plain = "\n".join(json.dumps({"text": row}) for row in rows)
    compressors: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".xz": lzma.compress,
        ".zst": zstandard.compress,
    }
    whole = compressors[suffix](plain.encode())
    path = tmp_path / f"corpus{kind}{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    *_, last = read_records(path)
    assert isinstance(last, InvalidRecord)
    assert "damaged or cut off" in last.message


def test_csv_rows_with_quotes_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "corpus.csv"
    path.write_bytes(
        '\ufeffid,text,summary,section\r\na,"One,\r\n""two"".",S,x\r\nb,too few\r\n'.encode()
        + b"c,\xff,S,y\r\nd,good,S,y\r\n"
    )
    first, few, bytes_, last = read_records(path)
    assert first == ArticleRecord("a", 'One,\r\n"two".', None, ("S",), {"section": "x"}, 2)
    assert isinstance(few, InvalidRecord)
    assert few.message == "Line 4: the row has 2 columns, not 4."
    assert isinstance(bytes_, InvalidRecord)
    assert "half a character" in bytes_.message
    assert isinstance(last, ArticleRecord)
    assert last.id == "d"


def test_a_csv_article_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "corpus.csv"
    path.write_text("text\n" + "word " * 60_000 + "\n")
    (record,) = read_records(path)
    assert isinstance(record, ArticleRecord)
    assert len(record.text) == 300_000


def test_parquet_rows(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    columns = {"id": ["a", "b"], "article": ["One.", None], "summaries": [["S1", "S2"], []]}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    first, second = read_records(path)
    assert first == ArticleRecord("a", "One.", None, ("S1", "S2"), {}, 1)
    assert isinstance(second, InvalidRecord)
    assert (second.line, second.record_id) == (2, "b")


def test_a_directory_of_text_files(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"Zwei\r\nDrei")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "notes.md").write_text("no article")
    bad, good = read_records(tmp_path)
    assert isinstance(bad, InvalidRecord)
    assert bad.record_id == "a"
    assert good == ArticleRecord("b", "Zwei\r\nDrei", line=2)
    assert list(read_records(tmp_path / "b.txt")) == [ArticleRecord("b", "Zwei\r\nDrei", line=1)]


def test_fields_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"key": "k", "body": "B.", "head": "H", "refs": ["R"], "text": "other"}\n')
    names = FieldNames(id="key", text=("body",), title="head", summary=("refs",))
    (record,) = read_records(path, names)
    assert record == ArticleRecord("k", "B.", "H", ("R",), {"text": "other"}, 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.xlsx", b"", "unknown kind of file"),
        ("corpus.parquet.gz", b"", "unknown kind of file"),
        ("corpus", b"", "unknown kind of file"),
        ("corpus.parquet", b"no parquet", "not a Parquet file"),
        ("corpus.csv", b"id,body\n1,x\n", "columns are 'id', 'body'"),
        ("corpus.csv", b"", "columns are none"),
    ],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_records(path))


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_records(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match=r"holds no \.txt"):
        read_records(tmp_path)


def test_a_text_may_be_absent_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a"}\n{"id": "b", "text": null, "error": "x"}\n{"id": "c", "text": ""}')
    found = list(read_records(path, FieldNames(absent_text="-")))
    assert [(one.id, one.text) for one in found if isinstance(one, ArticleRecord)] == [
        ("a", "-"), ("b", "-"), ("c", ""),
    ]  # fmt: skip
