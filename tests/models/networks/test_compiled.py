from __future__ import annotations

import ctypes

import pytest
import torch

from models.networks.compiled import KernelLinear, fits
from models.networks.kernels.types import declare
from models.networks.linear import Int8Linear


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 11, 130])
@pytest.mark.parametrize(("outputs", "inputs"), [(48, 64), (64, 16), (200, 320), (768, 3072)])
def test_products_are_those_of_torchs_int8(
    kernels: ctypes.CDLL, rows: int, outputs: int, inputs: int
) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(outputs, inputs), torch.randn(outputs)
    x = torch.randn(rows, inputs) * torch.logspace(-3, 3, rows)[:, None]
    for given in (bias, None):
        found = KernelLinear(declare(kernels), weight, given)(x)
        wanted = Int8Linear(weight, given)(x)
        assert found.shape == wanted.shape
        # Both sum integers exactly; a scale may differ in its last bit and round one byte apart.
        close = (found - wanted).abs() <= 1e-3 * wanted.abs().amax(dim=1, keepdim=True)
        assert close.float().mean() > 0.99
        assert torch.allclose(found, x @ weight.T + (0 if given is None else given), rtol=0.05,
                              atol=0.05 * float(wanted.abs().max()))  # fmt: skip


def test_a_row_depends_neither_on_the_rows_beside_it_nor_on_threads(kernels: ctypes.CDLL) -> None:
    torch.manual_seed(0)
    linear = KernelLinear(declare(kernels), torch.randn(200, 320), torch.randn(200))
    x = torch.randn(33, 320)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        together = linear(x)
        torch.set_num_threads(1)
        assert torch.equal(linear(x), together)
        for row in range(33):
            assert torch.equal(linear(x[row : row + 1])[0], together[row])
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [1, 3, 8, 17])
@pytest.mark.parametrize("outputs", [1, 50, 64, 200, 1000])
def test_the_best_output_is_that_of_all_outputs(
    kernels: ctypes.CDLL, outputs: int, rows: int, threads: int
) -> None:
    torch.manual_seed(outputs)
    weight, bias = torch.randn(outputs, 48), torch.randn(outputs)
    bias -= 50.0  # what outputs are padded with must never win
    linear = KernelLinear(declare(kernels), weight, bias)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        for _ in range(20):
            x = torch.randn(rows, 48)
            assert torch.equal(linear.best(x), linear(x).argmax(dim=1))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("places", [(3, 9), (5, 20), (20, 300), (63, 64), (130, 511)])
def test_of_equal_outputs_the_first_is_best(
    kernels: ctypes.CDLL, places: tuple[int, int], threads: int
) -> None:
    weight = torch.zeros(512, 64)
    weight[list(places)] = 1.0
    linear = KernelLinear(declare(kernels), weight, None)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert linear.best(torch.ones(4, 64)).tolist() == [places[0]] * 4
        assert linear.best(torch.zeros(1, 64)).tolist() == [0]
    finally:
        torch.set_num_threads(before)


def test_what_the_kernels_do_not_know_is_not_given_to_them() -> None:
    assert fits(768, 64, "gelu")
    assert fits(32, 6, "gelu_new")
    assert not fits(40, 8, "gelu")
    assert not fits(1024, 128, "relu")
    assert not fits(768, 64, "quick_gelu")
