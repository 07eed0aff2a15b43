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
        ("Reed made a plea, police said.", "Reed made a plea"),
        ("They lost all but the last match, played in May.", "They lost all but the last match"),
        ("Hull led but the visitors equalised in May.", "Hull led but the visitors equalised"),
        ("Reed won it, with a goal from Lee in the rain.", "Reed won it, with a goal"),
        ("Reed lost 6-4 in May, and Lee won.", "Reed lost 6-4"),
    ],
)
def test_what_is_whole_may_be_the_last(source: str, kept: str) -> None:
    assert not breaks_off(shortening(source, kept))


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
        ("Reed lost 6-4, 7-5 to Lee.", "Reed lost 6-4"),
        ("He blasted a 'bad' and 'sad' day.", "He blasted a 'bad'"),
        ("He played for Reed's old team.", "He played for Reed's"),
        ("It ended a run of one win, two losses and a draw.", "It ended a run of one win"),
        ("They made an emotional, passionate plea to stop it.", "They made an emotional"),
        ("They are kin of Sir William, born in 1555.", "They are kin of Sir William, born"),
        ("It ended with Reed and Lee both seeing red.", "It ended with Reed"),
        (
            "They never met, but with Lee keen to play before May in Oslo they agreed.",
            "They never met, but with Lee keen to play before May",
        ),
        ("Hull led but a Reed penalty and a late strike won it.", "Hull led but a Reed penalty"),
        (
            "Reed won, and judging by his form, he will win again.",
            "Reed won, and judging by his form",
        ),
        (
            "The league is rich, with the income of all its clubs soaring past a billion.",
            "The league is rich, with the income",
        ),
    ],
)
def test_nothing_is_broken_off(source: str, kept: str) -> None:
    assert breaks_off(shortening(source, kept))


def test_what_was_written_last_is_judged_by_itself() -> None:
    assert not breaks_off(shortening(SENTENCE, "Reed met <Lee>"))
    assert breaks_off(shortening(SENTENCE, "Reed met <the>"))
