"""Judges shortened sentences: the probability that what is left still is a sentence.

The judge shares the rewriter's tokenizer and lowest layers and adds a few of
its own (`models.networks.acceptability`); all sentences of a batch are judged
together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from models.errors import CorruptModel
from models.networks.acceptability import (
    CUT,
    KEPT,
    NO_MARK,
    WRITTEN,
    AcceptabilityConfig,
    AcceptabilityNetwork,
)
from models.networks.rewriter import RewriterNetwork
from models.networks.rewriter_layers import Linear, mask_bias, mix_joined, mix_padded
from models.rewriter_input import TASKS
from models.shortening import Shortening

WEIGHTS: Final = "acceptability.safetensors"
CONFIG: Final = "acceptability.json"
MAX_PIECES: Final = 208
# Sequences are padded to whole vectors, so that sums over them come out the same in every batch.
PADDING: Final = 16
BATCH_PIECES: Final = 1024


@dataclass(frozen=True, slots=True)
class Marked:
    """A shortening as pieces; `words` says which word of the sentence a piece is of (-1: none)."""

    pieces: list[int]
    marks: list[int]
    words: list[int]
    task: int


class Marker:
    """Turns shortenings into marked pieces with one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._begin = self._id("[CLS]")
        self._end = self._id("[SEP]")

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)

    def mark(self, items: Sequence[Shortening]) -> list[Marked]:
        """The whole source, in order, with what was written where it was written."""
        sequences = [_sequence(item) for item in items]
        encodings = self._tokenizer.encode_batch(
            [[text for text, _, _ in sequence] for sequence in sequences],
            is_pretokenized=True,
            add_special_tokens=False,
        )
        result = []
        for item, sequence, encoding in zip(items, sequences, encodings, strict=True):
            owners = [word for word in encoding.word_ids if word is not None]
            entries = [sequence[word] for word in owners[: MAX_PIECES - 2]]
            pieces = [self._begin, *encoding.ids[: MAX_PIECES - 2], self._end]
            marks = [NO_MARK, *(mark for _, mark, _ in entries), NO_MARK]
            places = [-1, *(place for _, _, place in entries), -1]
            result.append(Marked(pieces, marks, places, TASKS.index(item.task)))
        return result


def _sequence(item: Shortening) -> list[tuple[str, int, int]]:
    """(text, mark, place in the sentence or -1) of every word, written ones among them."""
    words = item.words
    entries: list[tuple[str, int, int]] = []
    following = 0
    for key, place in zip(item.keys, item.places, strict=True):
        if place is None:
            entries.append((key, WRITTEN, -1))
            continue
        entries += [(words[i].text, CUT, i) for i in range(following, place)]
        entries.append((words[place].text, KEPT, place))
        following = place + 1
    entries += [(words[i].text, CUT, i) for i in range(following, len(words))]
    return entries


@dataclass(frozen=True, slots=True)
class MarkedBatch:
    """Shortenings padded to one length: [B, P] each, `task` [B]."""

    pieces: Tensor
    mask: Tensor
    marks: Tensor
    task: Tensor


