"""What source-copy drafts bring on a checkpoint that copies: the same engine with and without.

The same articles, greedy, until the checkpoint ends its output, in turns in
one process; reported are how many drafted tokens were accepted, how many
steps were left, and how much faster it was, with the least and largest of the
rounds. Drafts change no token; that is counted too.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.datasets import BUNDLED, load
from eval.parity import Words
from eval.runs import write_json
from eval.shapes import checkpoint_of
from eval.speed import conditions, make_engine
from models.generation import GenerationSettings

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Drafting:
    """`times` and `cpu_times`: plain seconds over drafted ones (median, least, most)."""

    batch: int
    articles: int
    equal: int
    tokens: int
    plain_steps: int
    steps: int
    drafted: int
    accepted: int
    times: tuple[float, float, float]
    cpu_times: tuple[float, float, float]


@dataclass(slots=True)
class _Run:
    outputs: list[tuple[int, ...]]
    seconds: float
    cpu_seconds: float
    counters: dict[str, int]


def measure(
    engines: tuple[Any, Any],
    inputs: Sequence[list[int]],
    settings: GenerationSettings,
    batch: int,
    rounds: int,
) -> Drafting:
    """Compare an engine with drafts with the same without them, after one batch untimed."""
    for engine in engines:
        engine.generate(inputs[:batch], settings)
    runs = [[_run(engine, inputs, settings, batch) for engine in engines] for _ in range(rounds)]
    drafted, plain = runs[-1]
    return Drafting(
        batch,
        len(inputs),
        sum(one == other for one, other in zip(drafted.outputs, plain.outputs, strict=True)),
        sum(map(len, drafted.outputs)),
        plain.counters["steps"],
        drafted.counters["steps"],
        drafted.counters["drafted"],
        drafted.counters["accepted"],
        _spread([two.seconds / one.seconds for one, two in runs]),
        _spread([two.cpu_seconds / one.cpu_seconds for one, two in runs]),
    )


def _run(
    engine: Any, inputs: Sequence[list[int]], settings: GenerationSettings, batch: int
) -> _Run:
    before, outputs = replace(engine.counters), []
    began, cpu = time.perf_counter(), time.process_time()
    for at in range(0, len(inputs), batch):
        found = engine.generate(inputs[at : at + batch], settings)
        outputs += [hypotheses[0].tokens for hypotheses in found]
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    was = asdict(before)
    counted = {name: count - was[name] for name, count in asdict(engine.counters).items()}
    return _Run(outputs, seconds, cpu, counted)


def _spread(ratios: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(ratios), min(ratios), max(ratios)


@app.command()
def drafting(
    out: Annotated[Path, typer.Option(help="Directory for drafting.json and drafting.md.")],
    shape: Annotated[str, typer.Option(help="A checkpoint's directory, or a shape.")],
    data: Annotated[str, typer.Option(help="Articles, as for `run`.")] = "bundled",
    limit: Annotated[int, typer.Option(min=1, help="Articles.")] = 100,
    outputs: Annotated[int, typer.Option(min=1, help="Most output tokens.")] = 60,
    batches: Annotated[str, typer.Option(help="Articles a call, comma-separated.")] = "1,8",
    rounds: Annotated[int, typer.Option(min=1, help="Timed rounds.")] = 3,
    precision: Annotated[str, typer.Option(help="int8, bf16 or fp32.")] = "int8",
) -> None:
    """Measure drafting from the article against plain greedy search of the same engine."""
    checkpoint = checkpoint_of(shape, out / "checkpoints")
    words = Words(checkpoint, shape)
    examples = load(str(BUNDLED) if data == "bundled" else data, limit=limit).examples
    inputs = [words.encode(example.text) for example in examples]
    settings = GenerationSettings(max_new_tokens=outputs)
    engines = (
        make_engine(f"native-{precision}", checkpoint, out / "checkpoints"),
        make_engine(f"native-{precision}-plain", checkpoint, out / "checkpoints"),
    )
    found = [measure(engines, inputs, settings, int(batch), rounds) for batch in batches.split(",")]
    report = {"shape": shape, "conditions": conditions(), "rows": [asdict(one) for one in found]}
    write_json(out / "drafting.json", report)
    (out / "drafting.md").write_text(_markdown(found), encoding="utf-8")
    typer.echo((out / "drafting.md").read_text(encoding="utf-8"))


def _markdown(found: Sequence[Drafting]) -> str:
    lines = [
        "| batch | articles | equal outputs | tokens | plain steps | steps | accepted | x plain |"
        " CPU x plain |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        cells = [
            one.batch,
            one.articles,
            f"{one.equal} of {one.articles}",
            one.tokens,
            one.plain_steps,
            one.steps,
            f"{one.accepted / one.drafted:.1%}" if one.drafted else "",
            "{:.2f} ({:.2f}-{:.2f})".format(*one.times),
            "{:.2f} ({:.2f}-{:.2f})".format(*one.cpu_times),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, ""])
