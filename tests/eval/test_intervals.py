import numpy as np
import pytest
from scipy import stats

from eval.intervals import Scores, bootstrap_means, compare, compare_all, holm
from models.errors import EvaluationError


def normal(n: int, mean: float, seed: int) -> Scores:
    return np.random.default_rng(seed).normal(mean, 1.0, n)


def test_the_interval_agrees_with_theory() -> None:
    scores = normal(400, 5.0, 1)
    (interval,) = bootstrap_means(scores[:, None])
    half = 1.96 * scores.std(ddof=1) / np.sqrt(400)
    assert interval.mean == pytest.approx(scores.mean(), abs=1e-12)
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.01)
    assert interval.n == 400


def test_the_interval_agrees_with_scipy() -> None:
    scores = np.random.default_rng(2).exponential(1.0, 150)
    (interval,) = bootstrap_means(scores[:, None])
    theirs = stats.bootstrap(
        (scores,), np.mean, n_resamples=10_000, method="percentile", rng=3
    ).confidence_interval
    assert interval.low == pytest.approx(theirs.low, abs=0.01)
    assert interval.high == pytest.approx(theirs.high, abs=0.01)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    scores = normal(50, 0.0, 4)[:, None]
    assert bootstrap_means(scores) == bootstrap_means(scores)
    assert bootstrap_means(scores) != bootstrap_means(scores, seed=7)


def test_unscored_documents_count_for_nothing() -> None:
    scores = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, np.nan]])
    first, second = bootstrap_means(scores)
    assert (first.mean, first.n) == (2.0, 2)
    assert (second.mean, second.n) == (3.0, 2)
    assert 1.0 <= first.low <= first.high <= 3.0


@pytest.mark.parametrize(
    "scores", [np.empty((0, 1)), np.array([[np.inf]]), np.array([[np.nan], [np.nan]])]
)
def test_scores_without_a_mean_are_refused(scores: Scores) -> None:
    with pytest.raises(EvaluationError):
        bootstrap_means(scores)


def test_a_real_difference_is_found_and_its_size_is_right() -> None:
    base = normal(200, 0.0, 5)
    better = base + normal(200, 0.5, 6)
    result = compare(better, base)
    assert result.significant
    assert result.low < 0.5 < result.high
    assert result.p_randomisation == pytest.approx(1 / 10_001)
    assert result.effect_size == pytest.approx(0.5, abs=0.15)
    assert result.wins + result.ties + result.losses == result.n == 200


def test_p_values_agree_with_the_paired_t_test() -> None:
    base = normal(120, 0.0, 8)
    other = base + normal(120, 0.17, 9)
    expected = stats.ttest_rel(other, base).pvalue
    result = compare(other, base)
    assert 0.005 < expected < 0.4
    assert result.p_randomisation == pytest.approx(expected, abs=0.02)
    assert result.p_bootstrap == pytest.approx(expected, abs=0.03)


def test_false_alarms_are_as_rare_as_promised() -> None:
    alarms = sum(
        compare(normal(40, 0.0, seed), normal(40, 0.0, 1000 + seed), resamples=500).significant
        for seed in range(200)
    )
    assert alarms <= 20


def test_the_minimum_detectable_difference_has_its_power() -> None:
    n, found = 60, 0
    size = compare(normal(n, 0.0, 1), np.zeros(n)).minimum_detectable
    for seed in range(200):
        found += compare(normal(n, size, 50 + seed), np.zeros(n), resamples=500).significant
    assert 0.7 < found / 200 < 0.9


def test_equal_systems() -> None:
    scores = normal(30, 0.0, 3)
    result = compare(scores, scores.copy())
    assert (result.difference, result.effect_size, result.ties) == (0.0, 0.0, 30)
    assert result.p_randomisation == result.p_bootstrap == 1.0
    assert not result.significant


def test_only_documents_that_both_answered_are_compared() -> None:
    first = np.array([1.0, np.nan, 3.0, 4.0])
    second = np.array([0.0, 0.0, np.nan, 4.0])
    result = compare(first, second)
    assert (result.n, result.wins, result.ties) == (2, 1, 1)


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(EvaluationError, match="same documents"):
        compare(np.zeros(3), np.zeros(4))
    with pytest.raises(EvaluationError, match="at least two"):
        compare(np.array([1.0, np.nan]), np.array([np.nan, 1.0]))
    with pytest.raises(EvaluationError, match="infinite"):
        compare(np.array([np.inf, 1.0]), np.array([0.0, 1.0]))


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.03, 0.04 times 3, 2, 1 gives 0.03, 0.06, 0.04, made monotone 0.06.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_correction_runs_over_the_family() -> None:
    base = normal(100, 0.0, 1)
    pairs = [(base + normal(100, 0.22, seed), base) for seed in range(2, 7)]
    together = compare_all(pairs)
    alone = [compare(*pair) for pair in pairs]
    for many, one in zip(together, alone, strict=True):
        assert many.p_randomisation == one.p_randomisation
        assert many.p_holm >= one.p_holm
    assert min(one.p_holm for one in together) > min(one.p_holm for one in alone)
