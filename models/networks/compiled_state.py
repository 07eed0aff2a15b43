"""What a compiled decoder remembers between steps; nothing in it is ever moved or copied."""

from __future__ import annotations

from ctypes import POINTER, cast

import torch
from torch import Tensor

from models.networks.kernels.types import SlotStruct, StepStruct, address


class CompiledState:
    """Preallocated memories of a fixed number of article slots, each with `beams` rows.

    Slots 0 .. articles-1 are in use; each names a memory, so that a slot that
    moves takes its memory along without a copy. A row's own past is named
    too, place by place: beams that continue the same one share it.
    """

    def __init__(
        self,
        *,
        layers: int,
        inner: int,
        slots: int,
        beams: int,
        places: int,
        article_places: int,
        article_bytes: int,
    ) -> None:
        self.beams = beams
        self.places = places
        self.articles = 0
        rows = slots * beams
        self._article_places, self._article_bytes = article_places, article_bytes
        # Zeros, as what lies past an article's end is multiplied by nothing, but multiplied.
        self._memory = torch.zeros(slots * article_bytes, dtype=torch.uint8)
        self._cache = torch.zeros(layers, 2, places, rows, inner, dtype=torch.bfloat16)
        self._origins = torch.zeros(rows, places, dtype=torch.int32)
        self._lengths = torch.zeros(rows, dtype=torch.long)
        self._cache_rows = torch.arange(rows)
        self._article_lengths = torch.zeros(slots, dtype=torch.long)
        start = self._memory.data_ptr()
        self.slots = (SlotStruct * slots)(
            *(SlotStruct(start + slot * article_bytes, article_places) for slot in range(slots))
        )

    @property
    def rows(self) -> int:
        return self.articles * self.beams

    @property
    def lengths(self) -> Tensor:
        """(rows): places already in each row's own past."""
        return self._lengths[: self.rows]

    @property
    def longest_article(self) -> int:
        return self._article_places

    @property
    def size_bytes(self) -> int:
        held = (self._memory, self._cache, self._origins)
        return sum(tensor.nbytes for tensor in held)

    def clear(self) -> None:
        """Free every slot."""
        self.articles = 0

    def add(self, length: int) -> int:
        """The next free slot, for an article of `length` tokens."""
        slot = self.articles
        self._article_lengths[slot] = length
        self.articles += 1
        self._lengths[self._rows_of(slot)] = 0
        return slot

    def remove(self, slot: int) -> int | None:
        """Free a slot; the last one in use moves into it. The number of the slot that moved."""
        last = self.articles - 1
        self.articles = last
        if slot == last:
            return None
        here, there = self.slots[slot].start, self.slots[last].start
        self.slots[slot].start, self.slots[last].start = there, here
        self._article_lengths[slot] = self._article_lengths[last]
        ours, theirs = self._rows_of(slot), self._rows_of(last)
        self._lengths[ours] = self._lengths[theirs]
        kept = self._cache_rows[ours].clone()
        self._cache_rows[ours] = self._cache_rows[theirs]
        self._cache_rows[theirs] = kept
        return last

    def advance(self, by: Tensor | int) -> None:
        """Move each row on by what it keeps of the tokens it read."""
        self._lengths[: self.rows] += by

    def reorder(self, source: Tensor) -> None:
        """Row r continues what row source[r] has read (beam search)."""
        rows = self._cache_rows[: self.rows]
        self._origins[rows] = self._origins[rows[source]]

    def step_struct(self, tokens: int) -> StepStruct:
        """The state as the kernels read it, for rows that read `tokens` tokens each."""
        return StepStruct(
            self.articles,
            self.beams,
            tokens,
            cast(self.slots, POINTER(SlotStruct)),
            address(self._article_lengths),
            address(self._cache_rows),
            address(self._lengths),
            address(self._cache),
            address(self._origins),
            self._origins.shape[0],
            self.places,
        )

    def _rows_of(self, slot: int) -> slice:
        return slice(slot * self.beams, (slot + 1) * self.beams)
