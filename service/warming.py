"""Fills a running service's cache before the readers come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from models.articles import ArticleRecord, read_records
from models.errors import InbriefError, InvalidRecord
from service.client import AsyncInbrief
from service.client_steps import Options

# What to ask for: an address or an article with its title; or why it is neither.
Item = str | ArticleRecord | InvalidRecord


@dataclass(slots=True)
class Warmed:
    """What came of it."""

    made: int = 0
    cached: int = 0
    failed: int = 0


def items_of(source: str) -> Iterator[Item]:
    """An address itself; the lines of a file of addresses; the records of any other file.

    Raises:
        InputError: no such file, or not one that holds articles.
    """
    if _is_address(source):
        yield source
        return
    path = Path(source)
    if path.suffix == ".txt" and path.is_file():
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        addresses = [line for line in lines if line and not line.startswith("#")]
        if addresses and all(map(_is_address, addresses)):
            yield from addresses
            return
    yield from read_records(path)


async def warm(
    items: Iterator[Item],
    client: AsyncInbrief,
    options: Options,
    *,
    concurrency: int,
    report: Callable[[Item, InbriefError | None], None],
) -> Warmed:
    """Ask for a summary of every item, `concurrency` at a time; `report` hears of each."""
    result = Warmed()

    async def worker() -> None:
        for item in items:
            error: InbriefError | None = None
            try:
                if isinstance(item, InvalidRecord):
                    raise item
                if isinstance(item, str):
                    answer = await client.summarise(url=item, **options)
                else:
                    given: Options = {**options, "title": item.title}
                    answer = await client.summarise(item.text, **given)
                if answer.cached:
                    result.cached += 1
                else:
                    result.made += 1
            except InbriefError as failure:
                error = failure
                result.failed += 1
            report(item, error)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())
    return result


def name_of(item: Item) -> str:
    """How to speak of an item without quoting it."""
    if isinstance(item, str):
        return item
    return f"article {item.id}" if isinstance(item, ArticleRecord) else "a record"


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
