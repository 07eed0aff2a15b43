from __future__ import annotations

import pytest

from service.pace import Pace


def test_nothing_is_expected_of_a_model_that_has_not_run() -> None:
    assert Pace().seconds_for(1000) == 0.0


def test_a_steady_model_is_expected_to_stay_so() -> None:
    pace = Pace()
    for _ in range(3):
        pace.note(200, 0.5)
        assert pace.seconds_for(1000) == pytest.approx(2.5)


def test_a_large_batch_says_more_than_a_small_one() -> None:
    pace = Pace()
    pace.note(100, 1.0)  # alone, 10 ms a token
    pace.note(3200, 6.4)  # in company, 2 ms
    assert 2.0 < pace.seconds_for(1000) < 2.2


def test_what_was_is_forgotten() -> None:
    pace = Pace()
    pace.note(1000, 60.0)  # the machine stood still
    for _ in range(12):
        pace.note(1000, 1.0)
    assert pace.seconds_for(1000) == pytest.approx(1.0, rel=0.02)
