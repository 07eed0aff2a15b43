"""Greedy and beam search for one article at a time; the engine batches their steps.

Both give transformers' hypotheses: the same order of constraints, lengths
that count the end token, and its rule for when a beam search may stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from models.checkpoints import Checkpoint
from models.generation import GenerationSettings, Hypothesis

# The score of beams that are not there yet: at the start all but the first.
IMPOSSIBLE: Final = -1.0e9


@dataclass(frozen=True, slots=True)
class Constraints:
    """Which tokens may follow; those of transformers' logits processors that summaries use."""

    start_id: int
    eos_id: int
    forced_bos_id: int | None
    forced_eos_id: int | None
    settings: GenerationSettings

    @classmethod
    def of(cls, checkpoint: Checkpoint, settings: GenerationSettings) -> Constraints:
        start, forced = settings.decoder_start_id, settings.forced_bos_id
        return cls(
            start_id=checkpoint.decoder_start_id if start is None else start,
            eos_id=checkpoint.eos_id,
            forced_bos_id=checkpoint.forced_bos_id if forced is None else forced,
            forced_eos_id=checkpoint.forced_eos_id,
            settings=settings,
        )

    def forced(self, generated: int) -> int | None:
        """The only token allowed after `generated` tokens, if there is such a one."""
        if generated + 1 == self.settings.max_new_tokens and self.forced_eos_id is not None:
            return self.forced_eos_id
        return self.forced_bos_id if generated == 0 else None

    def banned(self, tokens: Sequence[int]) -> list[int]:
        """Tokens that must not follow `tokens`, the start token included."""
        found = []
        if len(tokens) - 1 < self.settings.min_new_tokens:
            found.append(self.eos_id)
        size = self.settings.no_repeat_ngram
        if size and len(tokens) >= size:
            last = list(tokens[len(tokens) - size + 1 :])
            for at in range(len(tokens) - size + 1):
                if tokens[at : at + size - 1] == last:
                    found.append(tokens[at + size - 1])
        return found

    def is_last(self, tokens: Sequence[int]) -> bool:
        """Whether `tokens`, the start token included, end here."""
        return tokens[-1] == self.eos_id or len(tokens) - 1 >= self.settings.max_new_tokens

    def hypothesis(self, tokens: Sequence[int], score: float | None) -> Hypothesis:
        """`tokens` without start and end; an end in the very last place may have been forced."""
        most = self.settings.max_new_tokens
        if tokens[-1] == self.eos_id:
            return Hypothesis(tuple(tokens[1:-1]), score, finished=len(tokens) - 1 < most)
        return Hypothesis(tuple(tokens[1:]), score, finished=False)


@dataclass(slots=True)
class GreedySearch:
    """The best token at each place. `tokens` begin with the decoder's start token."""

    constraints: Constraints
    tokens: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = [self.constraints.start_id]

    def choose(self, best: int, logits: Callable[[], Tensor]) -> int:
        """Append the best allowed token.

        `best` is the argmax of `logits` (vocabulary), which are asked for where it may not follow.
        """
        token = self.constraints.forced(len(self.tokens) - 1)
        if token is None:
            token = best
            banned = self.constraints.banned(self.tokens)
            if best in banned:
                allowed = logits().clone()
                allowed[banned] = -torch.inf
                token = int(allowed.argmax())
        self.tokens.append(token)
        return token

    @property
    def done(self) -> bool:
        return len(self.tokens) > 1 and self.constraints.is_last(self.tokens)

    def hypotheses(self) -> list[Hypothesis]:
        return [self.constraints.hypothesis(self.tokens, None)]


class BeamSearch:
    """Beam search over one article, as transformers' `_beam_search` does for a batch item."""

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        beams = constraints.settings.beams
        self.running: list[list[int]] = [[constraints.start_id] for _ in range(beams)]
        self.scores = torch.full((beams,), IMPOSSIBLE)
        self.scores[0] = 0.0
        self.done = False
        self._finished: list[tuple[float, list[int]]] = []  # best first, at most `beams`

    def constrain(self, logits: Tensor, normaliser: Tensor) -> None:
        """Forbid in place what may not follow; `logits` (beams, vocabulary), its logsumexp."""
        generated = len(self.running[0]) - 1
        token = self.constraints.forced(generated)
        for beam, tokens in enumerate(self.running):
            if token is not None:
                logits[beam] = -torch.inf
                logits[beam, token] = normaliser[beam]
            elif banned := self.constraints.banned(tokens):
                logits[beam, banned] = -torch.inf

    def update(self, values: Tensor, tokens: Tensor) -> list[int]:
        """Take the candidates of one step; the beam that each running beam continues.

        `values` (beams, candidates) are log probabilities, `tokens` theirs;
        as many candidates a beam as two per beam, so that enough can run on.
        """
        beams = len(self.running)
        total = (values + self.scores[:, None]).reshape(-1)
        best = torch.topk(total, min(2 * beams, len(total)))
        sources = (best.indices // values.shape[1]).tolist()
        chosen = tokens.reshape(-1)[best.indices].tolist()
        scores = best.values.tolist()
        length = len(self.running[0])  # generated tokens, the new one included
        last = length >= self.constraints.settings.max_new_tokens
        ended = [last or token == self.constraints.eos_id for token in chosen]
        for rank in range(min(beams, len(ended))):
            if ended[rank] and scores[rank] > IMPOSSIBLE:
                self._finish(scores[rank], [*self.running[sources[rank]], chosen[rank]], length)
        del self._finished[beams:]
        going = [rank for rank in range(len(ended)) if not ended[rank]][:beams]
        if last or len(going) < beams:
            self.done = True
            return list(range(beams))
        self.running = [[*self.running[sources[rank]], chosen[rank]] for rank in going]
        self.scores = best.values[going]
        self.done = self._cannot_improve(length)
        return [sources[rank] for rank in going]

    def hypotheses(self) -> list[Hypothesis]:
        found = self._finished or [
            (float(score), tokens) for score, tokens in zip(self.scores, self.running, strict=True)
        ]
        count = self.constraints.settings.hypotheses
        return [self.constraints.hypothesis(tokens, score) for score, tokens in found[:count]]

    def _finish(self, score: float, tokens: list[int], length: int) -> None:
        self._finished.append((score / length**self.constraints.settings.length_penalty, tokens))
        self._finished.sort(key=lambda item: -item[0])

    def _cannot_improve(self, length: int) -> bool:
        settings = self.constraints.settings
        if len(self._finished) < settings.beams:
            return False
        if settings.early_stopping is True:
            return True
        if settings.early_stopping == "never" and settings.length_penalty > 0:
            length = settings.max_new_tokens
        best = float(self.scores[0]) / float(length**settings.length_penalty)
        return best <= self._finished[-1][0]
