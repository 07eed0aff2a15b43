"""The gate: scores may not fall below floors that were reached before.

`baseline.json` holds for each system and metric a floor, with the digest of
the data and the ruler they were measured with. A floor is raised freely and
lowered only on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any, Final

import numpy as np

from eval.metrics import METRICS
from eval.runs import read_json, write_json
from eval.scoring import ScoreTable
from models.errors import EvaluationError

BASELINE: Final = Path(__file__).parent / "baseline.json"
GATED: Final = (
    "rouge1_fmeasure",
    "rouge2_fmeasure",
    "rougeLsum_fmeasure",
    "supported",
    "complete",
    "refused",
)
SCHEMA: Final = 1
# What a floor lies below the measured mean: other machines round float sums
# and bfloat16 products otherwise, which can change a word here and there.
SLACK: Final = 0.005
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Breach:
    """A mean on the wrong side of its floor (for `refused`: of its ceiling)."""

    system: str
    metric: str
    mean: float
    floor: float
    n: int

    def __str__(self) -> str:
        scale = METRICS[self.metric].scale
        side = "above its ceiling" if _is_ceiling(self.metric) else "below its floor"
        return (
            f"{self.system}: {METRICS[self.metric].label} {self.mean * scale:.2f} is {side}"
            f" {self.floor * scale:.2f} (n {self.n})"
        )


def _is_ceiling(metric: str) -> bool:
    return METRICS[metric].better == "lower"


def read(path: Path = BASELINE) -> dict[str, Any]:
    """Raises EvaluationError where there is no baseline, or one of another version or form."""
    baseline = read_json(path)
    if not isinstance(baseline, dict) or baseline.get("schema") != SCHEMA:
        raise EvaluationError(f"{path} is a baseline of another version; write it again.")
    floors = baseline.get("floors")
    if not {"digest", "rouge"} <= baseline.keys() or not isinstance(floors, dict) or not floors:
        raise EvaluationError(f"{path} is damaged: it needs a digest, rouge and floors.")
    for system, bounds in floors.items():
        for metric, bound in bounds.items() if isinstance(bounds, dict) else [("", None)]:
            if metric not in METRICS or not isinstance(bound, (int, float)):
                raise EvaluationError(f"{path} is damaged: {system} has no floor in {metric!r}.")
    return baseline


def means(table: ScoreTable) -> dict[str, dict[str, float]]:
    """Means of the gated metrics, over the articles each system answered."""
    found: dict[str, dict[str, float]] = {}
    for one in table.systems:
        columns = {name: table.column(one.system, name) for name in GATED}
        found[one.system] = {
            name: round(float(np.nanmean(column)), 6)
            for name, column in columns.items()
            if not np.isnan(column).all()
        }
    return found


def check(table: ScoreTable, baseline: Mapping[str, Any]) -> list[Breach]:
    """The floors that are not reached.

    Raises:
        EvaluationError: the baseline was measured on other data or with
            another ruler, or has a system that was not run.
    """
    for name, ours in (("digest", table.dataset.digest), ("rouge", dict(table.rouge_signature))):
        if baseline[name] != ours:
            what = "other data" if name == "digest" else "another ruler"
            raise EvaluationError(
                f"The baseline was measured with {what} ({baseline[name]}, not {ours}); measure it"
                " again with `inbrief-eval gate --update`."
            )
    measured = means(table)
    breaches = []
    for system, floors in baseline["floors"].items():
        if system not in measured:
            raise EvaluationError(f"The baseline has floors for {system}, which was not run.")
        for metric, bound in floors.items():
            # A metric that is gone (every article refused) has failed its floor.
            mean = measured[system].get(metric, float(_is_ceiling(metric)))
            if mean > bound if _is_ceiling(metric) else mean < bound:
                breaches.append(Breach(system, metric, mean, bound, table.answered(system)))
    return breaches


def update(
    path: Path,
    table: ScoreTable,
    *,
    allow_regression: bool = False,
    systems: Sequence[str] = (),
) -> dict[str, Any]:
    """Write floors from measured means; those of other systems stay.

    On other data or with another ruler old floors mean nothing: then all are
    measured anew, which counts as lowering them.

    Raises:
        EvaluationError: a floor would be lowered and `allow_regression` is not set.
    """
    old = read(path) if path.exists() else None
    ruler = dict(table.rouge_signature)
    same = old is not None and (old["digest"], old["rouge"]) == (table.dataset.digest, ruler)
    if old is not None and not same and not allow_regression:
        raise EvaluationError(
            "The data or the ruler changed, so old floors cannot be compared; look at the new"
            " scores and pass --allow-regression."
        )
    floors: dict[str, dict[str, float]] = dict(old["floors"]) if old is not None and same else {}
    lowered = []
    for system, measured in means(table).items():
        if systems and system not in systems:
            continue
        new = {metric: _bound(metric, mean) for metric, mean in measured.items()}
        for metric, bound in floors.get(system, {}).items():
            # A metric that is gone would lose its floor.
            worse = new.get(metric, float(_is_ceiling(metric))) - bound
            if worse > 0 if _is_ceiling(metric) else worse < 0:
                lowered.append(f"{system} {METRICS[metric].label}")
        floors[system] = new
    if lowered and not allow_regression:
        raise EvaluationError(
            f"This would lower {len(lowered)} floors ({', '.join(lowered[:3])}"
            f"{', …' if len(lowered) > 3 else ''}); pass --allow-regression if that is meant."
        )
    baseline = {
        "schema": SCHEMA,
        "data": table.dataset.name,
        "digest": table.dataset.digest,
        "articles": len(table.dataset.examples),
        "rouge": ruler,
        "slack": SLACK,
        "floors": {name: floors[name] for name in sorted(floors)},
    }
    write_json(path, baseline)
    return baseline


def _bound(metric: str, mean: float) -> float:
    if _is_ceiling(metric):
        return round(mean, _DECIMALS)
    unit = 10**_DECIMALS
    return max(floor((mean - SLACK) * unit) / unit, 0.0)
