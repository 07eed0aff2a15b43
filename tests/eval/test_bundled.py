"""The bundled evaluation set: enough of it, varied, and with references that can be trusted."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from typing import Any, Final

import pytest

from eval.datasets import BUNDLED, ReferenceKind, load
from models.contract import Article
from models.documents import Document, read
from models.evidence import align
from models.facts import SourceFacts
from models.verification import verify

ROWS: Final[list[dict[str, Any]]] = [
    json.loads(line) for line in BUNDLED.read_text("utf-8").splitlines()
]
KINDS: Final[tuple[ReferenceKind, ...]] = ("paragraph", "key_points", "headline")
each_row = pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])


def document_of(row: dict[str, Any]) -> Document:
    return read(Article(text=row["text"], title=row["title"]))


def reference_sentences(row: dict[str, Any]) -> list[str]:
    references = row["references"]
    return [*references["paragraph"].split("\n"), *references["key_points"], references["headline"]]


def test_at_least_forty_articles_of_different_names_and_words() -> None:
    assert len(ROWS) >= 40
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert len({row["text"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_article_loads_with_each_kind_of_reference(kind: ReferenceKind) -> None:
    dataset = load(str(BUNDLED), reference=kind)
    assert [one.id for one in dataset.examples] == [row["id"] for row in ROWS]
    for example, row in zip(dataset.examples, ROWS, strict=True):
        wanted = row["references"][kind]
        assert example.references == ("\n".join(wanted) if kind == "key_points" else wanted,)
        assert example.fields["section"] == row["section"]


def test_sections_forms_and_lengths_are_varied() -> None:
    sections = Counter(row["section"] for row in ROWS)
    assert len(sections) >= 12
    assert max(sections.values()) <= len(ROWS) / 5
    assert len({row["form"] for row in ROWS}) >= 14
    words = sorted(len(row["text"].split()) for row in ROWS)
    assert words[0] <= 150
    assert words[-2] >= 1200
    assert 250 <= words[len(words) // 2] <= 450


def test_years_differ_and_dates_are_dates() -> None:
    assert len({date.fromisoformat(row["date"]).year for row in ROWS}) >= 3


@each_row
def test_an_article_is_read_as_english_with_most_of_its_words(row: dict[str, Any]) -> None:
    document = document_of(row)
    assert document.language == "en"
    kept = sum(len(sentence.text.split()) for sentence in document.sentences)
    assert kept >= 0.8 * len(row["text"].split())


@each_row
def test_references_keep_their_form(row: dict[str, Any]) -> None:
    references = row["references"]
    assert 2 <= len(references["paragraph"].split("\n")) <= 4
    assert 35 <= len(references["paragraph"].split()) <= 65
    assert len(references["key_points"]) == 3
    for point in references["key_points"]:
        assert 12 <= len(point.split()) <= 22
    for sentence in reference_sentences(row)[:-1]:
        assert re.search(r"[.!?][”\"’']?$", sentence)
    assert 5 <= len(references["headline"].split()) <= 14
    assert not references["headline"].endswith(".")


@each_row
def test_nothing_in_the_references_is_missing_in_the_article(row: dict[str, Any]) -> None:
    document = document_of(row)
    facts = SourceFacts.of(document)
    for sentence in reference_sentences(row):
        verdict = verify(sentence, document, align(sentence, document), facts)
        assert verdict.unsupported == (), sentence


@each_row
def test_references_are_written_not_cut_out(row: dict[str, Any]) -> None:
    """At least one sentence of the paragraph is the writer's own."""
    text = " ".join(row["text"].split())
    assert any(sentence not in text for sentence in row["references"]["paragraph"].split("\n"))
