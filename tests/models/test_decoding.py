"""Beam search: bounds, order, and the best path of a network small enough to search in full."""

from __future__ import annotations

import itertools

import pytest
import torch

from models.decoding import MIN_ACTIONS, Decoded, decode
from models.networks.rewriter import END, RewriterNetwork, Source
from models.rewriter_input import Featuriser, RewriteInput, collate
from tests.models.tiny_rewriter import WRITTEN, tiny_network, tiny_tokenizer

SENTENCES = ["Ana sold it to Li.", "The bridge over the creek was closed on Tuesday, she said."]


@pytest.fixture
def network() -> RewriterNetwork:
    return tiny_network(scale=0.25)


def source_of(*sentences: str) -> Source:
    return collate(Featuriser(tiny_tokenizer()).features([RewriteInput(s) for s in sentences]))


def test_limits_bound_the_actions(network: RewriterNetwork) -> None:
    for limits in ([3, 5], [6, 4]):
        for limit, found in zip(limits, decode(network, source_of(*SENTENCES), limits, 3),
                                strict=True):  # fmt: skip
            assert found
            assert all(MIN_ACTIONS <= len(one.actions) <= limit for one in found)


def test_hypotheses_are_distinct_and_in_order(network: RewriterNetwork) -> None:
    for found in decode(network, source_of(*SENTENCES), [8, 8], 4):
        assert len({one.actions for one in found}) == len(found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert all(END not in one.actions for one in found)
        assert all(len(one.log_probabilities) == len(one.actions) + 1 for one in found)


def test_no_place_is_copied_twice(network: RewriterNetwork) -> None:
    for found in decode(network, source_of(*SENTENCES), [9, 9], 4):
        for one in found:
            copied = [action for action in one.actions if action > len(WRITTEN)]
            assert len(set(copied)) == len(copied)


def test_a_wide_beam_finds_the_best_of_all_paths(network: RewriterNetwork) -> None:
    source = source_of("Ana fell")
    memory = network.encode(source)
    size = len(WRITTEN) + 1
    slots = [size + i for i in range(memory.copyable.shape[1]) if memory.copyable[0, i]]
    choices = [*range(1, size), *slots]
    best: tuple[float, tuple[int, ...]] = (float("-inf"), ())
    with torch.inference_mode():
        for path in itertools.product(choices, repeat=MIN_ACTIONS):
            actions = torch.tensor([[*path, END]])
            if len({a for a in path if a >= size}) < sum(a >= size for a in path):
                continue
            scores, _ = network(source, actions)
            total = scores.log_softmax(-1)[0].gather(1, actions.T).sum().item()
            best = max(best, (total, path))
    (found,) = decode(network, source, [MIN_ACTIONS], 80)
    assert found[0].actions == best[1]
    assert sum(found[0].log_probabilities) == pytest.approx(best[0], abs=1e-3)


def test_the_score_is_the_length_normalised_log_probability() -> None:
    assert Decoded((5,), (-1.0, -1.0)).score == pytest.approx(-2 / 2**0.9)
