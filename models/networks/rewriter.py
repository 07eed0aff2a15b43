"""The rewriter's network: a BERT-like encoder and a decoder that copies by the word.

Letters in shapes: B sources, P pieces, S slots, T steps, D width, V written words.

A *slot* is what the decoder can attend to: the first piece of each source
word, and the marks between the parts. Each decoding step chooses one action
from a joint distribution over V written words and S slots (a pointer network,
Vinyals et al. 2015, mixed with generation as in See et al. 2017): classes
0..V-1 write a word (0 ends the sentence), class V + s copies the word at slot s.

Summaries copy runs, so each step knows where it stands: the slot copied last
and the one after it are part of the decoder's input, the pointer scores know
the distance to the last copy, and a slot is copied at most once.

The lowest encoder layers stay as they were pretrained and read plain text;
parts, task and length are marked by embeddings added above them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

END: Final = 0
IGNORE: Final = -100


@dataclass(frozen=True, slots=True)
class RewriterConfig:
    width: int = 384
    heads: int = 12
    inner: int = 1536
    encoder_layers: int = 6
    frozen_layers: int = 2
    decoder_layers: int = 2
    vocabulary: int = 30522
    max_pieces: int = 256
    written_words: int = 1801
    max_steps: int = 64
    tasks: int = 2
    lengths: int = 7
    parts: int = 3
    max_offset: int = 24


@dataclass(frozen=True, slots=True)
class Source:
    """What the encoder reads. `slots` are piece indices; padding repeats index 0."""

    pieces: Tensor  # [B, P] int64
    piece_mask: Tensor  # [B, P] bool, True where there is a piece
    parts: Tensor  # [B, P] int64: 0 lead, 1 previous sentence, 2 target sentence
    task: Tensor  # [B] int64
    length: Tensor  # [B] int64
    slots: Tensor  # [B, S] int64
    slot_mask: Tensor  # [B, S] bool, True where there is a slot
    copyable: Tensor  # [B, S] bool, True where the slot is a word
    start: Tensor  # [B] int64: the slot before the target sentence


@dataclass(frozen=True, slots=True)
class Memory:
    """What decoding needs of the source: slots, and each layer's cross-attention input."""

    entries: Tensor  # [B, S, D]: decoder input after a slot was copied, of it and of the next
    slot_bias: Tensor  # [B, 1, 1, S]: 0 for a slot, a large negative number for padding
    copyable: Tensor  # [B, S] bool
    start: Tensor  # [B]
    keep: Tensor  # [B, S]: logit that the slot is part of the summary
    keys: Tensor  # [B, S, D]: the pointer's
    cross: tuple[tuple[Tensor, Tensor], ...]  # a layer: two of [B, H, S, D/H]

    def select(self, rows: Tensor) -> Memory:
        """The memory of the given rows, repeated or dropped."""
        return Memory(
            self.entries[rows],
            self.slot_bias[rows],
            self.copyable[rows],
            self.start[rows],
            self.keep[rows],
            self.keys[rows],
            tuple((k[rows], v[rows]) for k, v in self.cross),
        )


class Linear(nn.Linear):
    """A linear layer that may keep its weights in bfloat16 between float32 activations.

    On CPUs with AVX512-BF16 or AMX that is over twice as fast, and, unlike
    float32 there, gives a row the same bits whatever the batch around it.
    """

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """xW' + b in the weight's number format, handed back in that of x."""
    if torch.is_autocast_enabled(x.device.type) or x.dtype == weight.dtype:
        return F.linear(x, weight, bias)
    return F.linear(x.to(weight.dtype), weight, bias.to(weight.dtype)).to(x.dtype)


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


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, ., D] to [B, H, ., D/H]."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def mask_bias(mask: Tensor) -> Tensor:
    """0 where True, a large negative number where False: [B, S] to [B, 1, 1, S]."""
    return torch.zeros(mask.shape).masked_fill_(~mask.cpu(), -1e4).to(mask.device)[:, None, None, :]


