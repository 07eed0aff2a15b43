"""Beam search over the rewriter's actions, all sources of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.networks.rewriter import END, IGNORE, RewriterNetwork, Source

LENGTH_PENALTY: Final = 0.9  # exponent of the length that log-probabilities are divided by
MIN_ACTIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Decoded:
    """Action classes without the END, and the log-probability of each action and of the END."""

    actions: tuple[int, ...]
    log_probabilities: tuple[float, ...]

    @property
    def score(self) -> float:
        return sum(self.log_probabilities) / float(len(self.log_probabilities) ** LENGTH_PENALTY)


@torch.inference_mode()
def decode(
    network: RewriterNetwork, source: Source, limits: Sequence[int], beams: int
) -> list[list[Decoded]]:
    """Up to `beams` finished hypotheses a source, best first; `limits` bounds their actions.

    Sources that are done leave the batch, so that it never waits for its
    slowest row with full width.
    """
    count, device = len(limits), source.pieces.device
    memory = network.encode(source)
    if beams > 1:
        memory = memory.select(torch.arange(count, device=device).repeat_interleave(beams))
    state = network.begin_state(memory)
    totals = torch.full((count, beams), float("-inf"), device=device)
    totals[:, 0] = 0.0  # all beams begin alike: only one may branch
    previous = torch.full((count * beams,), IGNORE, device=device)
    alive = list(range(count))
    paths: list[list[tuple[tuple[int, ...], tuple[float, ...]]]] = [
        [((), ())] * beams for _ in range(count)
    ]
    finished: list[list[Decoded]] = [[] for _ in range(count)]
    for step in range(max(limits) + 1):
        scores, state = network.step(memory, state, previous)
        logs = _bounded(scores, step, [limits[i] for i in alive], beams)
        classes = logs.shape[1]
        candidates = (totals.view(-1, 1) + logs).view(len(alive), beams * classes)
        top = candidates.topk(min(2 * beams, beams * classes), dim=1)
        chosen, kept, values, continuing = _branch(
            top.values, top.indices, logs, classes, paths, beams, finished, alive
        )
        if not continuing:
            break
        base = torch.tensor(continuing, device=device).repeat_interleave(beams) * beams
        origin = base + torch.tensor(chosen, device=device)
        previous = torch.tensor(kept, device=device)
        totals = torch.tensor(values, device=device).view(-1, beams)
        if beams > 1 or len(continuing) < len(alive):
            state = state.select(origin)
        if len(continuing) < len(alive):
            memory = memory.select(origin)
        alive = [alive[position] for position in continuing]
    return [sorted(found, key=lambda one: -one.score)[:beams] for found in finished]


def _bounded(scores: Tensor, step: int, limits: list[int], beams: int) -> Tensor:
    """Log-probabilities with the END forbidden early and forced at the limit."""
    logs = scores.log_softmax(-1)
    if step < MIN_ACTIONS:
        logs[:, END] = float("-inf")
    at_limit = torch.tensor([step >= limit for limit in limits], device=logs.device)
    if at_limit.any():
        rows = at_limit.repeat_interleave(beams)
        ends = logs[rows, END].clone()
        logs[rows] = float("-inf")
        logs[rows, END] = ends
    return logs


def _branch(
    values: Tensor,
    indices: Tensor,
    logs: Tensor,
    classes: int,
    paths: list[list[tuple[tuple[int, ...], tuple[float, ...]]]],
    beams: int,
    finished: list[list[Decoded]],
    alive: list[int],
) -> tuple[list[int], list[int], list[float], list[int]]:
    """Sort the best continuations of each living source into finished and going on.

    Returns for every row that goes on its beam of origin, its action and its
    total, and the positions (in `alive`) of the sources that go on.
    """
    chosen: list[int] = []
    kept: list[int] = []
    totals: list[float] = []
    continuing: list[int] = []
    step_logs = logs.view(len(alive), beams * classes).gather(1, indices).tolist()
    for position, (row_values, row_indices) in enumerate(
        zip(values.tolist(), indices.tolist(), strict=True)
    ):
        index = alive[position]
        following: list[tuple[int, int, float, tuple[tuple[int, ...], tuple[float, ...]]]] = []
        for rank, (total, flat) in enumerate(zip(row_values, row_indices, strict=True)):
            if total == float("-inf"):
                continue
            beam, action = divmod(flat, classes)
            actions, scores = paths[index][beam]
            extended = (*scores, step_logs[position][rank])
            if action == END:
                if rank < beams:
                    finished[index].append(Decoded(actions, extended))
            elif len(following) < beams:
                following.append((beam, action, total, ((*actions, action), extended)))
        if len(finished[index]) >= beams or not following:
            continue
        continuing.append(position)
        paths[index] = [path for *_, path in following]
        while len(following) < beams:
            following.append((following[0][0], END, float("-inf"), following[0][3]))
            paths[index].append(following[0][3])
        chosen += [beam for beam, *_ in following]
        kept += [action for _, action, *_ in following]
        totals += [total for _, _, total, _ in following]
    return chosen, kept, totals, continuing
