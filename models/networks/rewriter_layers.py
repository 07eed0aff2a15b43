"""The layers of the rewriter's network.

Letters in shapes: B sources, P pieces, S slots, T steps, D width, H heads, N rows of any kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.linear import PackedLinear

# What is summed over in attention is whole vectors long, so that sums are the same in every batch.
ROUND: Final = 16
_TILES: Final = (512, 256, 128, 64, 32, 16, 8)


class Linear(nn.Linear):
    """A linear layer whose weights can be laid out for inference on this CPU."""

    packed: TiledLinear | None = None

    def pack(self, dtype: torch.dtype) -> None:
        """Keep the weights in `dtype` and in the layout of this CPU's kernels, for inference only.

        In bfloat16, on CPUs with AVX512-BF16 or AMX, that is over twice as
        fast, and, unlike float32, gives a row the same bits whatever the
        batch around it.
        """
        self.packed = TiledLinear(self.weight, self.bias, dtype)
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if self.packed is None else self.packed(x).to(x.dtype)

    def narrow(self, x: Tensor) -> Tensor:
        """The same in the weights' own number format."""
        return super().forward(x) if self.packed is None else self.packed(x)


class TiledLinear:
    """xW' + b with packed weights, the rows multiplied in tiles of few sizes.

    For each number of rows the kernels are compiled anew, which takes a
    millisecond and most of a megabyte.
    """

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self._packed = PackedLinear(weight, bias.detach(), dtype)
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        done: list[Tensor] = []
        begin = 0
        for size in tiles(len(rows)):
            tile = rows[begin : begin + size].to(self.dtype)
            missing = size - len(tile)
            tile = F.pad(tile, (0, 0, 0, missing)) if missing else tile
            tile = self._packed.narrow(tile)
            done.append(tile[: size - missing] if missing else tile)
            begin += size
        y = done[0] if len(done) == 1 else torch.cat(done)
        return y.view(*x.shape[:-1], y.shape[-1])


