"""What the metrics are worth: how they agree with people who judged the same summaries.

On summaries of many systems with human scores (SummEval, Fabbri et al. 2021):
Kendall's tau-b between metric and human score, at system level (means of the
systems) and at summary level (within each article, averaged over articles).
On summaries that people called factual or not (QAGS, Wang et al. 2020): the
area under the ROC curve, that is how often the metric puts a factual summary
above an unfactual one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from eval.datasets import Dataset, Example, build
from eval.intervals import Z_ALPHA, Scores, bootstrap_means
from eval.metrics import METRICS
from eval.predictions import Prediction, PredictionSet
from eval.results import rounded, ruler_line
from eval.scoring import ScoreTable, score
from eval.similarity import Encoder, with_similarity
from models.articles import FieldNames, read_records
from models.errors import EvaluationError, InvalidRecord, MissingDependency

SYSTEM_FIELD: Final = "system_summaries"
ENTITY_OVERLAP: Final = "entity_overlap"
_NAME: Final = re.compile(r"(?<=[\w,;:] )[A-Z][\w'’.-]*|\b\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Judged:
    """Summaries with human scores: `human[dimension][system][document]`, NaN where not judged."""

    dataset: Dataset
    systems: tuple[PredictionSet, ...]
    human: Mapping[str, Mapping[str, Scores]]


def load_judged(path: Path, *, against_article: bool) -> Judged:
    """Read records with `article`, `refs` and `system_summaries` ({name: {text, scores}}).

    With `against_article` the article stands in for the reference, so that
    ROUGE precision says how much of a summary is in the article.

    Raises:
        EvaluationError: a record without judged summaries.
    """
    examples: list[Example] = []
    rows: list[Mapping[str, Any]] = []
    names = FieldNames(summary=("refs",))
    for record in read_records(path, names):
        if isinstance(record, InvalidRecord):
            raise EvaluationError(f"{path.name}: {record.message}")
        judged = record.fields.get(SYSTEM_FIELD)
        if fault := _fault(judged):
            raise EvaluationError(f"{path.name}: {record.id}: {fault}.")
        assert isinstance(judged, Mapping)
        references = (record.text,) if against_article else record.summaries
        examples.append(Example(record.id, record.text, record.title, references))
        rows.append(judged)
    dataset = build(path.name, examples)
    systems = list(dict.fromkeys(name for row in rows for name in row))
    dimensions = list(
        dict.fromkeys(d for row in rows for one in row.values() for d in one.get("scores", {}))
    )
    if not dimensions:
        raise EvaluationError(f"{path.name}: no summary has scores.")
    predictions = tuple(
        PredictionSet(
            name,
            {},
            tuple(
                Prediction(example.id, example.digest, row[name]["text"])
                if name in row
                else Prediction(example.id, example.digest, "", error="not judged")
                for example, row in zip(examples, rows, strict=True)
            ),
        )
        for name in systems
    )
    human = {
        dimension: {
            name: np.array(
                [_human(row.get(name, {}).get("scores", {}).get(dimension)) for row in rows]
            )
            for name in systems
        }
        for dimension in dimensions
    }
    return Judged(dataset, predictions, human)


def _fault(judged: object) -> str | None:
    """What is wrong with the judged summaries of a record."""
    if not isinstance(judged, Mapping) or not judged:
        return f"no {SYSTEM_FIELD!r}"
    for name, one in judged.items():
        if not isinstance(one, Mapping) or not isinstance(one.get("text"), str):
            return f'the summary of {name} has no "text"'
        scores = one.get("scores", {})
        if not isinstance(scores, Mapping):
            return f'"scores" of {name} is no object'
        for dimension, value in scores.items():
            if value is not None and not isinstance(value, (int, float)):
                return f"the score {dimension} of {name} is no number"
    return None


def _human(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def evaluate(
    judged: Judged, *, processes: int = 1, encoder: Encoder | None = None
) -> dict[str, Any]:
    """Every metric against every human dimension; similarity where there is an `encoder`.

    `tau` where several systems were judged; `auc` for each dimension, of the
    best label against all others.

    Raises:
        MissingDependency: scipy is not installed.
    """
    table = score(judged.dataset, judged.systems, processes=processes)
    if encoder is not None:
        table = with_similarity(table, encoder)
    columns = _columns(table)
    rows = []
    for metric, by_system in columns.items():
        for dimension, human in judged.human.items():
            row: dict[str, Any] = {"metric": metric, "dimension": dimension}
            if len(judged.systems) > 2:
                row |= _kendall(by_system, human)
            rows.append(row | _auc(by_system, human))
    return {
        "data": {
            "name": judged.dataset.name,
            "digest": judged.dataset.digest,
            "articles": len(judged.dataset.examples),
            "systems": len(judged.systems),
        },
        "rouge": dict(table.rouge_signature),
        "signature": ruler_line(table),
        "rows": rows,
    }


def _columns(table: ScoreTable) -> dict[str, dict[str, Scores]]:
    """Scores by metric and system, higher always better, plus plain entity overlap."""
    columns: dict[str, dict[str, Scores]] = {}
    for name in table.metrics:
        if name in ("empty", "refused"):
            continue
        sign = -1.0 if METRICS[name].better == "lower" else 1.0
        columns[name] = {one.system: sign * table.column(one.system, name) for one in table.systems}
    columns[ENTITY_OVERLAP] = {
        one.system: np.array(
            [
                np.nan if p.refused else entity_overlap(p.summary, example.text)
                for example, p in zip(table.dataset.examples, one.predictions, strict=True)
            ]
        )
        for one in table.systems
    }
    return columns


def entity_overlap(summary: str, article: str) -> float:
    """Share of the capitalised words and numbers of a summary that stand in the article.

    The plain baseline that a verifier has to beat; 1 where there is none.
    """
    found = _NAME.findall(summary)
    known = article.casefold()
    return sum(one.casefold().strip(".,") in known for one in found) / len(found) if found else 1.0


def _kendall(by_system: Mapping[str, Scores], human: Mapping[str, Scores]) -> dict[str, Any]:
    try:
        from scipy.stats import kendalltau
    except ImportError:
        raise MissingDependency("Correlations need scipy: pip install 'inbrief[eval]'.") from None
    names = list(human)
    ours = np.stack([by_system[name] for name in names], axis=1)
    theirs = np.stack([human[name] for name in names], axis=1)
    defined = ~np.isnan(ours).all(axis=0)
    found: dict[str, Any] = {"systems": int(defined.sum())}
    if defined.sum() > 2:
        system = kendalltau(
            np.nanmean(ours[:, defined], axis=0), np.nanmean(theirs[:, defined], axis=0)
        )
        if not np.isnan(system.statistic):
            found["tau_system"] = float(system.statistic)
    taus = []
    for row, judged in zip(ours, theirs, strict=True):
        both = ~(np.isnan(row) | np.isnan(judged))
        # Tau is not defined where all summaries have one score.
        if both.sum() > 2 and np.ptp(row[both]) > 0 and np.ptp(judged[both]) > 0:
            taus.append(float(kendalltau(row[both], judged[both]).statistic))
    if len(taus) > 1:
        (interval,) = bootstrap_means(np.array(taus)[:, None])
        found |= {
            "tau_summary": interval.mean,
            "tau_summary_low": interval.low,
            "tau_summary_high": interval.high,
            "articles": interval.n,
        }
    return rounded(found)


def _auc(by_system: Mapping[str, Scores], human: Mapping[str, Scores]) -> dict[str, Any]:
    ours = np.concatenate([by_system[name] for name in human])
    theirs = np.concatenate([human[name] for name in human])
    both = ~(np.isnan(ours) | np.isnan(theirs))
    ours, theirs = ours[both], theirs[both]
    if not len(theirs) or (theirs == theirs.max()).all():
        return {}
    best = theirs == theirs.max()
    area, deviation = area_under_curve(ours, best)
    half = Z_ALPHA * deviation
    return rounded(
        {
            "auc": area,
            "auc_low": max(area - half, 0.0),
            "auc_high": min(area + half, 1.0),
            "summaries": len(best),
            "best": int(best.sum()),
        }
    )


def area_under_curve(
    scores: Scores, positive: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[float, float]:
    """Share of (positive, negative) pairs in the right order, ties half; its standard error.

    The error is that of DeLong et al. 1988, from each item's placement among
    the items of the other class.
    """
    above, below = scores[positive], scores[~positive]
    placed_above = _placements(above, below)
    placed_below = 1 - _placements(below, above)
    variance = placed_above.var() / len(above) + placed_below.var() / len(below)
    return float(placed_above.mean()), float(np.sqrt(variance))


def _placements(scores: Scores, others: Scores) -> Scores:
    """For each score the share of others below it, ties counting half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, "left")
    not_above = np.searchsorted(ordered, scores, "right")
    placements: Scores = (below + not_above) / (2 * len(others))
    return placements


