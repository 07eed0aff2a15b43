from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import torch

from models.networks.compiled import CompiledSeq2Seq
from models.networks.seq2seq_layers import relative_buckets
from models.networks.seq2seq_weights import build
from tests.models.tiny_checkpoints import tiny_network

ARCHITECTURES = ("bart", "mbart", "pegasus", "t5", "mt5")
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ARCHITECTURES),
    ("bart", {"scale_embedding": True, "activation_function": "relu", "encoder_layers": 3}),
    ("t5", {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "d_kv": 6}),
]


def articles(count: int = 4) -> list[list[int]]:
    chance = random.Random(0)
    return [[chance.randrange(3, 300) for _ in range(length)] for length in (70, 5, 31, 1)[:count]]


def close(found: torch.Tensor, wanted: torch.Tensor, error: float) -> bool:
    return bool((found - wanted).norm() < error * wanted.norm())


@pytest.mark.parametrize(("name", "changes"), VARIANTS)
@pytest.mark.parametrize(
    ("precision", "error"),
    [("fp32", 1e-5), ("bf16", 0.15), ("int8", 0.35), ("int8 in kernels", 0.35)],
)
@torch.inference_mode()
def test_hidden_states_and_logits_are_those_of_transformers(
    name: str,
    changes: dict[str, Any],
    precision: str,
    error: float,
    request: pytest.FixtureRequest,
) -> None:
    reference = tiny_network(name, **changes)
    kernels = request.getfixturevalue("kernels") if "kernels" in precision else None
    network: Any = build(copy.deepcopy(reference), precision.split()[0], kernels)
    assert isinstance(network, CompiledSeq2Seq) == (kernels is not None)
    batch = articles()
    hidden = network.encode(batch)
    outputs = torch.tensor(
        [[2, 40, 41, 42, 43], [2, 7, 7, 300, 9], [0, 9, 8, 7, 6], [1, 2, 3, 4, 5]]
    )
    state = network.new_state(4, 1, 8, 70)
    start = 0
    for article in batch:
        wanted = reference.get_encoder()(torch.tensor([article])).last_hidden_state[0]
        own = hidden[start : start + len(article)]
        assert close(own, wanted, error)
        network.remember(own, state)
        start += len(article)
    first = network.logits(network.step(outputs[:, :2], state)).view(4, 2, -1)
    state.advance(2)
    then = network.logits(network.step(outputs[:, 2:], state)).view(4, 3, -1)
    for row, article in enumerate(batch):
        wanted = reference(
            input_ids=torch.tensor([article]), decoder_input_ids=outputs[row : row + 1]
        ).logits[0]
        assert close(torch.cat([first[row], then[row]]), wanted, 2 * error)


@pytest.fixture(scope="module", params=["fp32", "int8 in kernels"])
def network(request: pytest.FixtureRequest) -> Any:
    kernels = request.getfixturevalue("kernels") if "kernels" in request.param else None
    return build(tiny_network("bart"), request.param.split()[0], kernels)


@torch.inference_mode()
def test_rows_may_stand_at_different_places_and_slots_move(network: Any) -> None:
    batch = articles(3)
    hidden = [network.encode([article]) for article in batch]
    tokens = torch.tensor([[2, 11, 12], [2, 21, 22], [2, 31, 32]])

    def alone(row: int) -> torch.Tensor:
        state = network.new_state(1, 1, 4, 70)
        network.remember(hidden[row], state)
        last: torch.Tensor = network.step(tokens[row : row + 1], state)[-1]
        return last

    state = network.new_state(3, 1, 4, 70)
    network.remember(hidden[0], state)
    network.step(tokens[:1, :1], state)
    state.advance(1)
    network.remember(hidden[1], state)
    network.step(torch.tensor([[11], [2]]), state)
    state.advance(1)
    network.remember(hidden[2], state)
    network.step(torch.tensor([[12, 5], [21, 22], [2, 31]]), state)
    state.advance(torch.tensor([1, 2, 2]))
    assert state.remove(0) == 2
    state.advance(torch.tensor([0, -1]))  # the second reads its last token again
    last = network.step(torch.tensor([[32], [22]]), state)
    assert torch.allclose(last[1], alone(1), atol=1e-5)
    assert torch.allclose(last[0], alone(2), atol=1e-5)


@torch.inference_mode()
def test_beams_share_an_article_and_continue_each_other(network: Any) -> None:
    hidden = network.encode(articles(1))
    state = network.new_state(1, 3, 4, 70)
    network.remember(hidden, state)
    network.step(torch.tensor([[2], [2], [2]]), state)
    state.advance(1)
    network.step(torch.tensor([[10], [20], [30]]), state)
    state.advance(1)
    state.reorder(torch.tensor([2, 2, 0]))
    found = network.step(torch.tensor([[5], [6], [7]]), state)
    for row, tokens in enumerate(([2, 30, 5], [2, 30, 6], [2, 10, 7])):
        single = network.new_state(1, 1, 4, 70)
        network.remember(hidden, single)
        wanted = network.step(torch.tensor([tokens]), single)[-1]
        assert torch.allclose(found[row], wanted, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_relative_buckets_are_those_of_t5(bidirectional: bool) -> None:
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(-300, 300)
    wanted = T5Attention._relative_position_bucket(distance, bidirectional, 32, 128)
    assert torch.equal(relative_buckets(distance, 32, 128, bidirectional), wanted)
