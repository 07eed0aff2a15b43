from __future__ import annotations

import random

import pytest

from eval.alterations import CHANGES, alterations, happens_to_hold, person_names
from models.contract import Article
from models.documents import read
from models.facts import SourceFacts

TEXT = (
    "The mayor said on Monday that 42 houses were not safe after the flood of the river. Later a "
    "neighbour named Alice Brown told reporters that the water came at night, long before the "
    'sirens. "We had no time to take anything with us," she said, and her children were cold.'
)
DOCUMENT = read(Article(TEXT))


@pytest.mark.parametrize(
    ("kind", "index", "gone"),
    [("number", 0, "42"), ("weekday", 0, "Monday"), ("negation", 0, "not"), ("name", 1, "Alice")],
)
def test_a_change_takes_the_fact_out(kind: str, index: int, gone: str) -> None:
    text = DOCUMENT.sentences[index].text
    changed = CHANGES[kind](text, random.Random(1), ["Carol Smith"])
    assert changed is not None
    assert gone in text.split()
    assert gone not in changed.split()


def test_a_quotation_is_changed_in_one_word() -> None:
    text = DOCUMENT.sentences[2].text
    changed = CHANGES["quotation"](text, random.Random(1), [])
    assert changed is not None
    assert sum(a != b for a, b in zip(text.split(), changed.split(), strict=True)) == 1


@pytest.mark.parametrize("kind", CHANGES)
def test_nothing_to_change(kind: str) -> None:
    assert CHANGES[kind]("it rained for a while.", random.Random(1), ["Carol Smith"]) is None


def test_what_the_article_states_by_chance_is_told() -> None:
    facts = SourceFacts.of(DOCUMENT)
    assert happens_to_hold("number", "There were 42.", facts)
    assert not happens_to_hold("number", "There were 43.", facts)
    assert happens_to_hold("weekday", "It was Monday.", facts)
    assert not happens_to_hold("weekday", "It was Friday.", facts)


def test_names_come_from_the_middle_of_sentences() -> None:
    assert person_names([DOCUMENT]) == ["Alice Brown"]


def test_alterations_name_their_sources() -> None:
    found = list(alterations(DOCUMENT, random.Random(1)))
    texts = [sentence.text for sentence in DOCUMENT.sentences]
    assert {kind for kind, _, _ in found} == {
        "whole sentence",
        "40 % of the words dropped",
        "longest clause only",
        "two sentences joined",
    }
    assert all(set(sources) <= set(texts) for _, _, sources in found)
