"""What is judged: anything that answers articles with predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Protocol

from eval.datasets import Example
from eval.predictions import Prediction
from models.contract import Article, Summariser, Summary, SummaryOptions, SummaryRequest
from models.errors import InbriefError


class System(Protocol):
    """One summariser with its settings.

    `signature` names everything that changes its output (revision, engine,
    precision, options). `batch_size` is how many articles it is given at
    once; None means all. `timed` says whether the time it takes is that of
    summarising, which it is not where summaries are only read. `summarise`
    answers each example, in order, and raises only when nothing can go on.
    """

    name: str
    timed: bool

    @property
    def signature(self) -> Mapping[str, object]: ...

    @property
    def batch_size(self) -> int | None: ...

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]: ...


class ModelSystem:
    """Any `models.contract.Summariser` under fixed options."""

    timed = True

    def __init__(
        self, name: str, summariser: Summariser, options: SummaryOptions, *, batch_size: int = 8
    ) -> None:
        self.name = name
        self.batch_size = batch_size
        self._summariser = summariser
        self._options = options

    @property
    def signature(self) -> Mapping[str, object]:
        info = self._summariser.info
        return {
            "model": info.name,
            "revision": info.revision,
            "engine": info.engine,
            "precision": info.precision,
            "device": info.device,
            "max_input_tokens": info.max_input_tokens,
            "parameters": info.parameters,
            "options": asdict(self._options),
        }

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        requests = [SummaryRequest(Article(one.text, one.title), self._options) for one in examples]
        results = self._summariser.summarise(requests)
        return [_prediction(*pair) for pair in zip(examples, results, strict=True)]


def _prediction(example: Example, result: Summary | InbriefError) -> Prediction:
    if isinstance(result, InbriefError):
        return refusal(example, result)
    return Prediction(
        id=example.id,
        article_digest=example.digest,
        summary=result.text,
        sentences=result.sentences,
        truncated=result.truncated,
    )


def refusal(example: Example, error: InbriefError) -> Prediction:
    """An article that a system did not summarise, with the reason."""
    return Prediction(
        id=example.id,
        article_digest=example.digest,
        summary="",
        error=f"{type(error).__name__}: {error.message}",
    )
