"""Summaries on disk, between generating and scoring.

A run keeps `predictions/SYSTEM.jsonl` with one row an article and beside it
`SYSTEM.meta.json`: which system with which settings, which data (digest), and
a digest of the finished file. Files of other tools need an id and a summary a
row; they have no meta file, so their faults are found by looking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from eval.datasets import LINE_MARK, Dataset, Example, is_missing
from eval.tokens import UNSPACED, unicode_tokenize
from models.articles import FieldNames, json_line, read_records
from models.contract import Span, SummarySentence
from models.errors import EvaluationError, InvalidRecord

SUMMARY_FIELDS: Final = ("summary", "prediction", "generated_text", "output")
# Stands for a summary that is not there, which an empty one is.
_ABSENT: Final = "\0"
_NAMED: Final = 3
# Shorter words stand in every article; scripts without spaces give a character each.
_MIN_WORD: Final = 4
# Fewer articles than this say nothing about the order of the summaries.
_MIN_ORDER_CHECK: Final = 5
# How many following articles a summary is held against: one that belongs to
# none of them fits one of four better than its own four times in five.
_OTHERS: Final = 4
# Share of summaries that fit another article better than their own. A sound
# file of news summaries has about none; a shuffled one about four in five.
_MAX_MISFIT_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system answered for one article: a summary, or an error (its type and message)."""

    id: str
    article_digest: str
    summary: str
    sentences: tuple[SummarySentence, ...] = ()
    error: str | None = None
    truncated: bool = False

    @property
    def refused(self) -> bool:
        return self.error is not None


@dataclass(frozen=True, slots=True)
class PredictionSet:
    """The predictions of one system for one data set, in the order of its examples."""

    system: str
    signature: Mapping[str, object]
    predictions: tuple[Prediction, ...]


def to_row(prediction: Prediction) -> dict[str, object]:
    return {
        "id": prediction.id,
        "article_digest": prediction.article_digest,
        "summary": prediction.summary,
        "sentences": [
            {
                "text": one.text,
                "evidence": [[span.start, span.end] for span in one.evidence],
                "supported": one.supported,
                "unsupported": list(one.unsupported),
            }
            for one in prediction.sentences
        ],
        "error": prediction.error,
        "truncated": prediction.truncated,
    }


def file_name(system: str) -> str:
    """A file name for a system's label: letters, digits, dots and dashes, never ambiguous."""
    safe = re.sub(r"[^A-Za-z0-9.-]+", "_", system).strip("._") or "system"
    if safe == system:
        return safe
    return f"{safe[:60]}_{sha256(system.encode()).hexdigest()[:6]}"


def write_meta(path: Path, meta: Mapping[str, object]) -> None:
    partial = path.with_name(path.name + ".partial")
    text = json.dumps(meta, indent=2, sort_keys=True, ensure_ascii=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def read_meta(path: Path) -> dict[str, object]:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} is missing or not JSON.") from error
    if not isinstance(meta, dict):
        raise EvaluationError(f"{path} does not hold an object.")
    return meta


def digest_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def append(path: Path, predictions: Iterable[Prediction]) -> None:
    """Add rows at the end and see them onto the disk."""
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(json_line(to_row(one)) for one in predictions)


def read_run(directory: Path, system_file: str, dataset: Dataset) -> PredictionSet:
    """One system's predictions of a run, checked against its meta file and the data.

    Raises:
        EvaluationError: other data, a file changed since it was written, or a fault of `check`.
    """
    path, meta_path = paths(directory, system_file)
    meta = read_meta(meta_path)
    system = str(meta.get("system"))
    if meta.get("data_digest") != dataset.digest:
        raise EvaluationError(
            f"{system}: the predictions were made from other data (digest"
            f" {meta.get('data_digest')}, not {dataset.digest} of {dataset.name});"
            " generate them again."
        )
    if not path.exists():
        raise EvaluationError(f"{system}: {path} is missing.")
    predictions = parse(path, system)
    ordered = check(system, predictions, dataset)
    if digest_of(path) != meta.get("predictions_digest"):
        raise EvaluationError(
            f"{system}: {path.name} was changed after it was written, or was never finished;"
            " generate it again."
        )
    signature = meta.get("signature")
    return PredictionSet(system, signature if isinstance(signature, dict) else {}, ordered)


def paths(directory: Path, system_file: str) -> tuple[Path, Path]:
    """Where predictions and their meta file lie."""
    folder = directory / "predictions"
    return folder / f"{system_file}.jsonl", folder / f"{system_file}.meta.json"


def parse(path: Path, system: str) -> list[Prediction]:
    """Rows of a predictions file, ours or another's; one with an error needs no summary.

    Raises:
        EvaluationError: a row is no prediction (cut off, NaN, no id, no summary).
    """
    names = FieldNames(id="", text=SUMMARY_FIELDS, title="", summary=(), absent_text=_ABSENT)
    rows: list[Prediction] = []
    for record in read_records(path, names):
        if isinstance(record, InvalidRecord):
            raise EvaluationError(f"{system}: {path.name} is damaged. {record.message}")
        rows.append(from_row(record.line, record.text, record.fields, system))
    return rows


