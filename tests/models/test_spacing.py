from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cleaning import clean
from models.spacing import is_tokenised, repairs

PLAIN = "The ferry was late on Monday, the company said. Nobody was hurt, and it sailed. It left."
TOKENS = "The ferry was late on Monday , the company said . Nobody was hurt , and it sailed . "


def shown(text: str) -> str:
    """What is left of `text` behind enough tokenised text."""
    return clean(TOKENS + text).text.removeprefix(PLAIN.removesuffix("It left."))


def test_tokenised_text_is_told_by_its_commas_and_full_stops() -> None:
    assert is_tokenised(TOKENS)
    assert not is_tokenised(PLAIN)
    assert not is_tokenised(PLAIN + " One , two , three words and no more .")
    assert not is_tokenised("Too short to tell .")


def test_plain_text_stays_as_it_is() -> None:
    french = "« Où vas-tu ? », dit-elle, pressée ; il répond : « Nulle part ! », puis il part."
    for text in (PLAIN, french, PLAIN + " A ( b ) `` c '' 's"):
        assert repairs(text) == []
        assert clean(text).text == text


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("Leeds 's captain did n't go .", "Leeds's captain didn't go."),
        ("We 'll see , they ’re late .", "We'll see, they’re late."),
        ("Colman ’ s mustard is n ’ t hot .", "Colman’s mustard isn’t hot."),
        ("The clubs ' fans left .", "The clubs' fans left."),
        ("`` It is over , '' he said .", "“It is over,” he said."),
        ("He said : ' It is over . '", "He said: 'It is over.'"),
        ('" One " and " two " .', '"One" and "two".'),
        ("It cost $ 5 ( £ 4 ) , or 3 % .", "It cost $5 (£4), or 3%."),
        ("Reed -LRB- left -RRB- won .", "Reed (left) won."),
        ("They waited ... and went !", "They waited... and went!"),
        ("An op-ed -- a good one -- ran .", "An op-ed -- a good one -- ran."),
    ],
)
def test_what_was_parted_is_put_together(source: str, written: str) -> None:
    assert shown(source) == written


def test_a_line_that_ended_without_a_full_stop_ends_again() -> None:
    source = "A drive in Leeds ( pictured ) The council met . Reed at his home The mayor left ."
    assert (
        shown(source)
        == "A drive in Leeds (pictured)\nThe council met. Reed at his home\nThe mayor left."
    )
    assert shown("Reed reads The Times at home .") == "Reed reads The Times at home."
    assert shown("They watched Gone With the Wind .") == "They watched Gone With the Wind."
    assert shown("A pool in town With the rain it fills .") == (
        "A pool in town\nWith the rain it fills."
    )


def test_quotation_marks_by_turns_begin_anew_in_every_paragraph() -> None:
    assert shown('" One .\n" Two " .') == '"One.\n"Two".'


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["word", ",", ".", "'s", "n't", "``", "''", '"', "'", "(", ")", "$", "’", "s", ":",
             "\n", "-LRB-", "The", "é", "..."]
        ),
        max_size=40,
    )
)  # fmt: skip
def test_every_character_leads_back_in_order(tokens: list[str]) -> None:
    source = TOKENS + " ".join(tokens)
    cleaned = clean(source)
    starts = [cleaned.span(place, place + 1) for place in range(len(cleaned.text))]
    assert all(0 <= one.start < one.end <= len(source) for one in starts)
    # What stands for one indivisible change leads back to all of it.
    assert all(first == second or first.end <= second.start for first, second in pairwise(starts))
    words = "".join(filter(str.isalnum, cleaned.text))
    expected = source.replace("-LRB-", "")
    assert words == "".join(filter(str.isalnum, expected))
