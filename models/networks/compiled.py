"""The int8 network in compiled kernels: the same mathematics as `Seq2Seq`, in three calls.

One call runs the whole encoder, one takes an article into the decoder's
memory, one is a step of the decoder. What the decoder attends to is kept in
int8 too, a scale for each head and place; attention of the encoder and the
decoder's own past are in bf16.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.compiled_state import CompiledState
from models.networks.kernels.types import (
    ACTIVATIONS,
    HEAD,
    PANEL,
    BiasStruct,
    LayerStruct,
    LinearStruct,
    NormStruct,
    StackStruct,
    address,
    declare,
)
from models.networks.seq2seq_layers import Embedding, Layer, Norm, Stack, relative_buckets

_SLACK_BYTES = 8192  # the kernels fetch ahead of what they multiply


def fits(width: int, head_width: int, activation: str) -> bool:
    """Whether the kernels know these sizes."""
    return width % 16 == 0 and head_width <= HEAD and activation in ACTIVATIONS


class KernelLinear:
    """A linear layer in packed int8; inputs and outputs padded with zeros to whole panels."""

    def __init__(self, library: ctypes.CDLL, weight: Tensor, bias: Tensor | None) -> None:
        outputs, inputs = weight.shape
        wide, deep = _padded(outputs), _padded(inputs)
        weight = F.pad(weight.detach().float(), (0, deep - inputs, 0, wide - outputs)).contiguous()
        self._library = library
        self._outputs, self._inputs = outputs, inputs
        self._packed = torch.zeros(wide * deep + _SLACK_BYTES, dtype=torch.uint8)
        self._scales = torch.empty(wide)
        self._bias = None if bias is None else F.pad(bias.detach().float(), (0, wide - outputs))
        library.pack_linear(
            address(weight), wide, deep, address(self._packed), address(self._scales)
        )
        self.struct = LinearStruct(
            address(self._packed), address(self._scales), address(self._bias), wide, deep
        )

    def __call__(self, x: Tensor) -> Tensor:
        rows, wide, deep = len(x), self.struct.outputs, self.struct.inputs
        x = x.contiguous()
        out = torch.empty(rows, wide)
        space = torch.empty(rows * (deep + 8) + 512, dtype=torch.uint8)
        self._library.apply_linear(
            byref(self.struct), address(x), rows, self._inputs, address(out), address(space),
            torch.get_num_threads(),
        )  # fmt: skip
        return out[:, : self._outputs]

    def best(self, x: Tensor) -> Tensor:
        """(rows): where each row's output is largest, the first of equals."""
        rows, threads = len(x), torch.get_num_threads()
        x = x.contiguous()
        best = torch.empty(rows, dtype=torch.int64)
        needed = self._library.best_outputs_space(byref(self.struct), rows, threads)
        space = torch.empty(needed, dtype=torch.uint8)
        self._library.best_outputs(
            byref(self.struct), address(x), rows, self._inputs, self._outputs, address(best),
            address(space), threads,
        )  # fmt: skip
        return best


class KernelPacking:
    """Makes KernelLinear layers whose heads are padded to the kernels' width."""

    def __init__(self, library: ctypes.CDLL, head_width: int) -> None:
        self._library = declare(library)
        self._head_width = head_width

    def __call__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        *,
        into_heads: bool = False,
        from_heads: bool = False,
    ) -> KernelLinear:
        width, more = self._head_width, HEAD - self._head_width
        if into_heads and more:
            weight = F.pad(weight.view(-1, width, weight.shape[1]), (0, 0, 0, more)).flatten(0, 1)
            bias = None if bias is None else F.pad(bias.view(-1, width), (0, more)).flatten()
        if from_heads and more:
            weight = F.pad(weight.view(len(weight), -1, width), (0, more)).flatten(1)
        return KernelLinear(self._library, weight, bias)


