from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.verifier import app

ARTICLE = (
    "The mayor said on Monday that 42 houses were not safe after the flood of the river. Later a "
    "neighbour named Alice Brown told reporters that the water came at night, long before the "
    'sirens. "We had no time to take anything with us," she said, and her children were cold. '
    "The state promised 3 million dollars, which the town will get in June, a spokesman said."
)


def run(*arguments: str) -> list[list[str]]:
    """Cells of the table that a command prints."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in result.output.splitlines()
    ][2:]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    path = tmp_path / "articles.jsonl"
    path.write_text(json.dumps({"id": "a", "article": ARTICLE}) + "\n", encoding="utf-8")
    return path


def test_judged_tells_true_from_false(tmp_path: Path) -> None:
    path = tmp_path / "judged.jsonl"
    systems = {
        "copy": {"text": "The mayor said 42 houses were not safe.", "scores": {"fact": 1.0}},
        "lie": {"text": "Bob Jones sold 43 cars on Friday.", "scores": {"fact": 0.0}},
    }
    with path.open("w", encoding="utf-8") as file:
        for number in range(12):
            record = {"id": f"r{number}", "article": ARTICLE, "system_summaries": systems}
            file.write(json.dumps(record) + "\n")
    rows = run("judged", str(path))
    assert [row[1] for row in rows] == ["tuned on", "held out"]
    assert sum(int(row[2]) for row in rows) == 24
    assert all(row[3].startswith("1.000") and row[4].startswith("1.000") for row in rows)


def test_altered_flags_changes_and_nothing_else(articles: Path) -> None:
    shares = {row[0]: row[2] for row in run("altered", str(articles))}
    assert shares["nothing"] == "0.0 %"
    assert shares["number"] == shares["weekday"] == shares["quotation"] == "100.0 %"


def test_aligned_counts_what_comes_back(articles: Path) -> None:
    shares = {row[0]: row[2] for row in run("aligned", str(articles))}
    assert shares["whole sentence: first"] == "100.0 %"
    assert shares["longest clause only: first"] == "100.0 %"
