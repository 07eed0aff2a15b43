"""Which precision of the native engine is fastest on this machine, measured in a moment.

int8 is what the measurements in docs/engines.md favour on CPUs with VNNI;
another CPU may have fast bf16 (AMX) or neither. Timings wobble, and the same
machine should choose the same way every time, so int8 is left only for what
beats it clearly.
"""

from __future__ import annotations

import ctypes
import time
from functools import lru_cache
from typing import Final

import torch

from models.networks.compiled import KernelLinear
from models.networks.kernels.types import declare
from models.networks.linear import PRECISIONS, Linear, make_linear

# An article of 700 tokens and its 60 steps in a batch of 8, in units of the two timings below.
_ENCODER_ROWS: Final = 512
_ENCODER_SHARE: Final = 700 / 512
_DECODER_ROWS: Final = 8
_DECODER_SHARE: Final = 60 / 8
_REPEATS: Final = 5
# How much faster than int8 another precision must be to be taken.
_CLEARLY: Final = 1.4


@lru_cache(maxsize=8)
def choose_precision(width: int, kernels: ctypes.CDLL | None = None) -> tuple[str, str]:
    """The precision for a network of `width`, and a clause that gives the measured times.

    int8 is timed in `kernels` where there are any.
    """
    seconds = {precision: _seconds(width, precision, kernels) for precision in PRECISIONS}
    best = min(seconds, key=lambda precision: seconds[precision])
    chosen = best if seconds[best] * _CLEARLY < seconds["int8"] else "int8"
    times = ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in seconds.items())
    return chosen, f"a layer's products for an article take {times} here"


@torch.inference_mode()
def _seconds(width: int, precision: str, kernels: ctypes.CDLL | None) -> float:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4 * width, width, generator=generator)
    linear = make_linear(weight, None, precision)
    if kernels is not None and precision == "int8":
        linear = KernelLinear(declare(kernels), weight, None)
    return _ENCODER_SHARE * _best_of(linear, _ENCODER_ROWS, width) + _DECODER_SHARE * _best_of(
        linear, _DECODER_ROWS, width
    )


def _best_of(linear: Linear, rows: int, width: int) -> float:
    x = torch.randn(rows, width, generator=torch.Generator().manual_seed(1))
    best = float("inf")
    linear(x)
    for _ in range(_REPEATS):
        began = time.perf_counter()
        linear(x)
        best = min(best, time.perf_counter() - began)
    return best
