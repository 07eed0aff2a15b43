from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.networks.linear import PRECISIONS, make_linear, quantise_rows


@pytest.fixture
def layer() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(48, 64), torch.randn(48)


@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-5), ("bf16", 0.01), ("int8", 0.02)])
@pytest.mark.parametrize("rows", [1, 7, 130])
def test_products_are_right_to_their_precision(
    layer: tuple[Tensor, Tensor], precision: str, error: float, rows: int
) -> None:
    weight, bias = layer
    x = torch.randn(rows, 64)
    expected = x @ weight.T + bias
    for given in (bias, None):
        wanted = expected if given is not None else expected - bias
        found = make_linear(weight, given, precision)(x)
        assert found.dtype == torch.float32
        assert (found - wanted).abs().max() < error * wanted.abs().max()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_layer_keeps_its_own_weights(layer: tuple[Tensor, Tensor], precision: str) -> None:
    weight, bias = layer
    x = torch.randn(3, 64)
    linear = make_linear(weight, bias, precision)
    before = linear(x).clone()
    weight.zero_()
    bias.zero_()
    assert torch.equal(linear(x), before)


def test_a_row_in_int8_does_not_depend_on_the_rows_beside_it(
    layer: tuple[Tensor, Tensor],
) -> None:
    linear = make_linear(*layer, "int8")
    x = torch.randn(33, 64) * torch.logspace(-3, 3, 33)[:, None]
    together = linear(x)
    for row in range(33):
        assert torch.equal(linear(x[row : row + 1])[0], together[row])


def test_rows_are_rounded_to_nearest_with_their_own_scale() -> None:
    x = torch.tensor([[127.0, -126.4, 0.6, 0.4], [0.0, 0.0, 0.0, 0.0], [-2.54, 1.27, 0.02, 0.0]])
    quantised, scale = quantise_rows(x)
    assert (quantised.int() - 128).tolist() == [[127, -126, 1, 0], [0, 0, 0, 0], [-127, 64, 1, 0]]
    assert scale[:, 0].tolist() == pytest.approx([1.0, 0.0, 0.02], abs=1e-6)
