"""How sure a mean and a difference are: seeded, vectorised resampling.

Every function takes scores per document and is deterministic for a seed. A
document a system did not answer is NaN where that is allowed, and counts for
neither mean nor n; infinities, and NaN elsewhere, are refused.

Efron & Tibshirani 1993 (percentile bootstrap); Noreen 1989 (approximate
randomisation); Koehn 2004 (paired bootstrap); Holm 1979; Dror et al. 2018,
"The hitchhiker's guide to testing statistical significance in NLP".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import EvaluationError

Scores = NDArray[np.float64]

RESAMPLES: Final = 10_000
SEED: Final = 20_040_725
CONFIDENCE: Final = 0.95
# Resamples drawn at once: bounds memory at this many times n weights.
_CHUNK: Final = 250
# Differences of one document below this are a tie: rounding, not a win.
_TIE: Final = 1e-9
# Standard normal quantiles of a two-sided test at 0.05 and of a power of 0.8.
Z_ALPHA: Final = 1.959963984540054
_Z_POWER: Final = 0.8416212335729143


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over n documents with its percentile bootstrap interval (CONFIDENCE)."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """System A minus system B over the n documents that both answered.

    `effect_size` is the mean difference over its standard deviation (Cohen's
    d of paired samples). `minimum_detectable` is the true difference that
    this n would find with a power of 0.8 in a two-sided test at 0.05.
    `p_holm` is `p_randomisation` after Holm's correction over the family of
    comparisons reported together; `significant` says whether it is below 0.05.
    """

    difference: float
    low: float
    high: float
    p_bootstrap: float
    p_randomisation: float
    p_holm: float
    significant: bool
    effect_size: float
    wins: int
    ties: int
    losses: int
    minimum_detectable: float
    n: int


def bootstrap_means(
    scores: Scores, *, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Interval]:
    """An interval for each column of `scores`, shape (documents, columns).

    All columns share the resampled documents. NaN marks an unscored document.

    Raises:
        EvaluationError: no document, an infinity, or a column without a score.
    """
    if scores.ndim != 2 or not scores.shape[0]:
        raise EvaluationError("There is no document to take a mean over.")
    if np.isinf(scores).any():
        raise EvaluationError("A score is infinite.")
    answered = (~np.isnan(scores)).astype(np.float64)
    counts = answered.sum(axis=0)
    if (counts == 0).any():
        raise EvaluationError("A system has no scored document.")
    filled = np.where(np.isnan(scores), 0.0, scores)
    means = filled.sum(axis=0) / counts
    resampled = np.empty((resamples, scores.shape[1]))
    row = 0
    for weights in _weights(scores.shape[0], resamples, seed):
        totals = weights @ answered
        with np.errstate(invalid="ignore"):
            resampled[row : row + len(weights)] = (weights @ filled) / totals
        row += len(weights)
    tail = 50 * (1 - CONFIDENCE)
    # A resample without any answered document has no mean (NaN) and is left out.
    low, high = np.nanpercentile(resampled, [tail, 100 - tail], axis=0)
    return [
        Interval(float(means[k]), float(low[k]), float(high[k]), int(counts[k]))
        for k in range(scores.shape[1])
    ]


def compare(
    first: Scores, second: Scores, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Comparison:
    """Paired comparison of two systems on the same documents, shape (documents,) each.

    Raises:
        EvaluationError: unequal lengths, an infinity, or fewer than two
            documents that both answered.
    """
    return compare_all([(first, second)], resamples=resamples, seed=seed)[0]


def compare_all(
    pairs: Sequence[tuple[Scores, Scores]], *, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Comparison]:
    """Paired comparisons reported together: Holm's correction runs over all of them.

    Raises:
        EvaluationError: see `compare`.
    """
    # Pairs answered on the same documents share their resamples, which is
    # both fast and fair.
    groups: dict[bytes, list[int]] = {}
    differences = []
    for index, (first, second) in enumerate(pairs):
        difference = _difference(first, second)
        differences.append(difference)
        groups.setdefault(np.isnan(difference).tobytes(), []).append(index)
    found: dict[int, Comparison] = {}
    for indices in groups.values():
        answered = ~np.isnan(differences[indices[0]])
        matrix = np.stack([differences[index][answered] for index in indices], axis=1)
        found |= zip(indices, _compare_columns(matrix, resamples, seed), strict=True)
    raw = [found[index] for index in range(len(pairs))]
    corrected = holm([comparison.p_randomisation for comparison in raw])
    return [
        replace(one, p_holm=p, significant=p < 1 - CONFIDENCE)
        for one, p in zip(raw, corrected, strict=True)
    ]


def _difference(first: Scores, second: Scores) -> Scores:
    if first.shape != second.shape or first.ndim != 1:
        raise EvaluationError("Paired systems need scores for the same documents.")
    if np.isinf(first).any() or np.isinf(second).any():
        raise EvaluationError("A score is infinite.")
    difference = first - second
    if (~np.isnan(difference)).sum() < 2:
        raise EvaluationError("A comparison needs at least two documents that both answered.")
    return difference


def _compare_columns(differences: Scores, resamples: int, seed: int) -> list[Comparison]:
    """One comparison a column of `differences`, shape (documents, pairs)."""
    n, _ = differences.shape
    means = differences.mean(axis=0)
    deviations = differences.std(axis=0, ddof=1)
    resampled = np.concatenate([w @ differences / n for w in _weights(n, resamples, seed)])
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=0)
    below, above = (resampled <= 0).sum(axis=0), (resampled >= 0).sum(axis=0)
    as_large = _randomised_as_large(differences, resamples, seed)
    return [
        Comparison(
            difference=float(means[k]),
            low=float(low[k]),
            high=float(high[k]),
            p_bootstrap=min(1.0, 2 * (int(min(below[k], above[k])) + 1) / (resamples + 1)),
            p_randomisation=(int(as_large[k]) + 1) / (resamples + 1),
            p_holm=1.0,
            significant=False,
            effect_size=float(means[k] / deviations[k]) if deviations[k] > 0 else 0.0,
            wins=int((differences[:, k] > _TIE).sum()),
            ties=int((np.abs(differences[:, k]) <= _TIE).sum()),
            losses=int((differences[:, k] < -_TIE).sum()),
            minimum_detectable=(Z_ALPHA + _Z_POWER) * float(deviations[k]) / float(np.sqrt(n)),
            n=n,
        )
        for k in range(differences.shape[1])
    ]


def _randomised_as_large(differences: Scores, resamples: int, seed: int) -> NDArray[np.int64]:
    """How often swapping the systems' labels at random gives as large a difference, by column."""
    generator = np.random.default_rng(seed + 1)
    observed = np.abs(differences.sum(axis=0))
    # Sums of the same numbers in another order differ in the last digits.
    slack = 1e-12 * np.abs(differences).sum(axis=0)
    as_large = np.zeros(differences.shape[1], dtype=np.int64)
    for start in range(0, resamples, _CHUNK):
        size = (min(_CHUNK, resamples - start), len(differences))
        signs = generator.integers(0, 2, size=size, dtype=np.int8) * 2.0 - 1.0
        as_large += (np.abs(signs @ differences) >= observed - slack).sum(axis=0)
    return as_large


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction; keeps the family-wise error rate (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def _weights(n: int, resamples: int, seed: int) -> Iterator[Scores]:
    """How often each of n documents stands in each resample, in chunks of rows."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = generator.integers(0, n, size=(rows, n))
        drawn += np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
