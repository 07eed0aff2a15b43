"""Pairs from articles and headlines: what is kept, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.copying import find_words
from models.training.alignment import FUNCTION_WORDS
from models.training.batches import read_pairs
from models.training.corpus import build_corpus, written_words
from models.training.pairs import (
    Pair,
    PairBuilder,
    deletion_candidate,
    headline_candidates,
    summary_candidates,
    tidy,
)

ARTICLE = (
    "SPRINGFIELD, Illinois (AP) -- The city council of Springfield voted on Tuesday to close the "
    "old bridge over Mill Creek. Engineers found cracks in three of its twelve steel beams during "
    "an inspection in March, officials said. Mayor Ellen Ortiz said that repairs would cost $4.2 "
    "million and take until the spring. About 9,000 vehicles use the bridge on a weekday."
)


def words_of(pair: Pair) -> list[str]:
    return [
        word.text for text in (pair.lead, pair.previous, pair.sentence) for word in find_words(text)
    ]


def surface(pair: Pair) -> str:
    words = words_of(pair)
    return " ".join(words[step] if isinstance(step, int) else step for step in pair.derivation)


def test_a_highlight_is_paired_with_the_sentence_that_covers_it() -> None:
    summary = "Repairs would cost $4.2 million, mayor Ellen Ortiz said."
    ((lead, previous, sentence, reference),) = summary_candidates(ARTICLE, summary)
    assert lead.startswith("The city council")
    assert previous.startswith("Engineers found")
    assert sentence.startswith("Mayor Ellen Ortiz said")
    assert reference == summary


def test_a_pair_tells_where_each_word_comes_from() -> None:
    builder = PairBuilder(FUNCTION_WORDS)
    (candidate,) = summary_candidates(ARTICLE, "Engineers found cracks in three steel beams.")
    pair = builder.build("sentence", candidate)
    assert pair is not None
    assert (
        surface(pair) == "Engineers found cracks in three of its steel beams"
        or surface(pair) == "Engineers found cracks in three steel beams"
    )
    assert Pair.from_json(pair.to_json()) == pair


@pytest.mark.parametrize(
    ("highlight", "reason"),
    [
        ("Engineers found cracks in seven steel beams of it.", "not derivable"),
        ("Engineer Mulder found cracks in three steel beams.", "not derivable"),
    ],
)
def test_a_number_or_name_that_the_source_lacks_refuses_the_pair(
    highlight: str, reason: str
) -> None:
    builder = PairBuilder(FUNCTION_WORDS)
    (candidate,) = summary_candidates(ARTICLE, highlight)
    assert builder.build("sentence", candidate) is None
    assert builder.refused == {reason: 1}


@pytest.mark.parametrize("highlight", ["Click here for the city council's bridge plan", "Bridge"])
def test_what_is_no_sentence_is_no_highlight(highlight: str) -> None:
    assert list(summary_candidates(ARTICLE, highlight)) == []


def test_a_broken_quotation_refuses_the_pair() -> None:
    sentence = 'She said "we will never ever close the old bridge" to the council on Tuesday'
    candidate = ("", "", sentence, 'She said "we will close the old bridge" to the council')
    builder = PairBuilder(FUNCTION_WORDS)
    assert builder.build("sentence", candidate) is None
    assert builder.refused == {"quotation broken": 1}


def test_clickbait_makes_no_headline_pair() -> None:
    record = {"headline": "Here's what you need to know", "description": "A bridge was closed."}
    assert list(headline_candidates(record)) == []
    record = {
        "headline": "Council votes to close old bridge - Springfield News",
        "description": "The council voted on Tuesday to close the old bridge.",
    }
    ((_, _, sentence, headline),) = headline_candidates(record)
    assert (sentence, headline) == (record["description"], "Council votes to close old bridge")


def test_datelines_and_video_lines_go() -> None:
    assert tidy("ATLANTA, Georgia (CNN) -- A man won. Watch him win »") == "A man won."
    assert tidy("(CNN)A man won.") == "A man won."
    assert tidy("The group (known as Acme) won.") == "The group (known as Acme) won."


@pytest.mark.parametrize(
    ("sentence", "shorter"),
    [
        ("The bridge was closed on Tuesday, police said.", "The bridge was closed on Tuesday."),
        (
            "However, the old bridge was closed (again) on Tuesday.",
            "The old bridge was closed on Tuesday.",
        ),
        (
            "Tom Becker, 41, owns a small bakery near the bridge.",
            "Tom Becker owns a small bakery near the bridge.",
        ),
        ("The bridge was closed.", None),
        ('"It was closed on Tuesday for good," police said.', None),
    ],
)
def test_what_can_safely_go_goes(sentence: str, shorter: str | None) -> None:
    assert deletion_candidate(sentence) == shorter


def test_names_and_numbers_are_never_written() -> None:
    candidate = ("", "", "a plan was hidden by the team " * 6, "seven Ortiz hides hides not paris")
    sources = ("", "", "it hides hides hides hides hides hides and Paris seven not", "x")
    words = written_words(iter([candidate, candidate, sources]))
    assert "hides" in words
    assert not {"seven", "not", "paris", "ortiz"} & set(words)


def test_a_corpus_is_built_once_and_read_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    record = {"id": "a", "article": ARTICLE, "summary": "Engineers found cracks in three beams."}
    (data / "cnndm.jsonl").write_text("".join(json.dumps(record) + "\n" for _ in range(20)))
    out = tmp_path / "corpus"
    build_corpus(data, out, workers=1)
    pairs = read_pairs(out / "train.jsonl")
    assert pairs
    assert {pair.task for pair in pairs} == {"sentence"}
    before = (out / "train.jsonl").stat().st_mtime_ns
    build_corpus(data, out, workers=1)
    assert (out / "train.jsonl").stat().st_mtime_ns == before
