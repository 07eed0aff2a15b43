"""The order of an encoder-decoder's layers, whatever runs them: CPU or GPU, padded or not.

How attention is computed and where keys and values are kept is the matter of
the networks that stand on this one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from models.networks.linear import Linear
from models.networks.seq2seq_layers import CrossAttention, Embedding, Norm, SelfAttention, Stack

# Hidden states (rows, width) to what attention adds to them; the decoder's also get the layer.
AttendArticle = Callable[[Tensor, CrossAttention, int], Tensor]
AttendSelf = Callable[[Tensor, SelfAttention, int], Tensor]


class EncoderDecoder:
    """The weights of one checkpoint; built by `models.networks.seq2seq_weights`."""

    def __init__(
        self,
        *,
        encoder: Stack,
        decoder: Stack,
        embedding: Embedding,
        output: Linear,
        output_scale: float,
        norm_first: bool,
        head_width: int,
        max_distance: int,
        precision: str,
    ) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self.head_width = head_width
        self.precision = precision
        self._embed = embedding
        self._output = output
        self._output_scale = output_scale
        self._norm_first = norm_first
        self._max_distance = max_distance

    def logits(self, hidden: Tensor) -> Tensor:
        """(rows, vocabulary) in fp32."""
        if self._output_scale != 1.0:
            hidden = hidden * self._output_scale
        return self._output(hidden)

    def greedy_tokens(self, hidden: Tensor) -> Tensor:
        """(rows): where each row of `logits` is largest, the first of equals."""
        # numpy's argmax takes a tenth of the time of torch's; both give the first of equals.
        return torch.from_numpy(self.logits(hidden).numpy().argmax(axis=-1))

    def _run_encoder(self, x: Tensor, attend: AttendSelf) -> Tensor:
        """Hidden states of the embedded tokens `x` (tokens, width)."""
        for index, layer in enumerate(self.encoder.layers):
            own, feed = layer.attention, layer.feed_forward
            x = self._after(x, attend(self._before(x, own.norm), own, index), own.norm)
            x = self._after(x, feed(self._before(x, feed.norm)), feed.norm)
        return x if self.encoder.final_norm is None else self.encoder.final_norm(x)

    def _run_decoder(
        self, x: Tensor, attend_self: AttendSelf, attend_article: AttendArticle
    ) -> Tensor:
        """The same for the decoder's embedded tokens."""
        for index, layer in enumerate(self.decoder.layers):
            own, cross, feed = layer.attention, layer.cross, layer.feed_forward
            assert cross is not None
            x = self._after(x, attend_self(self._before(x, own.norm), own, index), own.norm)
            x = self._after(
                x, attend_article(self._before(x, cross.norm), cross, index), cross.norm
            )
            x = self._after(x, feed(self._before(x, feed.norm)), feed.norm)
        return x if self.decoder.final_norm is None else self.decoder.final_norm(x)

    def _before(self, x: Tensor, norm: Norm) -> Tensor:
        return norm(x) if self._norm_first else x

    def _after(self, x: Tensor, change: Tensor, norm: Norm) -> Tensor:
        return x + change if self._norm_first else norm(x + change)
