"""What holds for the repository as a whole."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest

from tests.processes import ROOT

TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".js", ".css", ".html", ".lock", ".in", ""}


@pytest.mark.parametrize("name", ["service", "models", "eval"])
def test_our_plain_names_are_ours(name: str) -> None:
    module = importlib.import_module(name)

    assert module.__file__ is not None
    assert module.__file__.startswith(str(ROOT))


@pytest.mark.parametrize("module", ["service.routes", "eval.rouge", "models", "models.contract"])
def test_light_modules_import_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_file_names_a_place_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    place = re.compile(r"(?<![\w/.])/(?:root|home|work)/[\w.]")

    found = [
        name
        for name in filter(None, listed)
        if (path := ROOT / name).suffix in TEXT
        and path.is_file()
        and path.name != "test_layout.py"
        and place.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]

    assert found == []
