"""`pipeline("summarization")` for code written against transformers 4, which 5 took it from.

    from models import pipeline
    summarizer = pipeline("summarization", model="path/to/checkpoint")
    summarizer(article, max_length=130, min_length=30, do_sample=False)
    # [{"summary_text": "..."}]

A seq2seq checkpoint writes here what its own `generate` writes, as version 4
showed it: unverified, and cut where `max_length` cuts. Anything longer than
the encoder's window is read by its most salient sentences unless `truncation`
asks for the old cut. The shipped models take the same call and answer with
their verified sentences.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

from models.contract import Article, Summariser, SummaryOptions, SummaryRequest
from models.errors import ArticleTooShort, InbriefError, InputError
from models.generation import GenerationSettings
from models.loading import DEFAULT_MODEL, load

Record = dict[str, Any]

# English news: about three words for four subword tokens.
_WORDS_A_TOKEN: Final = 0.75
_MIN_WORDS: Final = 10
_PRECISIONS: Final = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "auto": "auto"}
# Accepted for old code's sake; they change nothing about what is returned here.
_NO_EFFECT: Final = frozenset(
    {"batch_size", "num_workers", "use_cache", "clean_up_tokenization_spaces"}
)


def pipeline(
    task: str,
    model: str | None = None,
    *,
    tokenizer: str | None = None,
    framework: str | None = None,
    device: int | str | None = None,
    torch_dtype: Any = None,
    dtype: Any = None,
    allow_download: bool = False,
    **defaults: Any,
) -> SummarizationPipeline:
    """A callable with the calling convention of transformers 4's summarization pipeline.

    `model` is a shipped name, a directory or a hub id (default: news-small);
    its own tokenizer is used, so `tokenizer` may only name the same place.
    `device` is -1 for the CPU, a CUDA index, or a name. Further keywords are
    defaults of each call.

    Raises:
        KeyError: another task than summarization.
        InputError: an argument that cannot be honoured.
        ModelError: the model cannot be loaded.
    """
    if task != "summarization":
        raise KeyError(f"Unknown task {task}, available tasks are ['summarization']")
    name = model or DEFAULT_MODEL
    if tokenizer is not None and tokenizer != name:
        raise InputError("A model is used with its own tokenizer.", field="tokenizer")
    summariser = load(
        name,
        device=_device(device),
        precision=_precision(dtype if dtype is not None else torch_dtype),
        allow_download=allow_download,
    )
    return SummarizationPipeline(summariser, **defaults)


class SummarizationPipeline:
    """Calls a `Summariser` the way transformers 4 was called."""

    task = "summarization"

    def __init__(self, summariser: Summariser, **defaults: Any) -> None:
        self.summariser = summariser
        self._defaults = defaults

    def __call__(self, inputs: str | Iterable[str], **options: Any) -> Any:
        """Summarise a string, a list of strings or an iterator of strings.

        Options are those of version 4: `max_length`, `min_length` (both count
        the decoder's start token), `max_new_tokens`, `min_new_tokens`,
        `num_beams`, `length_penalty`, `no_repeat_ngram_size`,
        `early_stopping`, `num_return_sequences`, `truncation`,
        `return_text`, `return_tensors`, `clean_up_tokenization_spaces`.
        A string or list gives a list of `{"summary_text": ...}`; with several
        sequences each, a list of such lists; an iterator gives an iterator.

        Raises InputError for an option that is unknown or cannot be honoured.
        """
        call = _Call.read({**self._defaults, **options})
        if isinstance(inputs, str):
            return self._answer([inputs], call)[0]
        if isinstance(inputs, Sequence):
            wrong = next((item for item in inputs if not isinstance(item, str)), None)
            if wrong is not None:
                raise ValueError(
                    f"Inputs must be of type `str` or `list` of `str`, not {type(wrong).__name__}."
                )
            answers = self._answer(list(inputs), call)
            return [answer[0] for answer in answers] if call.sequences == 1 else answers
        if isinstance(inputs, Iterable):
            return self._stream(inputs, call)
        raise ValueError(
            f"Inputs must be of type `str` or `list` of `str`, not {type(inputs).__name__}."
        )

    def _stream(self, inputs: Iterable[str], call: _Call) -> Iterator[list[Record]]:
        for text in inputs:
            yield self._answer([text], call)[0]

    def _answer(self, texts: list[str], call: _Call) -> list[list[Record]]:
        if isinstance(self.summariser, WritesText):
            return _write(self.summariser, texts, call)
        return [[_summarise(self.summariser, text, call)] * call.sequences for text in texts]


@runtime_checkable
class WritesText(Protocol):
    """A model whose own text can be had, before verification."""

    @property
    def default_settings(self) -> GenerationSettings: ...

    def write(
        self, texts: Sequence[str], settings: GenerationSettings, *, truncate: bool
    ) -> list[list[tuple[str, tuple[int, ...]]]]: ...


@dataclass(frozen=True, slots=True)
class _Call:
    """The options of one call, checked; lengths as new tokens, without the start token."""

    least: int | None
    most: int | None
    changes: Mapping[str, Any]
    sequences: int
    truncate: bool
    text: bool
    tensors: bool

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> _Call:
        left = {key: value for key, value in options.items() if key not in _NO_EFFECT}
        if left.pop("do_sample", False):
            raise InputError("Summaries are deterministic: do_sample must be False.")
        tensors = bool(left.pop("return_tensors", False))
        text = bool(left.pop("return_text", None) or not tensors)
        truncate = left.pop("truncation", False) not in (False, None, "do_not_truncate")
        sequences = int(left.pop("num_return_sequences", None) or 1)
        least = _length(left, "min")
        most = _length(left, "max")
        if unknown := sorted(set(left) - set(_SETTINGS)):
            raise InputError(
                f"Unknown option {unknown[0]!r}; known are max_length, min_length, "
                f"max_new_tokens, min_new_tokens, {', '.join(_SETTINGS)}.",
                field=unknown[0],
            )
        if least is not None and most is not None and least > most:
            raise InputError(
                f"min_length ({least + 1}) must not be larger than max_length ({most + 1}).",
                field="min_length",
                limit=most + 1,
            )
        changes = {_SETTINGS[key]: value for key, value in left.items() if value is not None}
        return cls(least, most, changes, sequences, truncate, text, tensors)

    def settings(self, own: GenerationSettings) -> GenerationSettings:
        """The checkpoint's settings with what the call changes."""
        most = self.most if self.most is not None else own.max_new_tokens
        least = self.least if self.least is not None else min(own.min_new_tokens, most)
        try:
            return replace(
                own,
                **self.changes,
                max_new_tokens=max(most, least),
                min_new_tokens=least,
                hypotheses=self.sequences,
            )
        except (TypeError, ValueError) as error:
            raise InputError(f"The options do not fit together: {error}.") from error


_SETTINGS: Final = {
    "num_beams": "beams",
    "length_penalty": "length_penalty",
    "no_repeat_ngram_size": "no_repeat_ngram",
    "early_stopping": "early_stopping",
}


def _length(options: dict[str, Any], end: str) -> int | None:
    """`min_new_tokens` or `min_length` (which counts the start token), or those of `max`."""
    total, new = options.pop(f"{end}_length", None), options.pop(f"{end}_new_tokens", None)
    given = total if new is None else new
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int):
        raise InputError(f"{end}_length must be a whole number.", field=f"{end}_length")
    found = given - 1 if new is None else given
    if end == "max" and found < 1:
        raise InputError("max_length must be at least 2.", field="max_length", limit=2)
    return max(found, 0)


