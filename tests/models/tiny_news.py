"""A whole news model on disk, with random weights: everything real but the quality."""

from __future__ import annotations

import json
from pathlib import Path

from models.news import CONFIG, digests
from tests.models.tiny_rewriter import save_tiny_rewriter
from tests.models.tiny_salience import save_tiny_salience


def save_tiny_news(directory: Path, *, seed: int = 0, trusting: bool = False) -> Path:
    """With `trusting`, whatever the rewriter writes is used if it is supported."""
    save_tiny_salience(directory, seed)
    save_tiny_rewriter(directory, seed)
    choice = {"min_mean_log_probability": -99, "min_log_probability": -99} if trusting else {}
    config = {
        "name": "tiny-news",
        "languages": ["en"],
        "choice": choice,
        "sha256": digests(directory),
    }
    (directory / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return directory
