"""The kernels as a shared library: compiled on this machine once, then loaded from a file.

A wheel of Python files carries no machine code, and torch has no product of
int8 rows that brings scale, bias, activation and attention along. So the C
sources beside this file are compiled with the machine's own compiler, in two
seconds, into the cache directory. Without a compiler, or on another
processor, there is no library, and torch's operators run instead.

    python -m models.networks.kernels.library

compiles into the package itself, as an image does when it is built: where it
runs there need be no compiler.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

import torch

SOURCES: Final = Path(__file__).parent
COMPILERS: Final = ("cc", "gcc", "clang")
FLAGS: Final = (
    "-O2 -std=gnu11 -shared -fPIC -fopenmp -fno-math-errno -ffp-contract=off "
    "-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512bf16 -mfma"
).split()
_NEEDED: Final = ("f", "bw", "vl", "dq", "vnni", "bf16")
_COMPILE_SECONDS: Final = 120


@lru_cache(maxsize=4)
def load(cache_dir: Path) -> tuple[ctypes.CDLL | None, str]:
    """The library, or None, and a clause that says how it came or why there is none."""
    if reason := _unsupported():
        return None, reason
    shipped = SOURCES / _file_name()
    if shipped.is_file():
        return _open(shipped)
    compiled = cache_dir / "kernels" / _file_name()
    if not compiled.is_file():
        reason = compile_into(compiled)
        if reason:
            return None, reason
    elif not _is_ours(compiled):
        return None, f"{compiled} could have been written by another user, and is not run"
    return _open(compiled)


def _unsupported() -> str:
    """Why this processor cannot run the kernels; empty where it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "compiled kernels are there for Linux on x86-64 only"
    has = torch.cpu.get_capabilities()
    missing = [name for name in _NEEDED if not has.get(f"avx512_{name}")]
    return f"this processor lacks AVX-512 {', '.join(missing)}" if missing else ""


def _is_ours(path: Path) -> bool:
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _open(path: Path) -> tuple[ctypes.CDLL | None, str]:
    try:
        return ctypes.CDLL(str(path)), "with compiled kernels"
    except OSError:
        return None, f"the compiled kernels in {path} could not be loaded"


def _file_name() -> str:
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.name.encode() + source.read_bytes())
    return f"network-{digest.hexdigest()[:16]}.so"


def compile_into(target: Path) -> str:
    """Compile the kernels into `target`; why that failed, or nothing.

    The file is made aside and renamed, so that a killed compiler leaves
    nothing half-done and two processes may compile at once.
    """
    compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return "no C compiler was found for the kernels"
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(suffix=".so", dir=target.parent)
    except OSError:
        return f"the kernels could not be written to {target.parent}"
    os.close(handle)
    try:
        subprocess.run(
            [*compiler.split(), *FLAGS, "-o", aside, str(SOURCES / "network.c"), "-lm"],
            check=True,
            capture_output=True,
            timeout=_COMPILE_SECONDS,
        )
        os.chmod(aside, 0o700)
        os.replace(aside, target)
    except (OSError, subprocess.SubprocessError):
        return f"{compiler} could not compile the kernels"
    finally:
        Path(aside).unlink(missing_ok=True)
    return ""


def main() -> int:
    """Compile into the package; 1 where there is no compiler."""
    target = SOURCES / _file_name()
    reason = compile_into(target)
    if not reason:
        target.chmod(0o755)  # whoever may read the package may run it
    sys.stderr.write(f"{reason}\n" if reason else "")
    return 1 if reason else 0


if __name__ == "__main__":
    raise SystemExit(main())
