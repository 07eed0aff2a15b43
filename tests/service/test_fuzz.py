"""A short run of the fuzzer; `python -m tests.fuzz 20000` is the long one."""

from pathlib import Path

import pytest

from tests.fuzz import fuzz


@pytest.mark.slow
def test_the_service_is_as_it_describes_itself(tmp_path: Path) -> None:
    run = fuzz(tmp_path, 200)
    assert run.status == 0, run.report
    assert run.cases >= 200, run.report
    assert run.resident_bytes_after - run.resident_bytes_before < 100 * 2**20
