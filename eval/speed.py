"""How fast engines run, side by side: the same inputs, in turns, each engine in its own process.

Every engine is loaded once in a process of its own, so that its resident
memory is its own, and the processes take turns (A B A B ...), so that a
machine that slows down slows all of them. Reported are medians, and ratios
to a baseline with the smallest and largest of the rounds.

A finished cell is a line of `cells.jsonl`; started again with the same
output directory, a run goes on with what is missing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from eval.shapes import checkpoint_of
from eval.speed_texts import NEWS_SMALL, NewsEngine, lengths, texts
from models.errors import EvaluationError
from models.generation import GenerationSettings
from models.loading import use_huge_pages

SYSTEMS: Final[dict[str, str]] = {
    NEWS_SMALL: "the shipped model, reading texts",
    "native-int8": "inbrief's own engine, int8",
    "native-bf16": "inbrief's own engine, bf16",
    "native-fp32": "inbrief's own engine, fp32",
    "native-int8-torch": "inbrief's own engine, int8 by torch's operators, no compiled kernels",
    "native-int8-plain": "inbrief's own engine, int8, drafting off",
    "cuda-graphs-bf16": "inbrief's own engine for GPUs, bf16",
    "cuda-graphs-fp16": "inbrief's own engine for GPUs, fp16",
    "cuda-graphs-fp32": "inbrief's own engine for GPUs, fp32",
    "transformers-fp32": "transformers generate, padded batch (txtai, at most 64)",
    "transformers-bf16": "transformers generate, padded batch",
    "transformers-fp16": "transformers generate, padded batch",
    "transformers-fp32-singles": "transformers generate, one article a call (textsum)",
    "ctranslate2-int8": "Translator.translate_batch",
    "ctranslate2-fp32": "Translator.translate_batch",
    "ctranslate2-fp16": "Translator.translate_batch, on CUDA",
}
BASELINE: Final = "transformers-fp32"
# One batch whatever its size, as who calls the library directly would run it.
_WHOLE_BATCH: Final = 1 << 30
_FIRST_TOKEN: Final = 10
_SEED: Final = 20_26


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the table. `mixed` inputs have 50 to `input_tokens` tokens, in batches of 8.

    With `least_input_tokens` inputs have from so many to `input_tokens` tokens, in one batch.

    With `words` the articles are real texts of about so many words, at most
    `input_tokens` tokens of each; networks without a tokenizer get as many
    tokens.
    """

    shape: str
    input_tokens: int
    output_tokens: int
    batch: int
    beams: int
    mixed: bool = False
    words: int = 0
    least_input_tokens: int = 0
    device: str = "cpu"

    @property
    def key(self) -> str:
        kind = " mixed" if self.mixed else f" {self.words} words" if self.words else ""
        where = "" if self.device == "cpu" else f" on {self.device}"
        return (
            f"{self.shape} {self.input_range}+{self.output_tokens} batch {self.batch}"
            f" beams {self.beams}{kind}{where}"
        )

    @property
    def input_range(self) -> str:
        """Least and most input tokens, or the one number where they are alike."""
        least = f"{self.least_input_tokens}-" if self.least_input_tokens else ""
        return f"{least}{self.input_tokens}"

    def inputs(self, vocabulary_size: int, eos_id: int) -> list[list[int]]:
        """Token ids of the cell's articles, the same in every run."""
        chance = random.Random(f"{_SEED} {replace(self, device='cpu').key}")
        articles = []
        counts = [self.input_tokens] * self.batch
        if self.mixed:
            counts = [chance.randint(50, self.input_tokens) for _ in counts]
        elif self.least_input_tokens:
            counts = [chance.randint(self.least_input_tokens, self.input_tokens) for _ in counts]
        elif self.words:
            counts = lengths(self.words, self.batch, self.input_tokens)
        for length in counts:
            tokens = [chance.randrange(_FIRST_TOKEN, vocabulary_size) for _ in range(length - 1)]
            articles.append([*tokens, eos_id])
        return articles

    def settings(self) -> GenerationSettings:
        return GenerationSettings(
            beams=self.beams,
            min_new_tokens=self.output_tokens,
            max_new_tokens=self.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """One system in one cell: seconds of each round, resident bytes after the last.

    `cpu_seconds` are those of all its threads. On one thread they say how fast
    a system is where other work slows the clock's seconds; more threads also
    count what they spend on waiting for one another. `device_bytes` is the most
    that torch has held on the GPU.
    """

    system: str
    seconds: tuple[float, ...]
    resident_bytes: int
    drafted: int = 0
    accepted: int = 0
    steps: int = 0
    failure: str = ""
    cpu_seconds: tuple[float, ...] = ()
    device_bytes: int = 0


def run(cells: Sequence[Cell], systems: Sequence[str], rounds: int, out: Path) -> list[Any]:
    """Measure what `out/cells.jsonl` lacks, and return all results of these cells.

    Raises EvaluationError for an unknown system or shape, or a device that is not there.
    """
    if any(cell.device == "cuda" for cell in cells):
        _require_cuda()
    for system in systems:
        if system not in SYSTEMS:
            raise EvaluationError(
                f"No system {system!r}; known are {', '.join(SYSTEMS)}.", field="systems"
            )
    out.mkdir(parents=True, exist_ok=True)
    done = read_cells(out / "cells.jsonl")
    for shape, device in dict.fromkeys((cell.shape, cell.device) for cell in cells):
        missing = [
            cell
            for cell in cells
            if (cell.shape, cell.device) == (shape, device)
            and not set(systems) <= set(done.get(cell.key, {}))
        ]
        if not missing:
            continue
        checkpoint_of(shape, out / "checkpoints")
        with Workers(shape, systems, out / "checkpoints", device) as workers:
            for cell in missing:
                measured = workers.measure(cell, rounds)
                _append(out / "cells.jsonl", cell, measured)
                done.setdefault(cell.key, {}).update({one.system: one for one in measured})
    return [(cell, [done[cell.key][system] for system in systems]) for cell in cells]


class Workers:
    """A process for each system, taking turns."""

    def __init__(
        self, shape: str, systems: Sequence[str], directory: Path, device: str = "cpu"
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._workers: dict[str, tuple[SpawnProcess, Connection]] = {}
        for system in systems:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, shape, system, directory, device))
            process.start()
            theirs.close()
            self._workers[system] = (process, ours)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for process, connection in self._workers.values():
            connection.close()
            process.join(timeout=30)
            if process.is_alive():
                process.kill()

    def measure(self, cell: Cell, rounds: int) -> list[Measurement]:
        """One article untimed, then `rounds` timed rounds, the systems in turns.

        On a GPU the whole batch goes untimed once: kernels are chosen and graphs
        recorded for its sizes.
        """
        first = cell if cell.device == "cuda" else replace(cell, batch=1)
        answers: dict[str, list[dict[str, Any]]] = {system: [] for system in self._workers}
        for number in range(rounds + 1):
            for system, (_, connection) in self._workers.items():
                connection.send(cell if number else first)
                try:
                    answer = connection.recv()
                except EOFError:
                    answer = {"failure": "its process ended"}
                if number or "failure" in answer:
                    answers[system].append(answer)
        return [_measurement(system, found) for system, found in answers.items()]


