"""Our own engine for BART, mBART, PEGASUS, T5 and mT5 on a CPU: continuous batches, no padding.

Articles wait sorted by length. Each takes a slot, and as soon as its summary
ends the slot goes to the next one, so that a batch never waits for its
slowest row. Greedy search drafts from the article where that pays.
"""

from __future__ import annotations

import ctypes
import gc
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from models.checkpoints import Checkpoint
from models.engines.base import TokenIds
from models.engines.drafting import DRAFT_TOKENS, DraftingSwitch, SourceIndex
from models.engines.search import BeamSearch, Constraints, GreedySearch
from models.errors import IncompatibleModel, InferenceFailed
from models.generation import GenerationSettings, Hypothesis
from models.networks.compiled_state import CompiledState
from models.networks.decoder_state import DecoderState
from models.networks.linear import PRECISIONS
from models.networks.seq2seq import ARCHITECTURES
from models.networks.seq2seq_weights import build
from models.stages import stage

State = DecoderState | CompiledState

# Rows that share one pass over the weights; more gain little and cost memory.
_MAX_ROWS: Final = 32
# Tokens encoded at once: enough for full speed, few enough to stay in the cache.
_ENCODER_TOKENS: Final = 1024
_ROUND_TOKENS: Final = 64
_BLOCK_TOKENS: Final = 64


@dataclass(slots=True)
class Counters:
    """What the engine has done so far: for reports, and to see whether drafts pay."""

    steps: int = 0
    tokens: int = 0
    drafted: int = 0
    accepted: int = 0


@dataclass(slots=True)
class _Job:
    row: int
    search: GreedySearch | BeamSearch
    source: SourceIndex | None = None
    draft: tuple[int, ...] = ()
    at: int | None = None  # the place in the article that the next token may come from

    @property
    def greedy(self) -> GreedySearch:
        assert isinstance(self.search, GreedySearch)
        return self.search


