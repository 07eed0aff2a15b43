"""Greedy search that runs where the network runs: no token passes through the host.

The same rules as `models.engines.search` (forced tokens, least and most tokens,
no repeated n-gram), over all rows at once and without a question to the host:
what has ended stays as it is, however often a step is run on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from models.engines.search import Constraints
from models.generation import Hypothesis
from models.networks.static_seq2seq import StaticSeq2Seq
from models.networks.static_state import Corner, StaticState

_NOTHING: Final = -1


class Limits:
    """The constraints of a call as numbers on the device: a step that was recorded reads them anew.

    Only the size of the n-grams that must not repeat changes what a step does.
    """

    def __init__(self, device: str) -> None:
        self._numbers = torch.zeros(5, dtype=torch.long, device=device)
        self.start, self.least, self.most, self.forced_bos, self.forced_eos = self._numbers.unbind()
        self.eos_id = 0
        self.ngram = 0

    def set(self, constraints: Constraints) -> None:
        settings = constraints.settings
        self.eos_id, self.ngram = constraints.eos_id, settings.no_repeat_ngram
        forced = (constraints.forced_bos_id, constraints.forced_eos_id)
        numbers = [constraints.start_id, settings.min_new_tokens, settings.max_new_tokens]
        numbers += [_NOTHING if token is None else token for token in forced]
        self._numbers.copy_(torch.tensor(numbers))

    def forced(self, generated: Tensor) -> Tensor:
        """The only token allowed after `generated` (rows) tokens, or -1."""
        first = torch.where(generated == 0, self.forced_bos, _NOTHING)
        last = (generated + 1 == self.most) & (self.forced_eos != _NOTHING)
        return torch.where(last, self.forced_eos, first)

    def ban(self, scores: Tensor, tokens: Tensor, generated: Tensor) -> None:
        """Forbid in place what must not follow: `scores` (rows, vocabulary), `tokens` (rows,
        places) with the start token first, of which `generated` (rows) came after it."""
        early = generated < self.least
        scores[:, self.eos_id].masked_fill_(early, -math.inf)
        count = tokens.shape[1] - self.ngram + 1  # n-grams that there is room for
        if self.ngram == 0 or count < 1:
            return
        # An n-gram that ends at the newest token or before it; the first place has no end before.
        ends = torch.arange(self.ngram - 1, tokens.shape[1], device=tokens.device)
        repeats = ends <= generated[:, None]  # (rows, count)
        for at in range(self.ngram - 1):
            newest = (generated - self.ngram + 2 + at).clamp_min(0)[:, None]
            repeats &= tokens[:, at : at + count] == tokens.gather(1, newest)
        ban = torch.where(repeats, -math.inf, math.inf)
        scores.scatter_reduce_(1, tokens[:, self.ngram - 1 :], ban, "amin")


class GreedyBoard:
    """What every slot has written: `report` (slots, 2 + places) holds, for each, how many tokens
    it has, whether it has ended, and the tokens from the start token on."""

    beams = 1

    def __init__(self, limits: Limits, slots: int, positions: int, device: str) -> None:
        self._limits = limits
        self.report = torch.zeros(slots, 3 + positions, dtype=torch.long, device=device)
        self.report[:, 1] = 1

    def admit(self, slots: Tensor) -> None:
        """Begin anew in `slots` (articles)."""
        self.report[slots, :2] = 0
        self.report[slots, 2] = self._limits.start

    def move(self, kept: Tensor) -> None:
        """Slot i holds what slot kept[i] held; the others have ended."""
        moved = self.report[kept]
        self.report[:, 1] = 1
        self.report[: len(kept)] = moved

    def step(self, network: StaticSeq2Seq, state: StaticState, corner: Corner) -> None:
        """The next token of the first slots, as many as `corner` has."""
        part = self.report[: corner.articles]
        generated, ended = part[:, 0], part[:, 1]
        tokens = part[:, 2 : 3 + corner.positions]
        # A slot that has ended may stand further than the corner reaches.
        places = generated.clamp_max(corner.positions - 1)
        read = tokens.gather(1, places[:, None])[:, 0]
        scores = network.logits(network.step(read, places, state, corner))
        self._limits.ban(scores, tokens, places)
        forced = self._limits.forced(places)
        token = torch.where(forced == _NOTHING, scores.argmax(dim=-1), forced)
        going = ended == 0
        after = places[:, None] + 1
        kept = tokens.gather(1, after)
        tokens.scatter_(1, after, torch.where(going[:, None], token[:, None], kept))
        generated += going
        ended |= (token == self._limits.eos_id) | (generated >= self._limits.most)

    @staticmethod
    def ended(report: Tensor) -> list[bool]:
        """Which slots had ended; `report` is a copy on the host."""
        return [bool(flag) for flag in report[:, 1].tolist()]

    @staticmethod
    def hypotheses(report: Tensor, slot: int, constraints: Constraints) -> list[Hypothesis]:
        """What a slot that has ended wrote."""
        tokens: Sequence[int] = report[slot, 2 : 3 + int(report[slot, 0])].tolist()
        return [constraints.hypothesis(tokens, None)]