class EncoderLayer(nn.Module):
    """BERT's layer (post-norm)."""

    def __init__(self, config: RewriterConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)
        self.norm1 = nn.LayerNorm(config.width, eps=1e-12)
        self.up = Linear(config.width, config.inner)
        self.down = Linear(config.inner, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-12)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:  # [B, P, D]
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        x = self.norm1(x + self.out(attend(query, key, value, bias)))
        return torch.as_tensor(self.norm2(x + self.down(F.gelu(self.up(x)))))


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention to the slots, feed-forward (pre-norm)."""

    def __init__(self, config: RewriterConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(config.width)
        self.qkv = Linear(config.width, 3 * config.width)
        self.self_out = Linear(config.width, config.width)
        self.norm2 = nn.LayerNorm(config.width)
        self.query = Linear(config.width, config.width)
        self.key_value = Linear(config.width, 2 * config.width)
        self.cross_out = Linear(config.width, config.width)
        self.norm3 = nn.LayerNorm(config.width)
        self.up = Linear(config.width, config.inner)
        self.down = Linear(config.inner, config.width)

    def cross_memory(self, slots: Tensor) -> tuple[Tensor, Tensor]:
        key, value = self.key_value(slots).chunk(2, dim=-1)
        return split_heads(key, self.heads), split_heads(value, self.heads)

    def forward(
        self,
        x: Tensor,  # [B, T, D]
        bias: Tensor | None,
        past: tuple[Tensor, Tensor] | None,
        cross: tuple[Tensor, Tensor],
        cross_bias: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        query, key, value = (
            split_heads(part, self.heads) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        if past is not None:
            key, value = torch.cat((past[0], key), 2), torch.cat((past[1], value), 2)
        x = x + self.self_out(attend(query, key, value, bias))
        query = split_heads(self.query(self.norm2(x)), self.heads)
        x = x + self.cross_out(attend(query, *cross, cross_bias))
        x = x + self.down(F.gelu(self.up(self.norm3(x))))
        return x, (key, value)


@dataclass(frozen=True, slots=True)
class State:
    """What one decoding step leaves to the next, a row per hypothesis."""

    past: tuple[tuple[Tensor, Tensor], ...]  # a layer: two of [B, H, t, D/H]
    last: Tensor  # [B]: slot copied last
    used: Tensor  # [B, S] bool: slots copied so far
    step: int

    def select(self, rows: Tensor) -> State:
        past = tuple((key[rows], value[rows]) for key, value in self.past)
        return State(past, self.last[rows], self.used[rows], self.step)


class RewriterNetwork(nn.Module):
    def __init__(self, config: RewriterConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.piece_embedding = nn.Embedding(config.vocabulary, width)
        self.position_embedding = nn.Embedding(config.max_pieces, width)
        self.embedding_norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.part_embedding = nn.Embedding(config.parts, width)
        self.task_embedding = nn.Embedding(config.tasks, width)
        self.length_embedding = nn.Embedding(config.lengths, width)
        self.written = nn.Embedding(config.written_words, width)
        self.written_bias = nn.Parameter(torch.zeros(config.written_words))
        self.copied = nn.Parameter(torch.zeros(width))
        self.begin = nn.Parameter(torch.zeros(width))
        self.step_embedding = nn.Embedding(config.max_steps + 1, width)
        self.from_last = Linear(width, width)
        self.from_next = Linear(width, width)
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.final_norm = nn.LayerNorm(width)
        self.to_written = Linear(width, width)
        self.pointer_query = Linear(width, width)
        self.pointer_key = Linear(width, width)
        self.keep = Linear(width, 1)
        self.offset = Linear(width, 2 * config.max_offset + 1)
        self.apply(self._initialise)

    def _initialise(self, module: nn.Module) -> None:
        if isinstance(module, Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, Linear):
            nn.init.zeros_(module.bias)
        if module is self:
            # Before anything is learned, going on with the next word is the best guess.
            nn.init.constant_(
                self.offset.bias[self.config.max_offset : self.config.max_offset + 1], 3.0
            )

    def freeze_lowest(self) -> None:
        """Stop gradients for the embeddings and the lowest layers."""
        lowest = [self.piece_embedding, self.position_embedding, self.embedding_norm]
        lowest += list(self.encoder[: self.config.frozen_layers])
        for module in lowest:
            module.requires_grad_(False)

    def to_bfloat16(self) -> None:
        """Keep the weights of linear layers, and those that score written words, in bfloat16."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.to(torch.bfloat16)
        self.written.to(torch.bfloat16)

    def encode(self, source: Source) -> Memory:
        bias = mask_bias(source.piece_mask)
        marks = self.part_embedding(source.parts) + (
            self.task_embedding(source.task) + self.length_embedding(source.length)
        ).unsqueeze(1)  # [B, P, D]
        positions = torch.arange(source.pieces.shape[1], device=source.pieces.device)
        x = self.piece_embedding(source.pieces) + self.position_embedding(positions)
        x = self.embedding_norm(x)
        for index, layer in enumerate(self.encoder):
            if index == self.config.frozen_layers:
                x = x + marks
            x = layer(x, bias)
        slots = x.gather(1, source.slots.unsqueeze(-1).expand(-1, -1, x.shape[-1]))  # [B, S, D]
        following = self.from_next(slots).roll(-1, dims=1)  # the last slot is no word
        return Memory(
            self.from_last(slots) + following,
            mask_bias(source.slot_mask),
            source.copyable,
            source.start,
            self.keep(slots).squeeze(-1).float(),
            self.pointer_key(slots),
            tuple(layer.cross_memory(slots) for layer in self.decoder),  # type: ignore[operator]
        )

    def _enter(self, memory: Memory, written: Tensor, last: Tensor, step: int) -> Tensor:
        """Decoder input [B, T, D] from the previous actions [B, T] (IGNORE at the beginning)."""
        V, width = self.config.written_words, memory.entries.shape[-1]
        entries = memory.entries.gather(1, last.unsqueeze(-1).expand(-1, -1, width))
        word = self.written(written.clamp(0, V - 1)).to(entries.dtype)
        word = torch.where((written >= V).unsqueeze(-1), self.copied.to(word.dtype), word)
        word = torch.where((written == IGNORE).unsqueeze(-1), self.begin.to(word.dtype), word)
        steps = torch.arange(step, step + written.shape[1], device=written.device)
        return torch.as_tensor(word + entries + self.step_embedding(steps))

    def _logits(self, y: Tensor, memory: Memory, last: Tensor, used: Tensor) -> Tensor:
        """Action scores [B, T, V + S] from decoder states [B, T, D]; `used` is [B, T, S]."""
        y = self.final_norm(y)
        write = linear(self.to_written(y), self.written.weight, self.written_bias)
        point = self.pointer_query(y) @ memory.keys.transpose(-1, -2)
        point = point.float() * (1 / math.sqrt(y.shape[-1])) + memory.keep.unsqueeze(1)
        span = self.config.max_offset
        places = torch.arange(memory.copyable.shape[1], device=y.device)
        distance = (places - (last + 1).unsqueeze(-1)).clamp(-span, span) + span  # [B, T, S]
        point = point + self.offset(y).float().gather(-1, distance)
        point = point.masked_fill(used | ~memory.copyable.unsqueeze(1), -1e4)
        return torch.cat((write.float(), point), dim=-1)

    def forward(self, source: Source, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [B, T, V + S] of teacher-forced `actions` [B, T], and keep logits [B, S].

        `actions` are classes, padded with IGNORE after the END.
        """
        memory = self.encode(source)
        V, S = self.config.written_words, memory.copyable.shape[1]
        T = actions.shape[1]
        copied = actions >= V
        place = torch.where(copied, actions - V, -1)
        last, used = trace(place, memory.start, S)
        previous = torch.cat((torch.full_like(actions[:, :1], IGNORE), actions[:, :-1]), 1)
        previous = torch.where(
            (previous == IGNORE) & (torch.arange(T) > 0).to(previous.device), END, previous
        )
        x = self._enter(memory, previous, last, 0)
        causal = torch.full((T, T), -1e4, device=x.device).triu(1)
        for layer, cross in zip(self.decoder, memory.cross, strict=True):
            x, _ = layer(x, causal, None, cross, memory.slot_bias)
        return self._logits(x, memory, last, used), memory.keep

    def begin_state(self, memory: Memory) -> State:
        used = torch.zeros_like(memory.copyable)
        return State((), memory.start, used, 0)

    def step(self, memory: Memory, state: State, previous: Tensor) -> tuple[Tensor, State]:
        """Scores [B, V + S] of the next action after `previous` [B] (IGNORE at the beginning)."""
        V = self.config.written_words
        rows = torch.arange(previous.shape[0], device=previous.device)
        place = previous - V
        copied = place >= 0
        last = torch.where(copied, place, state.last)
        used = state.used.clone()
        used[rows[copied], place[copied]] = True
        x = self._enter(memory, previous.unsqueeze(1), last.unsqueeze(1), state.step)
        past = []
        for index, layer in enumerate(self.decoder):
            before = state.past[index] if state.past else None
            x, kept = layer(x, None, before, memory.cross[index], memory.slot_bias)
            past.append(kept)
        scores = self._logits(x, memory, last.unsqueeze(1), used.unsqueeze(1)).squeeze(1)
        return scores, State(tuple(past), last, used, state.step + 1)


def trace(place: Tensor, start: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    """Before each step: the slot copied last [B, T] and the slots copied so far [B, T, S].

    `place` [B, T] is the slot that each step copies, -1 where it copies none.
    """
    B, T = place.shape
    hit = F.one_hot(place.clamp(min=0), slots).bool() & (place >= 0).unsqueeze(-1)
    used = hit.cumsum(1).bool()
    used = torch.cat((torch.zeros_like(used[:, :1]), used[:, :-1]), 1)
    steps = torch.arange(T, device=place.device).expand(B, T)
    latest = torch.where(place >= 0, steps, -1).cummax(1).values
    last = torch.where(latest >= 0, place.gather(1, latest.clamp(min=0)), start.unsqueeze(1))
    return torch.cat((start.unsqueeze(1), last[:, :-1]), 1), used


def rewriter_loss(
    scores: Tensor, keep: Tensor, actions: Tensor, source: Source, keep_weight: float = 0.2
) -> Tensor:
    """Cross-entropy of the actions, and of "this slot is copied" as a guide for the encoder."""
    V = scores.shape[-1] - keep.shape[1]
    loss = F.cross_entropy(scores.flatten(0, 1), actions.flatten(), ignore_index=IGNORE)
    if keep_weight == 0:
        return loss
    place = actions - V
    hit = F.one_hot(place.clamp(min=0), keep.shape[1]) * (place >= 0).unsqueeze(-1)
    kept = hit.sum(1).clamp(max=1).to(keep.dtype)
    guide = F.binary_cross_entropy_with_logits(keep, kept, weight=source.copyable.to(keep.dtype))
    return loss + keep_weight * guide
