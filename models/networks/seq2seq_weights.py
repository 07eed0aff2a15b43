"""From a transformers module to `Seq2Seq`: names, fused projections, packed weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.networks.linear import Linear, make_linear
from models.networks.seq2seq import Seq2Seq
from models.networks.seq2seq_layers import (
    ACTIVATIONS,
    CrossAttention,
    FeedForward,
    Layer,
    Norm,
    SelfAttention,
    Stack,
)


def build(network: Any, precision: str) -> Seq2Seq:
    """The inference network of a transformers BART, mBART, PEGASUS, T5 or mT5 module.

    The module's own weights are not kept. Raises KeyError for an activation
    that `Seq2Seq` does not know.
    """
    family = network.config.model_type
    with torch.no_grad():
        return _build_t5(network, precision) if "t5" in family else _build_bart(network, precision)


def _build_bart(network: Any, precision: str) -> Seq2Seq:
    config, inner = network.config, network.model
    bias = network.final_logits_bias.reshape(-1)
    scale = config.d_model**0.5 if config.scale_embedding else 1.0
    return Seq2Seq(
        encoder=_bart_stack(inner.encoder, config, precision),
        decoder=_bart_stack(inner.decoder, config, precision),
        embedding=_table(inner.shared.weight, precision),
        embedding_scale=scale,
        output=make_linear(network.lm_head.weight, bias if bias.any() else None, precision),
        output_scale=1.0,
        norm_first=config.model_type != "bart",
        head_width=inner.decoder.layers[0].self_attn.head_dim,
        max_distance=0,
        precision=precision,
    )


def _bart_stack(stack: Any, config: Any, precision: str) -> Stack:
    table = stack.embed_positions
    activation = ACTIVATIONS[config.activation_function]
    return Stack(
        layers=tuple(_bart_layer(layer, activation, precision) for layer in stack.layers),
        positions=table.weight[getattr(table, "offset", 0) :].detach().float().clone(),
        embedding_norm=_norm(getattr(stack, "layernorm_embedding", None)),
        final_norm=_norm(getattr(stack, "layer_norm", None)),
        bias=None,
        heads=stack.layers[0].self_attn.num_heads,
    )


def _bart_layer(layer: Any, activation: Any, precision: str) -> Layer:
    def fused(*parts: Any, query_scale: float = 1.0) -> Linear:
        """One product for several projections; the first one's scaling goes into its weights."""
        scales = [query_scale, *[1.0] * (len(parts) - 1)]
        return make_linear(
            torch.cat([part.weight * scale for part, scale in zip(parts, scales, strict=True)]),
            torch.cat([part.bias * scale for part, scale in zip(parts, scales, strict=True)]),
            precision,
        )

    own = layer.self_attn
    scale = own.head_dim**-0.5
    cross = None
    if hasattr(layer, "encoder_attn"):
        other = layer.encoder_attn
        cross = CrossAttention(
            fused(other.q_proj, query_scale=scale),
            fused(other.k_proj, other.v_proj),
            fused(other.out_proj),
            _required_norm(layer.encoder_attn_layer_norm),
        )
    return Layer(
        SelfAttention(
            fused(own.q_proj, own.k_proj, own.v_proj, query_scale=scale),
            fused(own.out_proj),
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


def _build_t5(network: Any, precision: str) -> Seq2Seq:
    config = network.config
    scaled = getattr(config, "scale_decoder_outputs", False)
    return Seq2Seq(
        encoder=_t5_stack(network.encoder, config, precision),
        decoder=_t5_stack(network.decoder, config, precision),
        embedding=_table(network.shared.weight, precision),
        embedding_scale=1.0,
        output=make_linear(network.lm_head.weight, None, precision),
        output_scale=config.d_model**-0.5 if scaled else 1.0,
        norm_first=True,
        head_width=config.d_kv,
        max_distance=config.relative_attention_max_distance,
        precision=precision,
    )


def _t5_stack(stack: Any, config: Any, precision: str) -> Stack:
    first = stack.block[0].layer[0].SelfAttention
    return Stack(
        layers=tuple(_t5_layer(block, config, precision) for block in stack.block),
        positions=None,
        embedding_norm=None,
        final_norm=_norm(stack.final_layer_norm),
        bias=first.relative_attention_bias.weight.detach().float().clone(),
        heads=config.num_heads,
    )


def _t5_layer(block: Any, config: Any, precision: str) -> Layer:
    def fused(*parts: Any) -> Linear:
        return make_linear(torch.cat([part.weight for part in parts]), None, precision)

    own = block.layer[0].SelfAttention
    cross = None
    if len(block.layer) > 2:
        other = block.layer[1].EncDecAttention
        cross = CrossAttention(
            fused(other.q),
            fused(other.k, other.v),
            fused(other.o),
            _required_norm(block.layer[1].layer_norm),
        )
    dense = block.layer[-1].DenseReluDense
    gated = config.is_gated_act
    return Layer(
        SelfAttention(
            fused(own.q, own.k, own.v), fused(own.o), _required_norm(block.layer[0].layer_norm)
        ),
        cross,
        FeedForward(
            fused(dense.wi_0 if gated else dense.wi),
            fused(dense.wi_1) if gated else None,
            fused(dense.wo),
            ACTIVATIONS[config.dense_act_fn],
            _required_norm(block.layer[-1].layer_norm),
        ),
    )


def _table(weight: Tensor, precision: str) -> Tensor:
    """The embedding table; looking up rows costs nothing, so only its memory counts."""
    return weight.detach().to(torch.float32 if precision == "fp32" else torch.bfloat16).clone()


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
