"""The described interface, fuzzed with schemathesis against a service in its own process.

No 5xx but the documented 503 and 504, every response as its schema says. The long run:

    python -m tests.fuzz 20000
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from service.schemas import EXAMPLE_TEXT
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
# Of the eight operations these take something that can be varied without end.
_VARIED_OPERATIONS: Final = 4
_MOST_ROUNDS: Final = 20
_GENERATED: Final = re.compile(r"(\d+) generated")


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the fuzzer found: `status` 0 says nothing, memory is the service's."""

    status: int
    cases: int
    report: str
    resident_bytes_before: int
    resident_bytes_after: int

    def __str__(self) -> str:
        before, after = (
            size / 2**20 for size in (self.resident_bytes_before, self.resident_bytes_after)
        )
        return (
            f"{self.report}\n{self.cases} cases, exit status {self.status}, "
            f"memory {before:.0f} MiB after the first answers, {after:.0f} MiB at the end"
        )


def fuzz(directory: Path, cases: int, *, seed: int = 1) -> Run:
    """A run with at least `cases` cases, in rounds with a seed each, of one service."""
    environment = {"INBRIEF_MODEL": "lead-3", "INBRIEF_ADDRESS_RATE": "off"}
    service = Service(directory, environment, command=("-m", "service", "serve"))
    try:
        service.start()
        _use_every_part(service)
        before = service.resident_bytes()
        report, found, status = "", 0, 0
        for round_ in range(_MOST_ROUNDS):
            each = max(1, -((found - cases) // _VARIED_OPERATIONS))
            finished = _schemathesis(service, directory, each, seed + round_)
            status, report = finished.returncode, f"{report}{finished.stdout}\n"
            generated = _GENERATED.search(finished.stdout)
            found += int(generated[1]) if generated else 0
            assert service.process is not None
            assert service.process.poll() is None, service.log.read_text()[-4000:]
            if status or generated is None or found >= cases:
                break
        after = service.resident_bytes()
    finally:
        service.kill()
    return Run(status, found, report, before, after)


def _schemathesis(
    service: Service, directory: Path, each: int, seed: int
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
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


def _use_every_part(service: Service) -> None:
    """What is loaded with its first use is no growth: the detector of languages, the extractor."""
    page = f"<html><body><article><p>{EXAMPLE_TEXT}</p></article></body></html>"
    for body in ({"text": EXAMPLE_TEXT}, {"html": page}):
        httpx.post(f"{service.url}/v1/summaries", json=body, timeout=60).raise_for_status()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="inbrief-fuzz-") as directory:
        run = fuzz(Path(directory), int(sys.argv[1]))
    print(run)  # noqa: T201
    sys.exit(run.status)


if __name__ == "__main__":
    main()
