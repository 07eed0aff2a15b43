"""What tells a device ahead; the graphs themselves where there is a GPU."""

from __future__ import annotations

import pytest
import torch

from models.engines.cuda_graphs import CudaGraphsEngine
from models.engines.replays import Direct, Graphs, Snapshots, upload
from models.engines.transformers import TransformersEngine
from models.generation import GenerationSettings
from tests.models.conftest import CheckpointOf

on_a_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no CUDA device"
)


def test_direct_work_is_done_at_once_each_time() -> None:
    done: list[int] = []
    replays = Direct()
    for _ in range(3):
        replays.run("key", lambda: done.append(len(done)))
    replays.clear()
    assert done == [0, 1, 2]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_a_gpu)])
def test_a_snapshot_is_of_its_moment(device: str) -> None:
    numbers, flags = upload(torch.arange(4), device), torch.zeros(2, device=device)
    snapshots = Snapshots((numbers, flags), depth=2)
    first = snapshots.take()
    numbers += 10
    flags += 1
    second = snapshots.take()
    numbers += 10
    assert [copy.tolist() for copy in first.wait()] == [[0, 1, 2, 3], [0, 0]]
    assert [copy.tolist() for copy in second.wait()] == [[10, 11, 12, 13], [1, 1]]
    assert {copy.device.type for copy in second.wait()} == {"cpu"}


@on_a_gpu
@torch.inference_mode()
def test_a_graph_does_its_work_once_a_run() -> None:
    total = torch.zeros(8, device="cuda")
    replays = Graphs()

    def one() -> None:
        total.add_(1)

    def ten() -> None:
        total.add_(torch.full_like(total, 10))

    for _ in range(5):
        replays.run("one", one)
        replays.run("ten", ten)
    assert total.tolist() == [55.0] * 8
    replays.clear()
    replays.run("one", one)
    assert total.tolist() == [56.0] * 8


@on_a_gpu
@torch.inference_mode()
def test_the_oldest_graph_goes_first() -> None:
    total = torch.zeros(1, device="cuda")
    replays = Graphs()

    def one() -> None:
        total.add_(1)

    for key in [*range(70), 0, 69]:
        replays.run(key, one)
    assert total.item() == 72.0


@on_a_gpu
@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("architecture", ["bart", "mbart", "pegasus", "t5", "mt5"])
def test_the_engine_writes_on_a_gpu_what_transformers_writes(
    checkpoint_of: CheckpointOf, architecture: str, beams: int
) -> None:
    checkpoint = checkpoint_of(architecture)
    batch = [
        [5 + (7 * at + 3 * row) % 290 for at in range(3 + 5 * row)] + [checkpoint.eos_id]
        for row in range(18)
    ]
    settings = GenerationSettings(beams=beams, max_new_tokens=20, no_repeat_ngram=3)
    expected = TransformersEngine(checkpoint).generate(batch, settings)
    engine = CudaGraphsEngine(checkpoint, "fp32", "cuda", rows=4 * beams)
    for _ in range(2):  # recorded, then replayed
        found = engine.generate(batch, settings)
        assert [[one.tokens for one in answer] for answer in found] == [
            [one.tokens for one in answer] for answer in expected
        ]
