"""The engine for GPUs, run on the CPU: the same code but for the graphs themselves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from models.checkpoints import Checkpoint
from models.engines.cuda_graphs import CudaGraphsEngine
from models.engines.transformers import TransformersEngine, load_network
from models.errors import IncompatibleModel, InferenceFailed
from models.generation import GenerationSettings, Hypothesis
from models.networks.seq2seq_weights import build_static
from models.networks.static_seq2seq import StaticSeq2Seq
from models.networks.static_state import StaticState
from tests.models.conftest import CheckpointOf
from tests.models.endings import varied_end
from tests.models.engines.tape import Tape

GREEDY = (
    GenerationSettings(max_new_tokens=20),
    GenerationSettings(max_new_tokens=20, min_new_tokens=10, no_repeat_ngram=2),
    GenerationSettings(max_new_tokens=70, no_repeat_ngram=3),
    GenerationSettings(max_new_tokens=12, no_repeat_ngram=1, forced_bos_id=7),
    GenerationSettings(max_new_tokens=6, min_new_tokens=6, decoder_start_id=5),
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
    GenerationSettings(beams=2, max_new_tokens=12, length_penalty=-0.5, forced_bos_id=7),
)


def inputs(checkpoint: Checkpoint, count: int, seed: int = 0) -> list[list[int]]:
    chance = random.Random(seed)
    return [
        [chance.randrange(5, 300) for _ in range(chance.randrange(3, 100))] + [checkpoint.eos_id]
        for _ in range(count)
    ]


def written(answers: Sequence[Sequence[Hypothesis]]) -> list[list[tuple[tuple[int, ...], bool]]]:
    return [[(one.tokens, one.finished) for one in answer] for answer in answers]


@pytest.fixture(scope="module", params=["bart", "mbart", "pegasus", "t5", "mt5"])
def checkpoint(request: pytest.FixtureRequest, checkpoint_of: CheckpointOf) -> Checkpoint:
    return checkpoint_of(request.param)


@pytest.fixture(scope="module")
def reference(checkpoint: Checkpoint) -> TransformersEngine:
    return TransformersEngine(checkpoint)


@pytest.fixture(scope="module")
def engine(checkpoint: Checkpoint) -> CudaGraphsEngine:
    return CudaGraphsEngine(checkpoint, "fp32", "cpu", rows=4)


def test_greedy_tokens_are_those_of_transformers(
    checkpoint: Checkpoint, reference: TransformersEngine, engine: CudaGraphsEngine
) -> None:
    """With more than twice as many articles as slots, so that slots are filled again."""
    batch = inputs(checkpoint, 9)
    for settings in GREEDY:
        expected = written(reference.generate(batch, settings))
        assert written(engine.generate(batch, settings)) == expected


def test_articles_that_end_early_make_room(
    checkpoint: Checkpoint, reference: TransformersEngine
) -> None:
    batch, plain = inputs(checkpoint, 13), GenerationSettings(max_new_tokens=40)
    outputs = [answer[0].tokens for answer in reference.generate(batch, plain)]
    ending = replace(checkpoint, eos_id=varied_end(outputs))
    peer = TransformersEngine(ending)
    assert len({len(answer[0].tokens) for answer in peer.generate(batch, plain)}) > 1
    for settings in (plain, replace(plain, min_new_tokens=6), replace(plain, beams=3)):
        engine = CudaGraphsEngine(ending, "fp32", "cpu", rows=4 * settings.beams)
        assert written(engine.generate(batch, settings)) == written(peer.generate(batch, settings))


def test_beams_are_those_of_transformers(
    checkpoint: Checkpoint, reference: TransformersEngine
) -> None:
    batch = inputs(checkpoint, 7)
    engine = CudaGraphsEngine(checkpoint, "fp32", "cpu", rows=12)
    for settings in BEAM:
        expected, found = reference.generate(batch, settings), engine.generate(batch, settings)
        assert written(found) == written(expected)
        for answer, wanted in zip(found, expected, strict=True):
            assert [one.score for one in answer] == pytest.approx(
                [one.score for one in wanted], rel=1e-4, abs=1e-4
            )


def test_steps_that_were_recorded_read_everything_anew(
    checkpoint: Checkpoint, reference: TransformersEngine
) -> None:
    """As under CUDA graphs: other articles, limits and searches, the same recordings."""
    tape = Tape()
    engine = CudaGraphsEngine(checkpoint, "fp32", "cpu", rows=4, replays=tape)
    for settings in (GREEDY[0], replace(GREEDY[1], no_repeat_ngram=0), GREEDY[4], GREEDY[0]):
        batch = inputs(checkpoint, 6, seed=settings.min_new_tokens)
        expected = written(reference.generate(batch, settings))
        assert written(engine.generate(batch, settings)) == expected
    assert tape.repeated > tape.recorded
    tape = Tape()
    engine = CudaGraphsEngine(checkpoint, "fp32", "cpu", rows=12, replays=tape)
    for settings in (BEAM[2], replace(BEAM[1], no_repeat_ngram=0), replace(BEAM[0], beams=4)):
        batch = inputs(checkpoint, 5, seed=settings.min_new_tokens)
        expected = written(reference.generate(batch, settings))
        assert written(engine.generate(batch, settings)) == expected
    assert tape.repeated > tape.recorded


def test_a_forced_end_is_written(checkpoint: Checkpoint) -> None:
    forcing = replace(checkpoint, forced_eos_id=checkpoint.eos_id)
    batch, settings = inputs(checkpoint, 6, seed=4), GenerationSettings(max_new_tokens=9)
    expected = written(TransformersEngine(forcing).generate(batch, settings))
    assert written(CudaGraphsEngine(forcing, "fp32", "cpu").generate(batch, settings)) == expected
    assert any(len(answer[0][0]) == 8 and not answer[0][1] for answer in expected)


def test_alone_or_in_any_batch(checkpoint: Checkpoint, engine: CudaGraphsEngine) -> None:
    batch = inputs(checkpoint, 9, seed=1)
    together = engine.generate(batch, GREEDY[0])
    assert [engine.generate([one], GREEDY[0])[0] for one in batch] == together
    assert engine.generate(batch[::-1], GREEDY[0]) == together[::-1]
    assert engine.generate([], GREEDY[0]) == []


class Cramped(StaticSeq2Seq):
    """A network on a device with room for two slots."""

    room = 2
    refused = 0

    def new_state(self, slots: int, beams: int, tokens: int, positions: int) -> StaticState:
        if slots > self.room:
            self.refused += 1
            raise torch.OutOfMemoryError("no room")
        return super().new_state(slots, beams, tokens, positions)


def cramped(checkpoint: Checkpoint, room: int) -> tuple[CudaGraphsEngine, Cramped]:
    network = build_static(load_network(checkpoint, torch.float32), "fp32", "cpu")
    small = Cramped.__new__(Cramped)
    small.__dict__ |= network.__dict__ | {"room": room}
    return CudaGraphsEngine(checkpoint, "fp32", "cpu", rows=16, network=small), small


def test_out_of_memory_halves_the_slots_and_goes_on(
    checkpoint_of: CheckpointOf,
) -> None:
    checkpoint = checkpoint_of("bart")
    batch = inputs(checkpoint, 11, seed=2)
    expected = CudaGraphsEngine(checkpoint, "fp32", "cpu").generate(batch, GREEDY[0])
    engine, network = cramped(checkpoint, 2)
    assert engine.generate(batch, GREEDY[0]) == expected
    assert engine.rows == 2
    tried = network.refused
    assert engine.generate(batch, GREEDY[0]) == expected
    assert network.refused == tried  # the next call knows


def test_an_article_that_does_not_fit_alone_is_refused(checkpoint_of: CheckpointOf) -> None:
    engine, _ = cramped(checkpoint_of("bart"), 0)
    with pytest.raises(InferenceFailed, match="GPU memory"):
        engine.generate([[5, 6, 2]] * 3, GREEDY[0])


def test_memories_are_kept_from_call_to_call_and_grow_for_larger_batches(
    checkpoint_of: CheckpointOf,
) -> None:
    checkpoint = checkpoint_of("t5")
    engine = CudaGraphsEngine(checkpoint, "fp32", "cpu")
    assert engine.memory_bytes == 0
    engine.generate([[5, 6, 1]] * 3, GREEDY[0])
    first = engine.memory_bytes
    for count in (4, 1):
        engine.generate([[5, 6, 7, 1]] * count, GREEDY[1])
        assert engine.memory_bytes == first
    engine.generate([[5, 6, 1]] * 9, GREEDY[0])
    assert engine.memory_bytes > 2 * first


@pytest.mark.parametrize(
    ("article", "settings", "words"),
    [
        ([7] * 129, GREEDY[0], "128 positions"),
        ([7, 320], GREEDY[0], "320 tokens"),
        ([-1, 2], GREEDY[0], "320 tokens"),
        ([], GREEDY[0], "no tokens"),
        ([7, 2], GenerationSettings(max_new_tokens=129), "128 positions"),
    ],
)
def test_what_would_break_a_gpu_is_refused_before(
    checkpoint_of: CheckpointOf, article: list[int], settings: GenerationSettings, words: str
) -> None:
    engine = CudaGraphsEngine(checkpoint_of("bart"), "fp32", "cpu")
    with pytest.raises(InferenceFailed, match=words):
        engine.generate([[5, 2], article], settings)


def test_the_longest_articles_and_outputs_fit(checkpoint_of: CheckpointOf) -> None:
    checkpoint = checkpoint_of("bart")
    batch, settings = [[7] * 127 + [2]] * 2, GenerationSettings(max_new_tokens=127)
    expected = written(TransformersEngine(checkpoint).generate(batch, settings))
    found = CudaGraphsEngine(checkpoint, "fp32", "cpu").generate(batch, settings)
    assert written(found) == expected


@pytest.mark.parametrize(
    ("architecture", "precision", "words"),
    [("bart", "int8", "not int8"), ("t5", "fp16", "overflow"), ("pegasus", "fp16", "overflow")],
)
def test_precisions_that_it_does_not_run(
    checkpoint_of: CheckpointOf, architecture: str, precision: str, words: str
) -> None:
    with pytest.raises(IncompatibleModel, match=words):
        CudaGraphsEngine(checkpoint_of(architecture), precision, "cpu")


@pytest.mark.parametrize(("precision", "architecture"), [("bf16", "t5"), ("fp16", "bart")])
def test_half_precision_writes_mostly_what_fp32_writes(
    checkpoint_of: CheckpointOf, architecture: str, precision: str
) -> None:
    checkpoint = checkpoint_of(architecture)
    batch = inputs(checkpoint, 20, seed=3)
    exact = CudaGraphsEngine(checkpoint, "fp32", "cpu").generate(batch, GREEDY[0])
    found = CudaGraphsEngine(checkpoint, precision, "cpu").generate(batch, GREEDY[0])
    pairs = zip(found, exact, strict=True)
    same = sum(one[0].tokens[:2] == wanted[0].tokens[:2] for one, wanted in pairs)
    assert same > 0.4 * len(batch)  # of 320 tokens, by chance hardly one
