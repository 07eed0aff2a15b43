"""The rules of CUDA graphs on a CPU: what was recorded is done again, on the same memory.

A value that Python had while it recorded is the value for ever; a tensor is the
memory that it had then. Work that would go wrong under a graph because of that
goes wrong here too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.engines.replays import Work

Operation = Callable[[], None]


class Tape:
    """Runs new work while it records its operations, and repeats the operations from then on."""

    def __init__(self) -> None:
        self.recorded = 0
        self.repeated = 0
        self._tapes: dict[Hashable, list[Operation]] = {}

    def run(self, key: Hashable, work: Work) -> None:
        if key not in self._tapes:
            with _Recorder() as recorder:
                work()
            self._tapes[key] = recorder.operations
            self.recorded += 1
            return
        for operation in self._tapes[key]:
            operation()
        self.repeated += 1

    def clear(self) -> None:
        self._tapes.clear()


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        read = {_memory(value) for value in tree_leaves((args, kwargs)) if _is_tensor(value)}
        made = [value for value in tree_leaves(result) if _is_tensor(value)]
        if func._schema.is_mutable:
            self.operations.append(lambda: func(*args, **kwargs))
        elif not all(_memory(value) in read for value in made):  # else a view, which is there
            self.operations.append(lambda: _again(func, args, kwargs, made))
        return result


def _again(func: Any, args: Any, kwargs: Any, made: list[Tensor]) -> None:
    new = [value for value in tree_leaves(func(*args, **kwargs)) if _is_tensor(value)]
    for old, value in zip(made, new, strict=True):
        old.copy_(value)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
