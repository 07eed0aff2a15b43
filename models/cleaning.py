"""The visible form of an article, with the way back to the text the caller sent.

Three things happen, all offset-preserving. Characters: invisible ones (control,
bidi, zero-width, soft hyphens, private use, lone surrogates) are dropped, every
kind of white space becomes a plain space, line ends become `\\n`, and the rest
is brought to Unicode normalisation form C (UAX #15). Spaces: what a tokeniser
set is taken out again (`models.spacing`). Lines: page furniture
(`models.furniture`) is replaced by an empty line, so that what stood around it
stays apart. HTML entities are left as they are: text is text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models import spacing
from models.contract import Span
from models.furniture import furniture_ranges

_SPACES: Final = dict.fromkeys(
    map(ord, "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
             "\u202f\u205f\u3000\x0b\x1f"), " "
) | dict.fromkeys(map(ord, "\x0c\x1c\x1d\x1e\x85\u2028\u2029"), "\n")  # fmt: skip

# A joiner is part of the spelling in Persian, the Indic scripts and emoji; between Latin,
# Greek or Cyrillic letters and at the edge of a word it is only a way to hide something.
_CHANGED: Final = re.compile(
    r"\r\n?"
    r"|[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc"
    r"\ufffe\uffff\ufdd0-\ufdef\ud800-\udfff\ue000-\uf8ff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
    r"|(?<![\u0590-\U0003ffff])[\u200c\u200d]+"
    r"|[\u200c\u200d]+(?=\s|$)"
    r"|[\ufb00-\ufb06]"
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of clean text: copied code point by code point, or one indivisible change."""

    clean_start: int
    source_start: int
    source_end: int
    copied: bool


@dataclass(frozen=True, slots=True)
class CleanText:
    """Clean `text` and where each part of it stands in the text the caller sent."""

    text: str
    _pieces: tuple[_Piece, ...]
    _starts: tuple[int, ...]

    def span(self, start: int, end: int) -> Span:
        """Where `text[start:end]` stands in the caller's text; the range must not be empty."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"no characters between {start} and {end}")
        first = self._pieces[bisect_right(self._starts, start) - 1]
        last = self._pieces[bisect_right(self._starts, end - 1) - 1]
        return Span(
            first.source_start + (start - first.clean_start) * first.copied,
            last.source_start + end - last.clean_start if last.copied else last.source_end,
        )


def clean(text: str) -> CleanText:
    """The visible form of `text` without page furniture. Linear in its length."""
    shown = visible(text)
    shown = _replaced(shown, spacing.repairs(shown.text))
    return _replaced(shown, [(start, end, "\n\n") for start, end in furniture_ranges(shown.text)])


class _Builder:
    """Collects output and the pieces that lead back; neighbouring copies become one piece."""

    def __init__(self) -> None:
        self._output: list[str] = []
        self._pieces: list[_Piece] = []
        self._length = 0

    def copy(self, characters: str, source_start: int) -> None:
        self._add(characters, source_start, source_start + len(characters), copied=True)

    def change(self, characters: str, source_start: int, source_end: int) -> None:
        self._add(characters, source_start, source_end, copied=False)

    def _add(self, characters: str, source_start: int, source_end: int, *, copied: bool) -> None:
        if not characters:
            return
        last = self._pieces[-1] if self._pieces else None
        if copied and last and last.copied and last.source_end == source_start:
            self._pieces[-1] = _Piece(last.clean_start, last.source_start, source_end, True)
        else:
            self._pieces.append(_Piece(self._length, source_start, source_end, copied))
        self._output.append(characters)
        self._length += len(characters)

    def build(self) -> CleanText:
        starts = tuple(piece.clean_start for piece in self._pieces)
        return CleanText("".join(self._output), tuple(self._pieces), starts)


def visible(text: str) -> CleanText:
    """The visible form of `text`, furniture and all."""
    builder = _Builder()
    text = text.translate(_SPACES)
    position = 0
    for match in _CHANGED.finditer(text):
        _normalise(text, position, match.start(), builder)
        found = match.group()
        if found[0] == "\r":
            builder.change("\n", match.start(), match.end())
        elif "\ufb00" <= found <= "\ufb06":
            builder.change(unicodedata.normalize("NFKC", found), match.start(), match.end())
        position = match.end()
    _normalise(text, position, len(text), builder)
    return builder.build()


def _normalise(text: str, start: int, end: int, builder: _Builder) -> None:
    """Copy `text[start:end]` in form C; what composes becomes one change per cluster."""
    chunk = text[start:end]
    if unicodedata.is_normalized("NFC", chunk):
        builder.copy(chunk, start)
        return
    begin = 0
    for index in range(1, len(chunk) + 1):
        if index < len(chunk) and _composes(chunk[index]):
            continue
        cluster = chunk[begin:index]
        composed = unicodedata.normalize("NFC", cluster)
        if composed == cluster:
            builder.copy(cluster, start + begin)
        else:
            builder.change(composed, start + begin, start + index)
        begin = index


def _composes(character: str) -> bool:
    """Whether form C may join `character` to what stands before it: marks and conjoining jamo."""
    return (
        character > "\u02ff" and unicodedata.category(character)[0] == "M"
    ) or "\u1160" <= character <= "\u11ff"


def _replaced(shown: CleanText, replacements: Sequence[tuple[int, int, str]]) -> CleanText:
    """`shown` with each range (start, end) replaced by the text beside it."""
    if not replacements:
        return shown
    builder = _Builder()
    position = 0
    for start, end, replacement in replacements:
        _copy_range(shown, position, start, builder)
        span = shown.span(start, end)
        builder.change(replacement, span.start, span.end)
        position = end
    _copy_range(shown, position, len(shown.text), builder)
    return builder.build()


def _copy_range(shown: CleanText, start: int, end: int, builder: _Builder) -> None:
    if start >= end:
        return
    index = bisect_right(shown._starts, start) - 1
    while start < end:
        piece = shown._pieces[index]
        index += 1
        stop = min(end, shown._starts[index]) if index < len(shown._starts) else end
        if piece.copied:
            builder.copy(shown.text[start:stop], piece.source_start + start - piece.clean_start)
        else:
            builder.change(shown.text[start:stop], piece.source_start, piece.source_end)
        start = stop
