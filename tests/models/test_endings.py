"""Ends that their sentence allows, and ends that it does not."""

from __future__ import annotations

import pytest

from models.endings import breaks_off
from tests.models.shortenings import shortening

SENTENCE = "Reed met the old mayor of Leeds, a friend, and two others on Friday after it rained."


@pytest.mark.parametrize(
    "kept",
    [
        "Reed met the old mayor of Leeds",
        "Reed met the old mayor of Leeds, a friend, and two others",
        "Reed met the old mayor of Leeds on Friday",
        SENTENCE,
    ],
)
def test_a_phrase_may_be_the_last(kept: str) -> None:
    assert not breaks_off(shortening(SENTENCE, kept))


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        (SENTENCE, "Reed met the old mayor of"),
        (SENTENCE, "Reed met the old"),
        (SENTENCE, "Reed met the old mayor of Leeds, a friend"),
        ("Reed has to leave it.", "Reed has to leave"),
        ("It was sold two weeks after it opened.", "It was sold two weeks"),
        ("It closed when the owner, Lee, left.", "It closed when the owner"),
        ("It is the pool they spoke of.", "It is the pool they spoke"),
    ],
)
def test_nothing_is_broken_off(source: str, kept: str) -> None:
    assert breaks_off(shortening(source, kept))


def test_what_was_written_last_is_judged_by_itself() -> None:
    assert not breaks_off(shortening(SENTENCE, "Reed met <Lee>"))
    assert breaks_off(shortening(SENTENCE, "Reed met <the>"))
