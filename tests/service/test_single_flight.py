from __future__ import annotations

import asyncio

import pytest

from models.errors import DeadlineExceeded, InferenceFailed
from service.single_flight import SingleFlight


class Work:
    """Counts how often it is done; waits until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.error = error

    async def __call__(self) -> str:
        self.runs += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return f"result {self.runs}"


def test_a_thousand_callers_share_one_computation() -> None:
    async def scenario() -> None:
        flights, work = SingleFlight[str](), Work()
        tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(1000)]
        await asyncio.sleep(0)
        work.go.set()
        answers = await asyncio.gather(*tasks)
        assert work.runs == 1
        assert {value for value, _ in answers} == {"result 1"}
        assert sorted(joined for _, joined in answers) == [False] + [True] * 999
        assert len(flights) == 0

    asyncio.run(scenario())


def test_keys_do_not_share() -> None:
    async def scenario() -> None:
        flights, work = SingleFlight[str](), Work()
        work.go.set()
        await asyncio.gather(flights.run("a", work), flights.run("b", work))
        assert work.runs == 2

    asyncio.run(scenario())


def test_the_work_goes_on_when_its_first_caller_leaves() -> None:
    async def scenario() -> None:
        flights, work = SingleFlight[str](), Work()
        leader = asyncio.create_task(flights.run("k", work))
        await asyncio.sleep(0)
        follower = asyncio.create_task(flights.run("k", work))
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.sleep(0)
        work.go.set()
        assert await follower == ("result 1", True)
        assert (work.runs, work.cancelled) == (1, 0)
        with pytest.raises(asyncio.CancelledError):
            await leader

    asyncio.run(scenario())


def test_the_work_stops_when_its_last_caller_leaves_and_can_be_asked_again() -> None:
    async def scenario() -> None:
        flights, work = SingleFlight[str](), Work()
        callers = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
        await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        assert len(flights) == 0
        again = asyncio.create_task(flights.run("k", work))
        await asyncio.sleep(0)
        work.go.set()
        assert await again == ("result 2", False)
        assert work.cancelled == 1

    asyncio.run(scenario())


def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    async def scenario() -> None:
        flights, work = SingleFlight[str](), Work(InferenceFailed("the model raised"))
        tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(5)]
        await asyncio.sleep(0)
        work.go.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [InferenceFailed] * 5
        work.error = None
        assert await flights.run("k", work) == ("result 2", False)

    asyncio.run(scenario())


def test_a_deadline_of_the_first_caller_does_not_fail_those_who_joined() -> None:
    async def scenario() -> None:
        flights = SingleFlight[str]()
        hasty, patient = Work(DeadlineExceeded("too late")), Work()
        leader = asyncio.create_task(flights.run("k", hasty))
        await asyncio.sleep(0)
        followers = [asyncio.create_task(flights.run("k", patient)) for _ in range(50)]
        await asyncio.sleep(0)
        patient.go.set()
        hasty.go.set()
        assert await asyncio.gather(*followers) == [("result 1", True)] * 50
        assert patient.runs == 1
        with pytest.raises(DeadlineExceeded):
            await leader

    asyncio.run(scenario())
