"""An article from a file or from standard input: plain text or HTML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from models.errors import EmptyArticle, InputError
from service.extraction import extract
from service.inputs import Given
from service.schemas import SourceResponse

STANDARD_INPUT: Final = "-"
_HTML_SUFFIXES: Final = frozenset({".html", ".htm", ".xhtml"})


def read_article(name: str, *, html: bool = False) -> Given:
    """The article in the file `name`, or on standard input for `-`.

    Files that end in .html or .htm are pages, and so is everything with `html`.

    Raises:
        InputError: the file cannot be read or is not UTF-8.
        EmptyArticle, NotAnArticle: there is nothing to summarise in it.
    """
    shown = "Standard input" if name == STANDARD_INPUT else name
    try:
        data = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}.", field="file") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} is not UTF-8 at byte {error.start}.", field="file") from None
    if not text.strip():
        raise EmptyArticle(f"{shown} is empty.", field="file")
    if not (html or Path(name).suffix.lower() in _HTML_SUFFIXES):
        return Given(text)
    page = extract(text)
    source = SourceResponse(title=page.title, author=page.author, date=page.date)
    return Given(page.text, page.title, source)
