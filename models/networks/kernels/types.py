"""The C structures of the kernels as Python sees them, in the order of the sources."""

from __future__ import annotations

import ctypes
from ctypes import Structure, c_double, c_int64, c_void_p
from typing import Any, Final

from torch import Tensor

PANEL: Final = 64
HEAD: Final = 64
ACTIVATIONS: Final = {
    "relu": 1,
    "gelu": 2,
    "gelu_new": 3,
    "gelu_pytorch_tanh": 3,
    "silu": 4,
    "swish": 4,
}


class LinearStruct(Structure):
    _fields_ = (
        ("weights", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
        ("outputs", c_int64),
        ("inputs", c_int64),
    )


class NormStruct(Structure):
    _fields_ = (("weight", c_void_p), ("bias", c_void_p), ("eps", c_double))


class LayerStruct(Structure):
    _fields_ = (
        ("qkv", LinearStruct),
        ("out", LinearStruct),
        ("norm", NormStruct),
        ("query", LinearStruct),
        ("key_value", LinearStruct),
        ("cross_out", LinearStruct),
        ("cross_norm", NormStruct),
        ("up", LinearStruct),
        ("gate", LinearStruct),
        ("down", LinearStruct),
        ("feed_norm", NormStruct),
    )


class StackStruct(Structure):
    _fields_ = (
        ("layers", ctypes.POINTER(LayerStruct)),
        ("count", c_int64),
        ("heads", c_int64),
        ("width", c_int64),
        ("norm_first", c_int64),
        ("activation", c_int64),
        ("final_norm", NormStruct),
    )


class BiasStruct(Structure):
    _fields_ = (("values", c_void_p), ("span", c_int64), ("zero", c_int64))


class SlotStruct(Structure):
    _fields_ = (("start", c_void_p), ("places", c_int64))


class StepStruct(Structure):
    _fields_ = (
        ("articles", c_int64),
        ("beams", c_int64),
        ("tokens", c_int64),
        ("slots", ctypes.POINTER(SlotStruct)),
        ("article_lengths", c_void_p),
        ("cache_rows", c_void_p),
        ("lengths", c_void_p),
        ("cache", c_void_p),
        ("origins", c_void_p),
        ("all_rows", c_int64),
        ("places", c_int64),
    )


def declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Tell ctypes what the functions take, so that no pointer is cut to 32 bits."""
    stack, count = ctypes.POINTER(StackStruct), c_int64
    bias, linear = ctypes.POINTER(BiasStruct), ctypes.POINTER(LinearStruct)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "pack_linear": (None, [c_void_p, count, count, c_void_p, c_void_p]),
        "encoder_space": (count, [stack, count, count, count]),
        "encode": (None, [stack, c_void_p, c_void_p, count, bias, c_void_p, count]),
        "memory_bytes": (count, [stack, count]),
        "remember_space": (count, [stack, count, count]),
        "remember": (None, [stack, c_void_p, count, SlotStruct, c_void_p, count]),
        "step_space": (count, [stack, count, count, count, count]),
        "decode": (
            None,
            [stack, c_void_p, ctypes.POINTER(StepStruct), bias, c_void_p, count],
        ),
        "apply_linear": (None, [linear, c_void_p, count, count, c_void_p, c_void_p, count]),
        "best_outputs_space": (count, [linear, count, count]),
        "best_outputs": (
            None,
            [linear, c_void_p, count, count, count, c_void_p, c_void_p, count],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
