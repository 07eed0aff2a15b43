"""Greedy decoding of the rewriter's actions, several in a pass: the source is the draft.

What was copied last is most often followed by the next words of the source.
They are the draft: the decoder reads them in one pass and keeps the longest
prefix that it would have chosen itself, so the actions are those of greedy
search, one for one (Yang et al. 2023, "Inference with Reference").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from models.decoding import MIN_ACTIONS, Decoded
from models.networks.rewriter import END, IGNORE, Cache, Memory, RewriterNetwork, keep_rows

# Actions read in a pass: the one decided last and its draft. Always as many, for the last bits
# of what is computed may depend on it.
AHEAD: Final = 8


@torch.inference_mode()
def decode_greedily(
    network: RewriterNetwork, memory: Memory, limits: Sequence[int]
) -> list[Decoded]:
    """The likeliest action after each other until the END; `limits` bounds their number.

    `memory` is used up: rows that are done make room for others.
    """
    written = network.config.written_words
    rows = [
        _Row(start, limit, following, written)
        for start, limit, following in zip(
            memory.start.tolist(), limits, _following(memory.copyable), strict=True
        )
    ]
    alive = list(rows)
    cache = network.begin_cache(memory, max(limits, default=0) + AHEAD)
    used = torch.zeros_like(memory.copyable)
    while alive:
        inputs = torch.tensor([row.inputs() for row in alive], device=used.device)
        previous, last, drafted, accepted, kept = torch.split_with_sizes(
            inputs, (AHEAD, AHEAD, AHEAD, AHEAD, 1), 1
        )
        used.scatter_(1, accepted, True)
        cache.advance(kept[:, 0], max(row.length for row in alive))
        copied = drafted[..., None] == torch.arange(used.shape[1], device=used.device)
        scores = network.read(
            memory, cache, previous, last, copied.cumsum(1).bool() | used[:, None]
        )
        for row, *found in zip(alive, *_best(scores, cache), strict=True):
            row.take(*found)
        alive, memory, used = _continue(alive, memory, cache, used)
    return [Decoded(tuple(row.actions), tuple(row.log_probabilities)) for row in rows]


def _following(copyable: Tensor) -> list[list[int]]:
    """For each slot [B, S] the next one that is a word; slot 0, which is none, if no other is."""
    found = []
    for row in copyable.tolist():
        after = [0] * len(row)
        following = 0
        for slot in range(len(row) - 1, -1, -1):
            after[slot] = following
            following = slot if row[slot] else following
        found.append(after)
    return found


def _best(scores: Tensor, cache: Cache) -> tuple[list[list[int]], ...]:
    """The best action [B, T] with its log-probability, and that of the END."""
    logs = scores.log_softmax(-1)
    ends = logs[..., END].clone()
    early = cache.steps(scores.shape[1]) < MIN_ACTIONS
    logs[..., END].masked_fill_(early, float("-inf"))
    best, actions = logs.max(-1)
    return actions.tolist(), best.tolist(), ends.tolist()


def _continue(
    alive: list[_Row], memory: Memory, cache: Cache, used: Tensor
) -> tuple[list[_Row], Memory, Tensor]:
    """Rows without those that are done; the last ones move into their places."""
    count = sum(not row.done for row in alive)
    if count == len(alive):
        return alive, memory, used
    holes = [place for place in range(count) if alive[place].done]
    movers = [place for place in range(count, len(alive)) if not alive[place].done]
    for hole, mover in zip(holes, movers, strict=True):
        alive[hole] = alive[mover]
    where = (
        torch.tensor(holes, dtype=torch.int64, device=used.device),
        torch.tensor(movers, dtype=torch.int64, device=used.device),
        count,
    )
    cache.keep_rows(*where)
    return alive[:count], memory.keep_rows(*where), keep_rows(used, *where)


class _Row:
    """One source on its way: what was decided, and what is drafted to follow."""

    def __init__(self, start: int, limit: int, following: list[int], written: int) -> None:
        self.actions: list[int] = []
        self.log_probabilities: list[float] = []
        self.done = False
        self._limit = limit
        self._following = following
        self._written = written
        self._last = start
        self._previous = IGNORE
        self._kept = 0
        self._accepted: list[int] = []
        self._draft: list[int] = []

    @property
    def length(self) -> int:
        """How many steps of what was read stand."""
        return len(self.actions)

    def inputs(self) -> list[int]:
        """What the next pass reads: actions, slots copied last, slots drafted (AHEAD each).

        Then the slots that the last pass copied (AHEAD), and how many steps of it stand.
        """
        self._draft, last = [], [self._last]
        slot = self._last
        for _ in range(AHEAD - 1):
            following = self._following[slot]
            self._draft.append(self._written + following if following else END)
            slot = following or slot
            last.append(slot)
        drafted = [0] + [max(0, action - self._written) for action in self._draft]
        accepted = self._accepted + [0] * (AHEAD - len(self._accepted))
        return [self._previous, *self._draft, *last, *drafted, *accepted, self._kept]

    def take(self, best: list[int], logs: list[float], ends: list[float]) -> None:
        """Go on with the best actions, as long as the draft led to them."""
        self._accepted, self._kept = [], 0
        for place in range(AHEAD):
            at_limit = len(self.actions) >= self._limit
            action = END if at_limit else best[place]
            self.log_probabilities.append(ends[place] if at_limit else logs[place])
            self._kept += 1
            if action == END:
                self.done = True
                return
            self.actions.append(action)
            self._previous = action
            if action >= self._written:
                self._last = action - self._written
                self._accepted.append(self._last)
            if place == AHEAD - 1 or self._draft[place] != action:
                return