def markdown(found: Mapping[str, Any], shown: Sequence[str] = ()) -> str:
    """A table a data set, best metric first."""
    data = found["data"]
    lines = [
        f"## {data['name']}",
        "",
        f"{data['articles']} articles, {data['systems']} systems, data digest `{data['digest']}`.",
        "",
    ]
    rows = [row for row in found["rows"] if not shown or row["metric"] in shown]
    with_tau = any("tau_summary" in row for row in rows)
    head = ["metric", "judged", *(["tau systems (n)", "tau summaries (n)"] if with_tau else [])]
    lines += ["| " + " | ".join([*head, "AUC (n)"]) + " |", "|" + " --- |" * (len(head) + 1)]
    key = "tau_summary" if with_tau else "auc"
    dimensions = list(dict.fromkeys(row["dimension"] for row in rows))
    rows.sort(key=lambda row: (dimensions.index(row["dimension"]), -row.get(key, -9.0)))
    for row in rows:
        label = METRICS[row["metric"]].label if row["metric"] in METRICS else row["metric"]
        cells = [label.replace("_", " "), row["dimension"]]
        if with_tau:
            cells.append(
                f"{row['tau_system']:.2f} ({row['systems']})" if "tau_system" in row else "–"
            )
            cells.append(_cell(row, "tau_summary", "articles"))
        cells.append(_cell(row, "auc", "summaries"))
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"- `{found['signature']}`"]
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any], name: str, count: str) -> str:
    if name not in row:
        return "–"
    return f"{row[name]:.3f} [{row[name + '_low']:.3f}, {row[name + '_high']:.3f}] ({row[count]})"
