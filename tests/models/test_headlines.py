from __future__ import annotations

from dataclasses import replace

import pytest

from models.candidates import Candidate
from models.headlines import fits, headlines, is_usable, lacks_headline, openings
from models.proposing import Choice, cuts
from models.rewriting import Hypothesis, RewriteInput
from tests.models.shortenings import shortening

LEAD = "The council of Milton voted on Tuesday to close the old swimming pool in June."
OTHER = "A petition against the closure has 5,000 names, and it grows by the hour."


def candidate(sentence: str, index: int, *kept: tuple[str, float]) -> Candidate:
    hypotheses = []
    for text, mean in kept:
        one = shortening(sentence, text)
        hypotheses.append(Hypothesis(text, mean, mean, mean, 1.0, one.keys, one.places))
    return Candidate(index, RewriteInput(sentence, words=11)).written(hypotheses)


def texts(*candidates: Candidate, title: str | None = None, most_words: int = 12) -> list[str]:
    return [one.text for one in headlines(candidates, title, most_words, Choice())]


def test_a_headline_has_four_words_at_least() -> None:
    assert [fits(" ".join(["rain"] * words), 6) for words in (3, 4, 6, 7)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_headline_is_the_most_probable_that_fits() -> None:
    lead = candidate(LEAD, 0, ("The council voted to close the old swimming pool", -0.4))
    other = candidate(OTHER, 5, ("A petition has 5,000 names", -0.05))

    assert texts(other, lead)[0] == "A petition has 5,000 names"
    assert texts(lead, other, most_words=6) == ["A petition has 5,000 names"]
    assert texts(lead, other, most_words=4) == []


def test_a_headline_is_sound_fits_and_says_of_whom_it_speaks() -> None:
    def usable(kept: str, sentence: str = LEAD, acceptability: float | None = None) -> bool:
        (proposal,) = candidate(sentence, 0, (kept, -0.1)).proposals
        return is_usable(replace(proposal, acceptability=acceptability), 9, Choice())

    assert usable("The council voted to close the pool")
    assert usable("The council voted to close the pool", acceptability=0.9)
    assert not usable("The council voted to close the pool", acceptability=0.89)
    assert not usable("The council of Milton voted on Tuesday to close the pool")
    assert not usable("The council voted to close the old")
    assert not usable("They voted to close the pool", "They voted to close the pool in June.")


RUN_ON = f"{LEAD} {OTHER} {LEAD} {OTHER}".replace(".", "").replace(",", "").lower()


def test_without_punctuation_only_the_beginning_of_the_article_can_be_told() -> None:
    joined, begins = "the council has 5000 names", "the council of milton voted on tuesday"
    assert texts(candidate(RUN_ON, 0, (joined, -0.1), (begins, -0.5))) == [begins]
    assert texts(candidate(RUN_ON, 1, (begins, -0.5))) == []
    assert joined in texts(candidate(f"{RUN_ON}.", 0, (joined, -0.1)))[0].lower()


def test_the_opening_of_an_article_without_punctuation() -> None:
    (opening,) = openings(RUN_ON, 12)
    assert (opening.text, opening.index) == ("The council of milton voted on tuesday.", 0)
    assert openings(LEAD, 12) == []


def test_a_headline_is_lacking_where_neither_title_nor_proposal_makes_one() -> None:
    sound = candidate(LEAD, 0, ("The council voted to close the pool", -0.1))
    broken = candidate(LEAD, 0, ("The council voted to close the old", -0.1))

    assert lacks_headline([broken], None, 9, Choice())
    assert lacks_headline([broken, sound], None, 5, Choice())
    assert not lacks_headline([broken, sound], None, 9, Choice())
    assert not lacks_headline([broken], "Milton council closes pool", 9, Choice())


def test_where_none_is_usable_what_is_nearest_to_it_comes_first() -> None:
    def proposed(kept: str, mean: float, acceptability: float) -> Candidate:
        one = candidate(LEAD, 0, (kept, mean))
        (proposal,) = one.proposals
        return replace(one, proposals=(replace(proposal, acceptability=acceptability),))

    accepted = proposed("The council voted to close the pool", -0.9, 0.8)
    sound = proposed("The council voted on Tuesday to close the pool", -0.5, 0.5)
    broken = proposed("The council voted to close the old", -0.01, 0.0)

    assert texts(broken, sound, accepted) == [
        one.proposals[0].text for one in (accepted, sound, broken)
    ]


def test_a_less_salient_sentence_must_be_surer() -> None:
    lead = candidate(LEAD, 0, ("The council of Milton voted to close the pool", -0.4))
    other = candidate(OTHER, 5, ("A petition has 5,000 names", -0.2))

    assert texts(lead, other)[0] == "The council of Milton voted to close the pool"


@pytest.mark.parametrize(
    "unsound",
    ["The council of Milton", "The council voted to close the old", "The council voted to"],
)
def test_what_is_no_sentence_comes_last(unsound: str) -> None:
    sound = "The council voted to close the pool"

    assert texts(candidate(LEAD, 0, (unsound, -0.01), (sound, -0.9)))[0] == sound


def test_what_the_judge_refuses_comes_last() -> None:
    one = candidate(
        LEAD, 0, ("The council voted to close the pool", -0.1), ("The council voted on Tuesday", -2)
    )
    first, second = one.proposals
    judged = replace(
        one, proposals=(replace(first, acceptability=0.1), replace(second, acceptability=0.9))
    )

    assert texts(judged) == [second.text, first.text]


def test_pronouns_and_nobody_named_fall_behind() -> None:
    named = candidate("He said Milton was to close.", 0, ("Milton was to close", -0.5))
    vague = candidate("He said he was to close it.", 0, ("He was to close", -0.2))

    assert texts(vague, named)[0] == "Milton was to close"


def test_a_cut_counts_as_an_unsure_rewrite() -> None:
    cut = next(iter(cuts(OTHER, 9, 9, least_words=4)))
    one = Candidate(0, RewriteInput(OTHER, words=11), (replace(cut, acceptability=1.0),))
    sure = candidate(OTHER, 0, ("A petition has 5,000 names", -0.2))

    assert texts(one, sure)[0] == "A petition has 5,000 names"
    assert texts(one) == [cut.text]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Milton votes to close its pool", "Milton votes to close its pool"),
        ("Milton votes to close its pool | The Milton Gazette", "Milton votes to close its pool"),
        ("Milton votes to close its pool - BBC News", "Milton votes to close its pool"),
        (
            "Milton votes to close its pool: what it means for all of those who learned to swim",
            "Milton votes to close its pool",
        ),
    ],
)
def test_a_title_comes_first(title: str, expected: str) -> None:
    lead = candidate(LEAD, 0, ("The council voted to close the pool", -0.1))

    assert texts(lead, title=title) == [expected, "The council voted to close the pool"]


@pytest.mark.parametrize(
    "title",
    [
        "News",
        "The pool: why the people of Milton have to find another place to swim in from June on",
        None,
    ],
)
def test_a_title_that_does_not_fit_is_left(title: str | None) -> None:
    assert texts(candidate(LEAD, 0, ("The council voted", -0.1)), title=title) == []
