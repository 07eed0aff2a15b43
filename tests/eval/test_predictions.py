import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval import predictions as on_disk
from eval.datasets import Example
from eval.extractive import lead
from eval.generate import generate
from eval.predictions import Prediction, check, file_name, misfit_share, parse, read_run
from models.contract import Span, SummarySentence
from models.errors import EvaluationError
from tests.eval import corpus

DATA = corpus.dataset()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    generate(lead(2), DATA, tmp_path)
    return tmp_path


def rows_of(run: Path) -> list[dict[str, object]]:
    path = run / "predictions/lead-2.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(run: Path, rows: Sequence[dict[str, object]]) -> None:
    path = run / "predictions/lead-2.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_predictions_come_back_as_they_were_written(run: Path) -> None:
    found = read_run(run, "lead-2", DATA)
    assert found.system == "lead-2"
    assert found.predictions == tuple(lead(2).summarise(DATA.examples))


def test_shuffled_summaries_are_caught(run: Path) -> None:
    rows = rows_of(run)
    summaries = [row["summary"] for row in rows]
    for row, summary in zip(rows, summaries[1:] + summaries[:1], strict=True):
        row |= {"summary": summary, "sentences": []}
    write_rows(run, rows)
    with pytest.raises(EvaluationError, match="look shuffled"):
        read_run(run, "lead-2", DATA)


def test_lines_in_another_order_are_no_fault_of_the_summaries(run: Path) -> None:
    rows = rows_of(run)[::-1]
    ordered = check("x", [on_disk.from_row(1, str(row["summary"]), row, "x") for row in rows], DATA)
    assert [one.id for one in ordered] == [one.id for one in DATA.examples]


def test_swapped_ids_are_caught(run: Path) -> None:
    rows = rows_of(run)
    rows[0]["id"], rows[1]["id"] = rows[1]["id"], rows[0]["id"]
    write_rows(run, rows)
    with pytest.raises(EvaluationError, match="2 predictions were made from another text"):
        read_run(run, "lead-2", DATA)


@pytest.mark.parametrize(("cut", "message"), [(40, "is not JSON"), (0, "have no prediction")])
def test_a_truncated_file_is_caught(run: Path, cut: int, message: str) -> None:
    path = run / "predictions/lead-2.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + lines[-1][:cut])
    with pytest.raises(EvaluationError, match=message):
        read_run(run, "lead-2", DATA)


def test_doubled_ids_are_caught(run: Path) -> None:
    rows = rows_of(run)
    write_rows(run, [*rows, rows[0]])
    with pytest.raises(EvaluationError, match="1 id stand more than once: 'a0'"):
        read_run(run, "lead-2", DATA)


def test_ids_of_no_article_are_caught(run: Path) -> None:
    rows = rows_of(run)
    write_rows(run, [*rows, {**rows[0], "id": "other"}])
    with pytest.raises(EvaluationError, match="1 prediction are for no article of towns"):
        read_run(run, "lead-2", DATA)


def test_not_a_number_is_caught(run: Path) -> None:
    path = run / "predictions/lead-2.jsonl"
    path.write_text(path.read_text().replace('"truncated": false', '"truncated": NaN', 1))
    with pytest.raises(EvaluationError, match="NaN is not JSON"):
        read_run(run, "lead-2", DATA)


def test_other_data_is_caught(run: Path) -> None:
    with pytest.raises(EvaluationError, match="made from other data"):
        read_run(run, "lead-2", corpus.dataset(9))


def test_a_file_edited_by_hand_is_caught(run: Path) -> None:
    rows = rows_of(run)
    rows[0] |= {"summary": str(rows[0]["summary"]) + " Better.", "sentences": []}
    write_rows(run, rows)
    with pytest.raises(EvaluationError, match="was changed after it was written"):
        read_run(run, "lead-2", DATA)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"summary": "s"}, 'line 1 has no "id"'),
        ({"id": "a"}, "has no 'summary'"),
        ({"id": "a", "summary": None}, "has no 'summary'"),
        ({"id": "a", "summary": "s", "sentences": [3]}, 'malformed "sentences"'),
        (
            {"id": "a", "summary": "s", "sentences": [{"text": "s", "evidence": [[3, 1]]}]},
            "malformed",
        ),
    ],
)
def test_rows_that_are_no_predictions(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(EvaluationError, match=message):
        parse(path, "mine")


def test_files_of_other_tools(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"id": 1, "generated_text": "One."}\n'
        '{"id": "b", "summary": "Two.", "sentences":'
        ' [{"text": "Two.", "evidence": [{"start": 0, "end": 4}], "supported": false,'
        ' "unsupported": ["Two"]}]}\n'
    )
    sentence = SummarySentence("Two.", (Span(0, 4),), False, ("Two",))
    assert parse(path, "mine") == [
        Prediction("1", "", "One."),
        Prediction("b", "", "Two.", (sentence,)),
    ]


