"""What a layer of an encoder-decoder consists of, and T5's relative positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.linear import Linear

Activation = Callable[[Tensor], Tensor]
ACTIVATIONS: Final[dict[str, Activation]] = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
}


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer norm, or T5's root mean square norm where there is no bias."""

    weight: Tensor
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        shape = self.weight.shape
        if self.bias is None:
            return F.rms_norm(x, shape, self.weight, self.eps)
        return F.layer_norm(x, shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True)
class FeedForward:
    up: Linear
    gate: Linear | None  # multiplies the activated half (mT5, T5 v1.1)
    down: Linear
    activation: str  # of ACTIVATIONS
    norm: Norm

    def __call__(self, x: Tensor) -> Tensor:
        hidden = ACTIVATIONS[self.activation](self.up(x))
        return self.down(hidden if self.gate is None else hidden.mul_(self.gate(x)))


@dataclass(frozen=True, slots=True)
class SelfAttention:
    qkv: Linear
    out: Linear
    norm: Norm


@dataclass(frozen=True, slots=True)
class CrossAttention:
    query: Linear
    key_value: Linear
    out: Linear
    norm: Norm


@dataclass(frozen=True, slots=True)
class Layer:
    attention: SelfAttention
    cross: CrossAttention | None
    feed_forward: FeedForward


@dataclass(frozen=True, slots=True)
class Stack:
    """Encoder or decoder. `bias` is T5's table of relative positions (buckets, heads)."""

    layers: tuple[Layer, ...]
    positions: Tensor | None  # (positions, width)
    embedding_norm: Norm | None
    final_norm: Norm | None
    bias: Tensor | None
    heads: int


@dataclass(frozen=True, slots=True)
class Embedding:
    """Token embeddings with the positions and the norm of a stack; `dtype` out."""

    table: Tensor  # (vocabulary, width)
    scale: float
    dtype: torch.dtype = torch.float32

    def __call__(self, ids: Tensor, places: Tensor, stack: Stack) -> Tensor:
        x = F.embedding(ids, self.table).to(self.dtype)
        if self.scale != 1.0:
            x = x * self.scale
        if stack.positions is not None:
            x = x + F.embedding(places, stack.positions)
        return x if stack.embedding_norm is None else stack.embedding_norm(x)


def relative_buckets(
    distance: Tensor, buckets: int, max_distance: int, bidirectional: bool
) -> Tensor:
    """Bucket of each distance (key position minus query position), as in T5 (Raffel et al. 2020).

    Half of the buckets are exact, the others grow logarithmically up to `max_distance`.
    """
    offset = torch.zeros_like(distance)
    if bidirectional:
        buckets //= 2
        offset = (distance > 0).long() * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp_min(0)
    exact = buckets // 2
    ratio = torch.log(distance.float() / exact) / math.log(max_distance / exact)
    far = (exact + (ratio * (buckets - exact)).long()).clamp_max(buckets - 1)
    return offset + torch.where(distance < exact, distance, far)
