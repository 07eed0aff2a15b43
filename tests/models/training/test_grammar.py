"""Verdicts on hand-written parses."""

from __future__ import annotations

import pytest

from models.shortening import Shortening
from models.training.grammar import Token, faults, kept_words
from tests.models.shortenings import shortening

# word, head, relation, tag, part: "The man, who is old, was found dead in Perth on Monday."
FOUND = """
The 1 det DT DET
man 9 nsubjpass NN NOUN
, 1 punct , PUNCT
who 4 nsubj WP PRON
is 1 relcl VBZ AUX
old 4 acomp JJ ADJ
, 1 punct , PUNCT
was 9 auxpass VBD AUX
not 9 neg RB PART
found 9 ROOT VBN VERB
dead 9 oprd JJ ADJ
in 9 prep IN ADP
Perth 11 pobj NNP PROPN
on 9 prep IN ADP
Monday 13 pobj NNP PROPN
"""
# "Reed said they took teeth, claws and oil but they left."
TOOK = """
Reed 1 nsubj NNP PROPN
said 1 ROOT VBD VERB
they 3 nsubj PRP PRON
took 1 ccomp VBD VERB
teeth 3 dobj NNS NOUN
, 4 punct , PUNCT
claws 4 conj NNS NOUN
and 6 cc CC CCONJ
oil 6 conj NN NOUN
but 3 cc CC CCONJ
left 3 conj VBD VERB
home 10 advmod RB ADV
"""


def tokens(parse: str) -> list[Token]:
    rows = [line.split() for line in parse.strip().splitlines()]
    return [
        Token(text, place, int(head), relation, tag, part)
        for place, (text, head, relation, tag, part) in enumerate(rows)
    ]


def reasons(parse: str, kept: str, *, headline: bool = False) -> set[str]:
    words = [token.text for token in tokens(parse)]
    places, after = set(), 0
    for word in kept.split():
        after = words.index(word, after) + 1
        places.add(after - 1)
    found = faults(tokens(parse), frozenset(places), headline=headline)
    return {fault.reason for fault in found}


@pytest.mark.parametrize(
    ("parse", "kept"),
    [
        (FOUND, "The man was not found dead in Perth on Monday"),
        (FOUND, "The man , who is old , was not found dead"),
        (FOUND, "The man was not found on Monday"),
        (TOOK, "Reed said they took teeth , claws and oil"),
        (TOOK, "they took teeth"),
        (TOOK, "Reed said they left home"),
    ],
)
def test_what_may_be_missed_may_go(parse: str, kept: str) -> None:
    assert reasons(parse, kept) == set()


@pytest.mark.parametrize(
    ("parse", "kept", "reason"),
    [
        (FOUND, "The man was found dead", "lost neg"),
        (FOUND, "man was not found dead", "lost det"),
        (FOUND, "was not found dead", "lost nsubjpass"),
        (FOUND, "The man not found dead", "lost auxpass"),
        (FOUND, "The man was not found dead in", "lost pobj"),
        (FOUND, "The man was not found dead in", "preposition left over"),
        (FOUND, "The man was not found Monday", "orphan"),
        (FOUND, "The man , who is old", "no main clause"),
        (FOUND, "who is old", "relative clause"),
        (TOOK, "Reed said", "lost ccomp"),
        (TOOK, "Reed said they took", "lost dobj"),
        (TOOK, "Reed said they took teeth , claws", "list without its end"),
        (TOOK, "Reed said they took teeth and", "conjunction left over"),
        (TOOK, "Reed took teeth", "lost nsubj"),
    ],
)
def test_what_is_missed_is_named(parse: str, kept: str, reason: str) -> None:
    assert reason in reasons(parse, kept)


def test_headlines_drop_articles_and_auxiliaries() -> None:
    assert reasons(FOUND, "man not found dead in Perth", headline=True) == set()
    assert "lost neg" in reasons(FOUND, "man found dead in Perth", headline=True)


def test_a_fault_knows_its_word() -> None:
    found = faults(tokens(FOUND), frozenset(range(12)), headline=False)

    assert {(fault.reason, fault.word) for fault in found} == {
        ("lost pobj", 12),
        ("preposition left over", 11),
    }


def test_what_is_written_stands_for_a_word_or_for_nothing() -> None:
    said = "He has told them that it will win."
    named = shortening(said, "<Ann> <Reed> has told them")
    headline = shortening(said, "He <says> it <to> win", "headline")
    other = shortening(said, "He <sells> it", "headline")

    assert kept_words(named) == frozenset({0, 1, 2, 3})
    assert kept_words(headline) == frozenset({0, 2, 5, 6, 7})
    assert kept_words(other) is None
    assert kept_words(shortening(said, "He has <also> told them")) is None
    assert kept_words(Shortening(said, ("has", "he"), (1, 0))) is None
