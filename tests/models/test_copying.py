"""Words found and put together again: what is copied is the source's own text."""

from __future__ import annotations

import pytest

from models.copying import Piece, find_words, join


def test_marks_stand_alone_and_names_and_figures_stay_whole() -> None:
    text = "\"We met O'Neill's aide,\" Dr. Day of the U.S. said (in Kyiv) on Jan. 3: $1.2m."
    words = [word.text for word in find_words(text)]
    assert words == (
        "\" We met O'Neill 's aide , \" Dr. Day of the U.S. said ( in Kyiv ) on Jan. 3 : $1.2m ."
    ).split(" ")


@pytest.mark.parametrize(
    "text", ["The $4.2 million, 20-year plan...", "« Été » d’Orsay’s café!", ""]
)
def test_words_cover_everything_but_white_space(text: str) -> None:
    words = find_words(text)
    assert "".join(word.text for word in words) == "".join(text.split())
    assert all(text[word.start : word.end] == word.text for word in words)


def pieces_of(text: str, *chosen: int) -> list[Piece]:
    words = find_words(text)
    return [Piece.of(words[i], i, text) for i in chosen]


def test_a_run_is_written_as_the_source_has_it() -> None:
    text = "Ms. O'Neill (born in São Tomé) told AFP: \"It's 3.5%—no more,\" and left."
    every = pieces_of(text, *range(len(find_words(text))))
    assert join(every, terminate=True) == text


def test_deleting_a_clause_leaves_no_stray_space_or_comma() -> None:
    text = "Vick , who is 27 , was suspended on Friday"
    source = "Vick, who is 27, was suspended on Friday"
    assert [word.text for word in find_words(source)] == text.split()
    assert join(pieces_of(source, 0, 6, 7), terminate=True) == "Vick was suspended."
    assert join(pieces_of(source, 0, 1, 6, 7, 8, 9), terminate=False) == (
        "Vick, was suspended on Friday"
    )


def test_written_words_take_spaces_and_the_first_letter_a_capital() -> None:
    pieces = [Piece("his"), Piece("lawyer"), Piece("'s"), Piece("plan"), Piece(","), Piece("too")]
    assert join(pieces, terminate=True) == "His lawyer's plan, too."


def test_names_that_begin_in_lower_case_keep_it() -> None:
    assert join([Piece("iPhone", 0), Piece("sales", 1)], terminate=False) == "iPhone sales"


def test_a_sentence_is_ended_once() -> None:
    assert join(pieces_of('He said "no." Then', 0, 1, 2, 3, 4, 5), terminate=True) == (
        'He said "no."'
    )
    assert join(pieces_of("They left,", 0, 1, 2), terminate=True) == "They left."
    assert join(pieces_of("It is in the U.S.", 0, 1, 2, 3, 4), terminate=True) == (
        "It is in the U.S."
    )


def test_a_headline_has_no_full_stop() -> None:
    assert join(pieces_of("Bridge closed.", 0, 1, 2), terminate=False) == "Bridge closed"
