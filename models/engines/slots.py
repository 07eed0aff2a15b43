"""Articles on a device that is told what to do ahead: slots are filled again as they become free.

While the device decodes, the host reads how far the replay before had come,
takes out what has ended and enqueues waiting articles into the free slots. The
host is one replay behind: what ends is noticed a few steps later, which costs
those steps and changes nothing in the output. Where every step there can be
has been enqueued, a slot is given away before its end has been seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch

from models.engines.base import TokenIds
from models.engines.device_beams import BeamBoard
from models.engines.device_search import Board, GreedyBoard, Limits
from models.engines.replays import Replays, Snapshot, Snapshots, upload
from models.engines.search import Constraints
from models.generation import GenerationSettings, Hypothesis
from models.networks.static_seq2seq import StaticSeq2Seq
from models.networks.static_state import Corner

# Rows (articles times beams) decoded at once, and their steps before the host looks at them.
ROWS: Final = 128
STEPS_A_REPLAY: Final = 4
# Encoder positions a pass, padding included: enough to fill a GPU.
_ENCODER_POSITIONS: Final = 16_384
# Articles of a pass are padded to a multiple of this, which attention kernels like.
_PADDED: Final = 16
# What a step looks at is a multiple of this in tokens and positions: few graphs, little waste.
_CORNER: Final = 64
# Slots are filled when one in so many is free: encoding articles one by one would waste the GPU.
_REFILL_AT: Final = 16
# Replays under way before the host reads the first of them.
_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class Needs:
    """How many slots of how many beams, for articles of how many tokens, how many new ones."""

    beams: int
    slots: int
    tokens: int
    positions: int

    @classmethod
    def of(cls, batch: Sequence[TokenIds], settings: GenerationSettings, most_rows: int) -> Needs:
        return cls(
            beams=settings.beams,
            slots=min(max(1, most_rows // settings.beams), _power_of_two(len(batch))),
            tokens=_rounded(max(map(len, batch)), _CORNER),
            positions=_rounded(settings.max_new_tokens, _CORNER),
        )

    def cover(self, other: Needs) -> bool:
        return self.beams == other.beams and self == self.joined(other)

    def joined(self, other: Needs) -> Needs:
        """Enough for both; beams, which are not shared, are those of this one."""
        if self.beams != other.beams:
            return self
        return Needs(
            self.beams,
            max(self.slots, other.slots),
            max(self.tokens, other.tokens),
            max(self.positions, other.positions),
        )


@dataclass(eq=False, slots=True)
class _Job:
    """An article in a slot; `launched` counts the steps enqueued for it."""

    row: int
    tokens: int
    launched: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Replay:
    """Steps under way, and which articles were in which slots."""

    snapshot: Snapshot
    jobs: list[tuple[int, _Job]]


class Slots:
    """Fixed buffers for so many articles at once, and what goes on in them."""

    def __init__(self, network: StaticSeq2Seq, replays: Replays, needs: Needs, steps: int) -> None:
        self.needs = needs
        self._network = network
        self._replays = replays
        self._steps = steps
        self._state = network.new_state(needs.slots, needs.beams, needs.tokens, needs.positions)
        self._limits = Limits(needs.positions, network.device)
        self._board = self._new_board()
        self._snapshots = Snapshots(self._board.report, _AHEAD)
        self._jobs: list[_Job | None] = []

    def _new_board(self) -> Board:
        needs, device = self.needs, self._network.device
        if needs.beams == 1:
            return GreedyBoard(self._limits, needs.slots, needs.positions, device)
        return BeamBoard(self._limits, needs.slots, needs.beams, needs.positions, device)

    @property
    def size_bytes(self) -> int:
        return self._state.size_bytes

    def run(
        self,
        rows: Sequence[int],
        batch: Sequence[TokenIds],
        constraints: Constraints,
        results: list[list[Hypothesis]],
    ) -> None:
        """Write results[row] for each of `rows` of the batch, in whatever order they end."""
        self._limits.set(constraints)
        self._jobs = [None] * self.needs.slots
        waiting = sorted(rows, key=lambda row: (len(batch[row]), -row))
        most = constraints.settings.max_new_tokens
        under_way: deque[_Replay] = deque()
        while True:
            self._fill(waiting, batch)
            if not waiting:
                self._close_ranks()
            running = [(slot, job) for slot, job in enumerate(self._jobs) if job is not None]
            if running:
                under_way.append(self._launch(running, most))
            elif not under_way:
                return
            if len(under_way) == _AHEAD or not running:
                self._collect(under_way.popleft(), constraints, results)

    def _fill(self, waiting: list[int], batch: Sequence[TokenIds]) -> None:
        """Enqueue the longest articles that wait into the free slots."""
        free = [slot for slot, job in enumerate(self._jobs) if job is None]
        count = min(len(free), len(waiting))
        worth_it = min(len(waiting), -(-len(self._jobs) // _REFILL_AT))
        if count == 0 or (count < worth_it and len(free) < len(self._jobs)):
            return
        rows = [waiting.pop() for _ in range(count)]
        for group in _groups([batch[row] for row in rows]):
            slots, free = free[: len(group)], free[len(group) :]
            for slot, ids in zip(slots, group, strict=True):
                self._jobs[slot] = _Job(rows.pop(0), len(ids))
            self._admit(slots, group)

    def _admit(self, slots: list[int], articles: Sequence[TokenIds]) -> None:
        device = self._network.device
        longest = min(_rounded(len(articles[0]), _PADDED), self._network.most_tokens)
        ids = torch.zeros(len(articles), longest, dtype=torch.long)
        for row, article in enumerate(articles):
            ids[row, : len(article)] = torch.tensor(list(article))
        lengths = torch.tensor([len(article) for article in articles])
        numbers = upload(torch.stack([lengths, torch.tensor(slots)]), device)
        self._network.admit(upload(ids, device), numbers[0], numbers[1], self._state)
        self._board.admit(numbers[1])

    def _launch(self, running: list[tuple[int, _Job]], most: int) -> _Replay:
        """Enqueue the next steps of all that run; those that then surely have ended leave."""
        reached = max(job.launched for _, job in running) + self._steps
        corner = Corner(
            articles=min(_power_of_two(running[-1][0] + 1), self.needs.slots),
            tokens=_rounded(max(job.tokens for _, job in running), _CORNER),
            positions=_rounded(min(reached, most), _CORNER),
        )

        def steps() -> None:
            for _ in range(self._steps):
                self._board.step(self._network, self._state, corner)

        self._replays.run((corner, self._limits.ngram), steps)
        for slot, job in running:
            job.launched += self._steps
            if job.launched >= most:
                self._jobs[slot] = None
        return _Replay(self._snapshots.take(), running)

    def _collect(
        self, replay: _Replay, constraints: Constraints, results: list[list[Hypothesis]]
    ) -> None:
        """Take out what had ended when the replay was over."""
        report = replay.snapshot.wait()
        ended = self._board.ended(report)
        for slot, job in replay.jobs:
            if ended[slot] and not job.done:
                job.done = True
                results[job.row] = self._board.hypotheses(report, slot, constraints)
                if job in self._jobs:  # by now perhaps in another slot, or gone from its own
                    self._jobs[self._jobs.index(job)] = None

    def _close_ranks(self) -> None:
        """Move the last articles together where a step then has half the rows."""
        kept = [slot for slot, job in enumerate(self._jobs) if job is not None]
        if not kept or _power_of_two(len(kept)) >= _power_of_two(kept[-1] + 1):
            return
        source = upload(torch.tensor(kept), self._network.device)
        self._state.move(source)
        self._board.move(source)
        jobs = [self._jobs[slot] for slot in kept]
        self._jobs = jobs + [None] * (self.needs.slots - len(jobs))


def _groups(articles: Sequence[TokenIds]) -> Iterator[Sequence[TokenIds]]:
    """Articles, longest first, in passes of similar length."""
    start = 0
    while start < len(articles):
        count = max(1, _ENCODER_POSITIONS // _rounded(len(articles[start]), _PADDED))
        yield articles[start : start + count]
        start += count


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _power_of_two(number: int) -> int:
    """The least power of two that is not below `number`."""
    return 1 << (number - 1).bit_length()
