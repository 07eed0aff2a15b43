"""BART, mBART, PEGASUS, T5 and mT5 on a GPU that never waits for Python.

The decoder runs several steps at a time as one CUDA graph, and tokens are
chosen on the device (`models.engines.slots`). When memory runs out, half the
slots have to do.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import suppress

import torch

from models.checkpoints import Checkpoint
from models.engines.base import TokenIds
from models.engines.replays import Direct, Graphs, Replays
from models.engines.search import Constraints
from models.engines.slots import ROWS, STEPS_A_REPLAY, Needs, Slots
from models.errors import IncompatibleModel, InferenceFailed
from models.generation import GenerationSettings, Hypothesis
from models.networks.seq2seq import ARCHITECTURES
from models.networks.seq2seq_weights import build_static
from models.networks.static_seq2seq import DTYPES, StaticSeq2Seq


class CudaGraphsEngine:
    """Greedy and beam search in bf16, fp16 or fp32; slots are filled again as they become free.

    On a GPU its steps are CUDA graphs; on a CPU (for tests) the same code runs
    as it comes. `rows` is how many articles, or beams of articles, are decoded
    at once; it is halved for good when memory runs out. `network` is the
    checkpoint's, where it has been built already; `replays` runs the steps in
    place of graphs. Raises IncompatibleModel for another architecture or
    precision.
    """

    name = "cuda-graphs"

    def __init__(
        self,
        checkpoint: Checkpoint,
        precision: str = "bf16",
        device: str = "cuda",
        *,
        rows: int = ROWS,
        steps_a_replay: int = STEPS_A_REPLAY,
        network: StaticSeq2Seq | None = None,
        replays: Replays | None = None,
    ) -> None:
        _check(checkpoint, precision)
        from models.engines.transformers import load_network

        self.precision = precision
        self.device = device
        self.rows = rows
        self._steps = steps_a_replay
        self._checkpoint = checkpoint
        self._network = network or build_static(
            load_network(checkpoint, torch.float32), precision, device
        )
        on_gpu = torch.device(device).type == "cuda"
        self._replays = replays or (Graphs() if on_gpu else Direct())
        self._held: Slots | None = None

    @property
    def memory_bytes(self) -> int:
        """Size of the attention memories now held; they grow only for a larger batch."""
        return 0 if self._held is None else self._held.size_bytes

    @torch.inference_mode()
    def generate(
        self, batch: Sequence[TokenIds], settings: GenerationSettings
    ) -> list[list[Hypothesis]]:
        results: list[list[Hypothesis]] = [[] for _ in batch]
        constraints = Constraints.of(self._checkpoint, settings)
        self._network.check(batch, settings.max_new_tokens)
        while waiting := [row for row, found in enumerate(results) if not found]:
            needs = Needs.of([batch[row] for row in waiting], settings, self.rows)
            try:
                self._slots(needs).run(waiting, batch, constraints, results)
                continue
            except torch.OutOfMemoryError as error:
                tried = needs if self._held is None else self._held.needs
                if tried.slots == 1:
                    raise InferenceFailed("The article does not fit into GPU memory.") from error
            except RuntimeError as error:
                self._release()
                raise InferenceFailed("The network failed on this batch.") from error
            # Only here, where nothing of the failed attempt is held by its traceback any more.
            self._release()
            self.rows = tried.slots * tried.beams // 2
        return results

    def _slots(self, needs: Needs) -> Slots:
        """Slots enough for a batch; kept from call to call, so that graphs are too."""
        if self._held is None or not self._held.needs.cover(needs):
            if self._held is not None:
                needs = needs.joined(self._held.needs)
            self._release()
            self._held = Slots(self._network, self._replays, needs, self._steps)
        return self._held

    def _release(self) -> None:
        self._held = None
        with suppress(RuntimeError):  # a device that has failed says so at every call
            self._replays.clear()
            gc.collect()
            torch.cuda.empty_cache()


def _check(checkpoint: Checkpoint, precision: str) -> None:
    if checkpoint.architecture not in ARCHITECTURES:
        raise IncompatibleModel(
            f"The cuda-graphs engine does not run {checkpoint.architecture} checkpoints.",
            field="engine",
        )
    if precision not in DTYPES:
        raise IncompatibleModel(
            f"The cuda-graphs engine runs {', '.join(DTYPES)}, not {precision}.",
            field="precision",
        )
    if precision == "fp16" and checkpoint.architecture != "bart":
        # Only where a norm follows every sum do hidden states stay within fp16.
        raise IncompatibleModel(
            f"{checkpoint.architecture} checkpoints overflow in fp16: take bf16.",
            field="precision",
        )