@lru_cache(maxsize=4096)
def tiles(rows: int) -> tuple[int, ...]:
    """Sizes of the tiles that hold `rows`; up to a quarter of the last may be padding."""
    if rows == 0:
        return (_TILES[-1],)
    sizes: list[int] = []
    left = rows
    while left > 0:
        above = min((size for size in _TILES if size >= left), default=_TILES[0])
        fits = left <= above <= left + above // 4 or above == _TILES[-1]
        sizes.append(above if fits else next(size for size in _TILES if size <= left))
        left -= sizes[-1]
    return tuple(sizes)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(QK/sqrt(d) + bias)V over [B, H, ., d]; returns [B, ., D]."""
    if torch.is_grad_enabled():
        # Written out: on CPU the fused kernel's backward is slower at these lengths.
        scores = query @ key.transpose(-1, -2) * (1 / math.sqrt(query.shape[-1]))
        scores = scores if bias is None else scores + bias
        mixed = scores.softmax(-1).to(value.dtype) @ value
    else:
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=None if bias is None else bias.to(query.dtype)
        )
    return mixed.transpose(1, 2).flatten(2)


def attend_few(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """`attend` for few queries: there, the fused kernel takes twice as long as its parts."""
    B, H, T, width = query.shape
    query = (query * (1 / math.sqrt(width))).flatten(0, 1)
    scores = torch.bmm(query, key.flatten(0, 1).transpose(1, 2))  # [B * H, T, .]
    if bias is not None:
        scores.view(B, H, T, -1).add_(bias)
    mixed = torch.bmm(scores.softmax(-1), value.flatten(0, 1))
    return mixed.view(B, H, T, width).transpose(1, 2).flatten(2)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, ., D] to [B, H, ., D/H]."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def mask_bias(mask: Tensor) -> Tensor:
    """0 where True, a large negative number where False: [B, S] to [B, 1, 1, S]."""
    bias = torch.zeros(mask.shape).masked_fill_(~mask.cpu(), -1e4).to(mask.device)
    return bias[:, None, None, :]


class Mix(Protocol):
    """Self-attention: queries, keys and values side by side [.., 3D] to what was mixed [.., D]."""

    def __call__(self, projected: Tensor, heads: int) -> Tensor: ...


def mix_padded(bias: Tensor) -> Mix:
    """Attention within rows of [B, P, .] whose padding `bias` [B, 1, 1, P] takes out."""

    def mix(projected: Tensor, heads: int) -> Tensor:
        query, key, value = (split_heads(part, heads) for part in projected.chunk(3, dim=-1))
        return attend(query, key, value, bias)

    return mix


def mix_joined(lengths: Sequence[int], device: torch.device, *, firsts: bool = False) -> Mix:
    """Attention within sources that stand one behind the other in [N, .], without padding.

    With `firsts` only the first row of each source comes back: [B, D].

    Only keys and values are padded, to whole vectors, which `mix_padded` sums over too: the last
    bits come out the same.
    """
    runs = [(length, len(list(run))) for length, run in groupby(lengths)]
    biases = [
        mask_bias(torch.arange(length + -length % ROUND, device=device)[None] < length)
        for length, _ in runs
    ]

    def mix(projected: Tensor, heads: int) -> Tensor:
        mixed = []
        blocks = torch.split_with_sizes(projected, [length * count for length, count in runs])
        for block, (length, count), bias in zip(blocks, runs, biases, strict=True):
            rows = block.view(count, length, -1)
            query, key, value = (split_heads(part, heads) for part in rows.chunk(3, dim=-1))
            key, value = (F.pad(part, (0, 0, 0, -length % ROUND)) for part in (key, value))
            if firsts:
                mixed.append(attend_few(query[:, :, :1], key, value, bias).flatten(0, 1))
            else:
                mixed.append(attend(query, key, value, bias).flatten(0, 1))
        return torch.cat(mixed)

    return mix


class EncoderLayer(nn.Module):
    """BERT's layer (post-norm)."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(width, 3 * width)
        self.out = Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=1e-12)
        self.up = Linear(width, inner)
        self.down = Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mix: Mix, kept: Tensor | None = None) -> Tensor:  # [.., D]
        """Rows `kept` of [N, D], those that `mix` gives; without it all."""
        mixed = mix(self.qkv(x), self.heads)
        x = self.norm1((x if kept is None else x[kept]) + self.out(mixed))
        return torch.as_tensor(self.norm2(x + self.down(F.gelu(self.up.narrow(x)))))


Remember = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes the keys and values of new steps [B, H, T, D/H] and gives those of all steps so far."""


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention to the slots, feed-forward (pre-norm)."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = Linear(width, 3 * width)
        self.self_out = Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.query = Linear(width, width)
        self.key_value = Linear(width, 2 * width)
        self.cross_out = Linear(width, width)
        self.norm3 = nn.LayerNorm(width)
        self.up = Linear(width, inner)
        self.down = Linear(inner, width)

    def cross_memory(self, key_value: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values by head from `key_value` of the slots [B, S, 2D]."""
        key, value = key_value.chunk(2, dim=-1)
        key, value = split_heads(key, self.heads), split_heads(value, self.heads)
        # In order once, as every pass multiplies with them.
        return (key, value) if key.requires_grad else (key.contiguous(), value.contiguous())

    def forward(
        self,
        x: Tensor,  # [B, T, D]
        bias: Tensor | None,
        remember: Remember,
        cross: tuple[Tensor, Tensor],
        cross_bias: Tensor,
    ) -> Tensor:
        mix = attend if torch.is_grad_enabled() else attend_few
        query, key, value = (
            split_heads(part, self.heads) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        x = x + self.self_out(mix(query, *remember(key, value), bias))
        query = split_heads(self.query(self.norm2(x)), self.heads)
        x = x + self.cross_out(mix(query, *cross, cross_bias))
        return torch.as_tensor(x + self.down(F.gelu(self.up.narrow(self.norm3(x)))))
