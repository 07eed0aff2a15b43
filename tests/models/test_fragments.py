"""Texts that are no sentence."""

from __future__ import annotations

import pytest

from models.fragments import (
    has_main_clause,
    has_stray_quote,
    has_verb,
    is_fragment,
    is_unbalanced,
)


def test_a_noun_with_its_clause_is_a_fragment() -> None:
    assert is_fragment("The poster that led to the apology.")
    assert is_fragment("The number of tickets when they went on sale.")
    assert is_fragment("A woman who lost a child after it was cut from her womb.")
    assert not is_fragment("A woman who lost a child after it was born has been released.")
    assert is_fragment("How the new stadium will look from 2018.")
    assert is_fragment("Ann Reed pictured racing in Oslo and she will compete.")
    assert not is_fragment("Ann Reed is pictured racing in Oslo.")
    assert is_fragment("The moment Ann Reed was reunited with her son.")
    assert not is_fragment("The moment Ann Reed left him was filmed.")
    assert is_fragment("Especially if they know where they are.")
    assert not is_fragment("With it gone, they left.")
    assert is_fragment("Flying to Oslo just in time for the race!")
    assert not is_fragment("Flying to Oslo takes an hour.")
    assert not is_fragment("The poster that led to the apology was withdrawn.")
    assert not is_fragment("He said that they left.")
    assert not is_fragment("The winger, who has played there since 2013, will join them.")
    assert not is_fragment("The guard (pictured) slipped on a cover.")
    assert not is_fragment("The council has closed the pool.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rosberg to renew championship battle", True),
        ("Man charged with murder", True),
        ("Putin calls Lukashenko", True),
        ("Will it rain again?", True),
        ("He hasn’t gone", True),
        ("Russia and Belarus, Vladimir Putin and Alexander Lukashenko", False),
        ("The Ed Sheeran album", False),
        ("Bottom of the league having lost in Oslo", False),
        ("Leeds are bottom having lost in Oslo", True),
        ("Leeds (odds on being relegated: 7/2)", False),
        ("Leeds (odds on staying up: 7/2) have won", True),
    ],
)
def test_a_list_of_names_has_no_verb(text: str, expected: bool) -> None:
    assert has_verb(text) is expected


def test_quotations_and_brackets_close() -> None:
    assert is_unbalanced("“I'm truly excited, he said.")
    assert is_unbalanced('Another conservative "victory')
    assert is_unbalanced("The bank (BPA was closed.")
    assert is_unbalanced("The charge claims that players surrounded 'and/or became involved.")
    assert is_unbalanced("One of the nicest guys I've met.' Reed took a place.")
    assert not is_unbalanced("“It leaks,” she said (twice).")
    assert not is_unbalanced("It's the players' “ball”, 'for now', he said.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The council has closed the pool.", True),
        ("The poster that led to the apology.", False),
        ("The Ed Sheeran album", False),
        ("Leeds (odds on being relegated: 7/2)", False),
        ("Leeds (odds on staying up: 7/2) have won", True),
    ],
)
def test_a_main_clause_has_a_verb_of_its_own(text: str, expected: bool) -> None:
    assert has_main_clause(text) is expected


def test_a_single_quotation_mark_is_opened_before_it_closes() -> None:
    assert has_stray_quote("He set his sights on' 1,2 and 3.")
    assert not has_stray_quote("He set his sights 'on' 1,2 and 3.")
    assert not has_stray_quote("He set his sights on 1,2 and 3.")