def _measurement(system: str, rounds: list[dict[str, Any]]) -> Measurement:
    failure = next((one["failure"] for one in rounds if "failure" in one), "")
    if failure:
        return Measurement(system, (), 0, failure=failure)
    last = rounds[-1]
    return Measurement(
        system,
        tuple(one["seconds"] for one in rounds),
        last["resident_bytes"],
        last["drafted"],
        last["accepted"],
        last["steps"],
        cpu_seconds=tuple(one["cpu_seconds"] for one in rounds),
        device_bytes=last["device_bytes"],
    )


def _work(connection: Connection, shape: str, system: str, directory: Path, device: str) -> None:
    """A worker: loads its engine once, then runs each cell that is sent to it."""
    if system.startswith("native") or system == NEWS_SMALL:
        use_huge_pages()
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    checkpoint = checkpoint_of(shape, directory)
    engine: Any = None
    while True:
        try:
            cell: Cell = connection.recv()
        except EOFError:
            return
        try:
            engine = engine or make_engine(system, checkpoint, directory, device)
            connection.send(_timed(engine, system, cell, checkpoint))
        except Exception as error:  # the cell is lost, not the run; the report says why
            connection.send({"failure": f"{type(error).__name__}: {error}"})


def _timed(engine: Any, system: str, cell: Cell, checkpoint: Any) -> dict[str, Any]:
    inputs: list[Any] = cell.inputs(checkpoint.vocabulary_size, checkpoint.eos_id)
    if system == NEWS_SMALL:
        if not cell.words:
            raise EvaluationError(f"{NEWS_SMALL} reads texts, not tokens: give words.")
        inputs = list(texts(cell.words, cell.batch))
    settings = cell.settings()
    counters = getattr(engine, "counters", None)
    before = asdict(counters) if counters else {}
    began, cpu = time.perf_counter(), time.process_time()
    for part in _calls(inputs, system, cell):
        engine.generate(part, settings)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    after = asdict(counters) if counters else {}
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "resident_bytes": resident_bytes(),
        "device_bytes": _device_bytes() if cell.device == "cuda" else 0,
        **{key: after.get(key, 0) - before.get(key, 0) for key in ("drafted", "accepted", "steps")},
    }


