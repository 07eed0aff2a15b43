import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from eval.datasets import BUNDLED, SEEDS, Example, Preset, build, hub_names, join, load
from models.articles import FieldNames, write_json_lines
from models.errors import EvaluationError, InputError, MissingDependency

GOOD = {"id": "a", "text": "An article.", "summary": "A reference."}


def write(path: Path, *rows: Mapping[str, object]) -> str:
    write_json_lines(path, rows)
    return str(path)


def test_references_and_fields(tmp_path: Path) -> None:
    source = write(
        tmp_path / "d.jsonl",
        GOOD,
        {"id": "b", "text": "Two.", "summaries": ["R1", "R2"], "section": "sport"},
    )
    data = load(source)
    assert data.name == "d.jsonl"
    assert data.examples[0] == Example("a", "An article.", None, ("A reference.",), {})
    assert data.examples[1].references == ("R1", "R2")
    assert data.examples[1].fields == {"section": "sport"}
    assert data.reference_sentences == "split"


def test_references_of_several_kinds(tmp_path: Path) -> None:
    references = {"paragraph": "One. Two.", "key_points": ["One", "Two"], "headline": "H"}
    source = write(tmp_path / "d.jsonl", {"id": "a", "text": "T.", "references": references})
    assert load(source).examples[0].references == ("One. Two.",)
    assert load(source, reference="key_points").examples[0].references == ("One\nTwo",)
    assert load(source, reference="key_points").reference_sentences == "lines"
    assert load(source, reference="headline").examples[0].references == ("H",)


def test_fields_can_be_named(tmp_path: Path) -> None:
    source = write(tmp_path / "d.jsonl", {"key": "k", "body": "B.", "abstract": "S"})
    names = FieldNames(id="key", text=("body",), summary=("abstract",))
    assert load(source, fields=names).examples[0] == Example("k", "B.", None, ("S",), {})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, GOOD], "the same id twice: 'a'"),
        ([GOOD, {"id": "b", "text": "x"}], "1 of the records have a missing or empty reference"),
        ([{**GOOD, "summary": " "}], "a missing or empty reference: 'a'"),
        ([{**GOOD, "text": "\n"}], "no article text: 'a'"),
        ([GOOD, {"id": "b"}], "1 bad record: Line 2: the record has no 'text' or 'article'"),
        ([], "holds no article"),
    ],
)
def test_faults_are_named(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        load(write(tmp_path / "d.jsonl", *rows))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "b"})[:30])
    with pytest.raises(EvaluationError, match="Line 2: the line is not JSON"):
        load(str(path))


def test_the_limit(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{**GOOD, "id": str(number)} for number in range(5)]
    source = write(tmp_path / "d.jsonl", *rows)
    assert [one.id for one in load(source, limit=2).examples] == ["0", "1"]
    with pytest.raises(EvaluationError, match="at least 1"):
        load(source, limit=0)


def test_the_digest_names_what_is_scored() -> None:
    base = Example("a", "T", None, ("R",))
    digest = build("x", [base]).digest
    assert build("other name", [base]).digest == digest
    for other in (
        Example("b", "T", None, ("R",)),
        Example("a", "U", None, ("R",)),
        Example("a", "T", "title", ("R",)),
        Example("a", "T", None, ("R", "R2")),
    ):
        assert build("x", [other]).digest != digest


def test_cnndm_clean_ups(tmp_path: Path) -> None:
    head = (
        "By . Ann Example . PUBLISHED: . 10:21 EST, 1 March 2013 . | . UPDATED: ."
        " 11:00 EST, 1 March 2013 . "
    )
    source = write(
        tmp_path / "d.jsonl",
        {"id": "a", "text": "(CNN) -- The vote is on Monday.", "summary": "One <n> Two"},
        {"id": "b", "text": "LONDON, England (CNN)The vote (CNN) is on.", "summary": "One\nTwo"},
        {"id": "c", "text": head + "A man of 30 walked to Rome.", "summary": "One"},
        {"id": "d", "text": "Byron wrote it. (CNN) -- showed it.", "summary": "One"},
    )
    cleaned = [one.text for one in load(source, preset="cnndm").examples]
    assert cleaned == [
        "The vote is on Monday.",
        "The vote (CNN) is on.",
        "A man of 30 walked to Rome.",
        "Byron wrote it. (CNN) -- showed it.",
    ]
    assert load(source, preset="cnndm").examples[0].references == ("One\nTwo",)
    assert load(source).examples[0].references == ("One <n> Two",)
    assert load(source).digest != load(source, preset="cnndm").digest


