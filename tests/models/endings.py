"""Random networks seldom write their end token; another token may stand for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence


def varied_end(outputs: Sequence[Sequence[int]]) -> int:
    """The token whose first occurrences would end the outputs at the most different lengths."""
    firsts: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row, tokens in enumerate(outputs):
        for place, token in enumerate(tokens):
            firsts[token].setdefault(row, place)
    return max(firsts, key=lambda token: (len(set(firsts[token].values())), -token))
