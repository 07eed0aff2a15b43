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
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.rewriter_layers import (
    ROUND,
    DecoderLayer,
    EncoderLayer,
    Linear,
    Remember,
    TiledLinear,
    mask_bias,
    mix_joined,
    mix_padded,
)

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

    def keep_rows(self, holes: Tensor, movers: Tensor, count: int) -> Memory:
        """The first `count` rows, after rows `movers` were put in the place of rows `holes`."""
        keep = partial(keep_rows, holes=holes, movers=movers, count=count)
        return Memory(
            keep(self.entries),
            keep(self.slot_bias),
            keep(self.copyable),
            keep(self.start),
            keep(self.keep),
            keep(self.keys),
            tuple((keep(key), keep(value)) for key, value in self.cross),
        )


def keep_rows(held: Tensor, holes: Tensor, movers: Tensor, count: int) -> Tensor:
    """The first `count` rows of `held`, after rows `movers` were put in the place of `holes`."""
    if len(holes):
        held[holes] = held[movers]
    return held[:count]


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


class Cache:
    """Keys and values of what each row has read, in memory set aside once.

    `lengths` [B] counts the steps that a row keeps: what was read behind them
    is overwritten by the next read.
    """

    def __init__(self, config: RewriterConfig, rows: int, steps: int, device: torch.device) -> None:
        self.lengths = torch.zeros(rows, dtype=torch.int64, device=device)
        self._longest = 0
        shape = (rows, config.heads, steps, config.width // config.heads)
        self._held = [
            (torch.zeros(shape, device=device), torch.zeros(shape, device=device))
            for _ in range(config.decoder_layers)
        ]

    def advance(self, kept: Tensor, longest: int) -> None:
        """Keep `kept` [B] more steps of each row; `longest` is the greatest length then."""
        self.lengths += kept
        self._longest = longest

    def keep_rows(self, holes: Tensor, movers: Tensor, count: int) -> None:
        """Like `Memory.keep_rows`."""
        keep = partial(keep_rows, holes=holes, movers=movers, count=count)
        self.lengths = keep(self.lengths)
        self._held = [(keep(key), keep(value)) for key, value in self._held]

    def steps(self, count: int) -> Tensor:
        """The places [B, T] of the next `count` steps."""
        return self.lengths[:, None] + torch.arange(count, device=self.lengths.device)

    def hidden(self, steps: Tensor) -> Tensor:
        """What comes after each of `steps` [B, T]: [B, T, size], as long as what is attended to."""
        size = min(self._size, -(-(self._longest + steps.shape[1]) // ROUND) * ROUND)
        return torch.arange(size, device=steps.device) > steps[..., None]

    @property
    def _size(self) -> int:
        return self._held[0][0].shape[2]

    def rememberer(self, layer: int, steps: Tensor, size: int) -> Remember:
        """Puts what it gets at `steps` and gives the first `size` steps of it all."""
        keys, values = self._held[layer]
        rows, heads, most, width = keys.shape
        begins = torch.arange(rows * heads, device=steps.device).view(rows, heads, 1) * most
        places = (begins + steps[:, None]).view(-1)  # [B * H * T]

        def remember(key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
            for held, new in ((keys, key), (values, value)):
                held.view(-1, width).index_copy_(0, places, new.flatten(0, 2))
            return keys[:, :, :size], values[:, :, :size]

        return remember


class RewriterNetwork(nn.Module):
    def __init__(self, config: RewriterConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.piece_embedding = nn.Embedding(config.vocabulary, width)
        self.position_embedding = nn.Embedding(config.max_pieces, width)
        self.embedding_norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = nn.ModuleList(
            EncoderLayer(width, config.heads, config.inner) for _ in range(config.encoder_layers)
        )
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
        self.decoder = nn.ModuleList(
            DecoderLayer(width, config.heads, config.inner) for _ in range(config.decoder_layers)
        )
        self.final_norm = nn.LayerNorm(width)
        self.to_written = Linear(width, width)
        self.pointer_query = Linear(width, width)
        self.pointer_key = Linear(width, width)
        self.keep = Linear(width, 1)
        self.offset = Linear(width, 2 * config.max_offset + 1)
        self._write: TiledLinear | None = None
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

    @torch.no_grad()
    def settle(self, dtype: torch.dtype) -> None:
        """Make the weights, as read from a file, ready for inference where they are.

        On a CPU linear layers compute in `dtype`, elsewhere in float32. The
        table of pieces stays as small as it is: only rows of it are used.
        """
        if self.begin.device.type == "cpu" and torch._C._has_mkldnn:
            for module in self.modules():
                if isinstance(module, Linear):
                    module.pack(dtype)
            self._write = TiledLinear(self.written.weight, self.written_bias, dtype)
            self.written.to(dtype)
        kept = {id(self.written.weight) if self._write else None, id(self.piece_embedding.weight)}
        for parameter in self.parameters():
            # A copy in any case: what was read may still lie in the file.
            parameter.data = parameter.clone() if id(parameter) in kept else parameter.float()

    def encode(self, source: Source) -> Memory:
        if torch.is_grad_enabled() or source.pieces.device.type != "cpu":
            return self._encode_padded(source)
        return self._encode_joined(source)

    def _encode_padded(self, source: Source) -> Memory:
        mix = mix_padded(mask_bias(source.piece_mask))
        positions = torch.arange(source.pieces.shape[1], device=source.pieces.device)
        x = self.piece_embedding(source.pieces).float() + self.position_embedding(positions)
        x = self.embedding_norm(x)
        marks = self.part_embedding(source.parts) + (
            self.task_embedding(source.task) + self.length_embedding(source.length)
        ).unsqueeze(1)  # [B, P, D]
        for index, layer in enumerate(self.encoder):
            x = layer(x + marks if index == self.config.frozen_layers else x, mix)
        slots = x.gather(1, source.slots.unsqueeze(-1).expand(-1, -1, x.shape[-1]))  # [B, S, D]
        return self._memory(source, slots, lambda x: x)

    def _encode_joined(self, source: Source) -> Memory:
        """The same with the sources one behind the other: no work is done on padding."""
        lengths = source.piece_mask.sum(1)  # [B]
        row, position = source.piece_mask.nonzero(as_tuple=True)  # two of [N]
        x = self.piece_embedding(source.pieces[row, position]).float()
        x = self.embedding_norm(x + self.position_embedding(position))
        marks = self.task_embedding(source.task) + self.length_embedding(source.length)  # [B, D]
        marks = self.part_embedding(source.parts[row, position]) + marks[row]  # [N, D]
        mix = mix_joined(lengths.tolist(), x.device)
        for index, layer in enumerate(self.encoder):
            x = layer(x + marks if index == self.config.frozen_layers else x, mix)
        begins = (lengths.cumsum(0) - lengths)[:, None]
        slots = x[(begins + source.slots)[source.slot_mask]]  # [F, D]
        counts = source.slot_mask.sum(1)
        places = (counts.cumsum(0) - counts)[:, None] + torch.arange(source.slots.shape[1])
        places = places.where(source.slot_mask, 0).view(-1)  # [B * S]
        return self._memory(
            source,
            slots,
            lambda x: x.index_select(0, places).view(*source.slots.shape, *x.shape[1:]),
        )

    def _memory(self, source: Source, slots: Tensor, spread: Callable[[Tensor], Tensor]) -> Memory:
        """Memory from the slots' states; `spread` brings what is computed of them to [B, S, .]."""
        following = self.from_next(slots).roll(-1, dims=-2)  # the last slot is no word
        cross = [
            layer.cross_memory(spread(layer.key_value(slots)))  # type: ignore[operator]
            for layer in self.decoder
        ]
        return Memory(
            spread(self.from_last(slots) + following),
            mask_bias(source.slot_mask),
            source.copyable,
            source.start,
            spread(self.keep(slots).squeeze(-1).float()),
            spread(self.pointer_key(slots)),
            tuple(cross),
        )

    def _enter(self, memory: Memory, written: Tensor, last: Tensor, steps: Tensor) -> Tensor:
        """Decoder input [B, T, D] from the previous actions [B, T] (IGNORE at the beginning)."""
        V, width = self.config.written_words, memory.entries.shape[-1]
        entries = memory.entries.gather(1, last.unsqueeze(-1).expand(-1, -1, width))
        word = self.written(written.clamp(0, V - 1)).to(entries.dtype)
        word = torch.where((written >= V).unsqueeze(-1), self.copied.to(word.dtype), word)
        word = torch.where((written == IGNORE).unsqueeze(-1), self.begin.to(word.dtype), word)
        return torch.as_tensor(word + entries + self.step_embedding(steps))

    def _logits(self, y: Tensor, memory: Memory, last: Tensor, used: Tensor) -> Tensor:
        """Action scores [B, T, V + S] from decoder states [B, T, D]; `used` is [B, T, S]."""
        y = self.final_norm(y)
        write = self.to_written(y)
        if self._write is None:
            write = F.linear(write, self.written.weight, self.written_bias)
        else:
            write = self._write(write)
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
        x = self._enter(memory, previous, last, torch.arange(T, device=last.device))
        causal = torch.full((T, T), -1e4, device=x.device).triu(1)
        for layer, cross in zip(self.decoder, memory.cross, strict=True):
            x = layer(x, causal, lambda *pair: pair, cross, memory.slot_bias)
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
        steps = torch.tensor([state.step], device=previous.device)
        x = self._enter(memory, previous.unsqueeze(1), last.unsqueeze(1), steps)
        past: list[tuple[Tensor, Tensor]] = []

        def remember(key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
            if state.past:
                before = state.past[len(past)]
                key, value = torch.cat((before[0], key), 2), torch.cat((before[1], value), 2)
            past.append((key, value))
            return key, value

        for layer, cross in zip(self.decoder, memory.cross, strict=True):
            x = layer(x, None, remember, cross, memory.slot_bias)
        scores = self._logits(x, memory, last.unsqueeze(1), used.unsqueeze(1)).squeeze(1)
        return scores, State(tuple(past), last, used, state.step + 1)

    def begin_cache(self, memory: Memory, steps: int) -> Cache:
        """An empty cache for reading up to `steps` actions."""
        steps = -(-steps // ROUND) * ROUND
        return Cache(self.config, len(memory.start), steps, memory.start.device)

    def read(
        self, memory: Memory, cache: Cache, previous: Tensor, last: Tensor, used: Tensor
    ) -> Tensor:
        """Scores [B, T, V + S] of the actions after each of `previous` [B, T].

        `previous` go on from the steps that the cache keeps, `last` [B, T] are
        the slots copied last, `used` [B, T, S] the slots copied so far, all
        with what `previous` copy.
        """
        steps = cache.steps(previous.shape[1])
        x = self._enter(memory, previous, last, steps.clamp(max=self.config.max_steps))
        hidden = cache.hidden(steps)
        bias = torch.zeros(hidden.shape, device=hidden.device).masked_fill_(hidden, -1e4)
        for index, (layer, cross) in enumerate(zip(self.decoder, memory.cross, strict=True)):
            remember = cache.rememberer(index, steps, hidden.shape[-1])
            x = layer(x, bias[:, None], remember, cross, memory.slot_bias)
        return self._logits(x, memory, last, used)


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
