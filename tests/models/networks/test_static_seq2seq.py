"""What can be known about a step on a GPU without one.

Tensors without contents stand for those of a device: whatever would have to
look into one (to branch, to size a result, to index from the host) fails
there, as it would while a CUDA graph is recorded.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.engines.device_beams import BeamBoard
from models.engines.device_search import Board, GreedyBoard, Limits
from models.engines.search import Constraints
from models.generation import GenerationSettings
from models.networks.seq2seq_weights import build_static
from models.networks.static_state import Corner
from tests.models.tiny_checkpoints import tiny_network

DEVICE = "meta"
ARCHITECTURES = ("bart", "mbart", "pegasus", "t5", "mt5")


class OneDevice(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Fails at an operation that reads or makes a tensor anywhere but on the device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves((args, kwargs, result)):
            if isinstance(value, Tensor):
                assert value.device.type == DEVICE, f"{func} has a tensor on {value.device}"
        self.operations += 1
        return result


def test_the_check_itself_finds_what_would_wait_or_mix() -> None:
    with FakeTensorMode(), torch.no_grad():
        x = torch.zeros(4, 8, device=DEVICE)
        with pytest.raises(DataDependentOutputException):
            x.sum().item()
        with pytest.raises(DataDependentOutputException):
            bool(x.any())
        with pytest.raises(DynamicOutputShapeException):
            x[x > 0]
        places = torch.zeros(2, dtype=torch.long)
        with OneDevice(), pytest.raises(AssertionError, match="on cpu"):
            x[places]
        with OneDevice(), pytest.raises(AssertionError, match="on cpu"):
            x.cpu()


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_step_asks_the_device_nothing(architecture: str, beams: int) -> None:
    network = build_static(tiny_network(architecture), "bf16", DEVICE)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():  # parts of operators too
        limits = Limits(64, DEVICE)
        settings = GenerationSettings(beams=beams, no_repeat_ngram=3)
        limits.set(Constraints(2, 1, None, None, settings))
        state = network.new_state(slots=4, beams=beams, tokens=64, positions=64)
        board: Board = GreedyBoard(limits, 4, 64, DEVICE)
        if beams > 1:
            board = BeamBoard(limits, 4, beams, 64, DEVICE)
        slots = torch.tensor([3, 0]).to(DEVICE)
        ids = torch.zeros(2, 48, dtype=torch.long).to(DEVICE)
        lengths = torch.tensor([48, 9]).to(DEVICE)
        with OneDevice() as seen:
            network.admit(ids, lengths, slots, state)
            board.admit(slots)
            board.step(network, state, Corner(articles=4, tokens=64, positions=64))
            state.move(slots)
            board.move(slots)
            board.step(network, state, Corner(articles=2, tokens=48, positions=8))
    assert seen.operations > 100
