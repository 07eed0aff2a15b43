"""Whether what is left of a sentence still is one, judged with what was cut out of it in view.

Letters in shapes: B sentences, P pieces, D width.

The input is the whole source sentence, read by the rewriter's lowest layers,
with a mark on each piece: kept, cut, or written into it. So the network knows
the phrase that a cut goes through, not only the words that it brings together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from models.networks.rewriter_layers import EncoderLayer, Linear, mask_bias, mix_joined, mix_padded

NO_MARK: Final = 0  # what begins and ends the sequence
KEPT: Final = 1
CUT: Final = 2
WRITTEN: Final = 3


@dataclass(frozen=True, slots=True)
class AcceptabilityConfig:
    """Sizes as in the rewriter; `layers` stand on its lowest `lower_layers`."""

    width: int = 384
    heads: int = 12
    inner: int = 1536
    layers: int = 2
    lower_layers: int = 1
    marks: int = 4
    tasks: int = 2


class AcceptabilityNetwork(nn.Module):
    """BERT layers over marked pieces; a logit for the sentence and one for each piece."""

    def __init__(self, config: AcceptabilityConfig) -> None:
        super().__init__()
        self.config = config
        self.mark_embedding = nn.Embedding(config.marks, config.width)
        self.task_embedding = nn.Embedding(config.tasks, config.width)
        self.encoder = nn.ModuleList(
            EncoderLayer(config.width, config.heads, config.inner) for _ in range(config.layers)
        )
        self.sentence = Linear(config.width, 1)
        self.word = Linear(config.width, 1)
        for embedding in (self.mark_embedding, self.task_embedding):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(
        self,
        x: Tensor,  # [B, P, D]: what the lower layers made of the pieces
        mask: Tensor,  # [B, P] bool, True where there is a piece
        marks: Tensor,  # [B, P] int64
        task: Tensor,  # [B] int64
    ) -> tuple[Tensor, Tensor]:
        """Logits that the sentence is sound [B] and that a piece is where it is not [B, P]."""
        mix = mix_padded(mask_bias(mask))
        x = x + self.mark_embedding(marks) + self.task_embedding(task).unsqueeze(1)
        for layer in self.encoder:
            x = layer(x, mix)
        return self.sentence(x[:, 0]).squeeze(-1), self.word(x).squeeze(-1)

    def judge(self, x: Tensor, lengths: Sequence[int], marks: Tensor, task: Tensor) -> Tensor:
        """The sentences' logits [B] with the sentences one behind the other.

        `x` [N, D] and `marks` [N] as in `forward`, `lengths` and `task` [B] of
        each sentence. What the last layer makes of other pieces than the
        first is never computed.
        """
        counts = torch.tensor(lengths, device=x.device)
        x = x + self.mark_embedding(marks)
        x = x + self.task_embedding(task).repeat_interleave(counts, 0)
        mix = mix_joined(lengths, x.device)
        for layer in self.encoder[:-1]:
            x = layer(x, mix)
        begins = counts.cumsum(0) - counts
        x = self.encoder[-1](x, mix_joined(lengths, x.device, firsts=True), begins)
        return torch.as_tensor(self.sentence(x).squeeze(-1))
