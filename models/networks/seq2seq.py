"""BART, mBART, PEGASUS, T5 and mT5 for inference, written for speed on a CPU.

The encoder runs over articles laid end to end, so that nothing is padded;
only attention looks at each article by itself. The decoder runs one step for
a set of rows that may each stand at another position. What it attends to in
the article is computed once (`cross_memory`) and shared by all beams of the
article. Hidden states are fp32 throughout; `precision` is that of the matrix
products with weights and, below fp32, of the attention memories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.linear import Linear

ARCHITECTURES: Final = frozenset({"bart", "mbart", "pegasus", "t5", "mt5"})

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
    activation: Activation
    norm: Norm

    def __call__(self, x: Tensor) -> Tensor:
        hidden = self.activation(self.up(x))
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


class Seq2Seq:
    """The network of one checkpoint; built by `models.networks.seq2seq_weights.build`."""

    def __init__(
        self,
        *,
        encoder: Stack,
        decoder: Stack,
        embedding: Tensor,
        embedding_scale: float,
        output: Linear,
        output_scale: float,
        norm_first: bool,
        attention_scale: float,
        head_width: int,
        max_distance: int,
        precision: str,
    ) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self.head_width = head_width
        self.precision = precision
        self.memory_dtype = torch.float32 if precision == "fp32" else torch.bfloat16
        self.vocabulary_size = embedding.shape[0]
        self._embedding = embedding
        self._embedding_scale = embedding_scale
        self._output = output
        self._output_scale = output_scale
        self._norm_first = norm_first
        self._attention_scale = attention_scale
        self._max_distance = max_distance

    def encode(self, articles: Sequence[Sequence[int]]) -> Tensor:
        """Hidden states of the articles laid end to end: (sum of lengths, width)."""
        lengths = [len(article) for article in articles]
        ids = torch.tensor([token for article in articles for token in article])
        places = torch.cat([torch.arange(length) for length in lengths])
        x = self._embed(ids, places, self.encoder)
        biases = {
            length: self._encoder_bias(length) for length in set(lengths)
        }  # T5 only; None elsewhere
        for layer in self.encoder.layers:
            x = self._sublayer(
                x,
                layer.attention.norm,
                lambda h, layer=layer: self._attend_articles(h, layer.attention, lengths, biases),
            )
            x = self._sublayer(x, layer.feed_forward.norm, layer.feed_forward)
        return x if self.encoder.final_norm is None else self.encoder.final_norm(x)

    def cross_memory(self, hidden: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of an article for each decoder layer: (heads, length, head width)."""
        memory = []
        for layer in self.decoder.layers:
            assert layer.cross is not None
            both = layer.cross.key_value(hidden).to(self.memory_dtype)
            keys, values = both.view(hidden.shape[0], 2, self.decoder.heads, -1).unbind(1)
            memory.append((keys.transpose(0, 1), values.transpose(0, 1)))
        return memory

    def step(self, tokens: Tensor, state: DecoderState) -> Tensor:
        """Decoder hidden states (rows * n, width) after reading `tokens` (rows, n) at `state`.

        Row r reads its tokens at positions state.lengths[r], +1, ...; their
        self-attention keys and values are written into the state's cache, and
        the caller moves `lengths` on by what it keeps.
        """
        n = tokens.shape[1]
        places = state.lengths[:, None] + torch.arange(n)  # (rows, n)
        x = self._embed(tokens.reshape(-1), places.reshape(-1), self.decoder)
        seen = int(state.longest) + n
        bias = self._decoder_bias(places, seen)  # (rows, 1 or heads, n, seen)
        for index, layer in enumerate(self.decoder.layers):
            x = self._sublayer(
                x,
                layer.attention.norm,
                lambda h, layer=layer, index=index: self._attend_self(
                    h, layer.attention, state, index, places, seen, bias
                ),
            )
            cross = layer.cross
            assert cross is not None
            x = self._sublayer(
                x,
                cross.norm,
                lambda h, cross=cross, index=index: self._attend_article(h, cross, state, index, n),
            )
            x = self._sublayer(x, layer.feed_forward.norm, layer.feed_forward)
        return x if self.decoder.final_norm is None else self.decoder.final_norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """(rows, vocabulary) in fp32."""
        if self._output_scale != 1.0:
            hidden = hidden * self._output_scale
        return self._output(hidden)

    def _embed(self, ids: Tensor, places: Tensor, stack: Stack) -> Tensor:
        x = F.embedding(ids, self._embedding).float()
        if self._embedding_scale != 1.0:
            x = x * self._embedding_scale
        if stack.positions is not None:
            x = x + F.embedding(places, stack.positions)
        return x if stack.embedding_norm is None else stack.embedding_norm(x)

    def _sublayer(self, x: Tensor, norm: Norm, run: Activation) -> Tensor:
        if self._norm_first:
            return x + run(norm(x))
        return norm(x + run(x))

    def _attend_articles(
        self,
        x: Tensor,
        attention: SelfAttention,
        lengths: Sequence[int],
        biases: dict[int, Tensor | None],
    ) -> Tensor:
        heads = self.encoder.heads
        qkv = attention.qkv(x).to(self.memory_dtype)  # (tokens, 3 * inner)
        mixed = torch.empty(x.shape[0], heads * self.head_width)
        start = 0
        for length in lengths:
            part = qkv[start : start + length].view(length, 3, heads, self.head_width)
            q, k, v = (part[:, i].transpose(0, 1) for i in range(3))  # (heads, length, width)
            article = self._attend(q, k, v, biases[length])
            mixed[start : start + length] = article.transpose(0, 1).reshape(length, -1)
            start += length
        return attention.out(mixed)

    def _attend_self(
        self,
        x: Tensor,
        attention: SelfAttention,
        state: DecoderState,
        index: int,
        places: Tensor,
        seen: int,
        bias: Tensor,
    ) -> Tensor:
        rows, n = places.shape
        qkv = attention.qkv(x).view(rows, n, 3, self.decoder.heads, self.head_width)
        keys, values = state.cache[index]  # (rows, positions, heads, width)
        row = torch.arange(rows)[:, None]
        keys[row, places] = qkv[:, :, 1].to(keys.dtype)
        values[row, places] = qkv[:, :, 2].to(values.dtype)
        mixed = self._attend(
            qkv[:, :, 0].transpose(1, 2).to(keys.dtype),
            keys[:rows, :seen].transpose(1, 2),
            values[:rows, :seen].transpose(1, 2),
            bias,
        )
        return attention.out(mixed.transpose(1, 2).reshape(rows * n, -1))

    def _attend_article(
        self, x: Tensor, attention: CrossAttention, state: DecoderState, index: int, n: int
    ) -> Tensor:
        heads, width, beams = self.decoder.heads, self.head_width, state.beams
        articles = state.rows // beams
        q = attention.query(x).view(articles, beams * n, heads, width).transpose(1, 2)
        keys, values = state.memory[index]  # (articles, heads, tokens, width)
        longest = state.longest_article
        mixed = self._attend(
            q.to(keys.dtype), keys[:articles, :, :longest], values[:articles, :, :longest],
            state.article_mask,
        )  # fmt: skip
        return attention.out(mixed.transpose(1, 2).reshape(x.shape[0], -1))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        """Softmax attention over the last two axes, sums and softmax in fp32; fp32 out."""
        scores = torch.matmul(q, k.transpose(-1, -2)).float()
        if self._attention_scale != 1.0:
            scores = scores.mul_(self._attention_scale)
        if bias is not None:
            scores = scores.add_(bias)
        return torch.matmul(torch.softmax(scores, dim=-1).to(v.dtype), v).float()

    def _encoder_bias(self, length: int) -> Tensor | None:
        if self.encoder.bias is None:
            return None
        places = torch.arange(length)
        distance = places[None, :] - places[:, None]
        buckets = relative_buckets(distance, len(self.encoder.bias), self._max_distance, True)
        return F.embedding(buckets, self.encoder.bias).permute(2, 0, 1)  # (heads, length, length)

    def _decoder_bias(self, places: Tensor, seen: int) -> Tensor:
        """Causal mask, with T5's relative positions where there are any."""
        distance = torch.arange(seen) - places[:, :, None]  # (rows, n, seen)
        hidden = distance > 0
        if self.decoder.bias is None:
            return torch.zeros(distance.shape).masked_fill_(hidden, -math.inf).unsqueeze(1)
        buckets = relative_buckets(distance, len(self.decoder.bias), self._max_distance, False)
        bias = F.embedding(buckets, self.decoder.bias).permute(0, 3, 1, 2)
        return bias.masked_fill(hidden.unsqueeze(1), -math.inf)


