"""Scores to results: means with intervals, differences with tests, slices, signatures.

Everything in here is a pure function of the data, the predictions and the
seed, rounded to six decimals, so that two runs give the same bytes. Timings
are kept apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations, pairwise
from typing import Any, Final

import numpy as np

from eval.datasets import Example
from eval.intervals import CONFIDENCE, RESAMPLES, SEED, Scores, bootstrap_means, compare_all
from eval.metrics import TESTED
from eval.scoring import ScoreTable
from models.errors import EvaluationError

SCHEMA: Final = 1
SLICED: Final = ("rouge1_fmeasure", "rouge2_fmeasure", "rougeLsum_fmeasure", "supported")
_DECIMALS: Final = 6
# Below this many articles a slice's mean says nothing.
_MIN_SLICE: Final = 5
_MAX_SLICES: Final = 12
# Fields by which data sets are cut where records have them.
SLICE_FIELDS: Final = ("section", "form", "source", "publisher")

Results = dict[str, Any]


def build(
    table: ScoreTable,
    *,
    slice_fields: Sequence[str] = SLICE_FIELDS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Results:
    """Results of a run, ready for JSON.

    Raises:
        EvaluationError: a system answered no article at all.
    """
    names = [one.system for one in table.systems]
    metrics = table.metrics
    for name in names:
        if np.isnan(table.column(name, "rouge1_fmeasure")).all():
            raise EvaluationError(
                f"{name} answered none of the articles; the first: {_first_error(table, name)}"
            )
    intervals = _intervals(table, names, metrics, resamples, seed)
    return {
        "schema": SCHEMA,
        "data": {
            "name": table.dataset.name,
            "digest": table.dataset.digest,
            "articles": len(table.dataset.examples),
            "references": sum(len(one.references) for one in table.dataset.examples),
            "preset": table.dataset.preset,
        },
        "scoring": {
            "inbrief": _version(),
            "rouge": dict(table.rouge_signature),
            "reference_sentences": table.dataset.reference_sentences,
            "summary_sentences": "as given, else split",
            "splitter": "inbrief",
            **({"similarity": table.encoder} if table.encoder else {}),
            "bootstrap": {"resamples": resamples, "seed": seed, "confidence": CONFIDENCE},
            "refused": "unscored and counted; empty summaries score 0",
        },
        "systems": [
            {
                "name": one.system,
                "signature": dict(one.signature),
                "signature_line": signature_line(table, one.system, resamples, seed),
                "truncated": sum(p.truncated for p in one.predictions),
                "metrics": intervals[one.system],
            }
            for one in table.systems
        ],
        "comparisons": _comparisons(table, names, resamples, seed),
        "slices": _slices(table, names, slice_fields, resamples, seed),
    }


def _first_error(table: ScoreTable, system: str) -> str:
    return str(table.predictions(system).predictions[0].error)


def signature_line(
    table: ScoreTable, system: str, resamples: int = RESAMPLES, seed: int = SEED
) -> str:
    """All that must be equal for a number to be the same, on one line."""
    flat = _flatten(table.predictions(system).signature)
    if "max_input_tokens" in flat:
        # Of an article beyond the window, inbrief's models read chosen sentences.
        whole = flat["max_input_tokens"] is None
        flat.setdefault("truncation", "none" if whole else "selection")
    parts = {
        "n": table.answered(system),
        **_ruler(table, resamples, seed),
        "system": system,
        **{name: value for name, value in flat.items() if value is not None},
    }
    return _line(parts)


def ruler_line(table: ScoreTable, resamples: int = RESAMPLES, seed: int = SEED) -> str:
    """The part of a signature that says how was scored, whatever the system."""
    return _line(_ruler(table, resamples, seed))


def _ruler(table: ScoreTable, resamples: int, seed: int) -> dict[str, object]:
    return {
        "articles": len(table.dataset.examples),
        "data": table.dataset.digest,
        "preset": table.dataset.preset,
        "metric": f"inbrief {_version()}",
        "rouge": table.rouge_signature["implementation"],
        "stemmer": table.rouge_signature["stemmer"],
        "tokenizer": table.rouge_signature["tokenizer"],
        "case": table.rouge_signature["case"],
        **({"similarity": table.encoder} if table.encoder else {}),
        "splitter": f"references {table.dataset.reference_sentences}, summaries inbrief",
        "bootstrap": resamples,
        "seed": seed,
    }


def _line(parts: Mapping[str, object]) -> str:
    # A prompt or a command may hold line ends.
    return "|".join(f"{name}:{value}" for name, value in parts.items()).replace("\n", "\\n")


def _flatten(value: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, one in value.items():
        if isinstance(one, Mapping):
            flat |= _flatten(one, f"{prefix}{name}.")
        else:
            flat[prefix + name] = one
    return flat


def _version() -> str:
    try:
        return version("inbrief")
    except PackageNotFoundError:  # a checkout that was never installed
        return "uninstalled"


def _intervals(
    table: ScoreTable, names: Sequence[str], metrics: Sequence[str], resamples: int, seed: int
) -> dict[str, dict[str, dict[str, float | int]]]:
    keys, columns = [], []
    for name in names:
        for metric in metrics:
            column = table.column(name, metric)
            if not np.isnan(column).all():
                keys.append((name, metric))
                columns.append(column)
    found: dict[str, dict[str, dict[str, float | int]]] = {name: {} for name in names}
    matrix = np.stack(columns, axis=1)
    for (name, metric), interval in zip(
        keys, bootstrap_means(matrix, resamples=resamples, seed=seed), strict=True
    ):
        found[name][metric] = rounded(asdict(interval))
    return found


def rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every float at six decimals, and no negative zero."""
    return {
        name: round(value, _DECIMALS) + 0.0 if isinstance(value, float) else value
        for name, value in row.items()
    }


