"""The rewriter's recipes: corpus, warm start, training, export."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.networks.rewriter import (
    RewriterConfig,
    RewriterNetwork,
    Source,
    rewriter_loss,
)
from models.rewriter_input import Featuriser
from models.rewriting import Rewriter
from models.training.batches import Batch, Example, epoch, examples, read_pairs
from models.training.config import TrainingConfig
from models.training.corpus import build_corpus
from models.training.loop import Trainer
from models.training.pairs import Pair
from models.training.validation import next_action_figures, rewriting_figures
from models.training.warm_start import is_pretrained, minilm_directory, start_from_bert


@dataclass(frozen=True, slots=True)
class RewriterRecipe:
    """A network, how it is trained, and from which checkpoint its encoder starts."""

    network: RewriterConfig = field(default_factory=RewriterConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    base: Path | None = None  # None: all-MiniLM-L6-v2 from its package
    validation_examples: int = 400


CPU = RewriterRecipe(network=RewriterConfig(encoder_layers=4, frozen_layers=1, decoder_layers=2))
GPU = RewriterRecipe(
    network=RewriterConfig(encoder_layers=6, frozen_layers=0, decoder_layers=4),
    training=TrainingConfig(
        minutes=25, batch_size=256, learning_rate=8e-4, pretrained_learning_rate=1e-4, device="cuda"
    ),
)


def train_rewriter(recipe: RewriterRecipe, data: Path, out: Path, *, resume: bool = False) -> None:
    """Build the corpus in `out` if it is not there, train, and export to `out/best`."""
    config = recipe.training
    build_corpus(data, out / "corpus", seed=config.seed)
    base = recipe.base or minilm_directory()
    written = json.loads((out / "corpus" / "written.json").read_text())
    featuriser = Featuriser.load(base / "tokenizer.json")
    pairs = {name: read_pairs(out / "corpus" / f"{name}.jsonl") for name in ("train", "val")}
    train = examples(pairs["train"], featuriser, written, seed=config.seed)
    chosen = pairs["val"][:: max(1, len(pairs["val"]) // recipe.validation_examples)]
    val = examples(chosen, featuriser, written, seed=config.seed)
    torch.manual_seed(config.seed)
    network = RewriterNetwork(replace(recipe.network, written_words=len(written) + 1))
    start_from_bert(network, base, written)
    network.freeze_lowest()
    network.to(config.device)
    print(f"{len(train)} pairs, {sum(p.numel() for p in network.parameters())} parameters")
    rewriter = Rewriter(network, featuriser, written, config.device)
    trainer = Trainer[Batch](
        network,
        config,
        loss=lambda batch: batch_loss(network, batch, config.device),
        epochs=lambda number: epoch(train, config.batch_size, seed=config.seed + number),
        validate=lambda: validate(rewriter, val, chosen[::4], config.bfloat16),
        is_pretrained=is_pretrained,
        out=out,
    )
    if resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    trainer.fit()
    export(network, base / "tokenizer.json", written, out / "best")


def to_device(source: Source, device: str) -> Source:
    return Source(*(getattr(source, name).to(device) for name in source.__slots__))


def batch_loss(
    network: RewriterNetwork, batch: Batch, device: str, keep_weight: float = 0.2
) -> Tensor:
    """Mean loss of a batch, on the device."""
    source, actions = to_device(batch.source, device), batch.actions.to(device)
    scores, keep = network(source, actions)
    return rewriter_loss(scores, keep, actions, source, keep_weight)


def validate(
    rewriter: Rewriter, items: list[Example], pairs: list[Pair], bfloat16: bool
) -> dict[str, float]:
    """Figures of the network as it is: of its next action, and of sentences it rewrites."""
    rewriter.network.eval()
    figures = next_action_figures(rewriter, items, bfloat16)
    return figures | rewriting_figures(rewriter, pairs)


def export(network: RewriterNetwork, tokenizer: Path, written: list[str], out: Path) -> None:
    """Write the directory that `Rewriter.load` reads: fp16 weights, configuration, tokenizer."""
    out.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(state, out / "rewriter.safetensors")
    config = {"network": asdict(network.config), "written": written}
    (out / "rewriter.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer, out / "tokenizer.json")