def from_row(line: int, summary: str, row: Mapping[str, object], system: str) -> Prediction:
    """A parsed row as a prediction; `line` and `system` name it in errors."""
    identifier = row.get("id")
    if isinstance(identifier, bool) or not isinstance(identifier, (str, int)):
        raise EvaluationError(f'{system}: line {line} has no "id".')
    # Tools that write a column of errors leave it empty where there was none.
    error = _error(row.get("error"))
    if error is not None and summary == _ABSENT:
        summary = ""
    elif summary == _ABSENT:
        wanted = " or ".join(map(repr, SUMMARY_FIELDS))
        raise EvaluationError(f"{system}: line {line} has no {wanted}.")
    elif summary.strip() and is_missing(summary):
        raise EvaluationError(
            f"{system}: line {line} has {summary.strip()!r}, a missing value, for a summary."
        )
    summary = LINE_MARK.sub("\n", summary)
    digest = row.get("article_digest")
    try:
        sentences = tuple(_sentence(one) for one in row.get("sentences") or [])  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError) as fault:
        raise EvaluationError(
            f'{system}: line {line} has malformed "sentences"; each has text and evidence'
            " [[start, end], …]."
        ) from fault
    said = [token for one in sentences for token in unicode_tokenize(one.text)]
    # Systems are scored by their sentences, so these have to be the summary.
    if sentences and said != unicode_tokenize(summary):
        raise EvaluationError(
            f'{system}: line {line} has other words in "sentences" than in its summary.'
        )
    return Prediction(
        id=str(identifier),
        article_digest=digest if isinstance(digest, str) else "",
        summary=summary,
        sentences=sentences,
        error=error,
        truncated=row.get("truncated") is True,
    )


def _error(value: object) -> str | None:
    """What was wrong, in words; inbrief's own batches write problem details (RFC 9457)."""
    if isinstance(value, Mapping):
        value = value.get("detail") or value.get("title") or dict(value)
    return str(value) if value else None


def _sentence(row: Mapping[str, object]) -> SummarySentence:
    text, evidence, unsupported = row["text"], row.get("evidence", []), row.get("unsupported", [])
    if not isinstance(text, str) or not isinstance(evidence, list):
        raise TypeError
    if not isinstance(unsupported, list):
        raise TypeError
    spans = tuple(_span(one) for one in evidence)
    return SummarySentence(
        text, spans, row.get("supported", True) is True, tuple(map(str, unsupported))
    )


def _span(value: object) -> Span:
    if isinstance(value, dict):  # the service writes {"start": …, "end": …}
        value = [value["start"], value["end"]]
    if not isinstance(value, list):
        raise TypeError
    start, end = value
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end:
        raise ValueError
    return Span(start, end)


def check(
    system: str, predictions: Sequence[Prediction], dataset: Dataset
) -> tuple[Prediction, ...]:
    """Predictions in the order of the examples, one each.

    Raises:
        EvaluationError: doubled, missing or unknown ids; a summary of another article.
    """
    by_id: dict[str, Prediction] = {}
    doubled = []
    for one in predictions:
        if one.id in by_id:
            doubled.append(one.id)
        by_id[one.id] = one
    _refuse(system, doubled, "id{s} stand more than once")
    missing = [one.id for one in dataset.examples if one.id not in by_id]
    _refuse(system, missing, f"of {len(dataset.examples)} articles have no prediction")
    known = {one.id for one in dataset.examples}
    unknown = [identifier for identifier in by_id if identifier not in known]
    _refuse(system, unknown, f"prediction{{s}} are for no article of {dataset.name}")
    ordered = tuple(by_id[one.id] for one in dataset.examples)
    strangers = [
        example.id
        for example, one in zip(dataset.examples, ordered, strict=True)
        if one.article_digest and one.article_digest != example.digest
    ]
    _refuse(system, strangers, "prediction{s} were made from another text than the article's")
    misfit = misfit_share(dataset.examples, ordered)
    if misfit > _MAX_MISFIT_SHARE:
        raise EvaluationError(
            f"{system}: the predictions look shuffled: {misfit:.0%} of the summaries fit another"
            " article better than their own."
        )
    return ordered


def _refuse(system: str, ids: Sequence[str], fault: str) -> None:
    if ids:
        named = ", ".join(map(repr, ids[:_NAMED])) + (", …" if len(ids) > _NAMED else "")
        text = fault.replace("{s}", "s" if len(ids) > 1 else "")
        raise EvaluationError(f"{system}: {len(ids)} {text}: {named}.")


def misfit_share(examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    """Share of summaries of which one of the next articles holds more words than their own.

    Summaries without a word of any of these articles (in another language)
    say nothing and do not count.
    """
    if len(examples) < _MIN_ORDER_CHECK:
        return 0.0
    articles = [_words(one.text) for one in examples]
    considered = misfits = 0
    for index, one in enumerate(predictions):
        wanted = _words(one.summary)
        own = len(wanted & articles[index])
        others = (articles[(index + step) % len(articles)] for step in range(1, _OTHERS + 1))
        best = max(len(wanted & other) for other in others)
        considered += own > 0 or best > 0
        misfits += best > own
    return misfits / considered if considered else 0.0


def _words(text: str) -> set[str]:
    return {one for one in unicode_tokenize(text) if len(one) >= _MIN_WORD or UNSPACED.match(one)}