def test_xsum_clean_ups(tmp_path: Path) -> None:
    text = "Media playback is not supported on this device\nThe club won.\nShare this with\nIt did."
    source = write(tmp_path / "d.jsonl", {"id": "a", "text": text, "summary": "S"})
    assert load(source, preset="xsum").examples[0].text == "The club won.\nIt did."


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load(str(tmp_path / "none.jsonl"))
    with pytest.raises(EvaluationError, match="name the split"):
        load("hf:cnn_dailymail")
    with pytest.raises(EvaluationError, match="Unknown preset"):
        load("x", preset="bbc")  # type: ignore[arg-type]


def test_text_files_with_their_references(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("First article.")
    (tmp_path / "b.txt").write_text("Second article.")
    references = {"paragraph": "P.", "key_points": ["K1", "K2"], "headline": "H"}
    rows: list[Mapping[str, object]] = [
        {"id": "b", "title": "B", "references": references},
        {"id": "a", "summary": "Plain."},
    ]
    write_json_lines(tmp_path / "references.jsonl", rows)
    data = load(str(tmp_path), reference="key_points")
    assert data.examples == (
        Example("a", "First article.", None, ("Plain.",), {}),
        Example("b", "Second article.", "B", ("K1\nK2",), {}),
    )
    (tmp_path / "c.txt").write_text("Third article.")
    with pytest.raises(EvaluationError, match="missing or empty reference: 'c'"):
        load(str(tmp_path))
    (tmp_path / "references.jsonl").write_text("{")
    with pytest.raises(EvaluationError, match="Line 1: the line is not JSON"):
        load(str(tmp_path))


def test_the_articles_that_come_with_inbrief_are_sound() -> None:
    for reference in ("paragraph", "key_points", "headline"):
        both = join(load(str(BUNDLED), reference=reference), load(str(SEEDS), reference=reference))
        assert len({one.id for one in both.examples}) == len(both.examples)
    for example in load(str(BUNDLED), reference="key_points").examples:
        assert len(example.references[0].split("\n")) == 3
        assert example.title
        assert isinstance(example.fields["section"], str)
        assert isinstance(example.fields["form"], str)
        assert str(example.fields["date"])[:4].isdecimal()


def test_what_lies_beyond_the_limit_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(GOOD) + "\n{\n")
    assert len(load(str(path), limit=1).examples) == 1
    with pytest.raises(EvaluationError, match="Line 2: the line is not JSON"):
        load(str(path), limit=2)


def test_names_of_the_hub() -> None:
    assert hub_names("abisee/cnn_dailymail/3.0.0") == [("abisee/cnn_dailymail", "3.0.0")]
    xsum = [("EdinburghNLP/xsum", None), ("EdinburghNLP", "xsum")]
    assert hub_names("EdinburghNLP/xsum") == xsum
    assert hub_names("cnn_dailymail/3.0.0")[-1] == ("cnn_dailymail", "3.0.0")
    assert hub_names("xsum") == [("xsum", None)]


def test_the_hub_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDependency, match="pip install datasets"):
        load("hf:cnn_dailymail/3.0.0:test")


@pytest.mark.parametrize(
    ("preset", "text", "summary"),
    [("cnndm", "article", "highlights"), ("xsum", "document", "summary")],
)
def test_a_preset_knows_the_names_of_its_fields(
    tmp_path: Path, preset: Preset, text: str, summary: str
) -> None:
    path = write(tmp_path / "data.jsonl", {"id": "a", text: "Some words.", summary: "Words."})
    (example,) = load(path, preset=preset).examples
    assert (example.text, example.references) == ("Some words.", ("Words.",))


def test_a_list_of_references(tmp_path: Path) -> None:
    path = write(
        tmp_path / "data.jsonl",
        {"id": "a", "text": "Some words.", "references": ["Words.", "Some."]},
    )
    assert load(path).examples[0].references == ("Words.", "Some.")


def test_where_references_were_looked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", {"id": "a", "text": "Some words.", "target": "Words."})
    with pytest.raises(EvaluationError, match=r"in 'summary' or 'summaries'.*--summary-field"):
        load(path)


def test_what_tables_write_for_a_missing_reference_is_none(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("id,text,summary\na,Some words.,Words.\nb,More words.,nan\n")
    with pytest.raises(EvaluationError, match=r"1 of the records have a missing or empty ref.*'b'"):
        load(str(path))
