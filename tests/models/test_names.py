from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.names import NameIndex, unsupported_names
from models.words import tokens

TEXT = (
    "Mr John Brown of the United Nations met Mary-Jane O'Neill and Dr José Müller in St. Louis, "
    "Iran. Brown, Ms O'Neill and J. K. Rowling of the BBC flew in an F-16 to al-Assad's Syria. "
    "Prime Minister Ann Lee of Britain spoke with Bob Smith."
)


def names_of(text: str) -> NameIndex:
    return NameIndex.of(text, frozenset(tokens(text)))


INDEX = names_of(TEXT)


@pytest.mark.parametrize(
    "sentence",
    [
        "Mr Brown met O'Neill.",
        "Brown's visit to St Louis ended.",
        "The UN's John Brown met Jose Muller.",
        "United Nations officials met.",
        "The U.N. and the B.B.C. agreed.",
        "Iranian and Syrian leaders met the British.",
        "JK Rowling met Mary Jane O’Neill.",
        "He met Assad.",
        "The Prime Minister, Ann Lee, met President Brown.",
        "Police met Brown on Monday in May.",
        "Meet John Brown.",
        "Visiting Iran was hard.",
        "Ministers Warn Leaders Over Another Crisis",
        "I met Brown.",
        "",
    ],
)
def test_known(sentence: str) -> None:
    assert unsupported_names(sentence, INDEX) == []


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("They met Carol White.", ["Carol White"]),
        ("They met in Paris.", ["Paris"]),
        ("Obama said no.", ["Obama"]),
        ("Obama's plan failed.", ["Obama's"]),
        ("NATO met.", ["NATO"]),
        ("They met John Smith.", ["John Smith"]),
        ("They met Mrs Brown.", ["Mrs Brown"]),
        ("They met Jane Brown.", ["Jane Brown"]),
        ("They flew in an A380.", ["A380"]),
        ("The French met Brown.", ["French"]),
        ("Президент встретил Путина в Москве.", ["Путина", "Москве"]),
    ],
)
def test_unknown(sentence: str, missing: list[str]) -> None:
    assert unsupported_names(sentence, INDEX) == missing


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_every_text_knows_its_own_names(text: str) -> None:
    assert unsupported_names(text, names_of(text)) == []
