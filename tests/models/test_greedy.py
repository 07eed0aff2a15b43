"""Drafted greedy decoding: action for action what one step after the other gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from models.decoding import MIN_ACTIONS, decode
from models.greedy import AHEAD, decode_greedily
from models.networks.rewriter import RewriterNetwork, Source
from models.rewriter_input import Featuriser, RewriteInput, collate
from tests.models.tiny_rewriter import tiny_network, tiny_tokenizer

SENTENCES = [
    "Ana sold it to Li.",
    "The bridge over the creek was closed on Tuesday, she said, because of a crack in a pier.",
    "It rained.",
    'The mayor said: "Nobody was hurt", and thanked the crews who had worked through the night.',
    "Ana fell",
]


def source_of(*sentences: str) -> Source:
    inputs = [RewriteInput(sentence, "They met.", "A lead.") for sentence in sentences]
    return collate(Featuriser(tiny_tokenizer()).features(inputs), multiple=16)


def copying_network(seed: int) -> RewriterNetwork:
    """A network that likes to go on where it copied last, so that drafts hold for a while."""
    network = tiny_network(seed, scale=0.15)
    with torch.no_grad():
        network.offset.bias[network.config.max_offset].add_(8.0)
        network.written_bias.sub_(4.0)
    return network


@pytest.mark.parametrize("make", [tiny_network, copying_network], ids=["any", "copying"])
@pytest.mark.parametrize("seed", range(4))
def test_the_actions_are_those_of_plain_greedy_search(
    make: Callable[[int], RewriterNetwork], seed: int
) -> None:
    network = make(seed)
    limits = [5, 40, 3, 25, 12]
    with torch.inference_mode():
        memory = network.encode(source_of(*SENTENCES))
    drafted = decode_greedily(network, memory, limits)
    plain = decode(network, source_of(*SENTENCES), limits, 1)
    for one, (other,) in zip(drafted, plain, strict=True):
        assert one.actions == other.actions
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-4)


def test_drafts_save_passes() -> None:
    network = copying_network(0)
    passes: list[int] = []
    network.decoder[0].register_forward_hook(lambda *_: passes.append(1))
    with torch.inference_mode():
        memory = network.encode(source_of(SENTENCES[1]))
    (found,) = decode_greedily(network, memory, [20])
    assert len(found.actions) == 20
    assert len(passes) <= 1 + 20 // AHEAD


def test_limits_bound_the_actions() -> None:
    for seed in range(3):
        network = tiny_network(seed)
        limits = [MIN_ACTIONS, 4, 5, 9, 17]
        with torch.inference_mode():
            memory = network.encode(source_of(*SENTENCES))
        for limit, found in zip(limits, decode_greedily(network, memory, limits), strict=True):
            assert MIN_ACTIONS <= len(found.actions) <= limit
            assert len(found.log_probabilities) == len(found.actions) + 1


def test_no_sources_are_no_work() -> None:
    network = tiny_network()
    with torch.inference_mode():
        memory = network.encode(source_of("Ana fell"))
        none = torch.zeros(0, dtype=torch.int64)
        memory = memory.keep_rows(none, none, 0)
    assert decode_greedily(network, memory, []) == []
