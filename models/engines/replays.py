"""Work that the host tells the device ahead: recorded once, then replayed by one call.

Every launch from Python takes microseconds, and a decoder step has hundreds.
A CUDA graph launches all of them at once (PyTorch's documentation, "CUDA
semantics", section "CUDA Graphs"). What a graph may do is bounded: the same
operations on the same addresses, no memory from outside its pool, nothing that
waits for the device.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

Work = Callable[[], None]

# Graphs kept at once; each holds a launch record for every kernel.
_MOST_GRAPHS: Final = 64


class Direct:
    """Runs work as it comes: on a CPU, and wherever graphs are not wanted."""

    def run(self, key: Hashable, work: Work) -> None:
        work()

    def clear(self) -> None:
        """Nothing is kept."""


class Graphs:
    """Runs work under CUDA graphs, one for each key; for one thread, on its current stream.

    Work with a new key runs as it comes on a side stream, which is the warm-up
    that a capture needs (libraries make their handles and workspaces then),
    and is captured afterwards: so nothing runs in vain, and nothing twice.
    All graphs share one memory pool. That is sound because they run one after
    another and none leaves anything there: what work keeps is written into
    buffers from outside.
    """

    def __init__(self) -> None:
        self._graphs: OrderedDict[Hashable, torch.cuda.CUDAGraph] = OrderedDict()
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def run(self, key: Hashable, work: Work) -> None:
        """Enqueue `work`; it must be the same for the same key until `clear`."""
        if (graph := self._graphs.get(key)) is not None:
            self._graphs.move_to_end(key)
            graph.replay()
            return
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            work()
        current.wait_stream(self._stream)
        if len(self._graphs) >= _MOST_GRAPHS:
            torch.cuda.synchronize()  # the oldest may still be running
            self._graphs.popitem(last=False)
        self._graphs[key] = self._capture(work)

    def clear(self) -> None:
        """Let go of all graphs and their memory: the buffers they work on are going to go."""
        torch.cuda.synchronize()
        self._graphs.clear()
        self._pool = torch.cuda.graph_pool_handle()  # the old one ends with its last graph

    def _capture(self, work: Work) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        # Other threads may allocate meanwhile: only this one's calls are held against the capture.
        with torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        ):
            work()
        return graph


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tensor as it was at one point of the device's work."""

    _copy: Tensor
    _arrived: torch.cuda.Event | None

    def wait(self) -> Tensor:
        """The copy on the host, once the device has come so far."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._copy


class Snapshots:
    """Copies of a tensor to the host that nobody waits for until they are wanted.

    The last `depth` snapshots may be waited for; an older one has been written over.
    """

    def __init__(self, source: Tensor, depth: int) -> None:
        self._source = source
        self._turn = 0
        self._buffers: list[Snapshot] = []
        if source.is_cuda:
            # A blocking event lets the waiting thread sleep; others tokenise meanwhile.
            self._buffers = [
                Snapshot(
                    torch.empty(source.shape, dtype=source.dtype, pin_memory=True),
                    torch.cuda.Event(blocking=True),  # type: ignore[no-untyped-call]
                )
                for _ in range(depth)
            ]

    def take(self) -> Snapshot:
        """Enqueue a copy behind the work enqueued so far."""
        if not self._buffers:
            return Snapshot(self._source.clone(), None)
        buffer = self._buffers[self._turn]
        self._turn = (self._turn + 1) % len(self._buffers)
        assert buffer._arrived is not None
        buffer._copy.copy_(self._source, non_blocking=True)
        buffer._arrived.record()
        return buffer


def upload(tensor: Tensor, device: str) -> Tensor:
    """`tensor` of the host on the device; the host does not wait for the copy."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
