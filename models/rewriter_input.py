"""What the rewriter reads: a sentence in its context, as pieces, words and slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer

from models.copying import Word, find_words
from models.networks.rewriter import Source
from models.shortening import Task

TASKS: Final[tuple[Task, ...]] = ("sentence", "headline")
# Upper bounds, in words and marks, of length classes 1, 2, ...; class 0: as the model likes.
LENGTH_BOUNDS: Final = (8, 12, 16, 20, 25)
MAX_CONTEXT_PIECES: Final = 40
MAX_SENTENCE_PIECES: Final = 160


@dataclass(frozen=True, slots=True)
class RewriteInput:
    """A sentence to rewrite, the sentence before it, and the article's lead (or title).

    `words` asks for about that many words; None leaves it to the model. A
    context that is not there is an empty string.
    """

    sentence: str
    previous: str = ""
    lead: str = ""
    task: Task = "sentence"
    words: int | None = None


_CALLS_FOR_CONTEXT: Final = frozenset(
    "he she it they his her its their him them this these that those".split()
)
_OPENING_WORDS: Final = 12


def calls_for_context(sentence: str) -> bool:
    """Whether the sentence begins with words that may point out of it: pronouns and the like."""
    words = find_words(sentence)[:_OPENING_WORDS]
    return any(word.key in _CALLS_FOR_CONTEXT for word in words)


def length_class(words: int | None) -> int:
    """The length class of a count of words, 0 for None."""
    if words is None:
        return 0
    return 1 + sum(words > bound for bound in LENGTH_BOUNDS)


@dataclass(frozen=True, slots=True)
class Features:
    """One source as lists. `words` has one entry for each slot, None for a mark between parts.

    `texts` are the parts (lead, previous, sentence) and `word_parts` says which of
    them a slot's word comes from.
    """

    pieces: list[int]
    parts: list[int]
    slots: list[int]
    words: list[Word | None]
    word_parts: list[int]
    texts: tuple[str, str, str]
    start: int
    task: int
    length: int


class Featuriser:
    """Turns sources into features with one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self._begin = self._id("[CLS]")
        self._separator = self._id("[SEP]")

    @classmethod
    def load(cls, path: Path) -> Featuriser:
        return cls(Tokenizer.from_file(str(path)))

    def _id(self, token: str) -> int:
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)

    def features(self, inputs: Sequence[RewriteInput]) -> list[Features]:
        texts = [(item.lead, item.previous, item.sentence) for item in inputs]
        encodings = self.tokenizer.encode_batch(
            [text for parts in texts for text in parts], add_special_tokens=False
        )
        result = []
        for index, item in enumerate(inputs):
            found = Features(
                [self._begin],
                [0],
                [0],
                [None],
                [0],
                texts[index],
                0,
                TASKS.index(item.task),
                length_class(item.words),
            )
            for part in range(3):
                encoding = encodings[3 * index + part]
                limit = MAX_SENTENCE_PIECES if part == 2 else MAX_CONTEXT_PIECES
                if part == 2:
                    found = _with_start(found, len(found.slots) - 1)
                if encoding.ids:
                    self._append(found, part, encoding.ids, encoding.offsets, limit)
            result.append(found)
        return result

    def _append(
        self, found: Features, part: int, ids: list[int], offsets: list[tuple[int, int]], limit: int
    ) -> None:
        base = len(found.pieces)
        piece = 0
        words = find_words(found.texts[part])
        if part == 2 and words and words[-1].text == ".":
            words.pop()  # the end of the sentence says it
        for word in words:
            while piece < len(ids) and offsets[piece][1] <= word.start:
                piece += 1
            if piece >= min(limit, len(ids)):
                break
            found.slots.append(base + piece)
            found.words.append(word)
            found.word_parts.append(part)
        used = ids[:limit]
        found.pieces.extend((*used, self._separator))
        found.parts.extend([part] * (len(used) + 1))
        found.slots.append(len(found.pieces) - 1)
        found.words.append(None)
        found.word_parts.append(part)


def _with_start(found: Features, start: int) -> Features:
    return Features(
        found.pieces,
        found.parts,
        found.slots,
        found.words,
        found.word_parts,
        found.texts,
        start,
        found.task,
        found.length,
    )


def collate(batch: Sequence[Features], multiple: int = 1) -> Source:
    """Features as one padded source; piece and slot counts are rounded up to `multiple`."""

    def up(count: int) -> int:
        return -(-count // multiple) * multiple

    rows = len(batch)
    piece_count = up(max(len(item.pieces) for item in batch))
    slot_count = up(max(len(item.slots) for item in batch))
    pieces = torch.zeros(rows, piece_count, dtype=torch.int64)
    piece_mask = torch.zeros(rows, piece_count, dtype=torch.bool)
    parts = torch.zeros(rows, piece_count, dtype=torch.int64)
    slots = torch.zeros(rows, slot_count, dtype=torch.int64)
    slot_mask = torch.zeros(rows, slot_count, dtype=torch.bool)
    copyable = torch.zeros(rows, slot_count, dtype=torch.bool)
    for row, item in enumerate(batch):
        count = len(item.pieces)
        pieces[row, :count] = torch.tensor(item.pieces)
        piece_mask[row, :count] = True
        parts[row, :count] = torch.tensor(item.parts)
        count = len(item.slots)
        slots[row, :count] = torch.tensor(item.slots)
        slot_mask[row, :count] = True
        copyable[row, :count] = torch.tensor([word is not None for word in item.words])
    return Source(
        pieces,
        piece_mask,
        parts,
        torch.tensor([item.task for item in batch]),
        torch.tensor([item.length for item in batch]),
        slots,
        slot_mask,
        copyable,
        torch.tensor([item.start for item in batch]),
    )