def collate(items: Sequence[Marked]) -> MarkedBatch:
    longest = max(len(item.pieces) for item in items)
    size = -(-longest // PADDING) * PADDING
    pieces = torch.zeros(len(items), size, dtype=torch.int64)
    mask = torch.zeros(len(items), size, dtype=torch.bool)
    marks = torch.zeros(len(items), size, dtype=torch.int64)
    for row, item in enumerate(items):
        count = len(item.pieces)
        pieces[row, :count] = torch.tensor(item.pieces)
        marks[row, :count] = torch.tensor(item.marks)
        mask[row, :count] = True
    return MarkedBatch(pieces, mask, marks, torch.tensor([item.task for item in items]))


def read_lower(rewriter: RewriterNetwork, batch: MarkedBatch, layers: int) -> Tensor:
    """What the rewriter's lowest layers, which read plain text, make of the pieces [B, P, D]."""
    positions = torch.arange(batch.pieces.shape[1], device=batch.pieces.device)
    x = rewriter.piece_embedding(batch.pieces).float() + rewriter.position_embedding(positions)
    x = rewriter.embedding_norm(x)
    mix = mix_padded(mask_bias(batch.mask))
    for layer in rewriter.encoder[:layers]:
        x = layer(x, mix)
    return torch.as_tensor(x)


def read_joined(
    rewriter: RewriterNetwork, sequences: Sequence[Sequence[int]], layers: int
) -> Tensor:
    """The same of `sequences` of pieces one behind the other [N, D], without padding."""
    device = rewriter.begin.device
    pieces = torch.tensor([piece for one in sequences for piece in one], device=device)
    positions = torch.tensor([place for one in sequences for place in range(len(one))])
    x = rewriter.piece_embedding(pieces).float()
    x = rewriter.embedding_norm(x + rewriter.position_embedding(positions.to(device)))
    mix = mix_joined([len(one) for one in sequences], device)
    for layer in rewriter.encoder[:layers]:
        x = layer(x, mix)
    return torch.as_tensor(x)


class Judge:
    """The network with the rewriter's lower layers."""

    def __init__(
        self,
        network: AcceptabilityNetwork,
        rewriter: RewriterNetwork,
        tokenizer: Tokenizer,
        device: str = "cpu",
    ) -> None:
        self.network = network.eval().to(device)
        self._rewriter = rewriter
        self._marker = Marker(tokenizer)
        self._parameters = sum(parameter.numel() for parameter in network.parameters())

    @classmethod
    def load(
        cls,
        directory: Path,
        rewriter: RewriterNetwork,
        tokenizer: Tokenizer,
        *,
        device: str = "cpu",
        bfloat16: bool = False,
    ) -> Judge:
        """Load the weights beside those of `rewriter`. Raises CorruptModel if they do not fit."""
        try:
            config = AcceptabilityConfig(
                **json.loads((directory / CONFIG).read_text(encoding="utf-8"))
            )
            network = AcceptabilityNetwork(config)
            state = load_file(directory / WEIGHTS)
            network.load_state_dict({name: value.float() for name, value in state.items()})
        except Exception as error:
            raise CorruptModel(f"The judge's files cannot be read: {error}") from error
        if config.lower_layers > rewriter.config.frozen_layers:
            raise CorruptModel("The judge stands on layers that the rewriter changed.")
        judge = cls(network, rewriter, tokenizer, device)
        if bfloat16:
            for module in network.encoder.modules():
                if isinstance(module, Linear):
                    module.pack(torch.bfloat16)
        return judge

    @property
    def parameters(self) -> int:
        return self._parameters

    @torch.inference_mode()
    def score(self, items: Sequence[Shortening]) -> list[float]:
        """For each shortening the probability that it is sound; 0 if words changed places."""
        scores = [0.0] * len(items)
        usable = [index for index, item in enumerate(items) if item.in_order]
        marked = dict(
            zip(usable, self._marker.mark([items[index] for index in usable]), strict=True)
        )
        # Sentences of one length are attended to together, those of the same pieces read once.
        usable.sort(key=lambda index: (len(marked[index].pieces), marked[index].pieces))
        while usable:
            rows = max(1, BATCH_PIECES // len(marked[usable[-1]].pieces))
            chosen, usable = usable[-rows:], usable[:-rows]
            logits = self._judge([marked[index] for index in chosen])
            for index, score in zip(chosen, logits.float().sigmoid().tolist(), strict=True):
                scores[index] = score
        return scores

    def _judge(self, items: Sequence[Marked]) -> Tensor:
        """The logits of the items [B]."""
        distinct = list(dict.fromkeys(tuple(item.pieces) for item in items))
        lower = read_joined(self._rewriter, distinct, self.network.config.lower_layers)
        sources = dict(
            zip(distinct, lower.split_with_sizes([len(one) for one in distinct]), strict=True)
        )
        return self.network.judge(
            torch.cat([sources[tuple(item.pieces)] for item in items]),
            [len(item.pieces) for item in items],
            torch.tensor([mark for item in items for mark in item.marks], device=lower.device),
            torch.tensor([item.task for item in items], device=lower.device),
        )
