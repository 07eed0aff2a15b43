"""The speed report: JSON for machines, a Markdown table for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from eval.runs import write_json
from eval.shapes import COPIER, SHAPES
from eval.speed import BASELINE, SYSTEMS, Cell, Measurement, conditions, ratios, run

_PEERS: Final = (BASELINE, "ctranslate2-int8")
_DEFAULT_SYSTEMS: Final = (
    "native-int8,transformers-fp32,transformers-bf16,ctranslate2-int8,ctranslate2-fp32"
)

# The window of BART and PEGASUS.
_MOST_TOKENS: Final = 1024

app = typer.Typer(add_completion=False, help="Measure how fast engines run.")


@app.command()
def speed(
    out: Annotated[Path, typer.Option(help="Directory of the run; a started run is continued.")],
    shapes: Annotated[
        str, typer.Option(help=f"Comma-separated: {', '.join([*SHAPES, COPIER])}, or directories.")
    ] = ",".join(SHAPES),
    systems: Annotated[
        str, typer.Option(help=f"Comma-separated: {', '.join(SYSTEMS)}.")
    ] = _DEFAULT_SYSTEMS,
    inputs: Annotated[
        str, typer.Option(help="Input tokens; 260-440: from 260 to 440 within a batch.")
    ] = "300,700,1000",
    outputs: Annotated[int, typer.Option(min=1, help="Output tokens, forced.")] = 60,
    batches: Annotated[str, typer.Option(help="Articles a call.")] = "1,8,32",
    beams: Annotated[str, typer.Option(help="Beams; 1 is greedy.")] = "1,4",
    rounds: Annotated[int, typer.Option(min=1, help="Timed rounds of each cell.")] = 3,
    mixed: Annotated[
        int, typer.Option(min=0, help="Articles of 50 to 1,000 tokens in a further cell; 0: none.")
    ] = 0,
    words: Annotated[
        int,
        typer.Option(
            min=0, help="Real texts of so many words instead of tokens; news-small needs it."
        ),
    ] = 0,
    device: Annotated[
        Literal["cpu", "cuda"],
        typer.Option(help="Where engines run; on cuda cuda-graphs, transformers and ctranslate2."),
    ] = "cpu",
) -> None:
    """Engines side by side on the same inputs; started again, it goes on where it stopped."""
    cells = [
        Cell(
            shape,
            most,
            outputs,
            batch,
            beam,
            words=words,
            least_input_tokens=least,
            device=device,
        )
        for shape in shapes.split(",")
        for least, most in ([(0, _MOST_TOKENS)] if words else _ranges(inputs))
        for batch in _numbers(batches)
        for beam in _numbers(beams)
    ]
    if mixed:
        cells += [
            Cell(shape, 1000, outputs, mixed, 1, mixed=True, device=device)
            for shape in shapes.split(",")
        ]
    results = run(cells, systems.split(","), rounds, out)
    write(results, out, device)
    typer.echo((out / "speed.md").read_text(encoding="utf-8"))


def write(
    results: Sequence[tuple[Cell, list[Measurement]]], out: Path, device: str = "cpu"
) -> None:
    """Write `speed.json` and `speed.md`."""
    rows = [_row(cell, one, measured) for cell, measured in results for one in measured]
    stated = conditions(device)
    report = {"conditions": stated, "systems": SYSTEMS, "rows": rows}
    write_json(out / "speed.json", report)
    (out / "speed.md").write_text(_markdown(rows, stated), encoding="utf-8")


def _row(cell: Cell, one: Measurement, measured: Sequence[Measurement]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "shape": cell.shape,
        "input_tokens": cell.input_tokens,
        "least_input_tokens": cell.least_input_tokens or cell.input_tokens,
        "output_tokens": cell.output_tokens,
        "batch": cell.batch,
        "beams": cell.beams,
        "mixed": cell.mixed,
        "words": cell.words,
        "device": cell.device,
        "system": one.system,
        "failure": one.failure,
    }
    if one.failure:
        return row
    seconds = statistics.median(one.seconds)
    row |= {
        "seconds": one.seconds,
        "articles_per_second": cell.batch / seconds,
        "output_tokens_per_second": cell.batch * cell.output_tokens / seconds,
        "cpu_seconds": one.cpu_seconds,
        "cpu_seconds_per_article": statistics.median(one.cpu_seconds or (0.0,)) / cell.batch,
        "resident_bytes": one.resident_bytes,
        "device_bytes": one.device_bytes,
        "drafted_tokens": one.drafted,
        "accepted_tokens": one.accepted,
        "decoder_steps": one.steps,
    }
    for peer in _PEERS:
        for other in measured:
            if other.system == peer and (found := ratios(one, other)) is not None:
                row[f"times_{peer}"] = found
                row[f"cpu_times_{peer}"] = ratios(one, other, cpu=True)
    return row


def _markdown(rows: Sequence[dict[str, Any]], conditions: dict[str, Any]) -> str:
    head = [
        "shape",
        "in",
        "out",
        "batch",
        "beams",
        "system",
        "articles/s",
        "tokens/s",
        "RSS MiB",
        "GPU MiB",
    ]
    head += [f"x {peer}" for peer in _PEERS]
    head += ["CPU s/article", *(f"CPU x {peer}" for peer in _PEERS)]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for row in rows:
        least = 50 if row["mixed"] else row["least_input_tokens"]
        tokens = f"{least}-" * (least < row["input_tokens"]) + f"{row['input_tokens']}"
        tokens = f"{row['words']} words" if row["words"] else tokens
        begin = [row["shape"], tokens, row["output_tokens"], row["batch"], row["beams"]]
        if row["failure"]:
            cells = [*begin, row["system"], f"failed: {row['failure']}", *[""] * (len(head) - 7)]
        else:
            cells = [
                *begin,
                row["system"],
                f"{row['articles_per_second']:.3g}",
                f"{row['output_tokens_per_second']:.0f}",
                f"{row['resident_bytes'] / 2**20:.0f}",
                f"{row['device_bytes'] / 2**20:.0f}",
                *(_ratio(row.get(f"times_{peer}")) for peer in _PEERS),
                f"{row['cpu_seconds_per_article']:.3g}",
                *(_ratio(row.get(f"cpu_times_{peer}")) for peer in _PEERS),
            ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    stated = ", ".join(f"{key} {value}" for key, value in conditions.items())
    return "\n".join([*lines, "", f"Conditions: {stated}. Ratios: median (least-largest).", ""])


def _ratio(found: tuple[float, float, float] | None) -> str:
    return "" if found is None else f"{found[0]:.2f} ({found[1]:.2f}-{found[2]:.2f})"


def _ranges(listed: str) -> list[tuple[int, int]]:
    """Least and most of each; the least is 0 where one number is given."""
    found = []
    for entry in listed.split(","):
        least, _, most = entry.rpartition("-")
        numbers = _numbers(f"{least or 0},{most}")
        if numbers[0] > numbers[1]:
            raise typer.BadParameter(f"{entry!r} is not a range")
        found.append((numbers[0], numbers[1]))
    return found


def _numbers(listed: str) -> list[int]:
    try:
        return [int(number) for number in listed.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{listed!r} is not a list of whole numbers") from error
