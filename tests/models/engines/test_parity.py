"""Every engine writes what transformers in fp32 writes, alone and in a batch."""

from __future__ import annotations

import ctypes
import random
from pathlib import Path

import pytest
import torch

from models.checkpoints import Checkpoint
from models.engines.base import Engine
from models.engines.ctranslate2 import CTranslate2Engine
from models.engines.native import NativeEngine
from models.engines.transformers import TransformersEngine
from models.generation import GenerationSettings, Hypothesis
from tests.models.conftest import CheckpointOf

ARCHITECTURES = ("bart", "mbart", "pegasus", "t5", "mt5")

GREEDY = (
    GenerationSettings(max_new_tokens=20),
    GenerationSettings(max_new_tokens=20, min_new_tokens=10, no_repeat_ngram=2),
    GenerationSettings(max_new_tokens=1),
)
BEAM = (
    GenerationSettings(beams=3, hypotheses=2, max_new_tokens=20, length_penalty=2.0),
    GenerationSettings(
        beams=4,
        hypotheses=4,
        max_new_tokens=25,
        min_new_tokens=5,
        length_penalty=0.5,
        early_stopping=True,
        no_repeat_ngram=3,
    ),
    GenerationSettings(
        beams=4, hypotheses=3, max_new_tokens=25, length_penalty=1.5, early_stopping="never"
    ),
    GenerationSettings(beams=2, max_new_tokens=12, length_penalty=-0.5),
)


def inputs(checkpoint: Checkpoint, count: int = 12, seed: int = 0) -> list[list[int]]:
    chance = random.Random(seed)
    return [
        [chance.randrange(5, 300) for _ in range(chance.randrange(3, 100))] + [checkpoint.eos_id]
        for _ in range(count)
    ]


def tokens(answers: list[list[Hypothesis]]) -> list[list[tuple[int, ...]]]:
    return [[hypothesis.tokens for hypothesis in answer] for answer in answers]


@pytest.fixture(params=ARCHITECTURES)
def checkpoint(request: pytest.FixtureRequest, checkpoint_of: CheckpointOf) -> Checkpoint:
    return checkpoint_of(request.param)


def test_the_random_networks_write_different_things_of_different_lengths(
    checkpoint_of: CheckpointOf,
) -> None:
    lengths = set()
    for architecture in ARCHITECTURES:
        checkpoint = checkpoint_of(architecture)
        answers = TransformersEngine(checkpoint).generate(inputs(checkpoint), GREEDY[0])
        assert len({answer[0].tokens for answer in answers}) > 3
        lengths |= {len(answer[0].tokens) for answer in answers}
    assert len(lengths) > 5


def test_greedy_tokens_are_equal(checkpoint: Checkpoint, cache_dir: Path) -> None:
    reference = TransformersEngine(checkpoint)
    native = NativeEngine(checkpoint, "fp32")
    converted = CTranslate2Engine(checkpoint, cache_dir, "fp32")
    batch = inputs(checkpoint)
    for settings in GREEDY:
        expected = reference.generate(batch, settings)
        assert tokens(native.generate(batch, settings)) == tokens(expected)
        assert tokens(converted.generate(batch, settings)) == tokens(expected)
        for answer, wanted in zip(native.generate(batch, settings), expected, strict=True):
            assert answer[0].finished == wanted[0].finished


def test_native_beams_are_those_of_transformers(checkpoint: Checkpoint) -> None:
    reference, native = TransformersEngine(checkpoint), NativeEngine(checkpoint, "fp32")
    batch = inputs(checkpoint)
    for settings in BEAM:
        expected, found = reference.generate(batch, settings), native.generate(batch, settings)
        assert tokens(found) == tokens(expected)
        for answer, wanted in zip(found, expected, strict=True):
            assert [one.score for one in answer] == pytest.approx(
                [one.score for one in wanted], rel=1e-4, abs=1e-4
            )


def test_a_batch_equals_its_singles(checkpoint: Checkpoint, cache_dir: Path) -> None:
    batch = inputs(checkpoint, count=40, seed=1)
    engines: list[Engine] = [
        TransformersEngine(checkpoint),
        CTranslate2Engine(checkpoint, cache_dir, "fp32"),
        NativeEngine(checkpoint, "fp32"),
        NativeEngine(checkpoint, "int8"),
    ]
    for engine in engines:
        for settings in (GREEDY[0], BEAM[0]):
            together = tokens(engine.generate(batch, settings))
            assert together[:6] == [
                tokens(engine.generate([one], settings))[0] for one in batch[:6]
            ]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_equals_its_singles_in_kernels(
    checkpoint: Checkpoint, kernels: ctypes.CDLL, threads: int
) -> None:
    batch = inputs(checkpoint, count=40, seed=1)
    engine = NativeEngine(checkpoint, "int8", kernels=kernels)
    before = torch.get_num_threads()
    try:
        for settings in (GREEDY[1], BEAM[1]):
            torch.set_num_threads(threads)
            together = engine.generate(batch, settings)
            torch.set_num_threads(1)
            alone = [engine.generate([one], settings)[0] for one in batch[:8]]
            assert together[:8] == alone
    finally:
        torch.set_num_threads(before)


def test_int8_writes_mostly_what_fp32_writes(checkpoint: Checkpoint, kernels: ctypes.CDLL) -> None:
    """Next tokens of random networks lie close together; the first few tell if all is in order."""
    batch = inputs(checkpoint, count=40, seed=3)
    exact = NativeEngine(checkpoint, "fp32").generate(batch, GREEDY[0])
    for found in (
        NativeEngine(checkpoint, "int8").generate(batch, GREEDY[0]),
        NativeEngine(checkpoint, "int8", kernels=kernels).generate(batch, GREEDY[0]),
    ):
        pairs = zip(found, exact, strict=True)
        same = sum(one[0].tokens[:2] == wanted[0].tokens[:2] for one, wanted in pairs)
        assert same > 0.4 * len(batch)  # of 320 tokens, by chance hardly one


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_order_of_the_batch_does_not_matter(
    checkpoint: Checkpoint, kernels: ctypes.CDLL, precision: str
) -> None:
    engine = NativeEngine(checkpoint, precision, kernels=kernels)
    batch = inputs(checkpoint, count=70, seed=2)
    forwards = tokens(engine.generate(batch, GREEDY[0]))
    assert tokens(engine.generate(batch[::-1], GREEDY[0])) == forwards[::-1]


def test_nothing_in_nothing_out(checkpoint: Checkpoint) -> None:
    assert NativeEngine(checkpoint, "fp32").generate([], GREEDY[0]) == []
