"""A short run of the fuzzer; `python -m tests.fuzz 20000` is the long one."""

from pathlib import Path

import pytest

from tests.fuzz import fuzz


@pytest.mark.slow
def test_the_service_is_as_it_describes_itself(tmp_path: Path) -> None:
    status, cases, report = fuzz(tmp_path, 200)
    assert status == 0, report
    assert cases >= 200, report
