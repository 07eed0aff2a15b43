from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.networks.kernels import library


def test_the_kernels_are_compiled_once_and_found_again(
    kernels: ctypes.CDLL, tmp_path: Path
) -> None:
    first, how = library.load(tmp_path)
    assert first is not None
    assert how == "with compiled kernels"
    (file,) = (tmp_path / "kernels").iterdir()
    compiled = file.stat()
    assert stat.S_IMODE(compiled.st_mode) == 0o700
    library.load.cache_clear()
    again, _ = library.load(tmp_path)
    assert again is not None
    assert [one.stat().st_mtime_ns for one in (tmp_path / "kernels").iterdir()] == [
        compiled.st_mtime_ns
    ]


def test_a_file_that_others_may_write_is_not_run(kernels: ctypes.CDLL, tmp_path: Path) -> None:
    library.load(tmp_path)
    (file,) = (tmp_path / "kernels").iterdir()
    file.chmod(0o777)
    library.load.cache_clear()
    found, reason = library.load(tmp_path)
    assert found is None
    assert "another user" in reason


def load_in(tmp_path: Path, **environment: str) -> str:
    """What a fresh process says about the kernels."""
    script = (
        "import sys; from pathlib import Path; from models.networks.kernels import library;"
        "found, reason = library.load(Path(sys.argv[1])); print(found is not None, reason)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PATH": "", "CC": ""}, "no C compiler was found"),
        ({"CC": "false"}, "false could not compile"),
        ({"CC": "/no/such/compiler"}, "could not compile"),
    ],
)
def test_without_a_compiler_there_is_no_library_and_a_reason(
    kernels: ctypes.CDLL, tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    said = load_in(tmp_path, **environment)
    assert said.startswith("False")
    assert words in said
    assert not list(tmp_path.glob("kernels/*"))


def test_a_cache_that_cannot_be_written_is_a_reason_too(
    kernels: ctypes.CDLL, tmp_path: Path
) -> None:
    (tmp_path / "kernels").write_text("in the way", encoding="utf-8")
    found, reason = library.load(tmp_path)
    assert found is None
    assert "could not be written" in reason


def test_other_processors_are_named(tmp_path: Path) -> None:
    found, reason = library.load(tmp_path)
    has = torch.cpu.get_capabilities()
    if has.get("avx512_vnni") and has.get("avx512_bf16"):
        assert "lacks" not in reason
    else:
        assert found is None
        assert "lacks AVX-512" in reason or "x86-64 only" in reason