class DecoderState:
    """Preallocated memories of a fixed number of article slots, each with `beams` rows.

    `lengths` (rows) counts the positions already in each row's cache.
    Slots 0 .. articles-1 are in use.
    """

    def __init__(
        self, network: Seq2Seq, slots: int, beams: int, max_positions: int, max_tokens: int
    ) -> None:
        heads, width, dtype = network.decoder.heads, network.head_width, network.memory_dtype
        layers = len(network.decoder.layers)
        self.beams = beams
        self.articles = 0
        self.lengths = torch.zeros(0, dtype=torch.long)
        self.longest = 0
        self.article_mask: Tensor | None = None
        self.longest_article = 0
        self._article_lengths: list[int] = []
        self._all_lengths = torch.zeros(slots * beams, dtype=torch.long)
        self.cache = [
            (
                torch.zeros(slots * beams, max_positions, heads, width, dtype=dtype),
                torch.zeros(slots * beams, max_positions, heads, width, dtype=dtype),
            )
            for _ in range(layers)
        ]
        self.memory = [
            (
                torch.zeros(slots, heads, max_tokens, width, dtype=dtype),
                torch.zeros(slots, heads, max_tokens, width, dtype=dtype),
            )
            for _ in range(layers)
        ]

    @property
    def rows(self) -> int:
        return self.articles * self.beams

    def clear(self) -> None:
        """Free every slot."""
        self.articles = 0
        self._article_lengths = []
        self._refresh()

    def add(self, memory: Sequence[tuple[Tensor, Tensor]]) -> int:
        """Put an article's cross memory into the next free slot; the slot's number."""
        slot, length = self.articles, memory[0][0].shape[1]
        for (keys, values), (new_keys, new_values) in zip(self.memory, memory, strict=True):
            keys[slot, :, :length] = new_keys
            values[slot, :, :length] = new_values
        self._all_lengths[slot * self.beams : (slot + 1) * self.beams] = 0
        self._article_lengths.append(length)
        self.articles += 1
        self._refresh()
        return slot

    def remove(self, slot: int) -> int | None:
        """Free a slot; the last one in use moves into it. The number of the slot that moved."""
        last = self.articles - 1
        moved = None
        if slot != last:
            length = self._article_lengths[last]
            for keys, values in self.memory:
                keys[slot, :, :length] = keys[last, :, :length]
                values[slot, :, :length] = values[last, :, :length]
            here = slice(slot * self.beams, (slot + 1) * self.beams)
            there = slice(last * self.beams, (last + 1) * self.beams)
            filled = int(self._all_lengths[there].max())
            for keys, values in self.cache:
                keys[here, :filled] = keys[there, :filled]
                values[here, :filled] = values[there, :filled]
            self._all_lengths[here] = self._all_lengths[there]
            self._article_lengths[slot] = length
            moved = last
        self._article_lengths.pop()
        self.articles -= 1
        self._refresh()
        return moved

    def advance(self, by: Tensor | int) -> None:
        """Move each row on by what it keeps of the tokens it read."""
        self.lengths += by
        self.longest = int(self.lengths.max()) if self.rows else 0

    def reorder(self, source: Tensor) -> None:
        """Row r continues what row source[r] has read (beam search)."""
        if torch.equal(source, torch.arange(len(source))):
            return
        filled = self.longest
        for keys, values in self.cache:
            keys[: self.rows, :filled] = keys[source, :filled]
            values[: self.rows, :filled] = values[source, :filled]

    def _refresh(self) -> None:
        self.lengths = self._all_lengths[: self.rows]
        self.longest = int(self.lengths.max()) if self.rows else 0
        self.longest_article = max(self._article_lengths, default=0)
        if min(self._article_lengths, default=0) == self.longest_article:
            self.article_mask = None
            return
        lengths = torch.tensor(self._article_lengths)
        past = torch.arange(self.longest_article) >= lengths[:, None]
        mask = torch.zeros(past.shape).masked_fill_(past, -math.inf)
        self.article_mask = mask[:, None, None, :]  # (articles, 1, 1, tokens)


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
