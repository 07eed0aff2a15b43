"""Sentence boundaries with offsets: rules, no model, no language data to download.

A boundary is a sentence end (`.`, `!`, `?`, `…` and their full-width kin, with
the quotes and brackets that close behind it) followed by white space and by
something that can begin a sentence, unless the full stop belongs to an
abbreviation, an initial or a number. A blank line always ends a sentence.
"""

from __future__ import annotations

import re
from typing import Final

# Abbreviations that are followed by a name or number, so never end a sentence.
_BEFORE_NAME: Final = frozenset(
    "mr mrs ms mx dr prof rev hon gov gen sen rep lt col capt sgt cpl maj cmdr adm pres st mt ft "
    "messrs mme mlle msgr fr sr br vs v no nos vol art fig eq sec ch pp p ed eds supt det insp "
    "const dep asst atty sens reps gens cols drs profs hr frau dipl ing".split()
)
# Abbreviations that may end a sentence: they do when a capital follows that is
# not part of the same name, which only the wider context could tell; treat the
# commonest follow-ups (corporate suffixes, months, times) by what comes next.
_MAY_END: Final = frozenset(
    "inc ltd co corp llc plc bros etc jr sr esq u.s u.k u.n e.u d.c l.a a.m p.m jan feb mar apr "
    "jun jul aug sept sep oct nov dec ph.d m.d b.a m.a approx dept est min max ave blvd rd".split()
)
_NEVER_END: Final = frozenset("e.g i.e cf viz al ca c".split())

_OPENERS: Final = "\"'“”‘’«»„‚([{¿¡—–-•"
_END: Final = re.compile(
    r"""(?P<mark>[.!?…]+|[。！？]+)(?P<close>["'”’»)\]}]*)(?P<gap>\s+|(?<=[。！？])|$)"""
)
_BLANK: Final = re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n)+")
_STARTERS: Final = frozenset(
    "the a an he she it they we i you his her its their our my this that these those in on at but "
    "and or so if when while after before as for by with from to there what who why how however "
    "meanwhile instead also not no yes mr mrs ms dr".split()
)


def split(text: str) -> list[tuple[int, int]]:
    """Sentence spans (start, end) of `text`, in order, trimmed, never empty, never overlapping."""
    spans: list[tuple[int, int]] = []
    begin = 0
    for match in _BLANK.finditer(text):
        _split_block(text, begin, match.start(), spans)
        begin = match.end()
    _split_block(text, begin, len(text), spans)
    return spans


def _split_block(text: str, begin: int, end: int, spans: list[tuple[int, int]]) -> None:
    start = begin
    for match in _END.finditer(text, begin, end):
        if _is_boundary(text, match, end):
            _append(text, start, match.end("close"), spans)
            start = match.end()
    _append(text, start, end, spans)


def _append(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end and any(character.isalnum() for character in text[start:end]):
        spans.append((start, end))
    elif start < end and spans:
        spans[-1] = (spans[-1][0], end)


def _is_boundary(text: str, match: re.Match[str], end: int) -> bool:
    mark, after = match["mark"], match.end()
    if after >= end or mark[0] in "。！？":
        return True
    following = text[after:end].lstrip(_OPENERS)
    if not following:
        return True
    if following[0].islower():
        # "Yahoo! said", "... and so on": the sentence goes on.
        return "\n" in match["gap"] and mark != "…"
    if mark != "." or match["close"]:
        return True
    return not _is_abbreviation(text[: match.start("mark")], following)


def _is_abbreviation(before: str, following: str) -> bool:
    word = before[-24:].split()[-1] if before[-24:].split() else ""
    word = word.lstrip(_OPENERS).lower()
    if not word:
        return False
    if word in _BEFORE_NAME or word in _NEVER_END:
        # "No. 5" and "St. Louis", but "He said no. The" ends.
        return not (word in {"no", "p", "v", "art", "ch", "ed", "ing", "fr"} and _starts(following))
    if word in _MAY_END or re.fullmatch(r"(?:[a-z]\.)+[a-z]", word):
        return not _starts(following)
    # An initial: "J. K. Rowling", "George W. Bush".
    return len(word) == 1 and word.isalpha() and word != "i"


def _starts(following: str) -> bool:
    first = re.match(r"\w+", following)
    return bool(first) and first.group().lower() in _STARTERS
