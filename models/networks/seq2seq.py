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
from collections.abc import Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.decoder_state import DecoderState
from models.networks.encoder_decoder import EncoderDecoder
from models.networks.seq2seq_layers import (
    CrossAttention,
    SelfAttention,
    relative_buckets,
)

ARCHITECTURES: Final = frozenset({"bart", "mbart", "pegasus", "t5", "mt5"})


class Seq2Seq(EncoderDecoder):
    """The network of one checkpoint; built by `models.networks.seq2seq_weights.build`."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.memory_dtype = torch.float32 if self.precision == "fp32" else torch.bfloat16

    def encode(self, articles: Sequence[Sequence[int]]) -> Tensor:
        """Hidden states of the articles laid end to end: (sum of lengths, width)."""
        lengths = [len(article) for article in articles]
        ids = torch.tensor([token for article in articles for token in article])
        places = torch.cat([torch.arange(length) for length in lengths])
        x = self._embed(ids, places, self.encoder)
        biases = {
            length: self._encoder_bias(length) for length in set(lengths)
        }  # T5 only; None elsewhere

        def attend(x: Tensor, attention: SelfAttention, layer: int) -> Tensor:
            return self._attend_articles(x, attention, lengths, biases)

        return self._run_encoder(x, attend)

    def remember(self, hidden: Tensor, state: DecoderState) -> int:
        """Take an article's hidden states (length, width) into the state; its slot."""
        return state.add(self.cross_memory(hidden))

    def cross_memory(self, hidden: Tensor) -> list[tuple[Tensor, Tensor]]:
        """An article for each decoder layer: keys (heads, length, width), values transposed."""
        memory = []
        for layer in self.decoder.layers:
            assert layer.cross is not None
            both = layer.cross.key_value(hidden).to(self.memory_dtype)
            keys, values = both.view(hidden.shape[0], 2, self.decoder.heads, -1).unbind(1)
            memory.append((keys.transpose(0, 1), values.permute(1, 2, 0)))
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

        def attend_self(x: Tensor, attention: SelfAttention, layer: int) -> Tensor:
            return self._attend_self(x, attention, state, layer, places, seen, bias)

        def attend_article(x: Tensor, attention: CrossAttention, layer: int) -> Tensor:
            return self._attend_article(x, attention, state, layer, n)

        return self._run_decoder(x, attend_self, attend_article)

    def new_state(
        self, slots: int, beams: int, max_positions: int, max_tokens: int
    ) -> DecoderState:
        """Empty memories for `slots` articles of up to `max_tokens`, each with `beams` rows."""
        return DecoderState(
            layers=len(self.decoder.layers),
            heads=self.decoder.heads,
            width=self.head_width,
            dtype=self.memory_dtype,
            slots=slots,
            beams=beams,
            max_positions=max_positions,
            max_tokens=max_tokens,
        )

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
            q, k = part[:, 0].transpose(0, 1), part[:, 1].transpose(0, 1)  # (heads, length, width)
            article = self._attend(q, k, part[:, 2].permute(1, 2, 0), biases[length])
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
        keys, values = state.cache[index]  # (rows, heads, positions, width), values transposed
        row = torch.arange(rows)[:, None]
        keys[row, :, places] = qkv[:, :, 1].to(keys.dtype)
        values[row, :, :, places] = qkv[:, :, 2].to(values.dtype)
        mixed = self._attend(
            qkv[:, :, 0].transpose(1, 2).to(keys.dtype),
            keys[:rows, :, :seen],
            values[:rows, :, :, :seen],
            bias,
        )
        return attention.out(mixed.transpose(1, 2).reshape(rows * n, -1))

    def _attend_article(
        self, x: Tensor, attention: CrossAttention, state: DecoderState, index: int, n: int
    ) -> Tensor:
        heads, width, beams = self.decoder.heads, self.head_width, state.beams
        articles = state.rows // beams
        q = attention.query(x).view(articles, beams * n, heads, width).transpose(1, 2)
        keys, values = state.memory[index]  # (articles, heads, tokens, width), values transposed
        mixed = self._attend(
            q.to(keys.dtype), keys[:articles], values[:articles],
            state.article_mask,
        )  # fmt: skip
        return attention.out(mixed.transpose(1, 2).reshape(x.shape[0], -1))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        """Softmax attention, fp32 out: q (..., n, width), k (..., m, width), v (..., width, m).

        Queries come scaled. Values come transposed: with one query a row, both
        products are then runs of dot products over memory that lies in order.
        """
        scores = torch.matmul(q, k.transpose(-1, -2))
        if bias is not None:
            scores = scores + bias  # a mask in the scores' own type, or T5's bias in fp32
        # softmax sums in fp32 whatever it reads
        weights = torch.softmax(scores, dim=-1).to(v.dtype)
        return torch.matmul(weights, v.transpose(-1, -2)).float()

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
            mask = torch.zeros(distance.shape, dtype=self.memory_dtype)
            return mask.masked_fill_(hidden, -math.inf).unsqueeze(1)
        buckets = relative_buckets(distance, len(self.decoder.bias), self._max_distance, False)
        bias = F.embedding(buckets, self.decoder.bias).permute(0, 3, 1, 2)
        return bias.masked_fill(hidden.unsqueeze(1), -math.inf)
