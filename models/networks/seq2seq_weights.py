"""From a transformers module to a network for inference: names, fused projections, packed weights.

The module is taken apart while it is read: what has been packed is freed, so
that a checkpoint is never held twice.
"""

from __future__ import annotations

import ctypes
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from models.errors import IncompatibleModel
from models.networks import compiled
from models.networks.compiled import CompiledSeq2Seq, KernelPacking
from models.networks.linear import Linear, make_linear
from models.networks.seq2seq import Seq2Seq
from models.networks.seq2seq_layers import (
    CrossAttention,
    Embedding,
    FeedForward,
    Layer,
    Norm,
    SelfAttention,
    Stack,
)
from models.networks.static_seq2seq import DTYPES, DenseLinear, StaticSeq2Seq

Network = Seq2Seq | CompiledSeq2Seq


class Packing(Protocol):
    """Makes a layer from weights (out, in); the heads' outputs or inputs may be padded in it."""

    def __call__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        *,
        into_heads: bool = False,
        from_heads: bool = False,
    ) -> Linear: ...


class TorchPacking:
    """Layers of torch's operators in one precision."""

    def __init__(self, precision: str) -> None:
        self._precision = precision

    def __call__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        *,
        into_heads: bool = False,
        from_heads: bool = False,
    ) -> Linear:
        return make_linear(weight, bias, self._precision)


class DevicePacking:
    """Layers in one precision on one device, as `StaticSeq2Seq` wants them."""

    def __init__(self, precision: str, device: str) -> None:
        self._dtype, self._device = DTYPES[precision], device

    def __call__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        *,
        into_heads: bool = False,
        from_heads: bool = False,
    ) -> Linear:
        return DenseLinear(weight, bias, self._dtype, self._device)


def build(network: Any, precision: str, kernels: ctypes.CDLL | None = None) -> Network:
    """The inference network of a transformers BART, mBART, PEGASUS, T5 or mT5 module.

    With `kernels` an int8 network whose sizes they know runs in them. The
    module is used up. Raises KeyError for an activation that is not known.
    """
    config = network.config
    head_width = _head_width(network)
    t5 = "t5" in config.model_type
    activation = config.dense_act_fn if t5 else config.activation_function
    packing: Packing = TorchPacking(precision)
    made: type[Seq2Seq] | type[CompiledSeq2Seq] = Seq2Seq
    if kernels and precision == "int8" and compiled.fits(config.d_model, head_width, activation):
        packing, made = KernelPacking(kernels, head_width), CompiledSeq2Seq
    parts = _parts(network, packing, precision)
    return made(**parts, head_width=head_width, precision=precision)


def build_static(network: Any, precision: str, device: str) -> StaticSeq2Seq:
    """The same network over fixed buffers on `device`, everything in `precision` (of DTYPES)."""
    head_width = _head_width(network)
    parts = _parts(network, DevicePacking(precision, device), precision)
    moved = {name: _moved(part, DTYPES[precision], device) for name, part in parts.items()}
    return StaticSeq2Seq(**moved, head_width=head_width, precision=precision, device=device)


def _head_width(network: Any) -> int:
    if "t5" in network.config.model_type:
        return int(network.config.d_kv)
    widths = {
        int(stack.layers[0].self_attn.head_dim)
        for stack in (network.model.encoder, network.model.decoder)
    }
    if len(widths) > 1:  # compiled kernels would read past the end of the narrower heads
        raise IncompatibleModel(
            "This engine runs networks with heads of one width; the heads of this one's encoder "
            "and decoder differ. The transformers engine runs it.",
            field="engine",
        )
    return widths.pop()


def _moved(part: Any, dtype: torch.dtype, device: str) -> Any:
    """`part` with the tensors in it on `device`; layers were made there."""
    if isinstance(part, Tensor):
        return part.to(device, dtype)
    if isinstance(part, tuple):
        return tuple(_moved(one, dtype, device) for one in part)
    if isinstance(part, Embedding):
        return replace(part, table=part.table.to(device, dtype), dtype=dtype)
    if is_dataclass(part) and not isinstance(part, type):
        inner = {one.name: getattr(part, one.name) for one in fields(part)}
        return replace(part, **{name: _moved(one, dtype, device) for name, one in inner.items()})
    return part


def _parts(network: Any, packing: Packing, precision: str) -> dict[str, Any]:
    with torch.no_grad():
        if "t5" in network.config.model_type:
            return _t5_parts(network, packing, precision)
        return _bart_parts(network, packing, precision)


def _bart_parts(network: Any, packing: Packing, precision: str) -> dict[str, Any]:
    config, inner = network.config, network.model
    bias = network.final_logits_bias.reshape(-1)
    output = packing(network.lm_head.weight, bias if bias.any() else None)
    table = _table(inner.shared.weight, precision)
    _free(network.lm_head, inner.shared)
    return {
        "encoder": _bart_stack(inner.encoder, config, packing),
        "decoder": _bart_stack(inner.decoder, config, packing),
        "embedding": Embedding(table, config.d_model**0.5 if config.scale_embedding else 1.0),
        "output": output,
        "output_scale": 1.0,
        "norm_first": config.model_type != "bart",
        "max_distance": 0,
    }


