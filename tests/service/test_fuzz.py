"""Short runs of the fuzzers; `make fuzz` has the long ones."""

from pathlib import Path

import pytest

from tests import fuzz_bytes
from tests.fuzz import fuzz
from tests.fuzz_bytes import WARM_UP_CASES


@pytest.mark.slow
def test_the_service_is_as_it_describes_itself(tmp_path: Path) -> None:
    run = fuzz(tmp_path, 200)
    assert run.status == 0, run.report
    assert run.cases >= 200, run.report
    assert run.resident_bytes_after - run.resident_bytes_before < 100 * 2**20


def test_broken_requests_get_an_answer(tmp_path: Path) -> None:
    found = fuzz_bytes.run(tmp_path, WARM_UP_CASES + 500)
    assert found.faults == []
    assert found.cases == WARM_UP_CASES + 500
    assert {200, 400, 404, 405, 415, 422} <= set(found.statuses)
    assert found.end_bytes - found.warm_bytes < 50 * 2**20
