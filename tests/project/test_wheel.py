"""The package as others install it: built, and run away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.processes import ROOT

SEED = ROOT / "seeds" / "002_37356f0f3f427467.txt"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("inbrief-*.whl"))


def test_the_wheel_holds_model_widget_and_commands_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        points = archive.read(entry).decode()

    assert "models/weights/news-small/rewriter.safetensors" in names
    assert "models/weights/news-small/model.json" in names
    assert "service/widget/inbrief.js" in names
    assert "eval/data/articles.jsonl" in names
    assert "models/networks/kernels/network.c" in names
    assert "models/networks/kernels/linear.h" in names
    assert not [name for name in names if name.startswith(("tests/", "seeds/"))]
    assert "inbrief = service.cli:main" in points
    assert "inbrief-eval = eval.__main__:main" in points


@pytest.mark.slow
def test_the_installed_package_summarises(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}

    done = subprocess.run(
        [sys.executable, "-m", "service", "summarise", str(SEED)],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )

    assert "Lukashenko" in done.stdout
    assert 25 <= len(done.stdout.split()) <= 60
