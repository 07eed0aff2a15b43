from __future__ import annotations

import pytest

from models.trimming import text_of, tidied, trims, without_attribution


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ideye (centre) scores the third goal.", "Ideye scores the third goal."),
        (
            "Loss: Ann Reed (pictured left, and right with a friend) went missing on Friday.",
            "Ann Reed went missing on Friday.",
        ),
        ("A boy being bullied by his classmates (file picture).",
         "A boy being bullied by his classmates."),
        ("Ann Reed, pictured left, has been found at home.", "Ann Reed has been found at home."),
        ("However, the bridge was closed to traffic.", "The bridge was closed to traffic."),
        ("And by August the man was arrested in Oslo.", "By August the man was arrested in Oslo."),
        ("He is not sure if he broke any laws.'", "He is not sure if he broke any laws."),
    ],
)  # fmt: skip
def test_what_a_page_needs_and_a_summary_does_not_goes(text: str, expected: str) -> None:
    assert tidied(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The left (or what is left of it) has lost the election.",
        "The left-wing party (left-wing since 1920) has lost the election.",
        "Police: The man shot at a car on Friday evening.",
        "Q: The party lost the vote, did it not?",
        "But for the rain the match would have been played.",
        "Yet another bridge was closed to traffic.",
        "However, it rained.",
        "Now the bridge is closed to all traffic.",
        "'We are not sure if we broke any laws.'",
        "“It leaks.”",
    ],
)
def test_what_belongs_to_the_sentence_stays(text: str) -> None:
    assert tidied(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The road was closed for the whole night, police said on Monday.",
         "The road was closed for the whole night."),
        ("The road was closed for the whole night, according to the city council.",
         "The road was closed for the whole night."),
        ("“The road was closed for the whole night,” police said.",
         "“The road was closed for the whole night,” police said."),
        ("He said the road was closed for the night, police said.",
         "He said the road was closed for the night, police said."),
        ("It was closed, police said.", "It was closed, police said."),
    ],
)  # fmt: skip
def test_who_said_it_may_go_from_the_end(text: str, expected: str) -> None:
    assert without_attribution(text) == expected


def test_cuts_end_at_marks_and_phrases_the_wanted_first() -> None:
    sentence = "Earlier, a statement from the secretary confirmed it, though he gave no details."

    texts = [text_of(one) for one in trims(sentence, 8, 10)]

    assert texts[:2] == [
        "Earlier, a statement from the secretary confirmed it.",
        "A statement from the secretary confirmed it.",
    ]
    assert all(6 <= len(text.split()) <= 10 for text in texts)


def test_cuts_are_shortenings_of_their_sentence() -> None:
    sentence = "The pool (built in 1960) was closed in June after it began to leak again, he said."

    found = trims(sentence, 12, 12, count=20)

    assert "The pool was closed in June." in map(text_of, found)
    for one in found:
        assert one.in_order
        assert not one.is_whole
        assert one.keys == tuple(one.source[place] for place in one.copied)


def test_no_cut_ends_with_a_verb_that_goes_on() -> None:
    sentence = "It praised the emphasis that both of the sides held in their talks about it there."

    assert not any(text_of(one).endswith("held.") for one in trims(sentence, 14, 14, count=20))