def test_sound_summaries_do_not_look_shuffled() -> None:
    sound = lead(1).summarise(DATA.examples)
    assert misfit_share(DATA.examples, sound) == 0.0
    assert misfit_share(DATA.examples, sound[1:] + sound[:1]) > 0.5


def test_the_order_is_checked_in_any_script() -> None:
    words = [
        "泳池六月关门",
        "南极发现企鹅",
        "央行上调利率",
        "球队赢得决赛",
        "山区发生地震",
        "公司召回汽车",
    ]
    texts = [f"据本报记者周一报道，{word[:2]}和{word[2:]}的消息传出。" for word in words]
    chinese = [Example(str(n), text, None, ("x",)) for n, text in enumerate(texts)]
    sound = [Prediction(str(n), "", word) for n, word in enumerate(words)]
    assert misfit_share(chinese, sound) == 0.0
    assert misfit_share(chinese, sound[1:] + sound[:1]) == 1.0


def test_what_fits_no_article_or_all_of_them_says_nothing_of_the_order() -> None:
    translated = [Prediction(one.id, "", "Совет города решил.") for one in DATA.examples]
    assert misfit_share(DATA.examples, translated) == 0.0
    alike = [replace(DATA.examples[0], id=one.id) for one in DATA.examples]
    assert misfit_share(alike, lead(1).summarise(alike)) == 0.0


def test_summaries_in_any_wrong_order_are_found() -> None:
    chance = random.Random(0)
    vocabulary = [f"word{number}" for number in range(300)]
    examples, sound = [], []
    for number in range(40):
        words = chance.sample(vocabulary, 60)
        examples.append(Example(str(number), " ".join(words), None, ("x",)))
        sound.append(Prediction(str(number), "", " ".join(words[:10])))
    assert misfit_share(examples, sound) == 0.0
    for seed in range(20):
        mixed = random.Random(seed).sample(sound, 40)
        assert misfit_share(examples, mixed) > 0.4, seed


@pytest.mark.parametrize("error", ["", None, False])
def test_an_empty_column_of_errors_refuses_nothing(error: object) -> None:
    assert not on_disk.from_row(1, "One.", {"id": "a", "error": error}, "mine").refused
    assert on_disk.from_row(1, "", {"id": "a", "error": "too short"}, "mine").refused


def test_sentences_are_the_summary(tmp_path: Path) -> None:
    row = {"id": "a", "sentences": [{"text": "One two."}, {"text": "Three."}]}
    assert len(on_disk.from_row(1, "- One two.\n- Three.", row, "mine").sentences) == 2
    with pytest.raises(EvaluationError, match="line 4 has other words in"):
        on_disk.from_row(4, "One two.", row, "mine")


def test_file_names_are_safe_and_different() -> None:
    assert file_name("lead-3") == "lead-3"
    names = {file_name(one) for one in ("cmd:a/../b", "cmd:a_.._b", "cmd:a b", "../x", "..")}
    assert len(names) == 5
    assert all("/" not in name and not name.startswith(".") for name in names)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("it broke", "it broke"),
        # What a batch of inbrief writes (RFC 9457).
        ({"type": "about:blank", "title": "Too short", "detail": "The article is too short."},
         "The article is too short."),
        ({"title": "Too short"}, "Too short"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("summary", [{}, {"summary": None}])
def test_an_error_needs_no_summary(
    tmp_path: Path, error: object, expected: str, summary: dict[str, object]
) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text(json.dumps({"id": "a", "error": error, **summary}))
    assert parse(path, "theirs") == [Prediction("a", "", "", error=expected)]


@pytest.mark.parametrize("row", [{}, {"summary": None}, {"summary": None, "error": ""}])
def test_a_missing_summary_is_no_empty_one(tmp_path: Path, row: dict[str, object]) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text(json.dumps({"id": "a", **row}))
    with pytest.raises(EvaluationError, match="line 1 has no 'summary' or 'prediction'"):
        parse(path, "theirs")


@pytest.mark.parametrize("word", ["nan", "NaN", "None", " null", "<NA>"])
def test_what_tables_write_for_a_missing_summary_is_none(tmp_path: Path, word: str) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(f"id,summary\na,A street.\nb,{word}\n")
    with pytest.raises(EvaluationError, match=r"line 3 has '.*', a missing value"):
        parse(path, "theirs")


def test_line_ends_as_other_models_write_them(tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text(json.dumps({"id": "a", "summary": "It is built.<n>It costs much."}))
    assert [one.summary for one in parse(path, "theirs")] == ["It is built.\nIt costs much."]
