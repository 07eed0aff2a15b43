"""The two seed articles, with the shipped model, through every way in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from models.contract import Article, Summariser, Summary, SummaryOptions, SummaryRequest
from models.loading import load
from service.app import create_app
from service.cli import app as edge
from service.settings import Settings
from tests.processes import ROOT

SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
FURNITURE = re.compile(
    r"No time to read|Get a summary|Previous Article|Next Article|elections funding debate"
    r"|Gabon|Niger|Democratic Legitimacy"
)
ids = [path.stem[:3] for path in SEEDS]


@pytest.fixture(scope="module")
def news() -> Summariser:
    return load("news-small", device="cpu")


def summarise(news: Summariser, path: Path, **options: object) -> Summary:
    request = SummaryRequest(
        Article(path.read_text(encoding="utf-8")),
        SummaryOptions(**options),  # type: ignore[arg-type]
    )
    made = news.summarise([request])[0]
    assert isinstance(made, Summary), made
    return made


@pytest.mark.parametrize("path", SEEDS, ids=ids)
def test_a_summary_is_short_whole_supported_and_free_of_furniture(
    news: Summariser, path: Path
) -> None:
    made = summarise(news, path)

    assert 25 <= made.words <= 60
    assert not FURNITURE.search(made.text)
    assert "Putin" in made.text
    assert "Lukashenko" in made.text
    for sentence in made.sentences:
        assert re.search(r"[.!?][\"”’]?$", sentence.text)
        assert sentence.supported


@pytest.mark.parametrize("path", SEEDS, ids=ids)
def test_evidence_reads_as_the_sentences_it_stands_for(news: Summariser, path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    for sentence in summarise(news, path).sentences:
        first = sentence.evidence[0]
        source = text[first.start : first.end]
        assert source[0].isupper()
        assert source[-1] == "."
        assert "\n\n" not in source
        words = set(re.findall(r"\w+", sentence.text.lower()))
        everything = " ".join(text[span.start : span.end] for span in sentence.evidence).lower()
        assert len(words & set(re.findall(r"\w+", everything))) >= 0.9 * len(words)


@pytest.mark.parametrize("path", SEEDS, ids=ids)
@pytest.mark.parametrize("kind", ["tldr", "teaser", "headline"])
def test_the_other_kinds_name_who_it_is_about(news: Summariser, path: Path, kind: str) -> None:
    made = summarise(news, path, kind=kind, length="medium")

    assert "Putin" in made.text
    assert not FURNITURE.search(made.text)
    if kind == "headline":
        assert len(made.text.split()) <= 17
        assert not made.text.endswith(".")


def test_the_service_answers_for_both(news: Summariser) -> None:
    with TestClient(create_app(Settings(cache_url="off"), news)) as client:
        for path in SEEDS:
            text = path.read_text(encoding="utf-8")
            answer = client.post("/v1/summaries", json={"text": text})
            assert answer.status_code == 200
            assert answer.json()["summary"] == summarise(news, path).text


def test_the_batch_command_writes_both(news: Summariser, tmp_path: Path) -> None:
    articles, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    articles.write_text(
        "".join(
            json.dumps({"id": path.stem, "text": path.read_text(encoding="utf-8")}) + "\n"
            for path in SEEDS
        ),
        encoding="utf-8",
    )

    result = CliRunner().invoke(edge, ["batch", str(articles), str(out)])

    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [path.stem for path in SEEDS]
    assert [line["summary"] for line in lines] == [summarise(news, path).text for path in SEEDS]
