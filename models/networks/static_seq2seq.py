"""BART, mBART, PEGASUS, T5 and mT5 over fixed buffers, for a device that is told what to do ahead.

The same layers as `models.networks.seq2seq`, but for a GPU: articles are padded
to the longest of their group, hidden states are in the precision of the
weights, and no shape depends on what a tensor holds. So a step may be recorded
once and replayed, and the host never waits for a result to say what comes
next. The same code runs on a CPU, where its tests are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from models.errors import InferenceFailed
from models.networks.encoder_decoder import EncoderDecoder
from models.networks.seq2seq_layers import CrossAttention, SelfAttention, relative_buckets
from models.networks.static_state import Corner, StaticState

DTYPES: Final = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# GPU kernels are fast where each row of a result begins at an aligned place.
_OUTPUT_MULTIPLE: Final = 8
_UNBOUNDED: Final = 1 << 30


class DenseLinear:
    """y = x W^T + b in the precision of the weights, which lie on `device`; x (rows, in).

    Outputs are padded with rows of zeros that nobody sees: vocabularies often
    have an odd number of tokens.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, device: str
    ) -> None:
        self._outputs = len(weight)
        more = -len(weight) % _OUTPUT_MULTIPLE
        self._weight = F.pad(weight.detach(), (0, 0, 0, more)).to(device, dtype, copy=True)
        self._bias = None
        if bias is not None:
            self._bias = F.pad(bias.detach(), (0, more)).to(device, dtype, copy=True)

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self._weight, self._bias)[:, : self._outputs]


