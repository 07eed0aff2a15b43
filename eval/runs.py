"""A run on disk: what was asked, predictions, scores, results, timings.

DIR/run.json              the data and systems, so that it can be scored again
DIR/predictions/          one file a system, with its meta file and timings
DIR/scores.jsonl          every metric of every article and system
DIR/results.json          means, intervals, tests, slices, signatures
DIR/results.md  .csv      the same for people and spreadsheets
DIR/timings.json          latency; the only file that differs between equal runs
DIR/report.html           everything on one page
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from eval import report, tables
from eval import results as results_
from eval.datasets import Dataset
from eval.generate import seconds_by_id
from eval.predictions import PredictionSet, file_name
from eval.scoring import ScoreTable, write_scores
from models.errors import EvaluationError


def write_json(path: Path, value: object) -> None:
    """JSON with sorted keys; the file appears whole or not at all, its directory if need be."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """Raises EvaluationError where the file is missing, cut off, or holds NaN."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except FileNotFoundError:
        raise EvaluationError(f"{path} does not exist; is this the directory of a run?") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} is damaged ({error}).") from error


_ASKED: Final = frozenset(
    {"data", "fields", "limit", "preset", "reference", "stemmer", "systems", "tokenizer"}
)


def read_asked(directory: Path) -> dict[str, Any]:
    """What a run was asked for.

    Raises:
        EvaluationError: the directory is no run's, or its file is damaged.
    """
    path = directory / "run.json"
    asked = read_json(path)
    if not isinstance(asked, dict) or not asked.keys() >= _ASKED:
        raise EvaluationError(f"{path} is damaged or of another version; run it again.")
    return asked


def finish(directory: Path, table: ScoreTable, results: Mapping[str, Any]) -> None:
    """Write everything that follows from the scores."""
    write_scores(directory / "scores.jsonl", table)
    write_json(directory / "results.json", results)
    timings = timings_of(directory, table.dataset, table.systems)
    write_json(directory / "timings.json", timings)
    (directory / "results.md").write_text(tables.markdown(results, timings), encoding="utf-8")
    (directory / "results.csv").write_text(tables.csv_text(results), encoding="utf-8")
    page = report.page(table, results, timings)
    (directory / "report.html").write_text(page, encoding="utf-8")


def timings_of(
    directory: Path, dataset: Dataset, systems: Sequence[PredictionSet]
) -> dict[str, Any]:
    """Latency and throughput of the systems that were timed, one after another, one process."""
    found = {}
    for one in systems:
        seconds = seconds_by_id(directory, file_name(one.system))
        values = [seconds[example.id] for example in dataset.examples if example.id in seconds]
        if values and sum(values) > 0:
            found[one.system] = {
                "articles": len(values),
                "articles_per_second": round(len(values) / sum(values), 4),
                "mean_seconds": round(sum(values) / len(values), 6),
                "median_seconds": round(median(values), 6),
                "p95_seconds": round(sorted(values)[int(0.95 * (len(values) - 1))], 6),
            }
    return {"systems": found}


def load_results(directory: Path) -> results_.Results:
    """The results of a finished run, checked for their schema.

    Raises:
        EvaluationError: no results, damaged ones, or those of another version.
    """
    found = read_json(directory / "results.json")
    if not isinstance(found, dict) or found.get("schema") != results_.SCHEMA:
        raise EvaluationError(f"{directory}: the results are of another version; score again.")
    return found
