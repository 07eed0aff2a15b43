"""The salience network: which sentences of an article a summary is written from.

A sentence is a frequency-weighted bag of word pieces (Arora et al. 2017, "A
simple but tough-to-beat baseline for sentence embeddings") from a table that
began as a pretrained encoder's, beside a few dozen features of its place and
wording. Transformer layers over the sentences of the article (Liu & Lapata
2019, the inter-sentence layers of BertSumExt) let each be judged against the
others. No token ever passes through an encoder: an article costs a
millisecond or two.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class SalienceConfig:
    """Shape of the network; `max_sentences` is the window it sees at once."""

    vocabulary_size: int = 30522
    embedding_width: int = 384
    features: int = 24
    width: int = 128
    layers: int = 2
    heads: int = 4
    max_sentences: int = 40
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class SalienceBatch:
    """Articles as the network takes them: B articles of at most N sentences.

    `embeddings` (B, N, E) unit length, zero where padded; `features` (B, N,
    F); `mask` (B, N), true where a sentence is.
    """

    embeddings: Tensor
    features: Tensor
    mask: Tensor


class SalienceNetwork(nn.Module):
    """A `SalienceBatch` to scores (B, N): logits of a softmax over an article's sentences."""

    # Unit-length embeddings have entries near 0.05; the projections expect about half a unit.
    EMBEDDING_SCALE = 10.0

    def __init__(self, config: SalienceConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.sentence = nn.Linear(config.embedding_width, width)
        self.article = nn.Linear(config.embedding_width, width)
        self.wording = nn.Sequential(
            nn.Linear(config.features, width), nn.GELU(), nn.Linear(width, width)
        )
        self.place = nn.Embedding(config.max_sentences, width)
        nn.init.normal_(self.place.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width,
            config.heads,
            3 * width,
            config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.score = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1)
        )

    def forward(self, batch: SalienceBatch) -> Tensor:
        embeddings = batch.embeddings * self.EMBEDDING_SCALE  # (B, N, E)
        counts = batch.mask.sum(1).clamp_min(1)[:, None, None]
        centroid = embeddings.sum(1, keepdim=True) / counts  # (B, 1, E)
        places = torch.arange(embeddings.shape[1], device=embeddings.device)
        hidden = self.wording(batch.features) + self.place(places)
        hidden = hidden + self.sentence(embeddings) + self.article(centroid)  # (B, N, D)
        hidden = self.layers(hidden, src_key_padding_mask=~batch.mask)
        scores: Tensor = self.score(hidden).squeeze(-1)
        return scores.masked_fill(~batch.mask, -1e4)
