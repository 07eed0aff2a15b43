"""Shortenings for tests: kept words found in order in their sentence."""

from __future__ import annotations

from models.copying import find_words
from models.shortening import Shortening, Task, sentence_words


def shortening(sentence: str, kept: str, task: Task = "sentence") -> Shortening:
    """`kept` as it is read; words in <brackets> are written, the others copied in order."""
    source = [word.key for word in sentence_words(sentence)]
    keys: list[str] = []
    places: list[int | None] = []
    after = 0
    for part in kept.split(" "):
        if part.startswith("<"):
            keys.append(part.strip("<>"))
            places.append(None)
            continue
        for word in find_words(part):
            if word.text == "." and "." not in source[after:]:
                continue
            place = source.index(word.key, after)
            keys.append(word.key)
            places.append(place)
            after = place + 1
    return Shortening(sentence, tuple(keys), tuple(places), task)