def _bart_stack(stack: Any, config: Any, packing: Packing) -> Stack:
    table = stack.embed_positions
    heads = stack.layers[0].self_attn.num_heads
    return Stack(
        layers=tuple(
            _bart_layer(layer, config.activation_function, packing) for layer in stack.layers
        ),
        positions=table.weight[getattr(table, "offset", 0) :].detach().float().clone(),
        embedding_norm=_norm(getattr(stack, "layernorm_embedding", None)),
        final_norm=_norm(getattr(stack, "layer_norm", None)),
        bias=None,
        heads=heads,
    )


def _bart_layer(layer: Any, activation: str, packing: Packing) -> Layer:
    def fused(*parts: Any, query_scale: float = 1.0, **heads: bool) -> Linear:
        """One product for several projections; the first one's scaling goes into its weights."""
        scales = [query_scale, *[1.0] * (len(parts) - 1)]
        made = packing(
            torch.cat([part.weight * scale for part, scale in zip(parts, scales, strict=True)]),
            torch.cat([part.bias * scale for part, scale in zip(parts, scales, strict=True)]),
            **heads,
        )
        _free(*parts)
        return made

    own = layer.self_attn
    scale = own.head_dim**-0.5
    cross = None
    if hasattr(layer, "encoder_attn"):
        other = layer.encoder_attn
        cross = CrossAttention(
            fused(other.q_proj, query_scale=scale, into_heads=True),
            fused(other.k_proj, other.v_proj, into_heads=True),
            fused(other.out_proj, from_heads=True),
            _required_norm(layer.encoder_attn_layer_norm),
        )
    return Layer(
        SelfAttention(
            fused(own.q_proj, own.k_proj, own.v_proj, query_scale=scale, into_heads=True),
            fused(own.out_proj, from_heads=True),
            _required_norm(layer.self_attn_layer_norm),
        ),
        cross,
        FeedForward(
            fused(layer.fc1),
            None,
            fused(layer.fc2),
            activation,
            _required_norm(layer.final_layer_norm),
        ),
    )


def _t5_parts(network: Any, packing: Packing, precision: str) -> dict[str, Any]:
    config = network.config
    scaled = getattr(config, "scale_decoder_outputs", False)
    output = packing(network.lm_head.weight, None)
    table = _table(network.shared.weight, precision)
    _free(network.lm_head, network.shared)
    return {
        "encoder": _t5_stack(network.encoder, config, packing),
        "decoder": _t5_stack(network.decoder, config, packing),
        "embedding": Embedding(table, 1.0),
        "output": output,
        "output_scale": config.d_model**-0.5 if scaled else 1.0,
        "norm_first": True,
        "max_distance": config.relative_attention_max_distance,
    }


def _t5_stack(stack: Any, config: Any, packing: Packing) -> Stack:
    first = stack.block[0].layer[0].SelfAttention
    return Stack(
        layers=tuple(_t5_layer(block, config, packing) for block in stack.block),
        positions=None,
        embedding_norm=None,
        final_norm=_norm(stack.final_layer_norm),
        bias=first.relative_attention_bias.weight.detach().float().clone(),
        heads=config.num_heads,
    )


def _t5_layer(block: Any, config: Any, packing: Packing) -> Layer:
    def fused(*parts: Any, **heads: bool) -> Linear:
        made = packing(torch.cat([part.weight for part in parts]), None, **heads)
        _free(*parts)
        return made

    own = block.layer[0].SelfAttention
    cross = None
    if len(block.layer) > 2:
        other = block.layer[1].EncDecAttention
        cross = CrossAttention(
            fused(other.q, into_heads=True),
            fused(other.k, other.v, into_heads=True),
            fused(other.o, from_heads=True),
            _required_norm(block.layer[1].layer_norm),
        )
    dense = block.layer[-1].DenseReluDense
    gated = config.is_gated_act
    return Layer(
        SelfAttention(
            fused(own.q, own.k, own.v, into_heads=True),
            fused(own.o, from_heads=True),
            _required_norm(block.layer[0].layer_norm),
        ),
        cross,
        FeedForward(
            fused(dense.wi_0 if gated else dense.wi),
            fused(dense.wi_1) if gated else None,
            fused(dense.wo),
            config.dense_act_fn,
            _required_norm(block.layer[-1].layer_norm),
        ),
    )


def _free(*modules: Any) -> None:
    """Let go of weights that have been packed; embeddings shared under several names too."""
    for module in modules:
        module.weight.data = torch.empty(0)


def _table(weight: Tensor, precision: str) -> Tensor:
    """The embedding table; looking up rows costs nothing, so only its memory counts."""
    return weight.detach().to(DTYPES.get(precision, torch.bfloat16)).clone()


def _norm(module: Any) -> Norm | None:
    return None if module is None else _required_norm(module)


def _required_norm(module: Any) -> Norm:
    bias = getattr(module, "bias", None)
    eps = module.eps if hasattr(module, "eps") else module.variance_epsilon
    return Norm(
        module.weight.detach().float().clone(),
        None if bias is None else bias.detach().float().clone(),
        float(eps),
    )