class StaticSeq2Seq(EncoderDecoder):
    """The network of one checkpoint; built by `models.networks.seq2seq_weights.build_static`."""

    def __init__(self, *, device: str, **parts: Any) -> None:
        super().__init__(**parts)
        self.device = device
        self.dtype = DTYPES[self.precision]

    @property
    def most_tokens(self) -> int:
        """Tokens of the longest article that there are positions for."""
        return _UNBOUNDED if self.encoder.positions is None else len(self.encoder.positions)

    def check(self, articles: Sequence[Sequence[int]], most_new_tokens: int) -> None:
        """Raise InferenceFailed where a token or a place has no embedding.

        A GPU that looks up what is not there is lost to the whole process, so
        this is asked before.
        """
        table = self.decoder.positions
        vocabulary = len(self._embed.table)
        if table is not None and most_new_tokens > len(table):
            raise InferenceFailed(f"The decoder has {len(table)} positions.", limit=len(table))
        for article in articles:
            if len(article) > self.most_tokens:
                raise InferenceFailed(
                    f"The encoder has {self.most_tokens} positions.", limit=self.most_tokens
                )
            if not article:
                raise InferenceFailed("An article has no tokens.")
            if min(article) < 0 or max(article) >= vocabulary:
                raise InferenceFailed(f"The vocabulary has {vocabulary} tokens.", limit=vocabulary)

    def new_state(self, slots: int, beams: int, tokens: int, positions: int) -> StaticState:
        """Empty memories for `slots` articles of up to `tokens`, each with `beams` rows."""
        return StaticState(
            layers=len(self.decoder.layers),
            heads=self.decoder.heads,
            width=self.head_width,
            dtype=self.dtype,
            device=self.device,
            slots=slots,
            beams=beams,
            corner=Corner(slots, tokens, positions),
            distance_bias=self._bias(torch.arange(1 - positions, 1).flip(0), both_ways=False),
        )

    def admit(self, ids: Tensor, lengths: Tensor, slots: Tensor, state: StaticState) -> None:
        """Read articles into slots of the state: `ids` (articles, tokens) padded, their `lengths`
        and `slots` (articles)."""
        mask = self._padding_mask(lengths, ids.shape[1])
        hidden = self.encode(ids, mask)
        heads = self.decoder.heads
        memory = []
        for layer in self.decoder.layers:
            assert layer.cross is not None
            both = layer.cross.key_value(hidden).view(*ids.shape, 2, heads, self.head_width)
            memory.append(both.permute(2, 0, 3, 1, 4))
        state.remember(memory, mask, slots)

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (articles * tokens, width) of padded articles; `mask` as in the state."""
        articles, tokens = ids.shape
        places = torch.arange(tokens, device=ids.device)
        x = self._embed(ids.flatten(), places.expand(articles, -1).flatten(), self.encoder)
        bias = mask[:, None, None, :]
        if (own := self._bias(places - places[:, None], both_ways=True)) is not None:
            bias = own + bias  # (articles, heads, tokens, tokens)

        def attend(x: Tensor, attention: SelfAttention, layer: int) -> Tensor:
            qkv = attention.qkv(x).view(articles, tokens, 3, self.encoder.heads, self.head_width)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (articles, heads, tokens, width)
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
            return attention.out(mixed.transpose(1, 2).reshape(articles * tokens, -1))

        return self._run_encoder(x, attend)

    def step(self, tokens: Tensor, places: Tensor, state: StaticState, corner: Corner) -> Tensor:
        """Decoder hidden states (rows, width) after row r read tokens[r] at position places[r].

        `tokens` and `places` (rows) belong to the first articles of the state,
        as many as `corner` has, and every place lies within its positions.
        """
        rows, beams, heads = len(tokens), state.beams, self.decoder.heads
        row = state.rows[:rows]
        own_bias = self._past_bias(places, state, corner)
        article_bias = state.mask[: corner.articles, None, None, : corner.tokens]

        def attend_self(x: Tensor, attention: SelfAttention, layer: int) -> Tensor:
            qkv = attention.qkv(x).view(rows, 3, heads, self.head_width)
            held = state.own[layer]
            held[:, row, :, places] = qkv[:, 1:]
            keys, values = held[:, :rows, :, : corner.positions]
            mixed = F.scaled_dot_product_attention(
                qkv[:, 0].unsqueeze(2), keys, values, attn_mask=own_bias, scale=1.0
            )
            return attention.out(mixed.reshape(rows, -1))

        def attend_article(x: Tensor, attention: CrossAttention, layer: int) -> Tensor:
            q = attention.query(x).view(corner.articles, beams, heads, self.head_width)
            keys, values = state.other[layer][:, : corner.articles, :, : corner.tokens]
            mixed = F.scaled_dot_product_attention(
                q.transpose(1, 2), keys, values, attn_mask=article_bias, scale=1.0
            )
            return attention.out(mixed.transpose(1, 2).reshape(rows, -1))

        x = self._embed(tokens, places, self.decoder)
        return self._run_decoder(x, attend_self, attend_article)

    def logits(self, hidden: Tensor) -> Tensor:
        return super().logits(hidden).float()

    def _padding_mask(self, lengths: Tensor, tokens: int) -> Tensor:
        """(articles, tokens): nothing to be added at an article's tokens, -inf past its end."""
        past = torch.arange(tokens, device=lengths.device) >= lengths[:, None]
        mask = torch.zeros(past.shape, dtype=self.dtype, device=lengths.device)
        return mask.masked_fill_(past, -math.inf)

    def _past_bias(self, places: Tensor, state: StaticState, corner: Corner) -> Tensor:
        """What is added to the scores of a row's own past: (rows, 1 or heads, 1, positions)."""
        distance = places[:, None] - state.places[: corner.positions]  # (rows, positions)
        ahead = distance < 0
        if state.distance_bias is None:
            mask = torch.zeros(ahead.shape, dtype=self.dtype, device=places.device)
            return mask.masked_fill_(ahead, -math.inf)[:, None, None, :]
        bias = state.distance_bias[:, distance.clamp_min(0)]  # (heads, rows, positions)
        return bias.masked_fill_(ahead, -math.inf).transpose(0, 1).unsqueeze(2)

    def _bias(self, distance: Tensor, *, both_ways: bool) -> Tensor | None:
        """T5's bias (heads, *distance) of keys so far from their query; None elsewhere."""
        table = (self.encoder if both_ways else self.decoder).bias
        if table is None:
            return None
        buckets = relative_buckets(distance, len(table), self._max_distance, both_ways)
        return table.T[:, buckets.to(table.device)].contiguous()
