"""Which version of inbrief runs."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version


@lru_cache(maxsize=1)
def installed_version() -> str:
    """The installed distribution's version; "0" in a source tree that is not installed."""
    try:
        return version("inbrief")
    except PackageNotFoundError:
        return "0"
