"""`inbrief keys`: create, list, rotate and revoke API keys. A running service sees it at once."""

from __future__ import annotations

import json as _json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from models.errors import InputError, SettingsError
from service.keys import SCOPES, KeyFile, KeyRecord
from service.limiting import parse_rate
from service.settings_loading import load_settings

Choice = TypeVar("Choice", bound=str)

app = typer.Typer(
    name="keys", help="Create, list, rotate and revoke API keys.", no_args_is_help=True
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="INBRIEF_CONFIG", help="Settings file (TOML).")
]


def _file(config: Path | None) -> KeyFile:
    return KeyFile(load_settings(config=config).keys_path)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help=f"{' | '.join(SCOPES)}; may be repeated. [default: summarise]"
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            help="Makes it a site key, which works only from pages of exactly this origin;"
            " may be given several times.",
        ),
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", help="Its own rate, such as 1200/minute, or off.")
    ] = None,
    expires_days: Annotated[
        float | None, typer.Option("--expires-days", min=0, help="Days until it ends by itself.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Create a key and show it, this once: only its digest is kept.

    \b
    Examples:
      inbrief keys create "content system"
      inbrief keys create operators --scope admin
      inbrief keys create "news.example" --origin https://news.example
    """
    if rate is not None:
        parse_rate(rate, "rate")
    expires = None
    if expires_days is not None:
        expires = datetime.now(UTC) + timedelta(days=expires_days)
    file = _file(config)
    record, key = file.create(
        name,
        chosen(scope or ["summarise"], SCOPES, "scope"),
        origins=origin or (),
        rate=rate,
        expires=expires,
    )
    typer.echo(key)
    typer.echo(f"Key {record.id} is in {file.path}; it is shown only now.", err=True)


@app.command("list")
def show(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a key.")] = False,
    config: ConfigOption = None,
) -> None:
    """List the keys: ids, names, scopes, origins; never the keys themselves.

    \b
    Example:
      inbrief keys list
    """
    for record in _file(config).records():
        if json:
            row = {name: value for name, value in asdict(record).items() if name != "digest"}
            typer.echo(_json.dumps(row))
        else:
            typer.echo(_row(record))


@app.command()
def rotate(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")],
    grace_hours: Annotated[
        float, typer.Option("--grace-hours", min=0, help="How long the old key still works.")
    ] = 24.0,
    config: ConfigOption = None,
) -> None:
    """Create a key like another one, which ends after a while.

    \b
    Example:
      inbrief keys rotate 1a2b3c4d --grace-hours 48
    """
    created = _file(config).rotate(key_id, grace=timedelta(hours=grace_hours))
    if created is None:
        raise SettingsError(f"There is no key {key_id}.", field="id")
    typer.echo(created[1])
    typer.echo(
        f"Key {created[0].id} is shown only now; {key_id} ends in {grace_hours:g} hours.", err=True
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")],
    config: ConfigOption = None,
) -> None:
    """Remove a key; running services refuse it within a second.

    \b
    Example:
      inbrief keys revoke 1a2b3c4d
    """
    if not _file(config).revoke(key_id):
        raise SettingsError(f"There is no key {key_id}.", field="id")
    typer.echo(f"Key {key_id} is revoked.", err=True)


def chosen(values: Sequence[str], known: Sequence[Choice], field: str) -> list[Choice]:
    """`values`, each of which is one of `known`.

    Raises:
        InputError: one is not.
    """
    found = []
    for value in values:
        if value not in known:
            raise InputError(f"--{field} is one of {', '.join(known)}.", field=field)
        found.append(known[known.index(value)])
    return found


def _row(record: KeyRecord) -> str:
    parts = [record.id, ",".join(record.scopes), record.created[:10], record.name]
    if record.origins:
        parts.append("from " + " ".join(record.origins))
    if record.rate:
        parts.append(f"rate {record.rate}")
    if record.expires:
        over = record.expired(datetime.now(UTC))
        parts.append(f"{'ended' if over else 'ends'} {record.expires}")
    return "  ".join(parts)
