"""Predictions to scores, one row an article and system; parallel over articles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from eval import descriptive
from eval.datasets import Dataset, Example
from eval.faithfulness import Checker
from eval.intervals import Scores
from eval.metrics import METRICS
from eval.predictions import Prediction, PredictionSet
from eval.rouge import Rouge
from eval.tokens import TokenizerName
from models import documents
from models.articles import json_line
from models.contract import Article
from models.errors import EvaluationError, InbriefError

# Articles a process is given at once; its tokenizer remembers stems between them.
_CHUNK: Final = 50
# Starting processes costs more than it saves below this many summaries.
_MIN_PARALLEL: Final = 200
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Scored:
    """One summary's metrics by name; absent ones were not applicable.

    `origins` are the article sentences it stands on, `positions` the same
    from 0 to 1, `sentences` the summary as it was scored; `unsupported` is
    what the verifier did not find, by sentence.
    """

    metrics: Mapping[str, float]
    sentences: tuple[str, ...] = ()
    origins: tuple[int, ...] = ()
    positions: tuple[float, ...] = ()
    unsupported: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Scores of all systems on one data set: `rows[system][document]`.

    `reference_positions` says for each document where in the article the
    sentences of its references come from, from 0 to 1. `encoder` names what
    `similarity` was measured with, where it was.
    """

    dataset: Dataset
    systems: tuple[PredictionSet, ...]
    rows: Mapping[str, tuple[Scored, ...]]
    reference_positions: tuple[tuple[float, ...], ...]
    rouge_signature: Mapping[str, object]
    encoder: str | None = None

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that some summary has, in the order of the registry."""
        present = {name for rows in self.rows.values() for one in rows for name in one.metrics}
        return [name for name in METRICS if name in present]

    def column(self, system: str, metric: str) -> Scores:
        """One score a document, NaN where it does not apply."""
        return np.array([one.metrics.get(metric, math.nan) for one in self.rows[system]])

    def answered(self, system: str) -> int:
        """How many articles were not refused."""
        return int((self.column(system, "refused") == 0).sum())

    def predictions(self, system: str) -> PredictionSet:
        """What the system was scored by."""
        (found,) = (one for one in self.systems if one.system == system)
        return found


def score(
    dataset: Dataset,
    systems: Sequence[PredictionSet],
    *,
    stemmer: bool = True,
    tokenizer: TokenizerName = "ascii",
    processes: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> ScoreTable:
    """Score every prediction; `progress` is told the number of articles done.

    An empty summary scores 0 as it does with rouge-score; a refused article
    has no scores but counts in `refused`.

    Raises:
        EvaluationError: two systems of one name, or a text that the tokenizer
            would mostly drop.
    """
    names = [one.system for one in systems]
    if len(set(names)) != len(names):
        raise EvaluationError("Two systems have the same name; label one, as in NAME=SYSTEM.")
    work = [
        (
            dataset.examples[start : start + _CHUNK],
            [one.predictions[start : start + _CHUNK] for one in systems],
        )
        for start in range(0, len(dataset.examples), _CHUNK)
    ]
    run = partial(
        _score_chunk,
        names=names,
        stemmer=stemmer,
        tokenizer=tokenizer,
        split_references=dataset.reference_sentences == "split",
    )
    if processes > 1 and len(dataset.examples) * len(systems) >= _MIN_PARALLEL:
        # Not forked: a model of this process may have threads that a copy would lack.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            by_document = _collect(pool.map(run, work), progress)
    else:
        by_document = _collect(map(run, work), progress)
    rows = {
        name: tuple(scored[index] for scored, _ in by_document) for index, name in enumerate(names)
    }
    return ScoreTable(
        dataset,
        tuple(systems),
        rows,
        tuple(position for _, position in by_document),
        Rouge(stemmer=stemmer, tokenizer=tokenizer).signature,
    )


def _collect(chunks: Iterable[list[_Row]], progress: Callable[[int], None]) -> list[_Row]:
    rows: list[_Row] = []
    for chunk in chunks:
        rows += chunk
        progress(len(rows))
    return rows


_Work = tuple[Sequence[Example], Sequence[Sequence[Prediction]]]
# Scores of the systems for one article, and the positions of its references.
_Row = tuple[list[Scored], tuple[float, ...]]
_ROUGES: dict[tuple[bool, TokenizerName], Rouge] = {}


def _rouge(stemmer: bool, tokenizer: TokenizerName) -> Rouge:
    key = (stemmer, tokenizer)
    if key not in _ROUGES:
        _ROUGES[key] = Rouge(stemmer=stemmer, tokenizer=tokenizer)
    return _ROUGES[key]


def _score_chunk(
    work: _Work,
    *,
    names: Sequence[str],
    stemmer: bool,
    tokenizer: TokenizerName,
    split_references: bool,
) -> list[_Row]:
    rouge = _rouge(stemmer, tokenizer)
    examples, predictions = work
    return [
        _score_document(
            example,
            [(name, system[index]) for name, system in zip(names, predictions, strict=True)],
            rouge,
            split_references,
        )
        for index, example in enumerate(examples)
    ]


def _score_document(
    example: Example,
    predictions: Sequence[tuple[str, Prediction]],
    rouge: Rouge,
    split_references: bool,
) -> _Row:
    checker, document = _checker(example)
    source = descriptive.source_of(example.text)
    texts = [
        "\n".join(descriptive.sentences_of(one)) if split_references else one
        for one in example.references
    ]
    references = [rouge.prepare(one, f"The reference of {example.id}") for one in texts]
    scored = []
    for name, one in predictions:
        if one.refused:
            scored.append(Scored({"refused": 1.0}))
            continue
        sentences = _sentences(one)
        prepared = rouge.prepare("\n".join(sentences), f"{name}: the summary of {example.id}")
        metrics = {
            f"{variant}_{part}": value
            for variant, values in rouge.score(references, prepared).items()
            for part, value in zip(values._fields, values, strict=True)
        }
        metrics |= {**descriptive.describe(source, sentences), "refused": 0.0}
        if checker is None or document is None or metrics["empty"]:
            scored.append(Scored(metrics, tuple(sentences)))
            continue
        verified = checker.check(sentences, [sentence.evidence for sentence in one.sentences])
        positions = descriptive.positions(document, verified.origins)
        early = [index < descriptive.LEAD_SENTENCES for index in verified.origins]
        metrics |= verified.metrics
        metrics["position"] = sum(positions) / len(positions)
        metrics["lead_share"] = sum(early) / len(early)
        scored.append(
            Scored(
                metrics,
                tuple(sentences),
                verified.origins,
                tuple(positions),
                verified.unsupported,
            )
        )
    return scored, _reference_positions(texts, checker, document)


def _checker(example: Example) -> tuple[Checker | None, documents.Document | None]:
    """An article that is too short to be read is judged by its words alone."""
    try:
        document = documents.read(Article(example.text, example.title))
    except InbriefError:
        return None, None
    return Checker(document), document


def _reference_positions(
    texts: Sequence[str], checker: Checker | None, document: documents.Document | None
) -> tuple[float, ...]:
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    if checker is None or document is None:
        return ()
    return tuple(descriptive.positions(document, [checker.origin(line)[0] for line in lines]))


def _sentences(one: Prediction) -> list[str]:
    given = [" ".join(sentence.text.split()) for sentence in one.sentences]
    return [text for text in given if text] or descriptive.sentences_of(one.summary)


def write_scores(path: Path, table: ScoreTable) -> None:
    """One row an article and system, in the order of systems and examples."""
    with path.open("w", encoding="utf-8") as stream:
        for system in table.systems:
            for example, one in zip(table.dataset.examples, table.rows[system.system], strict=True):
                metrics = {
                    name: round(one.metrics[name], _DECIMALS)
                    for name in METRICS
                    if name in one.metrics
                }
                stream.write(json_line({"id": example.id, "system": system.system, **metrics}))
