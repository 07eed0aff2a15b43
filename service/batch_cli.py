"""`inbrief batch`: a file of articles in, a file of summaries out, here or on Ray."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from models import loading
from models.articles import FieldNames
from models.contract import SummaryOptions
from service import options, progress
from service.batch import BatchJob, count_records, run_batch
from service.conversion import primary_tag
from service.ray_batch import RayPool, run_ray_batch, to_parquet

# Exit statuses: some articles failed; stopped by the user.
SOME_FAILED: Final = 1
INTERRUPTED: Final = 130


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help=".jsonl, .csv (also .gz, .xz, .zst), .parquet, directory of .txt."
        ),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The .jsonl or .parquet file.")],
    model: options.ModelOption = loading.DEFAULT_MODEL,
    kind: options.KindOption = "key-points",
    length: options.LengthOption = "short",
    max_words: options.MaxWordsOption = None,
    markup: options.FormatOption = "plain",
    strict: options.StrictOption = False,
    language: options.LanguageOption = None,
    text_column: Annotated[
        list[str] | None,
        typer.Option("--text-column", help="Field with the article; default text, then article."),
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", help="Field with the id.")] = "id",
    title_column: Annotated[
        str, typer.Option("--title-column", help="Field with the title.")
    ] = "title",
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard what an earlier run of this command wrote.")
    ] = False,
    device: options.DeviceOption = "auto",
    engine: options.BatchEngineOption = "auto",
    precision: options.PrecisionOption = "auto",
    model_cache_dir: options.CacheOption = None,
    allow_download: options.DownloadOption = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="With --engine ray: the most actors.")
    ] = 2,
    ray_address: Annotated[
        str | None,
        typer.Option("--ray-address", help="With --engine ray: the cluster, else this machine."),
    ] = None,
) -> None:
    """Summarise a file of articles, one JSON line an article, in order.

    A run that was stopped, in whatever way, goes on where it was when it is
    started again with the same arguments. A record that cannot be summarised
    becomes a line with `error`, and the exit status is 1.

    \b
    Examples:
      inbrief batch articles.jsonl summaries.jsonl
      inbrief batch articles.csv out.jsonl --text-column body --id-column url
      inbrief batch texts/ headlines.jsonl --kind headline --length long
      inbrief batch corpus.parquet out.parquet --engine ray --workers 8 --ray-address auto
    """
    fields = FieldNames(id=id_column, title=title_column)
    if text_column:
        fields = replace(fields, text=tuple(text_column))
    total = count_records(source, fields)
    load = partial(
        loading.load,
        model,
        device=device,
        engine="auto" if engine == "ray" else engine,
        precision=precision,
        cache_dir=model_cache_dir,
        allow_download=allow_download,
    )
    wanted = SummaryOptions(kind, length, max_words, markup, strict)
    # A Parquet file cannot be continued: the lines lie beside it until all are there.
    table = output if output.suffix == ".parquet" else None
    lines = output if table is None else output.with_name(output.name + ".jsonl")
    job = BatchJob(source, lines, wanted, fields, primary_tag(language), restart=restart)
    try:
        with progress.shown(total, sys.stderr) as on_progress:
            if engine == "ray":
                pool = RayPool(workers=workers, address=ray_address)
                counts = run_ray_batch(job, load, pool, on_progress)
            else:
                counts = run_batch(job, load(), on_progress)
        if table is not None:
            to_parquet(lines, table)
    except KeyboardInterrupt:
        typer.echo("inbrief: stopped; the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None
    already = f" ({counts.resumed} of them before)" if counts.resumed else ""
    typer.echo(f"{counts.done} articles{already}, {counts.failed} with errors", err=True)
    if counts.failed:
        raise typer.Exit(SOME_FAILED)
