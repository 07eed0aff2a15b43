"""The rewriter's network: shapes, teacher forcing equal to stepping, masks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from models.networks.rewriter import (
    END,
    IGNORE,
    RewriterConfig,
    RewriterNetwork,
    Source,
    rewriter_loss,
    trace,
)
from models.networks.rewriter_layers import TiledLinear, tiles

CONFIG = RewriterConfig(
    width=16,
    heads=2,
    inner=32,
    encoder_layers=2,
    frozen_layers=1,
    decoder_layers=2,
    vocabulary=50,
    max_pieces=32,
    written_words=7,
    max_steps=10,
    max_offset=4,
)
WRITTEN = CONFIG.written_words


@pytest.fixture
def network() -> RewriterNetwork:
    torch.manual_seed(0)
    network = RewriterNetwork(CONFIG).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


def source(pieces: int = 9, slots: int = 6, padding: int = 0) -> Source:
    """One source whose slots are every other piece, with some padding behind."""
    mask = torch.arange(pieces + padding)[None] < pieces
    slot_mask = torch.arange(slots + padding)[None] < slots
    places = torch.where(slot_mask, torch.arange(slots + padding) * 3 // 2, 0)
    copyable = slot_mask & (torch.arange(slots + padding) > 0)
    ids = torch.where(mask, torch.arange(pieces + padding) + 3, 0)
    zero = torch.zeros(1, dtype=torch.int64)
    return Source(ids, mask, torch.ones_like(ids), zero, zero, places, slot_mask, copyable, zero)


ACTIONS = torch.tensor([[WRITTEN + 2, WRITTEN + 3, 4, WRITTEN + 1, END]])


def test_scores_cover_written_words_and_slots(network: RewriterNetwork) -> None:
    scores, keep = network(source(), ACTIONS)
    assert scores.shape == (1, 5, WRITTEN + 6)
    assert keep.shape == (1, 6)


def test_stepping_equals_teacher_forcing(network: RewriterNetwork) -> None:
    scores, _ = network(source(), ACTIONS)
    memory = network.encode(source())
    state = network.begin_state(memory)
    previous = torch.tensor([IGNORE])
    for step in range(ACTIONS.shape[1]):
        stepped, state = network.step(memory, state, previous)
        torch.testing.assert_close(stepped, scores[:, step], atol=1e-4, rtol=1e-4)
        previous = ACTIONS[:, step]


def test_padding_changes_nothing(network: RewriterNetwork) -> None:
    alone, _ = network(source(), ACTIONS)
    padded, _ = network(source(padding=5), ACTIONS)
    torch.testing.assert_close(padded[..., : alone.shape[-1]], alone, atol=1e-4, rtol=1e-4)


def test_a_slot_is_copied_once_and_marks_never(network: RewriterNetwork) -> None:
    scores, _ = network(source(), ACTIONS)
    chances = scores.softmax(-1)[0, :, WRITTEN:]
    assert chances[:, 0].max() < 1e-6  # slot 0 is a mark
    assert chances[0, 2] > 1e-6
    assert chances[1:, 2].max() < 1e-6  # copied at step 0
    assert chances[2:, 3].max() < 1e-6
    assert chances[4, 1] < 1e-6


def test_later_actions_do_not_reach_back(network: RewriterNetwork) -> None:
    other = ACTIONS.clone()
    other[0, 3] = WRITTEN + 5
    first, _ = network(source(), ACTIONS)
    second, _ = network(source(), other)
    torch.testing.assert_close(first[:, :4], second[:, :4])
    assert not torch.allclose(first[:, 4], second[:, 4])


def test_the_trace_follows_what_was_copied() -> None:
    place = torch.tensor([[3, 4, -1, 1, -1]])
    last, used = trace(place, torch.tensor([2]), 6)
    assert last.tolist() == [[2, 3, 4, 4, 1]]
    assert used[0].nonzero().tolist() == [
        [1, 3], [2, 3], [2, 4], [3, 3], [3, 4], [4, 1], [4, 3], [4, 4],
    ]  # fmt: skip


def test_only_what_is_not_frozen_learns(network: RewriterNetwork) -> None:
    network.freeze_lowest()
    scores, keep = network(source(), ACTIONS)
    torch.autograd.backward(rewriter_loss(scores, keep, ACTIONS, source()))
    without = {name for name, p in network.named_parameters() if p.grad is None}
    assert "piece_embedding.weight" in without
    assert all(name.startswith("encoder.0.") for name in without if name.startswith("encoder."))
    assert network.part_embedding.weight.grad is not None


def test_the_loss_falls_when_trained_on_one_source(network: RewriterNetwork) -> None:
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(30):
        scores, keep = network(source(), ACTIONS)
        loss = rewriter_loss(scores, keep, ACTIONS, source())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


def test_sources_joined_give_the_memory_of_sources_padded(network: RewriterNetwork) -> None:
    parts = [source(), source(pieces=7, slots=4, padding=2), source(pieces=9, slots=5, padding=1)]
    names = Source.__slots__
    long, short, last = (
        {name: F.pad(getattr(one, name), (0, size - getattr(one, name).shape[-1]))
         if (size := {"pieces": 10, "piece_mask": 10, "parts": 10, "slots": 6, "slot_mask": 6,
                      "copyable": 6}.get(name)) else getattr(one, name) for name in names}
        for one in parts
    )  # fmt: skip
    batch = Source(*(torch.cat((long[name], short[name], last[name])) for name in names))
    padded = network.encode(batch)
    with torch.inference_mode():
        joined = network.encode(batch)
    inner = F.pad(batch.slot_mask[:, 1:], (0, 1))  # the last slot is never gone on from
    torch.testing.assert_close(joined.entries[inner], padded.entries[inner])
    for name in ("keys", "keep"):
        found, expected = getattr(joined, name), getattr(padded, name)
        torch.testing.assert_close(found[batch.slot_mask], expected[batch.slot_mask])
    for found, expected in zip(joined.cross, padded.cross, strict=True):
        for one, other in zip(found, expected, strict=True):
            kept = batch.slot_mask[:, None].expand(-1, one.shape[1], -1)
            torch.testing.assert_close(one[kept], other[kept])


def test_reading_ahead_equals_teacher_forcing(network: RewriterNetwork) -> None:
    scores, _ = network(source(), ACTIONS)
    last, used = trace(
        torch.where(ACTIONS >= WRITTEN, ACTIONS - WRITTEN, -1), torch.zeros(1, dtype=torch.int64), 6
    )
    previous = torch.cat((torch.tensor([[IGNORE]]), ACTIONS[:, :-1]), 1)
    with torch.inference_mode():
        memory = network.encode(source())
        cache = network.begin_cache(memory, 8)
        read, width = 0, 3
        for kept in (2, 1, 2):  # what was read too far is read again
            stop = min(read + width, ACTIONS.shape[1])
            found = network.read(
                memory, cache, previous[:, read:stop], last[:, read:stop], used[:, read:stop]
            )
            torch.testing.assert_close(found, scores[:, read:stop], atol=1e-4, rtol=1e-4)
            read += kept
            cache.advance(torch.tensor([kept]), read)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.3)], ids=["fp32", "bf16"]
)
def test_settled_for_inference_it_scores_the_same(
    network: RewriterNetwork, dtype: torch.dtype, tolerance: float
) -> None:
    with torch.inference_mode():
        expected, _ = network(source(), ACTIONS)
        network.half().settle(dtype)
        found, _ = network(source(), ACTIONS)
    possible = expected > -1e3
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[possible], expected[possible], atol=tolerance, rtol=0.05)


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 23, 46, 92, 140, 600, 1024, 2500])
def test_tiles_hold_all_rows_and_little_else(rows: int) -> None:
    sizes = tiles(rows)

    assert sum(sizes[:-1]) <= rows <= sum(sizes)
    assert sum(sizes) - rows <= max(8, sizes[-1] // 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_layer_gives_a_row_the_same_bits_in_any_batch(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    weight, bias, x = torch.randn(24, 16), torch.randn(24), torch.randn(5, 31, 16)
    layer = TiledLinear(weight, bias, dtype)
    y = layer(x)
    assert y.shape == (5, 31, 24)
    torch.testing.assert_close(y.float(), F.linear(x, weight, bias), atol=0.2, rtol=0.05)
    for count in (1, 3, 9, 31):
        assert torch.equal(layer(x[2, :count]), y[2, :count])
    assert layer(x[:0]).shape == (0, 31, 24)
