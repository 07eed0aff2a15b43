"""The operator's commands: config, doctor, warm, purge."""

from __future__ import annotations

import asyncio
import itertools
import json as _json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from models.contract import KINDS, LENGTHS
from models.errors import InbriefError, ServiceUnreachable
from service.cache import SummaryCache
from service.client import AsyncInbrief
from service.client_steps import Options
from service.doctor import examine
from service.keys import KeyFile
from service.keys_cli import ConfigOption, chosen
from service.operation import open_store, require_guarded
from service.settings_loading import load_settings
from service.settings_table import shown_values, toml_lines
from service.warming import Item, items_of, name_of, warm

FAULTS: Final = 1
DEFAULT_URL: Final = "http://127.0.0.1:8000"

config_app = typer.Typer(name="config", help="Show and check the settings.", no_args_is_help=True)

UrlOption = Annotated[str, typer.Option("--url", help="The running service.")]
KeyOption = Annotated[
    str | None, typer.Option("--key", envvar="INBRIEF_KEY", help="Its key, where it needs one.")
]


@config_app.command("show")
def show_config(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Print the settings in force, passwords left out, as a settings file.

    \b
    Example:
      inbrief config show > inbrief.toml
    """
    settings = load_settings(config=config)
    text = _json.dumps(shown_values(settings), indent=2) if json else toml_lines(settings).rstrip()
    typer.echo(text)


@config_app.command("check")
def check_config(config: ConfigOption = None) -> None:
    """Say whether a service would start with these settings; all faults at once, status 2.

    \b
    Example:
      inbrief config check --config inbrief.toml
    """
    settings = load_settings(config=config)
    require_guarded(settings, KeyFile(settings.keys_path))
    typer.echo("The settings are fine.")


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    model: Annotated[bool, typer.Option(help="Load the model, too.")] = True,
    config: ConfigOption = None,
) -> None:
    """Examine machine, model, cache, Redis, disk and access; status 1 when something is wrong.

    \b
    Examples:
      inbrief doctor
      inbrief doctor --json --no-model
    """
    faults = 0
    for finding in examine(load_settings(config=config), load_model=model):
        faults += finding.verdict == "fault"
        if json:
            typer.echo(_json.dumps(asdict(finding)))
        else:
            typer.echo(f"{finding.verdict:5}  {finding.subject:11}  {finding.text}")
    if faults:
        raise typer.Exit(FAULTS)


def warm_cache(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="URLS_OR_FILE…",
            help="Addresses, .txt files of addresses, or files of articles (.jsonl, .csv, …).",
        ),
    ],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help=f"{' | '.join(KINDS)}; may be repeated.")
    ] = None,
    length: Annotated[
        list[str] | None, typer.Option("--length", help=f"{' | '.join(LENGTHS)}; may be repeated.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=256, help="Requests at the same time.")
    ] = 8,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
) -> None:
    """Have a running service summarise articles before its readers ask.

    \b
    Examples:
      inbrief warm articles.jsonl
      inbrief warm https://news.example/a https://news.example/b --kind key-points --kind headline
    """
    items = list(itertools.chain.from_iterable(items_of(source) for source in sources))
    failed = 0
    made = cached = 0
    kinds = chosen(kind or ["key-points"], KINDS, "kind")
    lengths = chosen(length or ["short"], LENGTHS, "length")
    for one_kind, one_length in itertools.product(kinds, lengths):
        options: Options = {"kind": one_kind, "length": one_length}
        result = asyncio.run(_warm(items, url, key, options, concurrency))
        made, cached = made + result[0], cached + result[1]
        failed += result[2]
    typer.echo(f"{made} made, {cached} there already, {failed} failed", err=True)
    if failed:
        raise typer.Exit(FAULTS)


async def _warm(
    items: list[Item], url: str, key: str | None, options: Options, concurrency: int
) -> tuple[int, int, int]:
    def report(item: Item, error: InbriefError | None) -> None:
        if error is not None:
            typer.echo(f"inbrief: {name_of(item)}: {error.message}", err=True)

    async with AsyncInbrief(url, api_key=key) as client:
        result = await warm(iter(items), client, options, concurrency=concurrency, report=report)
    return result.made, result.cached, result.failed


def purge(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of summaries.")],
    url: Annotated[
        str | None,
        typer.Option("--url", help="The running service; without it, the cache itself."),
    ] = None,
    key: KeyOption = None,
    config: ConfigOption = None,
) -> None:
    """Forget summaries. Without --url running services may answer from memory for 5 seconds more.

    \b
    Examples:
      inbrief purge 3cef2a14083868a18acb125bcf441ba4953a264ff2878c91aaa3632e2dad0fef
      inbrief purge --url https://summaries.news.example --key "$ADMIN_KEY" ID
    """
    missing = 0
    if url is not None:
        found = [_purge_by_service(url, key, identity) for identity in ids]
    else:
        found = asyncio.run(_purge_store(ids, config))
    for identity, was_there in zip(ids, found, strict=True):
        if not was_there:
            missing += 1
            typer.echo(f"inbrief: {identity} is not kept.", err=True)
    if missing:
        raise typer.Exit(FAULTS)


async def _purge_store(ids: list[str], config: Path | None) -> list[bool]:
    cache = SummaryCache(open_store(load_settings(config=config)), timeout_seconds=2.0)
    try:
        return [await cache.purge(identity) for identity in ids]
    finally:
        await cache.close()


def _purge_by_service(url: str, key: str | None, identity: str) -> bool:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx.delete(f"{url.rstrip('/')}/v1/summaries/{identity}", headers=headers)
    except httpx.TransportError as error:
        raise ServiceUnreachable(f"{url} does not answer.", field="url") from error
    if response.status_code not in (204, 404):
        raise InbriefError(f"{url} refused: {response.json().get('detail', response.status_code)}")
    return response.status_code == 204
