from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.quotations import parts, quotations, quoted, speakers


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ('He said "we won" twice.', ["we won"]),
        ("He said “we won” twice.", ["we won"]),
        ("Er sagte: „Wir haben gewonnen“.", ["Wir haben gewonnen"]),
        ("Il a dit « oui, bien sûr ».", ["oui, bien sûr"]),
        ("「はい」と言った。", ["はい"]),
        ("He called it ‘a great day’ today.", ["a great day"]),
        ("It's the dogs' day, isn't it?", []),
        ("She wasn't the players' choice 'by far', he said.", ["by far"]),
        ("No marks here.", []),
    ],
)
def test_quotations_between_marks_of_any_kind(sentence: str, found: list[str]) -> None:
    assert [quotation.text for quotation in quotations(sentence)] == found


def test_parts_are_cut_at_ellipses_and_brackets() -> None:
    assert parts("We won ... at last") == [" we won ", " at last "]
    assert parts("We [the team] won") == [" we ", " won "]
    assert parts("...") == []


def test_an_interrupted_quotation_is_one_piece() -> None:
    assert quoted('"We won," he said, "at last."') == " we won at last "


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ('"We won," Ann Lee said.', {"ann", "lee"}),
        ('"We won," said Ann Lee.', {"ann", "lee"}),
        ('Ann Lee, the mayor, told Reuters: "We won."', {"ann", "lee"}),
        ('According to Ann Lee, they "won".', {"ann", "lee"}),
        ('"Bob Smith said so," he said.', set()),
        ('"We won," she said.', set()),
        ('"We won," a friend of Ann Lee said.', set()),
    ],
)
def test_who_is_named_as_speaking(sentence: str, names: set[str]) -> None:
    assert speakers(sentence) == names


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="ab \"'“”‘’«»", max_size=80))
def test_quotations_stand_in_the_sentence(sentence: str) -> None:
    for quotation in quotations(sentence):
        assert sentence[quotation.start : quotation.end].strip() == quotation.text
