"""Command-line options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from models.contract import Format, Kind, Length
from service.schemas import MAX_MAX_WORDS, MIN_MAX_WORDS

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        envvar="INBRIEF_MODEL",
        help="A shipped model's name, a checkpoint directory or a hub id.",
    ),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option("--device", envvar="INBRIEF_DEVICE", help="Where the model runs."),
]
EngineOption = Annotated[
    Literal["auto", "native", "transformers", "ctranslate2", "cuda-graphs"],
    typer.Option("--engine", envvar="INBRIEF_ENGINE", help="What runs the model."),
]
BatchEngineOption = Annotated[
    Literal["auto", "native", "transformers", "ctranslate2", "cuda-graphs", "ray"],
    typer.Option(
        "--engine",
        envvar="INBRIEF_ENGINE",
        help="What runs the model; ray: a pool of actors on a Ray cluster, each choosing for "
        "itself.",
    ),
]
PrecisionOption = Annotated[
    Literal["auto", "fp32", "bf16", "fp16", "int8"],
    typer.Option("--precision", envvar="INBRIEF_PRECISION", help="Number format of the weights."),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--model-cache-dir",
        envvar="INBRIEF_MODEL_CACHE_DIR",
        help="Where converted checkpoints are kept.",
    ),
]
DownloadOption = Annotated[
    bool,
    typer.Option(
        "--allow-download",
        envvar="INBRIEF_ALLOW_DOWNLOAD",
        help="Let a hub id be fetched from the hub.",
    ),
]
KindOption = Annotated[Kind, typer.Option("--kind", help="What is written.")]
LengthOption = Annotated[
    Length,
    typer.Option("--length", help="key-points: 3, 5, 7 points; headline: 12, 17, 22 words."),
]
MaxWordsOption = Annotated[
    int | None,
    typer.Option(
        "--max-words",
        min=MIN_MAX_WORDS,
        max=MAX_MAX_WORDS,
        help="Hard bound on the words; overrides --length.",
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="markdown writes points as `- point` lines.")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Keep only sentences that the article supports.")
]
LanguageOption = Annotated[
    str | None, typer.Option("--language", help="Language of the articles; detected by default.")
]