def _write(model: WritesText, texts: list[str], call: _Call) -> list[list[Record]]:
    settings = call.settings(model.default_settings)
    answers = []
    for written in model.write(texts, settings, truncate=call.truncate):
        records = []
        for text, tokens in written:
            record: Record = {"summary_text": text} if call.text else {}
            if call.tensors:
                record["summary_token_ids"] = list(tokens)
            records.append(record)
        answers.append(records)
    return answers


def _summarise(summariser: Summariser, text: str, call: _Call) -> Record:
    if call.tensors:
        raise InputError(f"{summariser.info.name} returns text only.", field="return_tensors")
    words = None if call.most is None else max(_MIN_WORDS, round(call.most * _WORDS_A_TOKEN))
    options = SummaryOptions(kind="tldr", length="medium", max_words=words)
    result = summariser.summarise([SummaryRequest(Article(text), options)])[0]
    if isinstance(result, ArticleTooShort):
        # Version 4 wrote something about any text; here there is nothing to leave out.
        warnings.warn(f"Returned as it is: {result.message}", stacklevel=4)
        return {"summary_text": " ".join(text.split())}
    if isinstance(result, InbriefError):
        raise result
    return {"summary_text": result.text}


def _device(device: int | str | None) -> str:
    if device is None or device == -1:
        return "auto" if device is None else "cpu"
    return "cuda" if isinstance(device, int) else str(device).split(":")[0]


def _precision(dtype: Any) -> str:
    if dtype is None:
        return "auto"
    name = str(dtype).removeprefix("torch.")
    if name not in _PRECISIONS:
        raise InputError(f"dtype must be one of {', '.join(_PRECISIONS)}.", field="dtype")
    return _PRECISIONS[name]