class CompiledSeq2Seq:
    """The network of one checkpoint in the kernels; its calls are those of `Seq2Seq`."""

    def __init__(
        self,
        *,
        encoder: Stack,
        decoder: Stack,
        embedding: Embedding,
        output: KernelLinear,
        output_scale: float,
        norm_first: bool,
        head_width: int,
        max_distance: int,
        precision: str,
    ) -> None:
        self.precision = precision
        self._library = output._library
        self._encoder, self._decoder = encoder, decoder
        self._embed = embedding
        self._output, self._output_scale = output, output_scale
        self._max_distance = max_distance
        self._encoder_struct = _stack_struct(encoder, norm_first)
        self._decoder_struct = _stack_struct(decoder, norm_first)
        self._space = torch.empty(0, dtype=torch.uint8)
        self._biases: dict[bool, tuple[Tensor | None, BiasStruct]] = {}

    def encode(self, articles: Sequence[Sequence[int]]) -> Tensor:
        """Hidden states of the articles laid end to end: (sum of lengths, width)."""
        lengths = [len(article) for article in articles]
        ids = torch.tensor([token for article in articles for token in article])
        places = torch.cat([torch.arange(length) for length in lengths])
        x = self._embed(ids, places, self._encoder).contiguous()
        starts = torch.tensor([0, *lengths]).cumsum(0)
        threads, longest = torch.get_num_threads(), max(lengths)
        needed = self._library.encoder_space(
            byref(self._encoder_struct), len(ids), longest, threads
        )
        self._library.encode(
            byref(self._encoder_struct), address(x), address(starts), len(lengths),
            byref(self._bias(longest, True)), address(self._room(needed)), threads,
        )  # fmt: skip
        return x

    def remember(self, hidden: Tensor, state: CompiledState) -> int:
        """Take an article's hidden states (length, width) into the state; its slot."""
        threads, length = torch.get_num_threads(), len(hidden)
        needed = self._library.remember_space(byref(self._decoder_struct), length, threads)
        slot = state.add(length)
        self._library.remember(
            byref(self._decoder_struct), address(hidden.contiguous()), length,
            state.slots[slot], address(self._room(needed)), threads,
        )  # fmt: skip
        return slot

    def step(self, tokens: Tensor, state: CompiledState) -> Tensor:
        """Decoder hidden states (rows * n, width) after reading `tokens` (rows, n) at `state`.

        As in `Seq2Seq.step`: the caller moves the rows' `lengths` on by what it keeps.
        """
        n = tokens.shape[1]
        places = state.lengths[:, None] + torch.arange(n)  # (rows, n)
        x = self._embed(tokens.reshape(-1), places.reshape(-1), self._decoder).contiguous()
        threads = torch.get_num_threads()
        needed = self._library.step_space(
            byref(self._decoder_struct), len(x), state.places, state.longest_article, threads
        )
        step = state.step_struct(n)
        self._library.decode(
            byref(self._decoder_struct), address(x), byref(step),
            byref(self._bias(state.places, False)), address(self._room(needed)), threads,
        )  # fmt: skip
        return x

    def new_state(
        self, slots: int, beams: int, max_positions: int, max_tokens: int
    ) -> CompiledState:
        """Empty memories for `slots` articles of up to `max_tokens`, each with `beams` rows."""
        places = _padded(max_tokens)
        return CompiledState(
            layers=len(self._decoder.layers),
            inner=self._decoder.heads * HEAD,
            slots=slots,
            beams=beams,
            places=max_positions,
            article_places=places,
            article_bytes=self._library.memory_bytes(byref(self._decoder_struct), places),
        )

    def logits(self, hidden: Tensor) -> Tensor:
        """(rows, vocabulary) in fp32."""
        if self._output_scale != 1.0:
            hidden = hidden * self._output_scale
        return self._output(hidden)

    def greedy_tokens(self, hidden: Tensor) -> Tensor:
        """(rows): where each row of `logits` is largest, the first of equals.

        The logits are never written down: for a draft of eight tokens they would not
        fit into the second-level cache.
        """
        if self._output_scale != 1.0:
            hidden = hidden * self._output_scale
        return self._output.best(hidden)

    def _room(self, needed: int) -> Tensor:
        """Scratch memory, kept from call to call."""
        if len(self._space) < needed:
            self._space = torch.empty(0, dtype=torch.uint8)
            self._space = torch.empty(needed, dtype=torch.uint8)
        return self._space

    def _bias(self, places: int, both_ways: bool) -> BiasStruct:
        """T5's bias by distance for `places` at least; without values for the others."""
        table = (self._encoder if both_ways else self._decoder).bias
        if table is None:
            return BiasStruct(None, 0, 0)
        held = self._biases.get(both_ways)
        if held is None or held[1].zero < places - 1:
            distance = torch.arange(1 - places, places if both_ways else 1)
            buckets = relative_buckets(distance, len(table), self._max_distance, both_ways)
            values = F.embedding(buckets, table).T.contiguous()  # (heads, distances)
            # The kernels read sixteen at a time, past the last head's last too.
            values = F.pad(values.flatten(), (0, PANEL))
            held = (values, BiasStruct(address(values), len(distance), places - 1))
            self._biases[both_ways] = held
        return held[1]


def _stack_struct(stack: Stack, norm_first: bool) -> StackStruct:
    layers = (LayerStruct * len(stack.layers))(*(_layer_struct(layer) for layer in stack.layers))
    return StackStruct(
        layers,
        len(stack.layers),
        stack.heads,
        len(stack.layers[0].attention.norm.weight),
        norm_first,
        ACTIVATIONS[stack.layers[0].feed_forward.activation],
        _norm_struct(stack.final_norm),
    )


def _layer_struct(layer: Layer) -> LayerStruct:
    own, cross, feed = layer.attention, layer.cross, layer.feed_forward
    nothing, no_norm = LinearStruct(), NormStruct()
    return LayerStruct(
        _struct(own.qkv),
        _struct(own.out),
        _norm_struct(own.norm),
        _struct(cross.query) if cross else nothing,
        _struct(cross.key_value) if cross else nothing,
        _struct(cross.out) if cross else nothing,
        _norm_struct(cross.norm) if cross else no_norm,
        _struct(feed.up),
        _struct(feed.gate) if feed.gate else nothing,
        _struct(feed.down),
        _norm_struct(feed.norm),
    )


def _struct(linear: Any) -> LinearStruct:
    assert isinstance(linear, KernelLinear)
    return linear.struct


def _norm_struct(norm: Norm | None) -> NormStruct:
    if norm is None:
        return NormStruct()
    return NormStruct(address(norm.weight), address(norm.bias), norm.eps)


def _padded(count: int) -> int:
    return -(-count // PANEL) * PANEL
