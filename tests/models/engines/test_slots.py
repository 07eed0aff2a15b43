"""How slots are filled, emptied and filled again, seen in what is launched."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import pytest
import torch

from models.checkpoints import Checkpoint
from models.engines.replays import Direct, Work
from models.engines.search import Constraints
from models.engines.slots import Needs, Slots
from models.generation import GenerationSettings, Hypothesis
from models.networks.seq2seq_weights import build_static
from models.networks.static_seq2seq import StaticSeq2Seq
from models.networks.static_state import Corner
from tests.models.conftest import CheckpointOf
from tests.models.endings import varied_end
from tests.models.tiny_checkpoints import tiny_network


class Recorded(Direct):
    """Runs work as it comes and remembers what was launched."""

    def __init__(self) -> None:
        self.corners: list[Corner] = []

    def run(self, key: Hashable, work: Work) -> None:
        assert isinstance(key, tuple)
        self.corners.append(key[0])
        super().run(key, work)


@pytest.fixture(scope="module")
def network() -> StaticSeq2Seq:
    return build_static(tiny_network("bart"), "fp32", "cpu")


@pytest.fixture(scope="module")
def checkpoint(checkpoint_of: CheckpointOf) -> Checkpoint:
    return checkpoint_of("bart")


@pytest.fixture(scope="module")
def ending(network: StaticSeq2Seq, checkpoint: Checkpoint) -> Checkpoint:
    """The same with an end token that comes at many places."""
    outputs, _ = run(network, checkpoint, articles(24), GenerationSettings(max_new_tokens=100))
    return replace(checkpoint, eos_id=varied_end([answer[0].tokens for answer in outputs]))


@torch.inference_mode()
def run(
    network: StaticSeq2Seq,
    checkpoint: Checkpoint,
    batch: list[list[int]],
    settings: GenerationSettings,
    *,
    rows: int = 4,
    steps: int = 4,
) -> tuple[list[list[Hypothesis]], list[Corner]]:
    replays = Recorded()
    results: list[list[Hypothesis]] = [[] for _ in batch]
    slots = Slots(network, replays, Needs.of(batch, settings, rows), steps)
    slots.run(range(len(batch)), batch, Constraints.of(checkpoint, settings), results)
    return results, replays.corners


def articles(count: int, length: int = 9) -> list[list[int]]:
    return [[5 + (11 * row + at) % 300 for at in range(length)] + [2] for row in range(count)]


def test_nothing_is_launched_in_vain_where_all_lengths_are_known(
    network: StaticSeq2Seq, checkpoint: Checkpoint
) -> None:
    """The host does not wait to see the end of what cannot but have ended."""
    settings = GenerationSettings(min_new_tokens=8, max_new_tokens=8)
    results, corners = run(network, checkpoint, articles(8), settings)
    assert len(corners) == 4  # two rounds of eight steps, four a launch
    assert all(len(answer) == 1 for answer in results)


def test_articles_that_end_make_room_for_others(network: StaticSeq2Seq, ending: Checkpoint) -> None:
    settings = GenerationSettings(max_new_tokens=100)
    batch = articles(24)
    results, corners = run(network, ending, batch, settings)
    lengths = [len(answer[0].tokens) for answer in results]
    assert min(lengths) < 20
    assert max(lengths) > 60
    in_turns = sum(max(lengths[at : at + 4]) for at in range(0, 24, 4))
    assert 4 * len(corners) < in_turns


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_the_number_of_steps_a_launch_changes_no_output(
    network: StaticSeq2Seq, ending: Checkpoint, steps: int
) -> None:
    batch, settings = articles(7), GenerationSettings(max_new_tokens=30)
    expected, few = run(network, ending, batch, settings, steps=4)
    found, corners = run(network, ending, batch, settings, steps=steps)
    assert found == expected
    assert steps > 1 or len(corners) > len(few)


def test_a_step_looks_at_no_more_than_there_is(
    network: StaticSeq2Seq, checkpoint: Checkpoint, ending: Checkpoint
) -> None:
    """Rows close ranks as they become few; tokens and positions grow with what is read."""
    settings = GenerationSettings(max_new_tokens=100)
    _, corners = run(network, ending, articles(16), settings, rows=16)
    counts = [corner.articles for corner in corners]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 16
    assert counts[-1] < 8
    positions = [corner.positions for corner in corners]
    assert positions == sorted(positions)
    assert set(positions) == {64, 128}
    mixed = articles(2, length=100) + articles(2, length=10)
    settings = GenerationSettings(min_new_tokens=4, max_new_tokens=4)
    _, corners = run(network, checkpoint, mixed, settings, rows=2)
    assert [corner.tokens for corner in corners] == [128, 64]


def test_needs_are_rounded_and_joined() -> None:
    def needs(count: int, length: int, **settings: Any) -> Needs:
        return Needs.of(articles(count, length), GenerationSettings(**settings), 128)

    small, large = needs(3, 20, max_new_tokens=30), needs(70, 300, max_new_tokens=65)
    assert small == Needs(beams=1, slots=4, tokens=64, positions=64)
    assert large == Needs(beams=1, slots=128, tokens=320, positions=128)
    assert large.cover(small)
    assert not small.cover(large)
    wide = needs(1, 400, max_new_tokens=30)
    assert wide.joined(large) == Needs(beams=1, slots=128, tokens=448, positions=128)
    beams = needs(70, 20, beams=4, max_new_tokens=30)
    assert beams.slots == 32
    assert not large.cover(beams)
    assert beams.joined(large) == beams
