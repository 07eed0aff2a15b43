"""Systems over examples to predictions on disk: resumable, each with its latency."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from eval.datasets import Dataset, Example
from eval.predictions import (
    Prediction,
    PredictionSet,
    append,
    check,
    digest_of,
    file_name,
    parse,
    paths,
    read_meta,
    write_meta,
)
from eval.systems import System
from models import documents
from models.articles import json_line
from models.contract import Article
from models.errors import EvaluationError, InbriefError

TIMINGS_SUFFIX: Final = ".timings.jsonl"

# Told after each batch: system, articles done, articles in all.
Progress = Callable[[str, int, int], None]


@runtime_checkable
class Waiting(Protocol):
    """A system that was told to come back later, and for how long it has waited in all."""

    waited_seconds: float


def _silent(system: str, done: int, total: int) -> None:
    pass


def generate(
    system: System, dataset: Dataset, directory: Path, progress: Progress = _silent
) -> PredictionSet:
    """Predict what is not there yet and return the whole, checked.

    Killed at any moment and called again it goes on where it stopped. The
    seconds of each article (a batch's time shared equally, without waiting
    for a service that is asked too often) go into a file of their own, since
    they are all that differs between two runs.

    Raises:
        EvaluationError: the directory holds predictions of another system
            under this name, of other data, or changed since they were
            finished; a fault of the predictions.
    """
    path, meta_path = paths(directory, file_name(system.name))
    path.parent.mkdir(parents=True, exist_ok=True)
    header: dict[str, object] = {
        "system": system.name,
        "signature": dict(system.signature),
        "data": dataset.name,
        "data_digest": dataset.digest,
        "articles": len(dataset.examples),
    }
    _refuse_other(path, meta_path, header)
    write_meta(meta_path, header)
    done = _kept(path, system.name)
    remaining = [one for one in dataset.examples if one.id not in done]
    progress(system.name, len(dataset.examples) - len(remaining), len(dataset.examples))
    if remaining:
        _read_once(remaining[0])
    for batch in _batches(remaining, system.batch_size):
        started, waited = time.perf_counter(), _waited(system)
        predictions = system.summarise(batch)
        waited = _waited(system) - waited
        seconds = max(0.0, time.perf_counter() - started - waited) / len(batch)
        _require_answers(system.name, batch, predictions)
        append(path, predictions)
        if system.timed:
            _append_timings(path, batch, seconds)
        remaining = remaining[len(batch) :]
        progress(system.name, len(dataset.examples) - len(remaining), len(dataset.examples))
    ordered = check(system.name, parse(path, system.name), dataset)
    write_meta(meta_path, {**header, "predictions_digest": digest_of(path)})
    return PredictionSet(system.name, system.signature, ordered)


def _waited(system: System) -> float:
    return system.waited_seconds if isinstance(system, Waiting) else 0.0


def _read_once(example: Example) -> None:
    """Load what reading needs, or the first system would pay for it alone."""
    with suppress(InbriefError):
        documents.read(Article(example.text, example.title))


def seconds_by_id(directory: Path, system_file: str) -> dict[str, float]:
    """Seconds of inference by article; empty for systems that were not timed."""
    path, _ = paths(directory, system_file)
    timings = path.with_name(system_file + TIMINGS_SUFFIX)
    if not timings.exists():
        return {}
    lines = timings.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return {row["id"]: row["seconds"] for row in rows}


def _refuse_other(path: Path, meta_path: Path, header: Mapping[str, object]) -> None:
    if not meta_path.exists():
        return
    meta = read_meta(meta_path)
    for name, what in (("data_digest", "other data"), ("signature", "other settings")):
        if meta.get(name) != _as_json(header[name]):
            raise EvaluationError(
                f"{meta_path.parent} holds predictions of {header['system']} from {what};"
                " choose another --out or delete them."
            )
    finished = meta.get("predictions_digest")
    if finished is not None and path.exists() and digest_of(path) != finished:
        raise EvaluationError(
            f"{header['system']}: {path.name} was changed after it was written; choose another"
            " --out or delete it."
        )


def _as_json(value: object) -> object:
    return json.loads(json.dumps(value))


def _kept(path: Path, system: str) -> set[str]:
    """Ids that are on disk; a row cut off by a kill is removed from the file."""
    if not path.exists():
        return set()
    _drop_cut_off_row(path)
    return {one.id for one in parse(path, system)}


def _drop_cut_off_row(path: Path) -> None:
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)


def _batches(examples: Sequence[Example], size: int | None) -> list[Sequence[Example]]:
    if not examples:
        return []
    step = size or len(examples)
    return [examples[start : start + step] for start in range(0, len(examples), step)]


def _require_answers(
    system: str, batch: Sequence[Example], predictions: Sequence[Prediction]
) -> None:
    if [one.id for one in batch] != [one.id for one in predictions]:
        raise EvaluationError(f"{system}: the answers are not those of the articles asked.")


def _append_timings(path: Path, batch: Sequence[Example], seconds: float) -> None:
    timings = path.with_name(path.stem + TIMINGS_SUFFIX)
    if timings.exists():
        _drop_cut_off_row(timings)
    with timings.open("a", encoding="utf-8") as stream:
        stream.writelines(
            json_line({"id": one.id, "seconds": round(seconds, 6), "batch": len(batch)})
            for one in batch
        )
