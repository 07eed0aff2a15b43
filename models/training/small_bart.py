"""A small BART that copies, trained in an hour: what engines are measured on where none is at hand.

Encoder and decoder begin as the lower layers of a BERT (Rothe et al. 2020,
"Leveraging Pre-trained Checkpoints for Sequence Generation Tasks"): both are
post-norm networks of the same parts. The decoder's attention to the source
begins as the identity, so that from the first step a token finds itself in the
source; what follows there is what copying has to learn. The token embeddings
stay as they are. It reads the first 192 tokens of an article and writes up to
two of its sentences.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

from models.training.config import TrainingConfig
from models.training.extracts import IGNORE, Batch, Extract, Extractor, epoch
from models.training.loop import Trainer
from models.training.salience import read_articles
from models.training.warm_start import minilm_directory

_PARTS: Final = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.output.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "output.LayerNorm",
}
_POSITION_OFFSET: Final = 2  # of BART's tables
# Tokens of the vocabulary that a batch's own are told from in a step; all of them would
# take most of its time.
_OTHERS: Final = 3000


@dataclass(frozen=True, slots=True)
class SmallBartRecipe:
    """A network and how it is trained.

    Passages of the first `passages` articles come before the summaries of
    all; the last `held_out` articles are validated on.
    """

    encoder_layers: int = 2
    decoder_layers: int = 2
    most_source: int = 192
    most_target: int = 64
    passages: int = 6_400
    held_out: int = 300
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            minutes=70,
            batch_size=16,
            pretrained_learning_rate=5e-4,
            warmup_steps=50,
            validation_minutes=6,
        )
    )
    base: Path | None = None  # None: all-MiniLM-L6-v2 from its package


def train_small_bart(
    recipe: SmallBartRecipe, data: Path, out: Path, *, resume: bool = False
) -> None:
    """Train on `data`/cnndm.jsonl[.xz], and export to `out/best`."""
    base, config = recipe.base or minilm_directory(), recipe.training
    torch.manual_seed(config.seed)
    network = network_from_bert(base, recipe)
    extractor = Extractor(
        Tokenizer.from_file(str(base / "tokenizer.json")), recipe.most_source, recipe.most_target
    )
    records = read_articles(data)
    held_out, records = records[-recipe.held_out :], records[: -recipe.held_out]
    judged = list(epoch(held_out, partial(summary_of, extractor), config.batch_size, seed=0))
    print(f"{len(records)} articles, {network.num_parameters()} weights")

    def epochs(number: int) -> Iterator[Batch]:
        seed = config.seed + number
        if number:
            return epoch(records, partial(summary_of, extractor), config.batch_size, seed)
        chance = random.Random(seed)
        return epoch(
            records[: recipe.passages],
            lambda record: extractor.passage(record["article"], chance),
            config.batch_size,
            seed,
        )

    trainer = Trainer[Batch](
        network,
        config,
        loss=lambda batch: batch_loss(network, batch),
        epochs=epochs,
        validate=lambda: validate(network, judged),
        is_pretrained=lambda name: "encoder_attn" not in name,
        out=out,
    )
    if resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    trainer.fit()
    export(network, base / "tokenizer.json", out / "best")


def network_from_bert(directory: Path, recipe: SmallBartRecipe) -> Any:
    """A BART whose layers, embeddings and positions are those of the BERT in `directory`."""
    weights = {
        name.removeprefix("bert."): value.float()
        for name, value in load_file(directory / "model.safetensors").items()
    }
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    vocabulary, width = weights["embeddings.word_embeddings.weight"].shape
    first, last, pad = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]", "[PAD]"))
    feed = len(weights["encoder.layer.0.intermediate.dense.bias"])
    heads = max(1, width // 32)
    config = BartConfig(
        vocab_size=vocabulary,
        d_model=width,
        encoder_layers=recipe.encoder_layers,
        decoder_layers=recipe.decoder_layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=feed,
        decoder_ffn_dim=feed,
        max_position_embeddings=recipe.most_source,
        dropout=0.0,
        bos_token_id=first,
        decoder_start_token_id=first,
        eos_token_id=last,
        pad_token_id=pad,
        forced_eos_token_id=None,
    )
    network = BartForConditionalGeneration(config)
    available = 1 + max(
        int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer.")
    )
    network.load_state_dict(_state(weights, recipe, available), strict=False)
    network.tie_weights()
    network.model.shared.weight.requires_grad_(False)
    return network


def _state(
    weights: dict[str, Tensor], recipe: SmallBartRecipe, available: int
) -> dict[str, Tensor]:
    table = weights["embeddings.word_embeddings.weight"]
    # BERT adds its type 0 to every token; here it is part of the position.
    places = weights["embeddings.position_embeddings.weight"]
    places = places + weights["embeddings.token_type_embeddings.weight"][0]
    places = F.pad(places[: recipe.most_source], (0, 0, _POSITION_OFFSET, 0))
    state = {"model.shared.weight": table}
    for side, layers in (("encoder", recipe.encoder_layers), ("decoder", recipe.decoder_layers)):
        prefix = f"model.{side}"
        state[f"{prefix}.embed_tokens.weight"] = table
        state[f"{prefix}.embed_positions.weight"] = places
        for kind in ("weight", "bias"):
            state[f"{prefix}.layernorm_embedding.{kind}"] = weights[f"embeddings.LayerNorm.{kind}"]
            for index in range(layers):
                source = f"encoder.layer.{index % available}"
                for ours, theirs in _PARTS.items():
                    value = weights[f"{source}.{theirs}.{kind}"]
                    state[f"{prefix}.layers.{index}.{ours}.{kind}"] = value
                if side == "decoder":
                    state |= _matching(f"{prefix}.layers.{index}.encoder_attn", table.shape[1])
    return state


def _matching(attention: str, width: int) -> dict[str, Tensor]:
    """Attention that looks for what is alike and adds half of what it finds."""
    eye, zeros = torch.eye(width), torch.zeros(width)
    state = {f"{attention}.{part}_proj.weight": eye.clone() for part in ("q", "k", "v")}
    state[f"{attention}.out_proj.weight"] = 0.5 * eye
    for part in ("q", "k", "v", "out"):
        state[f"{attention}.{part}_proj.bias"] = zeros.clone()
    return state


def summary_of(extractor: Extractor, record: dict[str, str]) -> Extract | None:
    return extractor.summary(record["article"], record["summary"])


def batch_loss(network: Any, batch: Batch) -> Tensor:
    """Mean cross-entropy of the next token, among the batch's tokens and some others by chance."""
    table = network.model.shared.weight
    here = torch.cat((batch.sources.flatten(), batch.targets.flatten().clamp_min(0)))
    others = torch.randint(len(table), (_OTHERS,))
    candidates, classes = torch.unique(torch.cat((here, others)), return_inverse=True)
    wanted = classes[batch.sources.numel() : len(here)]
    wanted = torch.where(batch.targets.flatten() == IGNORE, IGNORE, wanted)
    scores = F.linear(_states(network, batch), table[candidates])
    return F.cross_entropy(scores.float(), wanted, ignore_index=IGNORE)


