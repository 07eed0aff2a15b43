"""The real service over a fake summariser, as a program: `python -m tests.fake_service`.

Settings come from the environment as always. FAKE_SECONDS is what a batch
takes, and none ends while the file FAKE_GATE_FILE is missing; an article that
holds "explode" makes its whole batch raise, and the warm-up waits for nothing. The wall
clock is off by the seconds that the file FAKE_CLOCK_OFFSET_FILE holds; as on a
real machine, the monotonic clock is not.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from service import server
from service.app import create_app
from service.settings_loading import load_settings
from tests.fakes import FakeSummariser, with_info


def shift_clock(offset_file: Path) -> None:
    real = time.time
    time.time = lambda: real() + float(offset_file.read_text() or 0)


class FileGate(threading.Event):
    """Open from when a file is there; the first call, which is the warm-up, passes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._warm = False

    def wait(self, timeout: float | None = None) -> bool:
        if self._warm:
            while not self._path.exists():
                time.sleep(0.02)
        self._warm = True
        return True


def main() -> None:
    if "FAKE_CLOCK_OFFSET_FILE" in os.environ:
        shift_clock(Path(os.environ["FAKE_CLOCK_OFFSET_FILE"]))
    settings = load_settings()
    summariser = FakeSummariser(
        info=with_info(name=settings.model, revision=os.environ.get("FAKE_REVISION", "0" * 12)),
        seconds_a_call=float(os.environ.get("FAKE_SECONDS", "0")),
        gate=FileGate(Path(gate)) if (gate := os.environ.get("FAKE_GATE_FILE")) else None,
        explosions={"explode": RuntimeError("the engine broke")},
    )
    failure = server.run(create_app(settings, summariser), settings)
    if failure is not None:
        raise failure


if __name__ == "__main__":
    main()
