"""The real service over a fake summariser, as a program: `python -m tests.fake_service`.

Settings come from the environment as always. FAKE_SECONDS is what a batch
takes, and none ends while the file FAKE_HOLD_FILE is there; an article that
holds "explode" makes its whole batch raise. The wall clock is off by the
seconds that the file FAKE_CLOCK_OFFSET_FILE holds; as on a real machine, the
monotonic clock is not.
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
    """Closed while a file is there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def wait(self, timeout: float | None = None) -> bool:
        while self._path.exists():
            time.sleep(0.02)
        return True


def main() -> None:
    if "FAKE_CLOCK_OFFSET_FILE" in os.environ:
        shift_clock(Path(os.environ["FAKE_CLOCK_OFFSET_FILE"]))
    settings = load_settings()
    summariser = FakeSummariser(
        info=with_info(name=settings.model, revision=os.environ.get("FAKE_REVISION", "0" * 12)),
        seconds_a_call=float(os.environ.get("FAKE_SECONDS", "0")),
        gate=FileGate(Path(hold)) if (hold := os.environ.get("FAKE_HOLD_FILE")) else None,
        explosions={"explode": RuntimeError("the engine broke")},
    )
    failure = server.run(create_app(settings, summariser), settings)
    if failure is not None:
        raise failure


if __name__ == "__main__":
    main()
