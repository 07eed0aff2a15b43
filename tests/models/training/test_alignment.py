"""Derivations of a reference from source words: long runs, small words put back."""

from __future__ import annotations

from models.training.alignment import Source, align, fill_notes, runs

WRITTEN = frozenset({"the", "and", "says", ","})


def derive(reference: str, context: str, sentence: str) -> list[int | str] | None:
    before = context.lower().split()
    source = Source((*before, *sentence.lower().split()), len(before))
    return align(reference.lower().split(), source, WRITTEN)


def test_one_long_run_beats_scattered_words() -> None:
    path = derive("the bridge was closed", "the", "the old bridge and the bridge was closed")
    assert path == [5, 6, 7, 8]


def test_the_target_sentence_is_preferred_to_the_context() -> None:
    assert derive("police said", "police said", "on monday police said so") == [4, 5]


def test_a_name_may_come_from_the_context() -> None:
    assert derive("Vick was arrested", "Vick spoke", "he was arrested") == [0, 3, 4]


def test_missing_words_are_written_if_they_may_be() -> None:
    assert derive("plan helps and saves", "", "plan helps or saves") == [0, 1, "and", 3]
    assert derive("plan fails", "", "plan helps") is None


def test_no_place_is_copied_twice() -> None:
    assert derive("plan plan", "", "plan helps") is None


def test_small_words_of_note_form_are_put_back() -> None:
    source = Source(tuple("vick is set to appear in a federal court on monday".split()), 0)
    path = align("vick set to appear in court".split(), source, frozenset())
    assert path is not None
    filled = fill_notes(path, source)
    keys = [source.keys[step] if isinstance(step, int) else step for step in filled]
    assert " ".join(keys) == "vick is set to appear in court"


def test_content_words_are_not_put_back() -> None:
    source = Source(tuple("vick never said he would appear".split()), 0)
    assert fill_notes([0, 4, 5], source) == [0, 4, 5]


def test_runs_are_counted() -> None:
    assert runs([3, 4, 5, "and", 6, 9]) == 3
    assert runs(["and"]) == 0
