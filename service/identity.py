"""The reproducibility stamp: what makes two requests the same request."""

from __future__ import annotations

import hashlib
import json

from models.contract import ModelInfo, SummaryRequest


def summary_id(request: SummaryRequest, model: ModelInfo) -> str:
    """SHA-256, in 64 hexadecimal digits, of everything that the summary depends on.

    The article as it is summarised (for HTML: the extracted text), the options,
    and the model's name, revision, engine and precision.
    """
    article, options = request.article, request.options
    parts = (
        article.text,
        article.title,
        article.language,
        options.kind,
        options.length,
        options.max_words,
        options.format,
        options.strict,
        model.name,
        model.revision,
        model.engine,
        model.precision,
    )
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()
