from __future__ import annotations

from models.verbs import is_surely_verb, is_verb


def test_forms_that_may_be_nouns_are_not_sure() -> None:
    assert is_verb("names")
    assert not is_surely_verb("names")
    assert is_surely_verb("took")
    assert is_surely_verb("aimed")
    assert is_surely_verb("hasn't")
    assert not is_verb("council")
    assert not is_surely_verb("bed")
