from __future__ import annotations

import ctypes

import pytest
import torch

from models.engines.native import NativeEngine, best_tokens
from models.errors import IncompatibleModel
from models.generation import GenerationSettings
from tests.models.conftest import CheckpointOf


@pytest.mark.parametrize(("vocabulary", "count"), [(50, 8), (64 * 40, 8), (64 * 40 + 17, 4)])
def test_best_tokens_are_those_of_topk(vocabulary: int, count: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, vocabulary)
    logits[1, -1] = 9.0
    logits[2, 100 % vocabulary : 100 % vocabulary + 6] = torch.arange(6.0) + 5
    logits[3, 7:] = -torch.inf
    values, tokens = best_tokens(logits, count)
    wanted = torch.topk(logits, count, dim=-1)
    assert torch.equal(values, wanted.values)
    finite = torch.isfinite(values)
    assert torch.equal(tokens[finite], wanted.indices[finite])


def test_unknown_precisions_are_refused(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(IncompatibleModel, match="fp16"):
        NativeEngine(checkpoint_of("bart"), "fp16")


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_memories_are_kept_from_call_to_call(
    checkpoint_of: CheckpointOf, kernels: ctypes.CDLL, precision: str
) -> None:
    """The same memories serve every batch that fits them, so memory does not grow."""
    checkpoint = checkpoint_of("bart")
    engine = NativeEngine(checkpoint, precision, kernels=kernels)
    settings = GenerationSettings(max_new_tokens=5)
    engine.generate([[5, 6, 2]] * 3, settings)
    first = engine.memory_bytes
    assert first > 0
    for count in (1, 2, 3):
        engine.generate([[5, 6, 7, 2]] * count, settings)
        assert engine.memory_bytes == first
    engine.generate([[5, 6, 2]] * 40, settings)
    assert engine.memory_bytes > first