def _calls(inputs: list[Any], system: str, cell: Cell) -> Iterator[list[Any]]:
    """The calls a system gets: all at once, one by one, or for mixed lengths naive batches of 8."""
    size = len(inputs)
    if system.endswith("-singles"):
        size = 1
    elif cell.mixed and not system.startswith(("native", "cuda-graphs")):
        size = 8
    for at in range(0, len(inputs), size):
        yield inputs[at : at + size]


def make_engine(system: str, checkpoint: Any, directory: Path, device: str = "cpu") -> Any:
    """The engine behind a system's name; raises EvaluationError for one of CPUs on a GPU."""
    from models.engines.ctranslate2 import CTranslate2Engine
    from models.engines.cuda_graphs import CudaGraphsEngine
    from models.engines.native import NativeEngine
    from models.engines.transformers import TransformersEngine
    from models.loading import threads
    from models.networks.kernels import library

    if system.startswith("cuda-graphs-"):
        return CudaGraphsEngine(checkpoint, system.removeprefix("cuda-graphs-"), device)
    if device != "cpu" and (system == NEWS_SMALL or system.startswith("native")):
        raise EvaluationError(f"{system} runs on CPU.", field="device")
    if system == NEWS_SMALL:
        return NewsEngine()
    family, precision, *rest = system.split("-")
    if family == "native":
        kernels = None if "torch" in rest else library.load(directory)[0]
        return NativeEngine(checkpoint, precision, drafting="plain" not in rest, kernels=kernels)
    if family == "transformers":
        return TransformersEngine(checkpoint, precision, device, _WHOLE_BATCH)
    return CTranslate2Engine(
        checkpoint,
        directory / "converted",
        precision,
        device,
        threads=threads(),
        batch_positions=0,
    )


def resident_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _require_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise EvaluationError("torch sees no CUDA device.", field="device")


def _device_bytes() -> int:
    import torch

    return int(torch.cuda.max_memory_allocated())


def read_cells(path: Path) -> dict[str, dict[str, Measurement]]:
    """Finished measurements by cell and system; the newest counts. A cut-off last line is left."""
    found: dict[str, dict[str, Measurement]] = {}
    if not path.is_file():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        for entry in record["systems"]:
            for name in ("seconds", "cpu_seconds"):
                entry[name] = tuple(entry.get(name, ()))
            found.setdefault(record["key"], {})[entry["system"]] = Measurement(**entry)
    return found


def _append(path: Path, cell: Cell, measured: Sequence[Measurement]) -> None:
    record = {
        "key": cell.key,
        "cell": asdict(cell),
        "systems": [asdict(one) for one in measured],
        "conditions": conditions(cell.device),
    }
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def conditions(device: str = "cpu") -> dict[str, Any]:
    """What the numbers depend on: machine, threads, versions, load."""
    return {
        **({"gpu": _gpu_name()} if device == "cuda" else {}),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
        "load_average_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "transformers", "ctranslate2", "inbrief")},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _gpu_name() -> str:
    import torch

    return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def ratios(
    one: Measurement, baseline: Measurement, *, cpu: bool = False
) -> tuple[float, float, float] | None:
    """Median, least and largest of baseline seconds over `one`'s, round by round: the speed-up."""
    ours = one.cpu_seconds if cpu else one.seconds
    theirs = baseline.cpu_seconds if cpu else baseline.seconds
    if not ours or not theirs:
        return None
    pairs = [second / first for first, second in zip(ours, theirs, strict=False)]
    return statistics.median(pairs), min(pairs), max(pairs)
