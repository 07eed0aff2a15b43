from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from models.stages import Stage, listening, stage
from models.workers import MOST, Workers


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_and_every_part_is_worked_on_once() -> None:
    seen: list[int] = []

    def work(part: int) -> int:
        seen.append(part)
        return part * part

    assert Workers().each(work, list(range(50))) == [part * part for part in range(50)]
    assert sorted(seen) == list(range(50))
    assert Workers().each(work, []) == []


def test_parts_are_worked_on_at_once_each_with_its_share_of_the_threads() -> None:
    together = threading.Barrier(MOST, timeout=30)

    def work(part: int) -> int:
        together.wait()  # breaks unless all of them are under way
        return torch.get_num_threads()

    assert Workers().each(work, list(range(MOST))) == [1] * MOST
    assert torch.get_num_threads() == 2


def test_a_single_part_has_all_threads() -> None:
    assert Workers().each(lambda part: torch.get_num_threads(), [1]) == [2]


@pytest.mark.parametrize("failing", [0, 1])
def test_what_a_part_raises_is_raised_and_the_next_call_works(failing: int) -> None:
    workers = Workers()
    together = threading.Barrier(MOST, timeout=30)

    def work(part: int) -> int:
        together.wait()
        if part == failing:
            raise ValueError(str(part))
        return part

    with pytest.raises(ValueError, match=str(failing)):
        workers.each(work, [0, 1])
    assert torch.get_num_threads() == 2
    assert workers.each(lambda part: part, [3, 4]) == [3, 4]


def test_stages_of_every_thread_are_told() -> None:
    told: list[Stage] = []
    together = threading.Barrier(MOST, timeout=30)

    def work(part: int) -> None:
        with stage("read"):
            together.wait()

    with listening(told.append):
        Workers().each(work, list(range(MOST)))

    assert [one.name for one in told] == ["read"] * MOST
