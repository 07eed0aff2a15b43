"""Tests leave nothing behind and share nothing: no cache file, no data of the user."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings


def pytest_configure(config: pytest.Config) -> None:
    # Before any fixture, also those of modules; programs that tests start inherit it.
    for name in [name for name in os.environ if name.startswith("INBRIEF_")]:
        del os.environ[name]  # what this machine's own service is set to
    os.environ["INBRIEF_CACHE_URL"] = "off"
    # A busy machine is no finding.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")
    directory = tempfile.TemporaryDirectory(prefix="inbrief-tests-")
    config.add_cleanup(directory.cleanup)
    os.environ["XDG_DATA_HOME"] = directory.name
