"""The `inbrief` command."""

from __future__ import annotations

import json as _json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from models import loading
from models.contract import (
    Article,
    ModelInfo,
    Summariser,
    Summary,
    SummaryOptions,
    SummaryRequest,
)
from models.errors import InbriefError
from service import batch_cli, keys_cli, operator_cli, options, server
from service.app import create_app, installed_version
from service.conversion import description_of, primary_tag, response_of
from service.files import read_article
from service.flags import with_setting_flags
from service.identity import summary_id
from service.settings_loading import load_settings

# Exit status: the command could not be carried out.
UNUSABLE: Final = 2

app = typer.Typer(
    name="inbrief",
    help="Summaries of news articles: short, faithful, each sentence with its evidence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help is plain text: brackets stay and names are not cut
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, by default with the process's arguments, and exit.

    What went wrong on purpose is one sentence on standard error and status 2.
    """
    try:
        app(args=None if arguments is None else list(arguments))
    except InbriefError as error:
        for line in error.message.splitlines():
            print(f"inbrief: {line}", file=sys.stderr)
        raise SystemExit(UNUSABLE) from None
    except OSError as error:  # a full disk, a file without permission
        print(f"inbrief: {error.filename or 'writing'}: {error.strerror}", file=sys.stderr)
        raise SystemExit(UNUSABLE) from None
    raise SystemExit(0)


def _show_version(value: bool) -> None:
    if value:
        print(f"inbrief {installed_version()}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options of the command itself."""


def _serve(config: Path | None, flags: Mapping[str, Any]) -> None:
    """Serve summaries over HTTP until a signal ends it.

    Every setting is a flag, an environment variable (INBRIEF_…) or a line of a
    TOML file; the first of these that names it decides.

    \b
    Examples:
      inbrief serve
      inbrief serve --port 9000 --model lead-3
      INBRIEF_MODEL=./my-checkpoint inbrief serve --config inbrief.toml
    """
    settings = load_settings(flags, config=config)
    failure = server.run(create_app(settings), settings)
    if failure is not None:
        raise failure


app.command("serve")(with_setting_flags(_serve))


@app.command()
def summarise(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Text or HTML files; - is standard input.")
    ],
    model: options.ModelOption = loading.DEFAULT_MODEL,
    kind: options.KindOption = "key-points",
    length: options.LengthOption = "short",
    max_words: options.MaxWordsOption = None,
    markup: options.FormatOption = "plain",
    strict: options.StrictOption = False,
    language: options.LanguageOption = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the article.")] = None,
    html: Annotated[
        bool, typer.Option("--html", help="The input is HTML whatever its name.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object an article, with evidence.")
    ] = False,
    device: options.DeviceOption = "auto",
    engine: options.EngineOption = "auto",
    precision: options.PrecisionOption = "auto",
    model_cache_dir: options.CacheOption = None,
    allow_download: options.DownloadOption = False,
) -> None:
    """Print the summary of each file.

    \b
    Examples:
      inbrief summarise article.txt
      inbrief summarise --kind headline --json *.txt
      curl -s https://example.org/page.html | inbrief summarise --html -
    """
    articles = [read_article(name, html=html) for name in files]
    summariser = loading.load(
        model,
        device=device,
        engine=engine,
        precision=precision,
        cache_dir=model_cache_dir,
        allow_download=allow_download,
    )
    wanted = SummaryOptions(kind, length, max_words, markup, strict)
    requests = [
        SummaryRequest(Article(one.text, title or one.title, primary_tag(language)), wanted)
        for one in articles
    ]
    failed = False
    for name, request in zip(files, requests, strict=True):
        started = time.monotonic()
        result = summariser.summarise([request])[0]
        if isinstance(result, InbriefError):
            failed = True
            print(f"inbrief: {name}: {result.message}", file=sys.stderr)
        elif json:
            print(_as_json(name, request, result, summariser, time.monotonic() - started))
        else:
            print(f"{name}:\n{result.text}\n" if len(files) > 1 else result.text)
    if failed:
        raise typer.Exit(batch_cli.SOME_FAILED)


def _as_json(
    name: str, request: SummaryRequest, summary: Summary, summariser: Summariser, seconds: float
) -> str:
    response = response_of(
        summary_id(request, summariser.info),
        summary,
        request.options,
        queue_seconds=0.0,
        inference_seconds=seconds,
        total_seconds=seconds,
    )
    line = response.model_dump_json(exclude_none=True)
    return f'{{"file":{_quoted(name)},{line[1:]}'


app.command("batch")(batch_cli.batch)
app.add_typer(keys_cli.app)
app.add_typer(operator_cli.config_app)
app.command("doctor")(operator_cli.doctor)
app.command("warm")(operator_cli.warm_cache)
app.command("purge")(operator_cli.purge)


@app.command()
def models(
    model: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]…", help="Models to load and describe.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a model.")] = False,
    allow_download: options.DownloadOption = False,
) -> None:
    """List the models that can be used by name, or describe the given ones.

    \b
    Examples:
      inbrief models
      inbrief models --json
      inbrief models ./my-checkpoint
      inbrief models --allow-download some-organisation/some-checkpoint
    """
    rows = [loading.load(name, allow_download=allow_download).info for name in model or ()]
    rows = rows or loading.available()
    for info in rows:
        print(description_of(info, loaded=bool(model)).model_dump_json() if json else _row(info))


def _row(info: ModelInfo) -> str:
    return "\n".join(
        (
            info.name,
            f"  kinds      {', '.join(info.kinds)}",
            f"  lengths    {', '.join(info.lengths)}",
            f"  languages  {', '.join(info.languages) or 'not declared'}",
            f"  engine     {info.engine}, {info.precision}, on {info.device}. {info.choice}",
            f"  size       {info.parameters / 1e6:.1f} M parameters, "
            f"{info.size_bytes / 2**20:.1f} MiB",
            f"  revision   {info.revision}",
        )
    )


def _quoted(name: str) -> str:
    # Names of files need not be UTF-8; what is printed must be.
    return _json.dumps(name.encode("utf-8", "replace").decode())
