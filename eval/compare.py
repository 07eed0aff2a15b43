"""Two runs over the same data: what got better, what got worse, what is chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from eval import runs, tables
from eval.intervals import Scores, compare_all
from eval.metrics import METRICS
from eval.results import Results, rounded
from models.articles import FieldNames, read_records
from models.errors import EvaluationError, InvalidRecord

# Metrics that are compared where both runs have them.
COMPARED: Final = (
    "rouge1_fmeasure",
    "rouge2_fmeasure",
    "rougeLsum_fmeasure",
    "supported",
    "faithful",
    "complete",
    "repetition",
)
# Settings of scoring that must agree, or the numbers are of different rulers.
_RULER: Final = ("rouge", "reference_sentences", "summary_sentences", "splitter")

Rows = dict[str, dict[str, Mapping[str, float]]]


def compare(
    first: Path, second: Path, *, systems: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Second run minus first, by pairs of systems (default: those of equal name).

    Raises:
        EvaluationError: other data, other scoring, damaged scores, or no
            system in common.
    """
    results = [runs.load_results(one) for one in (first, second)]
    _require_comparable(first, second, results)
    rows = [read_scores(one, found) for one, found in zip((first, second), results, strict=True)]
    pairs = list(systems) or [(name, name) for name in rows[0] if name in rows[1]]
    if not pairs:
        raise EvaluationError(
            f"The runs have no system in common: {', '.join(rows[0])} and {', '.join(rows[1])};"
            " name a pair with --pair A=B."
        )
    keys, columns = [], []
    for left, right in pairs:
        for side, name in enumerate((left, right)):
            if name not in rows[side]:
                raise EvaluationError(f"{(first, second)[side]} has no system {name!r}.")
        for metric in COMPARED:
            before = _column(rows[0][left], metric)
            after = _column(rows[1][right], metric)
            if (~np.isnan(after - before)).sum() >= 2:
                keys.append((metric, right, left))
                columns.append((after, before))
    return {
        "data": results[0]["data"],
        "scoring": results[0]["scoring"],
        "runs": [str(first), str(second)],
        "signatures": [[one["signature_line"] for one in found["systems"]] for found in results],
        "comparisons": [
            {"metric": metric, "first": after, "second": before, **rounded(asdict(one))}
            for (metric, after, before), one in zip(keys, compare_all(columns), strict=True)
        ],
    }


def _require_comparable(first: Path, second: Path, results: Sequence[Results]) -> None:
    left, right = (found["data"] for found in results)
    if left["digest"] != right["digest"]:
        raise EvaluationError(
            f"The runs were made on other data: {first} on {left['name']} ({left['digest']}),"
            f" {second} on {right['name']} ({right['digest']})."
        )
    for name in _RULER:
        if results[0]["scoring"][name] != results[1]["scoring"][name]:
            raise EvaluationError(
                f"The runs were scored differently ({name}); score one of them again."
            )


def read_scores(directory: Path, results: Results) -> Rows:
    """Scores of a run by system and article.

    Raises:
        EvaluationError: cut off, NaN, doubled or missing rows.
    """
    path = directory / "scores.jsonl"
    if not path.exists():
        raise EvaluationError(f"{path} does not exist; score the run again.")
    rows: Rows = {one["name"]: {} for one in results["systems"]}
    for record in read_records(path, FieldNames(id="id", text=("system",), title="", summary=())):
        if isinstance(record, InvalidRecord):
            raise EvaluationError(f"{path} is damaged. {record.message}")
        if record.text not in rows:
            raise EvaluationError(f"{path} has scores of {record.text!r}, results.json has not.")
        if record.id in rows[record.text]:
            raise EvaluationError(f"{path} has {record.id!r} of {record.text} more than once.")
        rows[record.text][record.id] = _numbers(path, record.line, record.fields)
    articles = results["data"]["articles"]
    for name, found in rows.items():
        if len(found) != articles:
            raise EvaluationError(
                f"{path} has {len(found)} of the {articles} articles of {name}; score again."
            )
    return rows


def _numbers(path: Path, line: int, fields: Mapping[str, object]) -> dict[str, float]:
    found = {}
    for name, value in fields.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise EvaluationError(f"{path} is damaged. Line {line}: {name!r} is not a number.")
        found[name] = float(value)
    return found


def _column(rows: Mapping[str, Mapping[str, float]], metric: str) -> Scores:
    # Sorted: the two runs may have scored the articles in another order.
    return np.array([rows[identifier].get(metric, np.nan) for identifier in sorted(rows)])


def markdown(found: Mapping[str, Any]) -> str:
    """The comparison as Markdown: second run minus first."""
    data = found["data"]
    lines = [
        f"# {found['runs'][1]} against {found['runs'][0]}",
        "",
        f"{data['name']}, {data['articles']} articles, data digest `{data['digest']}`.",
        "",
        "| system | metric | difference | p (Holm) | win/tie/loss | detectable | n | verdict |",
        "|" + " --- |" * 8,
    ]
    for one in found["comparisons"]:
        metric = METRICS[one["metric"]]
        name = one["first"]
        pair = name if name == one["second"] else f"{name} against {one['second']}"
        lines.append(
            f"| {pair} | {metric.label}"
            f" | {tables.with_interval(metric, {**one, 'mean': one['difference']})}"
            f" | {one['p_holm']:.4f} | {one['wins']}/{one['ties']}/{one['losses']}"
            f" | {tables.number(metric, one['minimum_detectable'])} | {one['n']}"
            f" | {_verdict(one)} |"
        )
    lines += ["", *(f"- `{line}`" for run in found["signatures"] for line in run)]
    return "\n".join(lines) + "\n"


def _verdict(one: Mapping[str, Any]) -> str:
    if not one["significant"]:
        return "no difference shown"
    higher = METRICS[one["metric"]].better == "higher"
    return "better" if (one["difference"] > 0) == higher else "worse"
