"""Greedy search that runs where the network runs: no token passes through the host.

The same rules as `models.engines.search` (forced tokens, least and most tokens,
no repeated n-gram), over all rows at once and without a question to the host:
what has ended stays as it is, however often a step is run on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import torch
from torch import Tensor

from models.engines.search import Constraints
from models.generation import Hypothesis
from models.networks.static_seq2seq import StaticSeq2Seq
from models.networks.static_state import Corner, StaticState

NOTHING: Final = -1


class Limits:
    """The constraints of a call as numbers on the device: a step that was recorded reads them anew.

    Only the size of the n-grams that must not repeat changes what a step does.
    """

    def __init__(self, positions: int, device: str) -> None:
        self._numbers = torch.zeros(7, dtype=torch.long, device=device)
        (
            self.start, self.least, self.most, self.forced_bos, self.forced_eos,
            self._stops_early, self._stops_never,
        ) = self._numbers.unbind()  # fmt: skip
        # A beam's score is divided by penalty[its length].
        self.penalty = torch.ones(positions + 2, device=device)
        self.eos_id = 0
        self.ngram = 0

    def set(self, constraints: Constraints) -> None:
        settings = constraints.settings
        self.eos_id, self.ngram = constraints.eos_id, settings.no_repeat_ngram
        forced = (constraints.forced_bos_id, constraints.forced_eos_id)
        numbers = [constraints.start_id, settings.min_new_tokens, settings.max_new_tokens]
        numbers += [NOTHING if token is None else token for token in forced]
        numbers.append(settings.early_stopping is True)
        # With "never" a beam is hopeless only if it were so at its longest.
        numbers.append(settings.early_stopping == "never" and settings.length_penalty > 0)
        self._numbers.copy_(torch.tensor(numbers))
        lengths = torch.arange(len(self.penalty), dtype=torch.double).clamp_min(1)
        self.penalty.copy_(lengths**settings.length_penalty)

    @property
    def stops_early(self) -> Tensor:
        return self._stops_early == 1

    @property
    def stops_never(self) -> Tensor:
        return self._stops_never == 1

    def forced(self, generated: Tensor) -> Tensor:
        """The only token allowed after `generated` (rows) tokens, or -1."""
        first = torch.where(generated == 0, self.forced_bos, NOTHING)
        last = (generated + 1 == self.most) & (self.forced_eos != NOTHING)
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


class Board(Protocol):
    """A search over all slots at once. `report` is what the host needs to read of it."""

    @property
    def report(self) -> Sequence[Tensor]: ...

    def admit(self, slots: Tensor) -> None: ...

    def move(self, kept: Tensor) -> None: ...

    def step(self, network: StaticSeq2Seq, state: StaticState, corner: Corner) -> None: ...

    def ended(self, report: Sequence[Tensor]) -> list[bool]: ...

    def hypotheses(
        self, report: Sequence[Tensor], slot: int, constraints: Constraints
    ) -> list[Hypothesis]: ...


class GreedyBoard:
    """What every slot has written: `_board` (slots, 2 + places) holds, for each, how many tokens
    it has, whether it has ended, and the tokens from the start token on."""

    def __init__(self, limits: Limits, slots: int, positions: int, device: str) -> None:
        self._limits = limits
        self._board = torch.zeros(slots, 3 + positions, dtype=torch.long, device=device)
        self._board[:, 1] = 1

    @property
    def report(self) -> Sequence[Tensor]:
        return (self._board,)

    def admit(self, slots: Tensor) -> None:
        """Begin anew in `slots` (articles)."""
        self._board[slots, :2] = 0
        self._board[slots, 2] = self._limits.start

    def move(self, kept: Tensor) -> None:
        """Slot i holds what slot kept[i] held; the others have ended."""
        moved = self._board[kept]
        self._board[:, 1] = 1
        self._board[: len(kept)] = moved

    def step(self, network: StaticSeq2Seq, state: StaticState, corner: Corner) -> None:
        """The next token of the first slots, as many as `corner` has."""
        part = self._board[: corner.articles]
        generated, ended = part[:, 0], part[:, 1]
        tokens = part[:, 2 : 3 + corner.positions]
        # A slot that has ended may stand further than the corner reaches.
        places = generated.clamp_max(corner.positions - 1)
        read = tokens.gather(1, places[:, None])[:, 0]
        scores = network.logits(network.step(read, places, state, corner))
        self._limits.ban(scores, tokens, places)
        forced = self._limits.forced(places)
        token = torch.where(forced == NOTHING, scores.argmax(dim=-1), forced)
        going = ended == 0
        after = places[:, None] + 1
        kept = tokens.gather(1, after)
        tokens.scatter_(1, after, torch.where(going[:, None], token[:, None], kept))
        generated += going
        ended |= (token == self._limits.eos_id) | (generated >= self._limits.most)

    @staticmethod
    def ended(report: Sequence[Tensor]) -> list[bool]:
        """Which slots had ended; `report` is a copy on the host."""
        return [bool(flag) for flag in report[0][:, 1].tolist()]

    @staticmethod
    def hypotheses(
        report: Sequence[Tensor], slot: int, constraints: Constraints
    ) -> list[Hypothesis]:
        """What a slot that has ended wrote."""
        generated, _, *tokens = report[0][slot].tolist()
        return [constraints.hypothesis(tokens[: generated + 1], None)]
