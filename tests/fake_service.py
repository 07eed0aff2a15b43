"""The real service over a fake summariser, as a program: `python -m tests.fake_service`.

Settings come from the environment as always. FAKE_SECONDS is what a batch
takes; an article that holds "explode" makes its whole batch raise.
"""

from __future__ import annotations

import os

from service import server
from service.app import create_app
from service.settings import load_settings
from tests.fakes import FakeSummariser, with_info


def main() -> None:
    settings = load_settings()
    summariser = FakeSummariser(
        info=with_info(name=settings.model, revision=os.environ.get("FAKE_REVISION", "0" * 12)),
        seconds_a_call=float(os.environ.get("FAKE_SECONDS", "0")),
        explosions={"explode": RuntimeError("the engine broke")},
    )
    failure = server.run(create_app(settings, summariser), settings)
    if failure is not None:
        raise failure


if __name__ == "__main__":
    main()
