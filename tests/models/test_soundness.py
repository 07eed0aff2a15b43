"""Cuts that leave a sentence, and cuts that do not."""

from __future__ import annotations

import pytest

from models.copying import find_words
from models.soundness import is_sound


def sound(source: str, kept: str) -> bool:
    """Whether `kept`, found in order in `source` (words in brackets are written), is sound."""
    words = [word.key for word in find_words(source)]
    keys: list[str] = []
    places: list[int | None] = []
    after = 0
    for word in kept.split():
        if word.startswith("<"):
            keys.append(word.strip("<>"))
            places.append(None)
            continue
        place = words.index(word.lower(), after)
        keys.append(word.lower())
        places.append(place)
        after = place + 1
    return is_sound(keys, places, words)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("The bridge was closed on Tuesday, police said", "The bridge was closed on Tuesday"),
        ("But by August he was arrested in Oslo", "by August he was arrested"),
        ("The man, who is 41, was shot in Perth", "The man was shot in Perth"),
        ('"It was wrong," Ortiz said in a short statement', '" It was wrong , " Ortiz said'),
        ("The brothers, both 17, raised suspicion, he said", "The brothers raised suspicion"),
        ("Becker said sales fell by a third when it closed", "Becker said sales fell by a third"),
        ("Rain fell", "Rain fell"),
    ],
)
def test_whole_sentences_pass(source: str, kept: str) -> None:
    assert sound(source, kept)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("Longer than a pitch, the craft will be the biggest", "Longer than a pitch"),
        (
            "Inspectors said the misuse of garments could spread it",
            "Inspectors said the misuse of garments",
        ),
        ("Felt that Murray, scorer of two goals, should go", "Felt that Murray , scorer of two"),
        ("In addition to calling for it, she left", "to calling for it , she left"),
        ("A man suspected of having carried it out was held", "A man suspected of carried it"),
        ('He met with "Ghost" director Reitman and left', 'He met with " director Reitman'),
        ("The bridge was closed to all traffic", "The bridge was closed to"),
        ("The plan was said to have been changed", "The plan was have been changed"),
        ("The plan of the of state was good", "The plan of of state was good"),
        ("Residents were told", ""),
        ("Nigel, 42, of Perth, has been named", "Nigel of Perth , has been named"),
        ("Terry led them ahead of their cup clash", "Terry led them ahead of their cup"),
        ("He was seen there only a day after it", "He was seen there only a day"),
    ],
)
def test_broken_ones_do_not(source: str, kept: str) -> None:
    assert not sound(source, kept)
