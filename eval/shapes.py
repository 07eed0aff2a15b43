"""Checkpoints of real shape for measuring speed: published configurations, weights made here.

Speed, memory and parity do not depend on what a network has learned, only on
its shape. Weights are random, or, for drafting, set by hand so that the
network copies runs of its input (`write_copier`).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from models.checkpoints import Checkpoint, read_checkpoint
from models.errors import EvaluationError

# Sizes as in the published configurations named by the key.
SHAPES: Final[dict[str, dict[str, Any]]] = {
    "bart-base": {"type": "bart", "width": 768, "layers": (6, 6), "heads": 12},
    "distilbart-12-6": {"type": "bart", "width": 1024, "layers": (12, 6), "heads": 16},
    "bart-large-cnn": {"type": "bart", "width": 1024, "layers": (12, 12), "heads": 16},
    "pegasus-large": {"type": "pegasus", "width": 1024, "layers": (16, 16), "heads": 16},
    "t5-small": {"type": "t5", "width": 512, "layers": (6, 6), "heads": 8},
    "t5-base": {"type": "t5", "width": 768, "layers": (12, 12), "heads": 12},
}
# Our own, for what does not depend on size.
_SMALL: Final[dict[str, Any]] = {"type": "bart", "width": 256, "layers": (2, 2), "heads": 4}
COPIER: Final = "bart-base-copier"
SMALL_COPIER: Final = "bart-small-copier"
_COPIERS: Final = {COPIER: SHAPES["bart-base"], SMALL_COPIER: _SMALL}
_SEED: Final = 0
# Tokens that the copier takes from one place before it jumps to another.
_RUN: Final = 16
_SHARPNESS: Final = 8.0


def shape_names() -> list[str]:
    return [*SHAPES, *_COPIERS]


def checkpoint_of(name: str, directory: Path) -> Checkpoint:
    """The checkpoint of a shape in `directory`, written there on first use.

    Raises EvaluationError for a name that is neither a shape nor a directory.
    """
    if Path(name).is_dir():
        return read_checkpoint(Path(name))
    if name not in shape_names():
        raise EvaluationError(
            f"No shape {name!r}: known are {', '.join(shape_names())}, and any directory.",
            field="shapes",
        )
    target = directory / name
    if not target.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=directory))
        _write(name, aside)
        os.rename(aside, target)
    return read_checkpoint(target)


def _write(name: str, directory: Path) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM

    torch.manual_seed(_SEED)
    network = AutoModelForSeq2SeqLM.from_config(_config(SHAPES.get(name) or _COPIERS[name]))
    if name in _COPIERS:
        make_copier(network, _RUN)
    network.save_pretrained(directory)
    # The engines work on ids; the file only says that there would be a tokenizer.
    (directory / "tokenizer.json").write_text("{}\n", encoding="utf-8")


def _config(shape: dict[str, Any]) -> Any:
    from transformers import BartConfig, PegasusConfig, T5Config

    width, (encoder, decoder), heads = shape["width"], shape["layers"], shape["heads"]
    if shape["type"] == "t5":
        stacked: dict[str, Any] = {
            "d_model": width,
            "d_ff": 4 * width,
            "d_kv": width // heads,
            "num_layers": encoder,
            "num_decoder_layers": decoder,
            "num_heads": heads,
            "n_positions": 1024,
            "decoder_start_token_id": 0,
        }
        return T5Config(**stacked)
    common: dict[str, Any] = {
        "d_model": width,
        "encoder_layers": encoder,
        "decoder_layers": decoder,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width,
        "max_position_embeddings": 1024,
    }
    if shape["type"] == "pegasus":
        return PegasusConfig(
            **common, vocab_size=96103, activation_function="relu", scale_embedding=True
        )
    return BartConfig(**common, vocab_size=50265)


def make_copier(network: Any, run: int) -> None:
    """Set the weights of a BART module so that it copies runs of `run` tokens of its input.

    Tokens live in one half of the width, places in the other. The last
    layer's cross attention looks for the place that the decoder's own place
    names and brings the token found there; every other sublayer adds nothing.
    Every `run` tokens the places jump on, as a summary does from sentence to
    sentence.
    """
    import torch

    config = network.config
    width, half = config.d_model, config.d_model // 2
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "norm" not in name:
                weight.zero_()
        table = network.model.shared.weight
        table[:, :half] = _directions(len(table), half)
        offset = network.model.encoder.embed_positions.offset
        places = network.model.encoder.embed_positions.weight
        places[offset:, half:] = _directions(len(places) - offset, half)
        jumping = network.model.decoder.embed_positions.weight
        for step in range(len(places) - offset):
            jumping[offset + step] = places[offset + _source_place(step, run, len(places) - offset)]
        cross = network.model.decoder.layers[-1].encoder_attn
        spread = torch.zeros(width, width)
        spread[:half, half:] = torch.eye(half)
        spread[half:, half:] = torch.eye(half)
        cross.q_proj.weight.copy_(_SHARPNESS * spread)
        cross.k_proj.weight.copy_(spread)
        cross.v_proj.weight[:half, :half] = torch.eye(half)
        cross.out_proj.weight[:half, :half] = 8.0 * torch.eye(half)
    network.tie_weights()


def _source_place(step: int, run: int, places: int) -> int:
    """Where the copier looks for what it writes after the token at `step`: runs, three apart."""
    return (step // run * 3 * run + step % run + 1) % min(places, 256)


def _directions(count: int, width: int) -> Any:
    import torch

    return torch.nn.functional.normalize(torch.randn(count, width), dim=1)
