"""What a decoder remembers between steps: its own past, and the articles it writes about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

# Memories are laid out anew when the longest article left is this much shorter.
_REPACK_BELOW: Final = 0.8


class DecoderState:
    """Preallocated memories of a fixed number of article slots, each with `beams` rows.

    `lengths` (rows) counts the positions already in each row's cache.
    Slots 0 .. articles-1 are in use.
    """

    def __init__(
        self,
        *,
        layers: int,
        heads: int,
        width: int,
        dtype: torch.dtype,
        slots: int,
        beams: int,
        max_positions: int,
        max_tokens: int,
    ) -> None:
        self.beams = beams
        self.articles = 0
        self.lengths = torch.zeros(0, dtype=torch.long)
        self.longest = 0
        self.article_mask: Tensor | None = None
        self.longest_article = 0  # tokens that the memories are laid out for
        self._article_lengths: list[int] = []
        self._all_lengths = torch.zeros(slots * beams, dtype=torch.long)
        self.cache = [
            (
                torch.zeros(slots * beams, heads, max_positions, width, dtype=dtype),
                torch.zeros(slots * beams, heads, width, max_positions, dtype=dtype),
            )
            for _ in range(layers)
        ]
        self._shape = (slots, heads, width)
        self._storage = [
            tuple(torch.zeros(slots * heads * max_tokens * width, dtype=dtype) for _ in range(2))
            for _ in range(layers)
        ]
        self.memory: list[tuple[Tensor, Tensor]] = []
        self._lay_out(max_tokens)

    @property
    def rows(self) -> int:
        return self.articles * self.beams

    @property
    def size_bytes(self) -> int:
        held = [tensor for pair in (*self.cache, *self._storage) for tensor in pair]
        return sum(tensor.nbytes for tensor in held)

    def clear(self) -> None:
        """Free every slot."""
        self.articles = 0
        self._article_lengths = []
        self._refresh()

    def add(self, memory: Sequence[tuple[Tensor, Tensor]]) -> int:
        """Put an article's cross memory into the next free slot; the slot's number."""
        slot, length = self.articles, memory[0][0].shape[1]
        if slot == 0 or length > self.longest_article:
            self._repack(length)
        for (keys, values), (new_keys, new_values) in zip(self.memory, memory, strict=True):
            keys[slot, :, :length] = new_keys
            values[slot, :, :, :length] = new_values
        self._all_lengths[slot * self.beams : (slot + 1) * self.beams] = 0
        self._article_lengths.append(length)
        self.articles += 1
        self._refresh()
        return slot

    def remove(self, slot: int) -> int | None:
        """Free a slot; the last one in use moves into it. The number of the slot that moved."""
        last = self.articles - 1
        moved = None
        if slot != last:
            length = self._article_lengths[last]
            for keys, values in self.memory:
                keys[slot, :, :length] = keys[last, :, :length]
                values[slot, :, :, :length] = values[last, :, :, :length]
            here = slice(slot * self.beams, (slot + 1) * self.beams)
            there = slice(last * self.beams, (last + 1) * self.beams)
            filled = int(self._all_lengths[there].max())
            for keys, values in self.cache:
                keys[here, :, :filled] = keys[there, :, :filled]
                values[here, :, :, :filled] = values[there, :, :, :filled]
            self._all_lengths[here] = self._all_lengths[there]
            self._article_lengths[slot] = length
            moved = last
        self._article_lengths.pop()
        self.articles -= 1
        longest = max(self._article_lengths, default=0)
        if 0 < longest < _REPACK_BELOW * self.longest_article:
            self._repack(longest)
        self._refresh()
        return moved

    def advance(self, by: Tensor | int) -> None:
        """Move each row on by what it keeps of the tokens it read."""
        self.lengths += by
        self.longest = int(self.lengths.max()) if self.rows else 0

    def reorder(self, source: Tensor) -> None:
        """Row r continues what row source[r] has read (beam search)."""
        if torch.equal(source, torch.arange(len(source))):
            return
        filled = self.longest
        for keys, values in self.cache:
            keys[: self.rows, :, :filled] = keys[source, :, :filled]
            values[: self.rows, :, :, :filled] = values[source, :, :, :filled]

    def _refresh(self) -> None:
        self.lengths = self._all_lengths[: self.rows]
        self.longest = int(self.lengths.max()) if self.rows else 0
        if min(self._article_lengths, default=0) == self.longest_article:
            self.article_mask = None
            return
        lengths = torch.tensor(self._article_lengths)
        past = torch.arange(self.longest_article) >= lengths[:, None]
        mask = torch.zeros(past.shape, dtype=self.memory[0][0].dtype)
        mask = mask.masked_fill_(past, -math.inf)
        self.article_mask = mask[:, None, None, :]  # (articles, 1, 1, tokens)

    def _repack(self, tokens: int) -> None:
        """Lay the memories out for articles of `tokens`, keeping what the used slots hold.

        The matrix kernels copy what does not lie in order, at every step; so
        the memories are as long as the longest article and no longer.
        """
        kept = min(tokens, self.longest_article)
        old = [
            (keys[: self.articles, :, :kept].clone(), values[: self.articles, :, :, :kept].clone())
            for keys, values in self.memory
        ]
        self._lay_out(tokens)
        for (keys, values), (old_keys, old_values) in zip(self.memory, old, strict=True):
            keys[: self.articles, :, :kept] = old_keys
            values[: self.articles, :, :, :kept] = old_values

    def _lay_out(self, tokens: int) -> None:
        slots, heads, width = self._shape
        size = slots * heads * tokens * width
        self.longest_article = tokens
        self.memory = [
            (keys[:size].view(slots, heads, tokens, width),
             values[:size].view(slots, heads, width, tokens))
            for keys, values in self._storage
        ]  # fmt: skip
