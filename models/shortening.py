"""A sentence and what was kept of it: the record that checks and judges read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal

from models.copying import Word, find_words

Task = Literal["sentence", "headline"]


# This many words without any mark, not even at their end, are more than one sentence.
_RUN_ON_WORDS: Final = 40
_PUNCTUATION: Final = re.compile(r"[,;:!?…()–—\"“”]|\.(?!\d)|\s-+\s")


def runs_on(sentence: str) -> bool:
    """Whether it is several sentences without punctuation, as in transcripts made by machines."""
    return len(sentence.split()) >= _RUN_ON_WORDS and not _PUNCTUATION.search(sentence)


def sentence_words(sentence: str) -> list[Word]:
    """The words and marks that places count: without a closing full stop."""
    words = find_words(sentence)
    return words[:-1] if words and words[-1].text == "." else words


@dataclass(frozen=True)
class Shortening:
    """`keys` are the words and marks put out, case-folded.

    `places` says where in the words of the sentence each was copied from; None
    for one that was written, or copied from elsewhere.
    """

    sentence: str
    keys: tuple[str, ...]
    places: tuple[int | None, ...]
    task: Task = "sentence"

    @cached_property
    def words(self) -> list[Word]:
        return sentence_words(self.sentence)

    @cached_property
    def source(self) -> list[str]:
        """The keys of the sentence's words."""
        return [word.key for word in self.words]

    @cached_property
    def copied(self) -> list[int]:
        """The places copied from, in the order put out."""
        return [place for place in self.places if place is not None]

    @property
    def in_order(self) -> bool:
        """Whether what was copied stands in the sentence's order, each word once."""
        copied = self.copied
        return (
            bool(copied)
            and copied[-1] < len(self.words)
            and all(first < second for first, second in pairwise(copied))
        )

    @property
    def joins_sentences(self) -> bool:
        """Whether words were taken out of the middle of sentences that nothing parts.

        What is left reads as one sentence and says what nobody said: only the beginning of
        such a text can be told.
        """
        return self.places != tuple(range(len(self.places))) and runs_on(self.sentence)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut out and nothing written."""
        return len(self.keys) == len(self.copied) == len(self.words)
