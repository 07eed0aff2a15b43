"""A small rewriter with a tokenizer of its own, trained in seconds where a test needs it to be."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from models.networks.rewriter import RewriterConfig, RewriterNetwork
from models.rewriter_input import Featuriser
from models.rewriting import Rewriter
from models.training.rewriter import export

WRITTEN = ["the", "and", ",", "'s", "says", "after"]


def tiny_tokenizer() -> Tokenizer:
    """WordPiece over single characters: every text has pieces, long words have many."""
    characters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()$%-&“”’‘—"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *characters, *(f"##{c}" for c in characters)]
    pieces += ["the", "##ing", "said", "was", "##er", "in", "on", "of"]
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def tiny_network(seed: int = 0, scale: float = 0.3) -> RewriterNetwork:
    torch.manual_seed(seed)
    config = RewriterConfig(
        width=32,
        heads=4,
        inner=64,
        encoder_layers=2,
        frozen_layers=1,
        decoder_layers=1,
        vocabulary=tiny_tokenizer().get_vocab_size(),
        max_pieces=256,
        written_words=len(WRITTEN) + 1,
    )
    network = RewriterNetwork(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return network.eval()


def tiny_rewriter(seed: int = 0, scale: float = 0.3) -> Rewriter:
    return Rewriter(tiny_network(seed, scale), Featuriser(tiny_tokenizer()), WRITTEN)


def save_tiny_rewriter(directory: Path, seed: int = 0) -> Path:
    tokenizer = directory / "made.json"
    directory.mkdir(parents=True, exist_ok=True)
    tiny_tokenizer().save(str(tokenizer))
    export(tiny_network(seed), tokenizer, WRITTEN, directory)
    tokenizer.unlink()
    return directory
