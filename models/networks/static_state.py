"""What a decoder with fixed buffers remembers: nothing here moves, grows or is asked by the host.

A CUDA graph replays the same operations on the same addresses. So every
buffer is made once, for the most rows, article tokens and positions there may
be, and a step works on a corner of it: how large a corner is the host's
choice, what stands in it is the device's matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Corner:
    """The part of a state that a step works on: so many articles, of so many tokens, and so on.

    `positions` are those of the decoder's own past, the one it reads included.
    """

    articles: int
    tokens: int
    positions: int


class StaticState:
    """Keys and values of `slots` articles with `beams` rows each.

    `own` and `other` hold for each decoder layer keys and values of the rows'
    own past (2, rows, heads, positions, width) and of their articles (2, slots,
    heads, tokens, width). `mask` (slots, tokens) is added to an article's
    scores: nothing where there is a token, minus infinity past its end. A slot
    that was never used sees one token, since a row that sees none has no
    softmax.
    """

    def __init__(
        self,
        *,
        layers: int,
        heads: int,
        width: int,
        dtype: torch.dtype,
        device: str,
        slots: int,
        beams: int,
        corner: Corner,
        distance_bias: Tensor | None,
    ) -> None:
        self.beams = beams
        self.corner = corner
        self.distance_bias = distance_bias  # T5's bias (heads, positions) by distance
        past = (2, slots * beams, heads, corner.positions, width)
        article = (2, slots, heads, corner.tokens, width)
        self.own = [torch.zeros(past, dtype=dtype, device=device) for _ in range(layers)]
        self.other = [torch.zeros(article, dtype=dtype, device=device) for _ in range(layers)]
        self.mask = torch.full((slots, corner.tokens), -math.inf, dtype=dtype, device=device)
        self.mask[:, 0] = 0.0
        self.places = torch.arange(corner.positions, device=device)
        self.rows = torch.arange(slots * beams, device=device)

    @property
    def size_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.own, *self.other, self.mask))

    def remember(self, memory: Sequence[Tensor], mask: Tensor, slots: Tensor) -> None:
        """Take articles into `slots` (articles): a layer's `memory` (2, articles, heads, tokens,
        width), their `mask` (articles, tokens)."""
        tokens = mask.shape[1]
        for held, new in zip(self.other, memory, strict=True):
            held[:, slots, :, :tokens] = new
        self.mask[slots] = -math.inf
        self.mask[slots, :tokens] = mask

    def move(self, kept: Tensor) -> None:
        """Slot i holds what slot kept[i] held; `kept` ascends, the other slots are free."""
        count = len(kept)
        rows = (kept[:, None] * self.beams + self.rows[: self.beams]).flatten()
        for held in self.own:
            held[:, : len(rows)] = held[:, rows]
        for held in self.other:
            held[:, :count] = held[:, kept]
        self.mask[:count] = self.mask[kept]

    def continue_rows(self, corner: Corner, sources: Tensor) -> None:
        """Row r goes on from the past of row sources[r] (rows) (beam search)."""
        count = corner.articles * self.beams
        for held in self.own:
            part = held[:, :count, :, : corner.positions]
            part.copy_(part.index_select(1, sources))
