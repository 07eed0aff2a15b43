"""Words that can be copied letter for letter, and sentences put together again from them.

The rewriter copies by the word: a name, a figure or an abbreviation
("O'Neill", "$1.2m", "U.S.") is one word with one place in the source, so that
what is copied is the source's own substring.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = re.compile(r"\S+")
_DASH: Final = re.compile(r"--+|[—–]")
_LEADING: Final = frozenset("\"'“‘’«»([{¿¡*•")
_TRAILING: Final = frozenset(",;:!?\"'“‘’”«»)]}*")
_POSSESSIVE: Final = re.compile(r"['’]s$", re.IGNORECASE)
_DOTTED: Final = re.compile(r"(?:[^\W\d_]\.)+")
_ABBREVIATIONS: Final = frozenset(
    "mr. mrs. ms. dr. prof. rev. gov. gen. sen. rep. lt. col. capt. sgt. cpl. st. mt. jr. sr. "
    "inc. ltd. co. corp. bros. vs. etc. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. "
    "nov. dec. ave. blvd. dept. hon. maj. adm. cmdr. supt. det. insp. ph.d.".split()
)
_QUOTES: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'"})
_CLOSING: Final = re.compile(r"""[,;:!?.…%)\]}»”]+|['’]s?""")
_OPENING: Final = frozenset("([{“‘«$£€¿¡")
_TERMINAL: Final = frozenset(".!?…")
_BEFORE_FIRST: Final = "\"'“‘([«"
_CLOSERS: Final = "\"'”’»)]}"


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a mark standing for itself: text[start:end] of the text it was found in."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """What two spellings of the word share: case and typographic quotes are ignored."""
        return self.text.casefold().translate(_QUOTES)

    @property
    def is_mark(self) -> bool:
        return not any(character.isalnum() for character in self.text)


def find_words(text: str) -> list[Word]:
    """The words of `text` in order; white space is the only thing left out."""
    words: list[Word] = []
    for match in _CHUNK.finditer(text):
        start = match.start()
        for dash in _DASH.finditer(text, match.start(), match.end()):
            _split_chunk(text, start, dash.start(), words)
            words.append(Word(dash[0], dash.start(), dash.end()))
            start = dash.end()
        _split_chunk(text, start, match.end(), words)
    return words


def _split_chunk(text: str, start: int, end: int, words: list[Word]) -> None:
    while end - start > 1 and text[start] in _LEADING:
        words.append(Word(text[start], start, start + 1))
        start += 1
    tail: list[Word] = []
    while end - start > 1:
        chunk = text[start:end]
        possessive = _POSSESSIVE.search(chunk)
        if possessive and possessive.start() > 0:
            cut = start + possessive.start()
        elif chunk.endswith("..."):
            cut = start + len(chunk.rstrip("."))
        elif (chunk[-1] == "." and not _keeps_full_stop(chunk)) or chunk[-1] in _TRAILING:
            cut = end - 1
        else:
            break
        if cut <= start:
            break
        tail.append(Word(text[cut:end], cut, end))
        end = cut
    if end > start:
        words.append(Word(text[start:end], start, end))
    words.extend(reversed(tail))


def _keeps_full_stop(chunk: str) -> bool:
    return chunk.casefold() in _ABBREVIATIONS or _DOTTED.fullmatch(chunk) is not None


@dataclass(frozen=True, slots=True)
class Piece:
    """A word to be written: its text, and whether the source has a space before and after it.

    `place` is its position in the source's words (consecutive places are
    written exactly as the source has them), or None for a word of our own.
    """

    text: str
    place: int | None = None
    space_before: bool = True
    space_after: bool = True

    @classmethod
    def of(cls, word: Word, place: int, text: str) -> Piece:
        """The word copied from `text`, which it was found in."""
        before = word.start == 0 or text[word.start - 1].isspace()
        after = word.end == len(text) or text[word.end].isspace()
        return cls(word.text, place, before, after)


def join(pieces: Sequence[Piece], *, terminate: bool) -> str:
    """The pieces as a line of text: spaced, capitalised, with a full stop if `terminate`."""
    pieces = _without_stray_quote(pieces)
    parts: list[str] = []
    in_quotes = False
    for index, piece in enumerate(pieces):
        previous = pieces[index - 1] if index else None
        if previous is not None and _spaced(previous, piece, in_quotes):
            parts.append(" ")
        if piece.text == '"':
            in_quotes = not in_quotes
        parts.append(piece.text)
    line = "".join(parts).strip()
    first = next((i for i, character in enumerate(line) if character not in _BEFORE_FIRST), 0)
    if line[first : first + 2].islower():
        line = line[:first] + line[first].upper() + line[first + 1 :]
    return _terminated(line) if terminate else line.rstrip(".,;:")


def _without_stray_quote(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces without a closing single quote whose opening one was cut off."""
    if len(pieces) > 1 and pieces[-1].text in {"'", "’"}:
        opened = any(piece.text in {"'", "‘"} for piece in pieces[:-1])
        return pieces if opened else pieces[:-1]
    return pieces


def _spaced(previous: Piece, piece: Piece, in_quotes: bool) -> bool:
    if previous.place is not None and piece.place == previous.place + 1:
        return previous.space_after
    if piece.text == '"' or previous.text == '"':
        return not in_quotes
    if _CLOSING.fullmatch(piece.text):
        return False
    opens = previous.text in _OPENING or (previous.text == "'" and not previous.space_after)
    return not opens


def _terminated(line: str) -> str:
    line = line.rstrip(" ,;:-–—")
    bare = line.rstrip(_CLOSERS)
    if not bare or bare[-1] in _TERMINAL:
        return line
    return line + "."
