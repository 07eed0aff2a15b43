"""A small salience model on disk, with random weights and the tiny tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from models.networks.salience import SalienceConfig, SalienceNetwork
from models.training.salience import export
from tests.models.tiny_rewriter import tiny_tokenizer

MAX_SENTENCES = 8


def save_tiny_salience(directory: Path, seed: int = 0) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer()
    vocabulary = tokenizer.get_vocab_size()
    torch.manual_seed(seed)
    config = SalienceConfig(
        vocabulary_size=vocabulary,
        embedding_width=16,
        width=16,
        layers=1,
        heads=2,
        max_sentences=MAX_SENTENCES,
    )
    table = np.random.default_rng(seed).normal(size=(vocabulary, 16)).astype(np.float32)
    made = directory / "made.json"
    tokenizer.save(str(made))
    weights = np.linspace(0.1, 1, vocabulary).astype(np.float32)
    export(SalienceNetwork(config), table, weights, made, directory)
    made.unlink()
    return directory
