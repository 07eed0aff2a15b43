import pytest

from eval.descriptive import (
    describe,
    extractive_fragments,
    is_complete,
    positions,
    repetition,
    sentences_of,
    source_of,
)
from models import documents
from models.contract import Article

ARTICLE = "the cat sat on the mat . the dog ran to the cat ."


def fragments(article: str, summary: str) -> list[int]:
    return extractive_fragments(source_of(article), summary.split())


@pytest.mark.parametrize(
    ("summary", "lengths"),
    [
        ("the cat sat", [3]),
        ("the dog sat on the mat", [2, 4]),
        ("the bird sat", [1, 1]),
        ("birds fly", []),
        ("to the cat sat on", [3, 2]),
        ("the cat sat on the mat the dog", [8]),
    ],
)
def test_fragments_by_hand(summary: str, lengths: list[int]) -> None:
    assert fragments(ARTICLE, summary) == lengths


def test_coverage_density_and_compression_by_hand() -> None:
    # Fragments of 2 and 4 words in 8 words, article of 12 words.
    found = describe(source_of(ARTICLE), ["the dog sat on the mat happily today"])
    assert found["coverage"] == 6 / 8
    assert found["density"] == (4 + 16) / 8
    assert found["compression"] == 12 / 8
    assert found["longest_copy"] == 4


def test_novelty_by_hand() -> None:
    found = describe(source_of("a b c d e"), ["a b x d"])
    assert found["novel_1"] == 1 / 4
    assert found["novel_2"] == 2 / 3
    assert found["novel_3"] == 1.0
    assert found["novel_4"] == 1.0
    assert "novel_4" not in describe(source_of("a b c d"), ["a b"])


def test_a_copy_is_all_covered_and_nothing_new() -> None:
    found = describe(source_of(ARTICLE), [ARTICLE])
    assert (found["coverage"], found["novel_1"], found["novel_4"]) == (1.0, 0.0, 0.0)
    assert found["density"] == 12


def test_an_empty_summary_has_no_shares() -> None:
    assert describe(source_of(ARTICLE), []) == {"words": 0, "sentences": 0, "empty": 1}
    assert describe(source_of(ARTICLE), ["…"])["empty"] == 1


def test_repetition_counts_trigrams_seen_before() -> None:
    assert repetition(["a b c d", "a b c d"]) == 2 / 4
    assert repetition(["a b c d", "e f g"]) == 0.0
    assert repetition(["a b"]) == 0.0


@pytest.mark.parametrize(
    ("sentence", "complete"),
    [
        ("The vote is on Monday.", True),
        ('"It is," she said.', True),
        ('He said "no."', True),
        ("12 people were hurt!", True),
        ("योजना अगले महीने से लागू होगी।", True),
        ("هل تنجح الخطة؟", True),
        ("该计划将于下个月开始实施。", True),
        ("该计划将于下个月", False),
        ("the vote is on Monday.", False),
        ("The vote is on", False),
        ("The vote is on Monday,", False),
        ("", False),
        ("...", False),
    ],
)
def test_complete_sentences(sentence: str, complete: bool) -> None:
    assert is_complete(sentence) is complete


def test_sentences_are_lines_or_split() -> None:
    assert sentences_of("One thing\n\n two  things \n") == ["One thing", "two things"]
    assert sentences_of("One thing. Two things.") == ["One thing.", "Two things."]
    assert sentences_of(" \n") == []


def test_positions_run_from_the_first_to_the_last_sentence() -> None:
    text = " ".join(f"Sentence number {n} speaks of the harbour of Larne." for n in range(5))
    document = documents.read(Article(text))
    assert positions(document, [0, 2, 4]) == [0.0, 0.5, 1.0]
