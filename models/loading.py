"""A name, a directory or a hub id to a `Summariser`: the only place where things are chosen."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.baselines import Lead
from models.contract import ModelInfo, Summariser
from models.errors import (
    CorruptModel,
    InbriefError,
    IncompatibleModel,
    InputError,
    ModelNotFound,
)
from models.generation import GenerationSettings

if TYPE_CHECKING:
    from models.checkpoints import Checkpoint
    from models.engines.base import Engine

DEFAULT_MODEL: Final = "news-small"
WEIGHTS: Final = Path(__file__).parent / "weights"

DEVICES: Final = ("auto", "cpu", "cuda")
ENGINES: Final = ("auto", "native", "ctranslate2", "transformers", "cuda-graphs")
PRECISIONS: Final = ("auto", "fp32", "bf16", "fp16", "int8")

_LEAD: Final = re.compile(r"lead-(\d+)")
_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HUB_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt", "README.md")
_SHOWN_LEADS: Final = (3,)
# Why the other fast engine is not taken, by whether ours has its compiled kernels.
_NOT_CTRANSLATE2: Final = {
    True: "CTranslate2 was slower on every shape that both were measured on",
    False: "CTranslate2 may be as fast or faster, but ends beams by another rule than transformers",
}
# An engine that nobody has measured is not to be anybody's default.
_NOT_CUDA_GRAPHS: Final = "cuda-graphs, made to be faster there, has not been measured on a GPU yet"


def load(
    name_or_path: str | Path,
    *,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "auto",
    cache_dir: Path | None = None,
    allow_download: bool = False,
) -> Summariser:
    """Load a shipped model by name, a checkpoint from a directory, or one from the hub by id.

    `device` is one of DEVICES, `engine` of ENGINES, `precision` of
    PRECISIONS; `auto` chooses by what the machine and the checkpoint can do,
    and `ModelInfo.choice` says why. `cache_dir` holds converted weights
    (default: the user's cache directory). A hub id is read from the local hub
    cache; only `allow_download` lets it be fetched.

    Raises:
        InputError: an unknown device, engine or precision.
        ModelNotFound, IncompatibleModel, CorruptModel: see `models.errors`.
        MissingDependency: the named engine is not installed.
    """
    for field, value, known in (
        ("device", device, DEVICES),
        ("engine", engine, ENGINES),
        ("precision", precision, PRECISIONS),
    ):
        if value not in known:
            raise InputError(
                f"{field} must be one of {', '.join(known)}, not {value!r}.", field=field
            )
    use_huge_pages()
    wait_without_spinning()
    name = str(name_or_path)
    if match := _LEAD.fullmatch(name):
        return Lead(int(match[1]))
    if (WEIGHTS / name).is_dir() and not Path(name).is_dir():
        return _load_shipped(WEIGHTS / name, device)
    directory, shown = _locate(name, allow_download)
    if not (directory / "config.json").is_file() and (directory / "model.json").is_file():
        return _load_shipped(directory, device)
    return _load_checkpoint(
        directory, shown, _Wish(device, engine, precision), cache_dir or user_cache()
    )


def available() -> list[ModelInfo]:
    """What can be loaded by name without any file of the user's: shipped models and baselines."""
    found = []
    for directory in sorted(WEIGHTS.iterdir()) if WEIGHTS.is_dir() else []:
        if directory.is_dir():
            found.append(_load_shipped(directory, "cpu").info)
    return found + [Lead(k).info for k in _SHOWN_LEADS]


def user_cache() -> Path:
    """Where converted weights lie: INBRIEF_MODEL_CACHE_DIR, else in the user's cache directory."""
    if named := os.environ.get("INBRIEF_MODEL_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inbrief"


@dataclass(frozen=True, slots=True)
class _Wish:
    device: str
    engine: str
    precision: str


def _load_shipped(directory: Path, device: str) -> Summariser:
    from models.news import load_news

    return load_news(directory, device=device, threads=threads())


def _locate(name: str, allow_download: bool) -> tuple[Path, str]:
    """The directory of a checkpoint and the name it goes by."""
    path = Path(name).expanduser()
    if name and path.is_dir():
        return path.resolve(), path.resolve().name
    if not _HUB_ID.fullmatch(name):
        raise ModelNotFound(
            f"There is no model {name!r}: it is neither a shipped model "
            f"({', '.join(shipped())}), a directory nor a hub id.",
            field="model",
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        directory = snapshot_download(
            name, allow_patterns=list(_HUB_FILES), local_files_only=not allow_download
        )
    except LocalEntryNotFoundError as error:
        reason = (
            "could not be reached"
            if allow_download
            else "is asked only with --allow-download or INBRIEF_ALLOW_DOWNLOAD=true"
        )
        raise ModelNotFound(
            f"{name} is neither a directory nor in the local hub cache; the hub {reason}.",
            field="model",
        ) from error
    except Exception as error:  # the hub client raises its own, httpx's and the file system's
        raise ModelNotFound(f"{name} could not be fetched from the hub.", field="model") from error
    return Path(directory), name


def shipped() -> list[str]:
    """Names of the models that come with the package, and of the baselines shown beside them."""
    found = sorted(path.name for path in WEIGHTS.iterdir()) if WEIGHTS.is_dir() else []
    return [*found, *(f"lead-{k}" for k in _SHOWN_LEADS)]


def _load_checkpoint(directory: Path, name: str, wish: _Wish, cache_dir: Path) -> Summariser:
    from models.abstractive import AbstractiveSummariser
    from models.checkpoints import read_checkpoint
    from models.texts import Tokeniser

    try:
        checkpoint = read_checkpoint(directory)
        tokeniser = Tokeniser(checkpoint)
        with plain_output():
            engine, choice = _choose_engine(checkpoint, wish, cache_dir)
        return AbstractiveSummariser(checkpoint, tokeniser, engine, name, choice)
    except (InbriefError, OSError, MemoryError):
        raise
    except Exception as error:  # each number in the files can be wrong in a way of its own
        raise CorruptModel(
            f"{directory} cannot be run: what its files declare is not a network "
            f"({type(error).__name__}).",
            field="model",
        ) from error


@contextmanager
def plain_output() -> Iterator[None]:
    """Without transformers' progress bar where nobody watches it: logs are read by line."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled() and not sys.stderr.isatty()
    if shown:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _choose_engine(checkpoint: Checkpoint, wish: _Wish, cache_dir: Path) -> tuple[Engine, str]:
    """The engine for this checkpoint on this machine, and a sentence that says why."""
    import torch

    from models.engines import calibration, ctranslate2, cuda_graphs, native, transformers
    from models.networks import linear, seq2seq
    from models.networks.kernels import library

    device = _choose_device(wish.device)
    torch.set_num_threads(threads())
    engine, precision = wish.engine, wish.precision
    why = "it was asked for"
    if engine == "auto":
        known = checkpoint.architecture in seq2seq.ARCHITECTURES and checkpoint.uniform_heads
        own = known and device == "cpu"
        engine = "native" if own and precision in ("auto", *linear.PRECISIONS) else "transformers"
        why = (
            "our own engine runs this architecture, with rows that never wait for each other"
            if engine == "native"
            else "it runs every architecture on every device"
        )
        if device == "cuda" and known:
            why = f"{why}; {_NOT_CUDA_GRAPHS}"
    kernels, with_kernels = library.load(cache_dir) if engine == "native" else (None, "")
    if precision == "auto" and engine == "native":
        precision, measured = calibration.choose_precision(checkpoint.width, kernels)
        why = f"{why}; {measured}"
    elif precision == "auto":
        precision = _usual_precision(engine, device)
    made: Engine
    if engine == "native":
        if device != "cpu":
            raise IncompatibleModel("The native engine runs on CPU.", field="engine")
        made = native.NativeEngine(checkpoint, precision, kernels=kernels)
        if precision == "int8":
            why = f"{why}; {with_kernels}"
        if wish.engine == "auto":
            why = f"{why}; {_NOT_CTRANSLATE2[kernels is not None and precision == 'int8']}"
    elif engine == "cuda-graphs":
        if device != "cuda":
            raise IncompatibleModel(
                "The cuda-graphs engine runs on a CUDA device, not on CPU.", field="engine"
            )
        made = cuda_graphs.CudaGraphsEngine(checkpoint, precision)
    elif engine == "ctranslate2":
        if precision not in ctranslate2.COMPUTE_TYPES:
            raise IncompatibleModel(f"CTranslate2 does not run {precision}.", field="precision")
        made = ctranslate2.CTranslate2Engine(checkpoint, cache_dir, precision, device, threads())
    else:
        if precision not in transformers.DTYPES:
            raise IncompatibleModel(f"transformers does not run {precision}.", field="precision")
        made = transformers.TransformersEngine(checkpoint, precision, device)
        _try(made, checkpoint)
    return made, f"{engine} in {precision} on {device}: {why}."


def _try(engine: Engine, checkpoint: Checkpoint) -> None:
    """Raise IncompatibleModel for a network of a library that is built and still cannot write."""
    try:
        engine.generate([[checkpoint.eos_id] * 2], GenerationSettings(max_new_tokens=2))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # each network fails in a way of its own
        raise IncompatibleModel(
            f"{checkpoint.directory}: transformers cannot run this network "
            f"({type(error).__name__}).",
            field="model",
        ) from error


def _usual_precision(engine: str, device: str) -> str:
    if device == "cuda":
        return "fp16" if engine == "ctranslate2" else "bf16"
    return "int8" if engine == "ctranslate2" else "fp32"


def _choose_device(wanted: str) -> str:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but torch sees no CUDA device.", field="device")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def use_huge_pages() -> None:
    """Let torch's allocator ask for huge pages: weights and memories are read at every step.

    Decoding took a sixth less CPU time with them. torch reads the variable
    at its first allocation, so this comes before torch is imported; what the
    user has set stays.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def wait_without_spinning() -> None:
    """Let OpenMP's threads sleep while they wait for each other (OMP_WAIT_POLICY of OpenMP).

    Those that spin keep the cores from whoever they wait for: on two cores that
    other programs used too, articles took several times the processor time. The
    runtime reads the variable when torch is imported; what the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def threads() -> int:
    """Threads for one inference: OMP_NUM_THREADS where it is set, else the cores we may run on."""
    if (named := os.environ.get("OMP_NUM_THREADS", "")).isdigit() and int(named) > 0:
        return int(named)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
