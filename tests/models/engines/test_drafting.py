"""Drafts from the article change how fast greedy search is, never what it writes."""

from __future__ import annotations

import random

import pytest

from eval.shapes import make_copier
from models.checkpoints import Checkpoint, read_checkpoint
from models.engines.drafting import DRAFT_TOKENS, Draft, DraftingSwitch, SourceIndex
from models.engines.native import NativeEngine
from models.engines.transformers import TransformersEngine
from models.generation import GenerationSettings
from tests.models.tiny_checkpoints import byte_level_tokenizer, tiny_network

SOURCE = [1, 2, 3, 4, 5, 9, 2, 3, 7, 8, 6]


def test_the_longest_match_is_followed() -> None:
    index = SourceIndex(SOURCE)
    assert index.draft([0, 2, 3], None, 3) == Draft((4, 5, 9), 3)
    assert index.draft([0, 9, 2, 3], None, 3) == Draft((7, 8, 6), 8)
    assert index.draft([9, 9], None, 3) is None
    assert index.draft([3], None, 3) is None


def test_the_place_where_the_last_draft_left_off_is_preferred() -> None:
    assert SourceIndex(SOURCE).draft([0, 2, 3], 8, 2) == Draft((7, 8), 8)


def test_a_draft_ends_with_the_source() -> None:
    assert SourceIndex(SOURCE).draft([7, 8], None, 5) == Draft((6,), 10)
    assert SourceIndex(SOURCE).draft([8, 6], None, 5) is None


def test_the_switch_turns_drafts_off_where_they_do_not_pay_and_tries_again() -> None:
    switch = DraftingSwitch()
    switch.saw_plain(1.0)
    for _ in range(12):
        assert switch.wants_draft()
        switch.saw_drafted(1.5, 1.1)
    pause = 0
    while not switch.wants_draft():
        pause += 1
    assert pause > 10
    for _ in range(30):
        switch.saw_drafted(1.5, 4.0)
        assert switch.wants_draft()


@pytest.fixture(scope="module")
def copier(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A BART that copies runs of six tokens."""
    directory = tmp_path_factory.mktemp("copier")
    network = tiny_network("bart", d_model=256, encoder_layers=1, decoder_layers=2)
    make_copier(network, 6)
    network.save_pretrained(directory)
    byte_level_tokenizer().save_pretrained(directory)
    return read_checkpoint(directory)


def articles(count: int, chance: random.Random) -> list[list[int]]:
    return [
        [*(chance.randrange(5, 300) for _ in range(chance.randrange(90, 120))), 2]
        for _ in range(count)
    ]


@pytest.mark.parametrize("batch", [1, 5, 40])
@pytest.mark.parametrize(
    "settings",
    [
        GenerationSettings(max_new_tokens=40, min_new_tokens=40),
        GenerationSettings(max_new_tokens=25, no_repeat_ngram=3),
    ],
)
def test_drafted_tokens_are_those_of_transformers(
    copier: Checkpoint, batch: int, settings: GenerationSettings
) -> None:
    inputs = articles(batch, random.Random(batch))
    plain = NativeEngine(copier, "fp32", drafting=False)
    drafted = NativeEngine(copier, "fp32")
    expected = TransformersEngine(copier).generate(inputs, settings)
    assert drafted.generate(inputs, settings) == expected
    assert plain.generate(inputs, settings) == expected
    copied = sum(token in inputs[0] for token in expected[0][0].tokens)
    assert copied > 0.9 * len(expected[0][0].tokens)


def test_drafts_are_accepted_and_save_steps(copier: Checkpoint) -> None:
    settings = GenerationSettings(max_new_tokens=40, min_new_tokens=40)
    inputs = articles(1, random.Random(3))
    plain = NativeEngine(copier, "fp32", drafting=False)
    drafted = NativeEngine(copier, "fp32")
    assert drafted.generate(inputs, settings) == plain.generate(inputs, settings)
    assert drafted.counters.accepted > 10
    assert drafted.counters.steps < 0.8 * plain.counters.steps
    assert drafted.counters.tokens == plain.counters.tokens == 40


def test_a_draft_never_passes_the_token_limit(copier: Checkpoint) -> None:
    inputs = articles(3, random.Random(4))
    for most in range(1, 2 * DRAFT_TOKENS):
        answers = NativeEngine(copier, "fp32").generate(
            inputs, GenerationSettings(max_new_tokens=most, min_new_tokens=most)
        )
        assert all(len(answer[0].tokens) <= most for answer in answers)


@pytest.mark.parametrize("compiled", [False, True])
def test_int8_drafts_change_nothing_either(
    copier: Checkpoint, compiled: bool, request: pytest.FixtureRequest
) -> None:
    kernels = request.getfixturevalue("kernels") if compiled else None
    settings = GenerationSettings(max_new_tokens=40, min_new_tokens=40)
    inputs = articles(6, random.Random(5))
    engine = NativeEngine(copier, "int8", kernels=kernels)
    plain = NativeEngine(copier, "int8", drafting=False, kernels=kernels)
    assert engine.generate(inputs, settings) == plain.generate(inputs, settings)
    assert engine.counters.accepted > 0
