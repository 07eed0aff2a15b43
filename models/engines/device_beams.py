"""Beam search that runs where the network runs, all articles at once.

Hypotheses are those of `models.engines.search.BeamSearch`, and so those of
transformers: the same candidates, the same rule for when a search may stop. An
article whose search has ended stays as it is, however often a step is run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from models.engines.device_search import NOTHING, Limits
from models.engines.search import IMPOSSIBLE, Constraints
from models.generation import Hypothesis
from models.networks.static_seq2seq import StaticSeq2Seq
from models.networks.static_state import Corner, StaticState


class BeamBoard:
    """The running and the finished beams of every slot.

    `_status` (slots, 2) holds how many tokens the running beams have and
    whether the search has ended; `_running` and `_finished` (slots, beams,
    places) the tokens from the start token on, finished beams best first;
    `_scores` the running beams' summed log probabilities, `_finished_scores`
    those over their length to the power of the penalty, minus infinity where
    there is no beam yet.
    """

    def __init__(self, limits: Limits, slots: int, beams: int, positions: int, device: str) -> None:
        self._limits = limits
        self._beams = beams
        self._status = torch.zeros(slots, 2, dtype=torch.long, device=device)
        self._status[:, 1] = 1
        tokens = (slots, beams, positions + 1)
        self._running = torch.zeros(tokens, dtype=torch.long, device=device)
        self._finished = torch.zeros(tokens, dtype=torch.long, device=device)
        self._lengths = torch.zeros(slots, beams, dtype=torch.long, device=device)
        self._scores = torch.zeros(slots, beams, device=device)
        self._finished_scores = torch.full((slots, beams), -math.inf, device=device)
        self._all = (
            self._status, self._running, self._scores,
            self._finished, self._finished_scores, self._lengths,
        )  # fmt: skip

    @property
    def report(self) -> Sequence[Tensor]:
        return self._all

    def admit(self, slots: Tensor) -> None:
        """Begin anew in `slots` (articles)."""
        self._status[slots] = 0
        self._running[slots, :, 0] = self._limits.start
        self._scores[slots] = IMPOSSIBLE
        self._scores[slots, 0] = 0.0
        self._finished_scores[slots] = -math.inf

    def move(self, kept: Tensor) -> None:
        """Slot i holds what slot kept[i] held; the others have ended."""
        moved = [held[kept] for held in self._all]
        self._status[:, 1] = 1
        for held, new in zip(self._all, moved, strict=True):
            held[: len(kept)] = new

    def step(self, network: StaticSeq2Seq, state: StaticState, corner: Corner) -> None:
        """The next token of all beams of the first slots, as many as `corner` has."""
        count, beams = corner.articles, self._beams
        status, running, scores, finished, finished_scores, lengths = (
            held[:count] for held in self._all
        )
        running, finished = (held[:, :, : corner.positions + 1] for held in (running, finished))
        generated, going = status[:, 0], status[:, 1] == 0
        # A slot that has ended may stand further than the corner reaches.
        places = generated.clamp_max(corner.positions - 1)
        of_rows = places[:, None].expand(count, beams).flatten()
        tokens = running.flatten(0, 1)
        read = tokens.gather(1, of_rows[:, None])[:, 0]
        logits = network.logits(network.step(read, of_rows, state, corner))
        values, sources, following = self._candidates(logits, tokens, of_rows, scores)

        most, length = self._limits.most, places + 1
        last = length >= most
        ended = last[:, None] | (following == self._limits.eos_id)  # (articles, 2 * beams)
        self._finish(
            going[:, None] & ended[:, :beams],
            values, sources, following, length,
            (running, finished, finished_scores, lengths),
        )  # fmt: skip

        on = ended.long().sort(dim=1, stable=True).indices[:, :beams]  # the best that go on
        runs_on = going & ~last
        sources = torch.where(
            runs_on[:, None], sources.gather(1, on), torch.arange(beams, device=on.device)
        )
        after = running.gather(1, sources[:, :, None].expand_as(running))
        at = length[:, None, None].expand(count, beams, 1)
        after.scatter_(2, at, following.gather(1, on)[:, :, None])
        running.copy_(torch.where(runs_on[:, None, None], after, running))
        scores.copy_(torch.where(runs_on[:, None], values.gather(1, on), scores))
        first = torch.arange(count, device=on.device)[:, None] * beams
        state.continue_rows(corner, (first + sources).flatten())
        generated += runs_on
        done = last | self._cannot_improve(scores[:, 0], finished_scores[:, -1], length)
        status[:, 1] |= going & done

    def _candidates(
        self, logits: Tensor, tokens: Tensor, places: Tensor, scores: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The best continuations of every article, two a beam and best first: their summed log
        probabilities, the beams they continue and their tokens, each (articles, 2 * beams)."""
        logits -= logits.logsumexp(dim=-1, keepdim=True)
        self._limits.ban(logits, tokens, places)
        forced = self._limits.forced(places)[:, None]
        only = torch.arange(logits.shape[1], device=logits.device) == forced
        logits.masked_fill_((forced != NOTHING) & ~only, -math.inf)
        logits.masked_fill_(only, 0.0)
        count = 2 * self._beams
        best = logits.topk(count, dim=-1)  # of each beam
        total = best.values.view(-1, self._beams, count) + scores[:, :, None]
        chosen = total.flatten(1).topk(count, dim=-1)  # of all of the article's
        following = best.indices.view(-1, self._beams * count).gather(1, chosen.indices)
        return chosen.values, chosen.indices // count, following

    def _finish(
        self,
        ends: Tensor,
        values: Tensor,
        sources: Tensor,
        following: Tensor,
        length: Tensor,
        held: tuple[Tensor, Tensor, Tensor, Tensor],
    ) -> None:
        """Put those of the best beams that end (articles, beams) among the finished ones."""
        running, finished, finished_scores, lengths = held
        beams = self._beams
        penalty = self._limits.penalty[length][:, None]
        possible = ends & (values[:, :beams] > IMPOSSIBLE)
        new_scores = torch.where(possible, values[:, :beams] / penalty, -math.inf)
        source = sources[:, :beams, None].expand_as(running)
        new = running.gather(1, source)
        at = length[:, None, None].expand(-1, beams, 1)
        new.scatter_(2, at, following[:, :beams, None])
        # A stable sort: of equals the one that was finished first stays first.
        order = torch.cat([finished_scores, new_scores], dim=1).sort(
            dim=1, descending=True, stable=True
        )
        kept = order.indices[:, :beams]
        all_tokens = torch.cat([finished, new], dim=1)
        all_lengths = torch.cat([lengths, length[:, None].expand(-1, beams)], dim=1)
        finished.copy_(all_tokens.gather(1, kept[:, :, None].expand_as(finished)))
        lengths.copy_(all_lengths.gather(1, kept))
        finished_scores.copy_(order.values[:, :beams])

    def _cannot_improve(self, best: Tensor, worst_finished: Tensor, length: Tensor) -> Tensor:
        """Whether no running beam can come among the finished ones any more (articles)."""
        limits = self._limits
        reached = torch.where(limits.stops_never, limits.most, length)
        hopeless = best / limits.penalty[reached] <= worst_finished
        return (worst_finished > -math.inf) & (limits.stops_early | hopeless)

    @staticmethod
    def ended(report: Sequence[Tensor]) -> list[bool]:
        """Which slots had ended; `report` is a copy on the host."""
        return [bool(flag) for flag in report[0][:, 1].tolist()]

    @staticmethod
    def hypotheses(
        report: Sequence[Tensor], slot: int, constraints: Constraints
    ) -> list[Hypothesis]:
        """What a slot that has ended wrote, best first."""
        status, running, scores, finished, finished_scores, lengths = (
            held[slot].tolist() for held in report
        )
        found = [
            (score, tokens[: length + 1])
            for score, tokens, length in zip(finished_scores, finished, lengths, strict=True)
            if score > -math.inf
        ] or [
            (score, tokens[: status[0] + 1]) for score, tokens in zip(scores, running, strict=True)
        ]
        count = constraints.settings.hypotheses
        return [constraints.hypothesis(tokens, score) for score, tokens in found[:count]]
