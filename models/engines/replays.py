"""Work that the host tells the device ahead: recorded once, then replayed by one call.

Every launch from Python takes microseconds, and a decoder step has hundreds.
A CUDA graph launches all of them at once (PyTorch's documentation, "CUDA
semantics", section "CUDA Graphs"). What a graph may do is bounded: the same
operations on the same addresses, no memory from outside its pool, nothing that
waits for the device.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor

Work = Callable[[], None]

# Graphs kept at once; each holds a launch record for every kernel.
_MOST_GRAPHS: Final = 64


class Replays(Protocol):
    """Runs work whose key says what it is."""

    def run(self, key: Hashable, work: Work) -> None: ...

    def clear(self) -> None: ...


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
    """Tensors as they were at one point of the device's work."""

    copies: Sequence[Tensor]
    arrived: torch.cuda.Event | None

    def wait(self) -> Sequence[Tensor]:
        """The copies on the host, once the device has come so far."""
        if self.arrived is not None:
            self.arrived.synchronize()
        return self.copies


class Snapshots:
    """Copies of tensors to the host that nobody waits for until they are wanted.

    The last `depth` snapshots may be waited for; an older one has been written over.
    """

    def __init__(self, sources: Sequence[Tensor], depth: int) -> None:
        self._sources = sources
        self._turn = 0
        self._pinned = [
            [torch.empty_like(source, device="cpu", pin_memory=True) for source in sources]
            for _ in range(depth if sources[0].is_cuda else 0)
        ]

    def take(self) -> Snapshot:
        """Enqueue copies behind the work enqueued so far."""
        if not self._pinned:
            return Snapshot([source.clone() for source in self._sources], None)
        copies = self._pinned[self._turn]
        self._turn = (self._turn + 1) % len(self._pinned)
        for copy, source in zip(copies, self._sources, strict=True):
            copy.copy_(source, non_blocking=True)
        # A blocking event lets the thread that waits for it sleep.
        arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        arrived.record()
        return Snapshot(copies, arrived)


def upload(tensor: Tensor, device: str) -> Tensor:
    """`tensor` of the host on the device; the host does not wait for the copy."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