def _comparisons(
    table: ScoreTable, names: Sequence[str], resamples: int, seed: int
) -> list[dict[str, Any]]:
    keys: list[tuple[str, str, str]] = []
    pairs: list[tuple[Scores, Scores]] = []
    for metric in TESTED:
        for first, second in combinations(names, 2):
            left, right = table.column(first, metric), table.column(second, metric)
            if (~(np.isnan(left) | np.isnan(right))).sum() >= 2:
                keys.append((metric, first, second))
                pairs.append((left, right))
    return [
        {"metric": metric, "first": first, "second": second, **rounded(asdict(one))}
        for (metric, first, second), one in zip(
            keys, compare_all(pairs, resamples=resamples, seed=seed), strict=True
        )
    ]


# --- slices --------------------------------------------------------------


_LENGTHS: Final = (0, 200, 400, 800, 1600)


def _length_slice(example: Example) -> str:
    words = len(example.text.split())
    low = max(bound for bound in _LENGTHS if bound <= words)
    return _LENGTH_NAMES[_LENGTHS.index(low)]


_LENGTH_NAMES: Final = [
    *(f"{low} to {high - 1} words" for low, high in pairwise(_LENGTHS)),
    f"{_LENGTHS[-1]} words and more",
]


_DATE_FIELDS: Final = (
    "date",
    "published",
    "published_at",
    "publication_date",
    "publish_date",
    "pub_date",
)
_YEAR: Final = re.compile(r"^\d{4}|(?<!\d)(?:19|20)\d\d(?!\d)", re.ASCII)


def _date_slice(example: Example) -> str | None:
    for name in _DATE_FIELDS:
        value = example.fields.get(name)
        if isinstance(value, date):  # a date or time stamp of a Parquet file
            return f"{value.year:04}"
        # Any form of date: "2013-05-01", "20130501", "Wed, 01 May 2013", "5/1/2013".
        if isinstance(value, str) and (found := _YEAR.search(value)):
            return found[0]
    return None


def _position_slice(positions: Sequence[float]) -> str | None:
    if not positions:
        return None
    position = sum(positions) / len(positions)
    return (
        "early third" if position < 1 / 3 else "middle third" if position < 2 / 3 else "late third"
    )


def _slices(
    table: ScoreTable, names: Sequence[str], slice_fields: Sequence[str], resamples: int, seed: int
) -> list[dict[str, Any]]:
    examples = table.dataset.examples
    cuts: dict[str, list[str | None]] = {
        "article length": [_length_slice(one) for one in examples],
        "date": [_date_slice(one) for one in examples],
        "origin of the reference": [_position_slice(one) for one in table.reference_positions],
    }
    for name in slice_fields:
        cuts[name] = [_text_field(one, name) for one in examples]
    rows = []
    for cut, values in cuts.items():
        counts = {value: values.count(value) for value in dict.fromkeys(values) if value}
        kept = [value for value, count in counts.items() if count >= _MIN_SLICE]
        if len(kept) > 1:
            order = sorted(kept, key=_slice_order(counts))[:_MAX_SLICES]
            if cut == "date":
                order.sort()
            rows += [
                _slice_row(table, names, cut, value, values, resamples, seed) for value in order
            ]
    return rows


def _slice_order(counts: Mapping[str, int]) -> Callable[[str], tuple[int, int, str]]:
    fixed = [*_LENGTH_NAMES, "early third", "middle third", "late third"]

    def key(value: str) -> tuple[int, int, str]:
        return (fixed.index(value) if value in fixed else len(fixed), -counts[value], value)

    return key


def _text_field(example: Example, name: str) -> str | None:
    value = example.fields.get(name)
    return value if isinstance(value, str) and value else None


def _slice_row(
    table: ScoreTable,
    names: Sequence[str],
    cut: str,
    value: str,
    values: Sequence[str | None],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    inside = np.array([one == value for one in values])
    keys, columns = [], []
    for name in names:
        for metric in SLICED:
            column = table.column(name, metric)[inside]
            if not np.isnan(column).all():
                keys.append((name, metric))
                columns.append(column)
    means: dict[str, dict[str, Any]] = {}
    if not columns:
        return {"slice": cut, "value": value, "n": int(inside.sum()), "systems": means}
    intervals = bootstrap_means(np.stack(columns, axis=1), resamples=resamples, seed=seed)
    for (name, metric), interval in zip(keys, intervals, strict=True):
        means.setdefault(name, {})[metric] = rounded(asdict(interval))
    return {"slice": cut, "value": value, "n": int(inside.sum()), "systems": means}
