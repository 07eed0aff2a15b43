"""Source-copy drafts: a summary copies, so its next words often stand in the article.

Where the last tokens of the output stand in the article, what follows there
is the draft. The decoder reads the draft in one pass and keeps the longest
prefix that it would have written itself, so the output is that of greedy
search, token for token (Yang et al. 2023, "Inference with Reference"; Ge et
al. 2022, "Lossless Acceleration for Seq2seq Generation with Aggressive
Decoding").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

DRAFT_TOKENS: Final = 7
# Longest context that is looked up first; one token alone is too often a chance hit.
_LONGEST_CONTEXT: Final = 4
_SHORTEST_CONTEXT: Final = 2
# Steps looked at before drafting may switch itself off, and how long it then stays off.
_TRIAL_STEPS: Final = 12
_PAUSE_STEPS: Final = 64
_MEMORY: Final = 0.9


@dataclass(frozen=True, slots=True)
class Draft:
    """Tokens of the article from place `at` on."""

    tokens: tuple[int, ...]
    at: int


class SourceIndex:
    """Where each pair of an article's tokens ends, in the order of the article."""

    def __init__(self, source: Sequence[int]) -> None:
        self._source = tuple(source)
        self._after: dict[tuple[int, int], list[int]] = {}
        for at, pair in enumerate(pairwise(self._source[:-1]), start=_SHORTEST_CONTEXT):
            self._after.setdefault(pair, []).append(at)

    def draft(self, output: Sequence[int], expected: int | None, most: int) -> Draft | None:
        """Up to `most` tokens that may follow `output`; None when nothing matches.

        The longest common context wins. Of several such places the one at
        `expected` (where the last draft left off) is preferred, else the
        first, since news puts first what is copied.
        """
        if len(output) < _SHORTEST_CONTEXT:
            return None
        places = self._after.get((output[-2], output[-1]))
        if not places:
            return None
        common = [self._common(output, place) for place in places]
        longest = max(common)
        best = [place for place, size in zip(places, common, strict=True) if size == longest]
        at = expected if expected in best else best[0]
        return Draft(self._source[at : at + most], at)

    def _common(self, output: Sequence[int], place: int) -> int:
        """How many of the last tokens, up to the longest context, stand before `place`."""
        size = _SHORTEST_CONTEXT
        most = min(_LONGEST_CONTEXT, len(output), place)
        while size < most and output[-1 - size] == self._source[place - 1 - size]:
            size += 1
        return size


@dataclass(slots=True)
class DraftingSwitch:
    """Drafts only while they pay: tokens gained against the time a longer step takes.

    `plain_seconds` and `drafted_seconds` are running means of the two kinds of
    step, `gained` of the tokens a row keeps in a drafted one. While drafting
    is off, it is tried again now and then.
    """

    plain_seconds: float = 0.0
    drafted_seconds: float = 0.0
    gained: float = 0.0
    steps: int = 0
    pause: int = 0

    def wants_draft(self) -> bool:
        if self.pause > 0:
            self.pause -= 1
            return False
        return True

    def saw_plain(self, seconds: float) -> None:
        self.plain_seconds = _mean(self.plain_seconds, seconds)

    def saw_drafted(self, seconds: float, gained: float) -> None:
        self.drafted_seconds = _mean(self.drafted_seconds, seconds)
        self.gained = gained if self.steps == 0 else _MEMORY * self.gained + (1 - _MEMORY) * gained
        self.steps += 1
        if self.steps < _TRIAL_STEPS or self.plain_seconds == 0.0:
            return
        if self.gained * self.plain_seconds < self.drafted_seconds:
            self.steps, self.pause = 0, _PAUSE_STEPS


def _mean(mean: float, value: float) -> float:
    return value if mean == 0.0 else _MEMORY * mean + (1 - _MEMORY) * value
