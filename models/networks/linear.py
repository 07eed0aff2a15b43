"""Linear layers for inference on a CPU, weights packed once for the machine's matrix kernels.

    fp32  oneDNN, weights in its blocked layout
    bf16  the same; inputs rounded to bf16, sums in fp32
    int8  weights and inputs as 8-bit integers, sums exact in 32 bits

For int8 each row of the input has its own scale (its largest magnitude over
127) and each row of the weights too. As the integer sums are exact, a row's
result does not depend on the rows beside it.
"""

from __future__ import annotations

from typing import Final, Protocol

import torch
from torch import Tensor

PRECISIONS: Final = ("fp32", "bf16", "int8")
# An input row is stored as unsigned bytes around this zero point: the kernels want u8 by s8.
_ZERO_POINT: Final = 128


class Linear(Protocol):
    """y = x W^T + b over the last axis; x (rows, in) and y (rows, out), both fp32."""

    def __call__(self, x: Tensor) -> Tensor: ...


def make_linear(weight: Tensor, bias: Tensor | None, precision: str) -> Linear:
    """A linear layer with its own copy of `weight` (out, in) and `bias` (out)."""
    bias = None if bias is None else bias.detach().clone()
    if precision == "int8":
        return Int8Linear(weight, bias)
    if weight.device.type == "cpu" and torch._C._has_mkldnn:
        return PackedLinear(weight, bias, DTYPES[precision])
    return PlainLinear(weight, bias, DTYPES[precision])


DTYPES: Final = {"fp32": torch.float32, "bf16": torch.bfloat16}


class PlainLinear:
    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self._weight = weight.detach().to(dtype, copy=True)
        self._bias = None if bias is None else bias.to(dtype)
        self._dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        return torch.nn.functional.linear(x.to(self._dtype), self._weight, self._bias).float()


class PackedLinear:
    """torch's oneDNN linear; the layout is packed once instead of at every call."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        weight = weight.detach().to(dtype).contiguous()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        self._bias = None if bias is None else bias.to(dtype)
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        return self.narrow(x.to(self.dtype)).float()

    def narrow(self, x: Tensor) -> Tensor:
        """The same for `x` in the weights' own number format, and handed back in it."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")
        return y


class Int8Linear:
    """Dynamic quantisation by row of the input, static by row of the weights, both symmetric."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        weight = weight.detach().float()
        scales = weight.abs().amax(dim=1).clamp_min(1e-12) / 127  # (out,)
        quantised = (weight / scales[:, None]).round().to(torch.int8).contiguous()
        self._packed = torch.ops.onednn.qlinear_prepack(quantised, None)
        self._scales = scales
        self._zeros = torch.zeros(weight.shape[0], dtype=torch.int32)
        self._bias = None if bias is None else bias.float()
        self._one = torch.tensor(1.0)
        self._zero_point = torch.tensor(_ZERO_POINT, dtype=torch.int32)

    def __call__(self, x: Tensor) -> Tensor:
        quantised, scale = quantise_rows(x)
        return self.from_quantised(quantised, scale)

    def from_quantised(self, quantised: Tensor, scale: Tensor) -> Tensor:
        """`quantised` (rows, in) u8 around 128 and `scale` (rows, 1), from `quantise_rows`."""
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            quantised, self._one, self._zero_point, self._packed, self._scales, self._zeros,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        y.mul_(scale)
        return y if self._bias is None else y.add_(self._bias)


def quantise_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """(x / scale rounded + 128 as u8, scale), one scale a row."""
    # One pass each for the largest and the least: vector_norm and aminmax are far slower here.
    largest = torch.maximum(x.amax(dim=-1, keepdim=True), -x.amin(dim=-1, keepdim=True))
    largest = largest.clamp_min_(1e-12)
    signed = (x * (127 / largest)).round_().to(torch.int8)
    # Flipping the top bit adds 128, and is cheaper than a conversion to unsigned bytes.
    return signed.view(torch.uint8).bitwise_xor_(_ZERO_POINT), largest / 127
