from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from models.proposing import Choice, Proposal, cuts, judged
from models.rewriting import Hypothesis, RewriteInput
from models.shortening import Shortening
from tests.models.shortenings import shortening

SENTENCE = "The council of Milton voted on Tuesday to close the old swimming pool in June."


def proposal(kept: str = "The council of Milton voted to close the pool.") -> Proposal:
    one = shortening(SENTENCE, kept.rstrip("."))
    hypothesis = Hypothesis(kept, -1.0, -0.1, -0.5, 1.0, one.keys, one.places)
    return Proposal.of(hypothesis, RewriteInput(SENTENCE))


def test_a_sound_and_probable_rewrite_is_trusted() -> None:
    assert proposal().is_trusted(Choice())


@pytest.mark.parametrize(
    "changes",
    [
        {"mean_log_probability": -3.0},
        {"min_log_probability": -9.0},
        {"copied_share": 0.5},
    ],
)
def test_an_improbable_or_written_one_is_not(changes: dict[str, float]) -> None:
    one = proposal()
    assert one.hypothesis is not None
    worse = replace(one.hypothesis, **changes)  # type: ignore[arg-type]

    assert not replace(one, hypothesis=worse).is_trusted(Choice())


def test_nor_is_a_short_an_incomplete_or_an_unsound_one() -> None:
    assert not proposal("The council voted.").is_trusted(Choice())
    assert not proposal("The council of Milton voted to close the pool").is_trusted(Choice())
    assert not proposal("The council of Milton voted to close the old.").is_trusted(Choice())


def test_the_judge_has_to_agree() -> None:
    one = proposal()

    assert replace(one, acceptability=0.99).is_trusted(Choice())
    assert not replace(one, acceptability=0.1).is_trusted(Choice())


def test_cuts_need_a_judge_who_is_surer() -> None:
    cut = cuts(SENTENCE, 13, 13, least_words=6)[0]
    choice = Choice(min_acceptability=0.5, min_cut_acceptability=0.9)

    assert not cut.is_accepted(choice)
    assert not replace(cut, acceptability=0.7).is_accepted(choice)
    assert replace(cut, acceptability=0.95).is_trusted(choice)


def test_cuts_are_sound_by_rule() -> None:
    found = [one.text for one in cuts(SENTENCE, 13, 13, least_words=6)]

    assert found[0] == "The council of Milton voted on Tuesday to close the old swimming pool."
    assert all(len(text.split()) >= 6 for text in found)


def test_only_what_the_rules_pass_is_judged() -> None:
    heard: list[Shortening] = []

    class Listening:
        def score(self, items: Sequence[Shortening]) -> list[float]:
            heard.extend(items)
            return [0.5] * len(items)

    sound, unsound = proposal(), proposal("The council of Milton voted to close the old.")

    first, second = judged([[sound, unsound], [sound]], Listening())

    assert heard == [sound.shortening] * 2
    assert [one.acceptability for one in (*first, *second)] == [0.5, 0.0, 0.5]