def _states(network: Any, batch: Batch) -> Tensor:
    """(B * T, width): what the decoder makes of each target token's predecessors."""
    start = torch.full_like(batch.targets[:, :1], network.config.decoder_start_token_id)
    previous = torch.cat((start, batch.targets[:, :-1]), 1)
    states: Tensor = network.model(
        input_ids=batch.sources,
        attention_mask=batch.mask,
        decoder_input_ids=previous.clamp_min(0),
        use_cache=False,
    ).last_hidden_state
    return states.flatten(0, 1)


@torch.inference_mode()
def validate(network: Any, batches: Sequence[Batch]) -> dict[str, float]:
    """Loss and accuracy of the next token on held-out extracts."""
    loss, right, count = 0.0, 0, 0
    for batch in batches:
        logits = F.linear(_states(network, batch), network.model.shared.weight)
        targets = batch.targets.flatten()
        loss += float(F.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="sum"))
        right += int((logits.argmax(-1) == targets).sum())
        count += int((targets != IGNORE).sum())
    return {"loss": loss / count, "accuracy": right / count}


def export(network: Any, tokenizer: Path, out: Path) -> None:
    """A checkpoint directory as transformers writes it, its tokenizer included."""
    out.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(out)
    PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer),
        bos_token="[CLS]",
        eos_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=network.config.max_position_embeddings,
    ).save_pretrained(out)
