"""From the parts that recipes trained to a model that `load_news` reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from models import acceptability, rewriting, selection
from models.errors import ModelNotFound
from models.news import CONFIG, digests


def package(
    salience: Path,
    rewriter: Path,
    out: Path,
    *,
    name: str,
    choice: Mapping[str, float],
    judge: Path | None = None,
) -> None:
    """Gather the parts in `out`, with digests; `choice` are the fitted fields of `Choice`.

    All must have been trained with the same tokenizer. A judge that lies in
    `out` already stays, if `judge` is None: it stands on layers that a new
    rewriter leaves as they are. Raises ModelNotFound if a file is missing and
    ValueError if the tokenizers differ.
    """
    parts: dict[Path, tuple[str, ...]] = {
        salience: (selection.WEIGHTS, selection.CONFIG, selection.TOKENIZER),
        rewriter: (rewriting.WEIGHTS, rewriting.CONFIG, rewriting.TOKENIZER),
    }
    if judge is not None:
        parts[judge] = (acceptability.WEIGHTS, acceptability.CONFIG)
    for directory, names in parts.items():
        for file in names:
            if not (directory / file).is_file():
                raise ModelNotFound(f"{directory.name} has no {file}.")
    tokenizers = [(salience / selection.TOKENIZER), (rewriter / rewriting.TOKENIZER)]
    if tokenizers[0].read_bytes() != tokenizers[1].read_bytes():
        raise ValueError("salience network and rewriter were trained with different tokenizers")
    out.mkdir(parents=True, exist_ok=True)
    for directory, names in parts.items():
        for file in names:
            shutil.copyfile(directory / file, out / file)
    config = {
        "name": name,
        "languages": ["en"],
        "choice": dict(choice),
        "sha256": digests(out),
    }
    (out / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
