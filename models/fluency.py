"""Does a compressed sentence stop where a sentence can stop?

A rewrite that copies its source and ends early is whole only if it ends where
a phrase ends: before a mark, a conjunction, a preposition, a relative. Ending
anywhere else ("in their last two competitive Twickenham.") it breaks off.
"""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*|[$£€]?\d[\d.,:]*%?")
_MARK: Final = re.compile(r"[,;:()\[\]—–\"“”«».!?]|--|\s-\s")
# A phrase may end before these. Not before "of" and "that": what they begin belongs to it.
_OPENERS: Final = frozenset(
    "and or but nor yet so because while whilst when whenever after before as which who whom whose "
    "where since until till although though unless if than in on at for with by from to into onto "
    "over under during without within against amid among between despite following including "
    "through throughout towards toward across around about near behind beyond along via per due "
    "rather instead even just only once".split()
)
# What no sentence ends with.
_DANGLING: Final = frozenset(
    "a an the of and or but nor that which who whom whose to in on at for with by from into onto "
    "over under as than if because while when where after before his her its their our my your "
    "is are was were be been being has have had will would can could may might must should "
    "between among including very more most less such both either neither not no".split()
)
# "He came in.", "what she asked for", "the most": these may end one when the source ends there.
_LEFT_FEW: Final = 2


def breaks_off(rewrite: str, source: str) -> bool:
    """Whether the rewrite ends inside a phrase of its source."""
    ours = [match.group().casefold() for match in _WORD.finditer(rewrite)]
    theirs = list(_WORD.finditer(source))
    keys = [match.group().casefold() for match in theirs]
    if not ours:
        return True
    tail = ours[-_LEFT_FEW:]
    ends = [
        place + len(tail)
        for place in range(len(keys) - len(tail) + 1)
        if keys[place : place + len(tail)] == tail
    ]
    if any(end == len(keys) for end in ends):
        return False
    if ours[-1] in _DANGLING:
        return True
    if not ends:
        return False
    return not any(_can_end(source, theirs, keys, end) for end in ends)


def _can_end(source: str, words: list[re.Match[str]], keys: list[str], end: int) -> bool:
    """Whether a phrase of the source ends before its word number `end`."""
    between = source[words[end - 1].end() : words[end].start()]
    return bool(_MARK.search(between)) or keys[end] in _OPENERS
