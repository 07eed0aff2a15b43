"""Whether an engine's memory grows: resident bytes while it summarises many articles."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from eval.runs import write_json
from eval.shapes import SMALL_COPIER, checkpoint_of
from eval.speed import conditions, make_engine, resident_bytes
from models.generation import GenerationSettings

_SEED: Final = 20_26
_BATCH: Final = 32
_FIRST_TOKEN: Final = 10

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory after so many articles."""

    articles: int
    resident_bytes: int


def watch(
    engine: Any, vocabulary_size: int, eos_id: int, articles: int, longest: int, every: int
) -> Iterator[Sample]:
    """Greedy search over `articles` random ones of 20 to `longest` tokens, in batches of 32."""
    chance = random.Random(_SEED)
    settings = GenerationSettings(max_new_tokens=8, min_new_tokens=8)
    done, shown = 0, 0
    while done < articles:
        batch = [
            [
                *(
                    chance.randrange(_FIRST_TOKEN, vocabulary_size)
                    for _ in range(chance.randint(20, longest))
                ),
                eos_id,
            ]
            for _ in range(min(_BATCH, articles - done))
        ]
        engine.generate(batch, settings)
        done += len(batch)
        if done - shown >= every or done == articles:
            shown = done
            yield Sample(done, resident_bytes())


@app.command()
def memory(
    out: Annotated[Path, typer.Option(help="Directory for memory.json and the checkpoint.")],
    shape: Annotated[str, typer.Option(help="A shape of `speed`, or a directory.")] = SMALL_COPIER,
    system: Annotated[str, typer.Option(help="A system of `speed`.")] = "native-int8",
    articles: Annotated[int, typer.Option(min=1, help="How many in all.")] = 30_000,
    longest: Annotated[int, typer.Option(min=20, help="Tokens of the longest.")] = 120,
    every: Annotated[int, typer.Option(min=1, help="Articles from sample to sample.")] = 3000,
) -> None:
    """Sample an engine's resident memory while it summarises many articles."""
    checkpoint = checkpoint_of(shape, out / "checkpoints")
    engine = make_engine(system, checkpoint, out / "checkpoints")
    samples = []
    for sample in watch(
        engine, checkpoint.vocabulary_size, checkpoint.eos_id, articles, longest, every
    ):
        samples.append(sample)
        typer.echo(f"{sample.articles} articles: {sample.resident_bytes / 2**20:.1f} MiB")
    report = {
        "shape": shape,
        "system": system,
        "conditions": conditions(),
        "samples": [asdict(sample) for sample in samples],
    }
    write_json(out / "memory.json", report)
