from __future__ import annotations

import pytest

from models.negation import contradicts


@pytest.mark.parametrize(
    ("sentence", "evidence", "word"),
    [
        ("He regarded it as done.", "He did not regard it as done.", "regarded"),
        ("He did not pay.", "He paid on Monday.", "pay"),
        ("She killed him.", "She denied killing him.", "killed"),
        ("They paid the fine.", "They refused to pay the fine.", "paid"),
        ("The plan has begun.", "The plan has not yet begun.", "begun"),
        ("Nobody was hurt.", "Ten men were hurt.", "hurt"),
        ("There are plans to leave.", "There are no plans to leave.", "plans"),
        ("It can't continue.", "It will continue.", "continue"),
    ],
)
def test_a_negation_gained_or_lost_is_found(sentence: str, evidence: str, word: str) -> None:
    assert contradicts(sentence, [evidence]) == word


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("He did not regard it as done.", "He didn't regard it as done."),
        ("He regarded it as done.", "He regarded it as done, not as open."),
        ("It was not only cheap.", "It was cheap and good."),
        ("The claims are false, he said.", "He denied the claims."),
        ("There is no doubt it fell.", "It fell."),
        ("He never came back.", "He did not come back."),
        ("The play was No. 1.", "The play was first."),
        ("He came.", "He came, though he had said he would not come."),
        ("", ""),
    ],
)
def test_what_only_looks_like_it_is_left_alone(sentence: str, evidence: str) -> None:
    assert contradicts(sentence, [evidence]) is None


def test_all_evidence_counts() -> None:
    assert contradicts("He won.", ["He did not win at home.", "He won abroad."]) is None


def test_without_evidence_nothing_is_contradicted() -> None:
    assert contradicts("He did not win.", []) is None
