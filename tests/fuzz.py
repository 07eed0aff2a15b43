"""The described interface, fuzzed with schemathesis against a service in its own process.

No 5xx but the documented 503 and 504, every response as its schema says. The long run:

    python -m tests.fuzz 20000
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.processes import Service

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
# What the phases `examples` and `coverage` make of the description, whatever is asked for.
_FIXED_CASES: Final = 900
_OPERATIONS: Final = 8
_GENERATED: Final = re.compile(r"(\d+) generated")


def fuzz(directory: Path, cases: int, *, seed: int = 1) -> tuple[int, int, str]:
    """Exit status, number of cases and report of a run with at least about `cases` cases."""
    environment = {"INBRIEF_MODEL": "lead-3", "INBRIEF_ADDRESS_RATE": "off"}
    service = Service(directory, environment, command=("-m", "service", "serve"))
    try:
        service.start()
        each = max(1, (cases - _FIXED_CASES) // _OPERATIONS)
        finished = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "run"),
                f"{service.url}/openapi.json",
                *("--phases", "examples,coverage,fuzzing", "-n", str(each)),
                *("--seed", str(seed), "--checks", ",".join(CHECKS)),
                *("--continue-on-failure", "--suppress-health-check", "all", "--workers", "1"),
                *("--request-timeout", "60"),  # a busy machine is no fault of the service
            ],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert service.process is not None
        assert service.process.poll() is None, service.log.read_text()[-4000:]
    finally:
        service.kill()
    found = _GENERATED.search(finished.stdout)
    return finished.returncode, int(found[1]) if found else 0, finished.stdout


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="inbrief-fuzz-") as directory:
        status, count, report = fuzz(Path(directory), int(sys.argv[1]))
    print(report)  # noqa: T201
    print(f"{count} cases, exit status {status}")  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