class NativeEngine:
    """Runs a network of `models.networks` in fp32, bf16 or int8.

    With `kernels` (`models.networks.kernels.library`) int8 runs in compiled code.

    `drafting` turns source-copy drafts on for greedy search; they switch
    themselves off where they do not pay. Raises IncompatibleModel for another
    architecture or precision.
    """

    name = "native"
    device = "cpu"

    def __init__(
        self,
        checkpoint: Checkpoint,
        precision: str = "int8",
        *,
        drafting: bool = True,
        kernels: ctypes.CDLL | None = None,
    ) -> None:
        if checkpoint.architecture not in ARCHITECTURES:
            raise IncompatibleModel(
                f"The native engine does not run {checkpoint.architecture} checkpoints.",
                field="engine",
            )
        if precision not in PRECISIONS:
            raise IncompatibleModel(
                f"The native engine runs {', '.join(PRECISIONS)}, not {precision}.",
                field="precision",
            )
        from models.engines.transformers import load_network

        self.precision = precision
        self.counters = Counters()
        self._checkpoint = checkpoint
        self._drafting = drafting
        self._switch = DraftingSwitch()
        # Any: both networks make and take states of their own, and only that kind.
        self._network: Any = build(load_network(checkpoint, torch.float32), precision, kernels)
        _return_freed_memory()
        self._state: State | None = None
        self._shape: tuple[int, ...] = (0, 0, 0, 0)

    @property
    def memory_bytes(self) -> int:
        """Size of the attention memories now held; they grow only for a larger batch."""
        return 0 if self._state is None else self._state.size_bytes

    @torch.inference_mode()
    def generate(
        self, batch: Sequence[TokenIds], settings: GenerationSettings
    ) -> list[list[Hypothesis]]:
        results: list[list[Hypothesis]] = [[] for _ in batch]
        if not batch:
            return results
        constraints = Constraints.of(self._checkpoint, settings)
        waiting = sorted(range(len(batch)), key=lambda row: (len(batch[row]), -row))
        state = self._prepare_state(batch, settings)
        slots = max(1, min(len(batch), _MAX_ROWS // settings.beams))
        jobs: list[_Job] = []
        try:
            while waiting or jobs:
                while waiting and len(jobs) < slots:
                    rows = self._next_articles(waiting, batch, slots - len(jobs))
                    jobs += self._admit([(row, batch[row]) for row in rows], state, constraints)
                if settings.beams > 1:
                    self._step_beams(jobs, state)
                else:
                    self._step_greedy(jobs, state, settings)
                self._retire(jobs, state, results)
        except (RuntimeError, IndexError, MemoryError) as error:
            self._state = None
            raise InferenceFailed("The network failed on this batch.") from error
        return results

    def _prepare_state(self, batch: Sequence[TokenIds], settings: GenerationSettings) -> State:
        """Memories large enough for this batch; kept from call to call, so that memory is flat."""
        slots = max(1, min(len(batch), _MAX_ROWS // settings.beams))
        positions = settings.max_new_tokens + DRAFT_TOKENS + 1
        tokens = max(len(row) for row in batch)
        needed: tuple[int, ...] = (
            settings.beams,
            slots,
            positions,
            -(-tokens // _ROUND_TOKENS) * _ROUND_TOKENS,
        )
        held = self._shape
        if self._state is None or held[0] != needed[0] or any(map(int.__lt__, held, needed)):
            self._state = None  # the old one goes before the new one comes
            if held[0] == needed[0]:
                needed = (held[0], *(max(pair) for pair in zip(held[1:], needed[1:], strict=True)))
            self._shape = needed
            beams, slots, positions, tokens = needed
            self._state = self._network.new_state(slots, beams, positions, tokens)
        self._state.clear()
        return self._state

    def _next_articles(self, waiting: list[int], batch: Sequence[TokenIds], free: int) -> list[int]:
        rows = [waiting.pop()]
        tokens = len(batch[rows[0]])
        while waiting and len(rows) < free and tokens + len(batch[waiting[-1]]) <= _ENCODER_TOKENS:
            rows.append(waiting.pop())
            tokens += len(batch[rows[-1]])
        return rows

    def _admit(
        self,
        articles: list[tuple[int, TokenIds]],
        state: State,
        constraints: Constraints,
    ) -> list[_Job]:
        with stage("encode"):
            hidden = self._network.encode([ids for _, ids in articles])
        jobs, start = [], 0
        for row, ids in articles:
            self._network.remember(hidden[start : start + len(ids)], state)
            start += len(ids)
            if constraints.settings.beams > 1:
                jobs.append(_Job(row, BeamSearch(constraints)))
            else:
                source = SourceIndex(ids) if self._drafting else None
                jobs.append(_Job(row, GreedySearch(constraints), source))
        return jobs

    def _step_greedy(self, jobs: list[_Job], state: State, settings: GenerationSettings) -> None:
        began = time.perf_counter()
        width = 1 + self._draft(jobs, settings)
        pad = self._checkpoint.pad_id
        inputs = torch.tensor(
            [
                [job.greedy.tokens[-1], *job.draft, *[pad] * (width - 1 - len(job.draft))]
                for job in jobs
            ]
        )  # (rows, width)
        hidden = self._network.step(inputs, state)
        best = self._network.greedy_tokens(hidden).view(len(jobs), width).tolist()
        hidden = hidden.view(len(jobs), width, -1)
        kept = [self._accept(job, best[row], hidden[row]) for row, job in enumerate(jobs)]
        state.advance(torch.tensor(kept))
        seconds = time.perf_counter() - began
        self.counters.steps += 1
        self.counters.tokens += sum(kept)
        if width > 1:
            self._switch.saw_drafted(seconds, sum(kept) / len(kept))
        else:
            self._switch.saw_plain(seconds)

    def _draft(self, jobs: list[_Job], settings: GenerationSettings) -> int:
        """Give each row its draft; the length of the longest."""
        longest = 0
        wanted = self._drafting and self._switch.wants_draft()
        for job in jobs:
            job.draft = ()
            if not wanted or job.source is None:
                continue
            tokens = job.greedy.tokens
            left = settings.max_new_tokens - len(tokens)
            if (found := job.source.draft(tokens, job.at, min(DRAFT_TOKENS, left))) is not None:
                job.draft, job.at = found.tokens, found.at
            longest = max(longest, len(job.draft))
        return longest

    def _accept(self, job: _Job, best: list[int], hidden: Tensor) -> int:
        """Append what greedy search writes while the draft agrees; how many tokens were read.

        `hidden` are the states (tokens, width) that the `best` tokens follow from.
        """
        search = job.greedy
        for place, drafted in enumerate((*job.draft, None)):
            logits = partial(self._logits, hidden[place])
            token = search.choose(best[place], logits)
            if token != drafted or search.done:
                self.counters.accepted += place
                job.at = None if job.at is None else job.at + place + 1
                self.counters.drafted += len(job.draft)
                return place + 1
        raise AssertionError("the place after the draft ends the loop")

    def _logits(self, state: Tensor) -> Tensor:
        """(vocabulary) after one hidden state."""
        logits: Tensor = self._network.logits(state[None])[0]
        return logits

    def _step_beams(self, jobs: list[_Job], state: State) -> None:
        beams = state.beams
        searches = [job.search for job in jobs if isinstance(job.search, BeamSearch)]
        inputs = torch.tensor([[beam[-1]] for search in searches for beam in search.running])
        logits = self._network.logits(self._network.step(inputs, state))
        normaliser = torch.logsumexp(logits, dim=-1)
        for index, search in enumerate(searches):
            rows = slice(index * beams, (index + 1) * beams)
            search.constrain(logits[rows], normaliser[rows])
        values, tokens = best_tokens(logits, min(2 * beams, logits.shape[-1]))
        values = values - normaliser[:, None]
        sources: list[int] = []
        for index, search in enumerate(searches):
            rows = slice(index * beams, (index + 1) * beams)
            sources += [index * beams + beam for beam in search.update(values[rows], tokens[rows])]
        state.advance(1)
        state.reorder(torch.tensor(sources))
        self.counters.steps += 1
        self.counters.tokens += len(searches)

    def _retire(self, jobs: list[_Job], state: State, results: list[list[Hypothesis]]) -> None:
        for slot in range(len(jobs) - 1, -1, -1):
            job = jobs[slot]
            if job.search.done:
                results[job.row] = job.search.hypotheses()
                state.remove(slot)
                jobs[slot] = jobs[-1]
                jobs.pop()


def _return_freed_memory() -> None:
    """Give back what the fp32 weights took; the allocator would keep it for the next of that size.

    Only the GNU C library has this call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        gc.collect()
        trim(0)


def best_tokens(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`torch.topk` over the last axis of (rows, vocabulary), without sorting whole vocabularies.

    The best `count` tokens lie in the `count` blocks with the largest maxima.
    """
    vocabulary = logits.shape[-1]
    blocks = vocabulary // _BLOCK_TOKENS
    if blocks <= 2 * count:
        values, tokens = torch.topk(logits, count, dim=-1)
        return values, tokens
    whole = blocks * _BLOCK_TOKENS
    blocked = logits[:, :whole].reshape(len(logits), blocks, _BLOCK_TOKENS)
    kept = torch.topk(blocked.amax(dim=-1), count, dim=-1).indices  # (rows, count)
    places = kept[:, :, None] * _BLOCK_TOKENS + torch.arange(_BLOCK_TOKENS)
    rest = torch.arange(whole, vocabulary).expand(len(logits), -1)
    candidates = torch.cat([places.flatten(1), rest], dim=1)  # (rows, count * block + rest)
    found = torch.topk(logits.gather(1, candidates), count, dim=-1)
    return found.values, candidates.gather(1, found.indices)
