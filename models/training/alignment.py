"""How a reference sentence can be written from source words: the copy supervision.

Each reference word is either copied from one place of the source or written
from the common vocabulary. Of all such derivations the cheapest is taken
(Viterbi), where runs of consecutive source words are free and jumps cost, so
that the rewriter learns to copy in long runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

FIRST_JUMP: Final = 0.9  # into the target, so that one run beats a word and a run
FORWARD_JUMP: Final = 1.0
BACKWARD_JUMP: Final = 3.0
CONTEXT_JUMP: Final = 2.0  # into or out of the context, on top of the direction
WRITE_FUNCTION_WORD: Final = 1.3
WRITE_WORD: Final = 3.0

FUNCTION_WORDS: Final = frozenset(
    "a an the and or but of to in on at for with by from as that is are was were be been has have "
    "had will would who which it its his her their he she they after before when while , into than "
    "over this more says said also not out up about".split()
)
# Words that a newspaper's note form leaves out and a sentence needs.
OMITTED_IN_NOTES: Final = frozenset(
    "a an the is are was were be been has have had his her its their he she they it that of on "
    "and in to".split()
)
ARTICLES: Final = frozenset("a an the his her its their".split())
_BEFORE_ARTICLE: Final = frozenset("of in on at for with by from to and than as".split())


@dataclass(frozen=True, slots=True)
class Source:
    """The keys of the source words (context first); words from `target_start` on are the target."""

    keys: tuple[str, ...]
    target_start: int


def align(
    reference: Sequence[str], source: Source, written: Collection[str]
) -> list[int | str] | None:
    """The cheapest derivation of `reference` (keys): a place in the source, or the written word.

    None if some word is neither in the source nor in `written`, or if the
    cheapest derivation copies one place twice.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(source.keys):
        places[key].append(place)
    # State: (last copied place, was the last word copied); value: cost and path so far.
    states: dict[int, tuple[float, tuple[int | str, ...]]] = {source.target_start - 1: (0.0, ())}
    for key in reference:
        following: dict[int, tuple[float, tuple[int | str, ...]]] = {}
        for last, (cost, path) in states.items():
            for place in places.get(key, ()):
                total = cost + _jump(last, place, source.target_start, first=not path)
                if place not in following or total < following[place][0]:
                    following[place] = (total, (*path, place))
            if key in written:
                total = cost + (WRITE_FUNCTION_WORD if key in FUNCTION_WORDS else WRITE_WORD)
                if last not in following or total < following[last][0]:
                    following[last] = (total, (*path, key))
        if not following:
            return None
        states = following
    _, path = min(states.values(), key=lambda state: state[0])
    copied = [step for step in path if isinstance(step, int)]
    return list(path) if len(set(copied)) == len(copied) else None


def _jump(last: int, place: int, target_start: int, *, first: bool) -> float:
    if place == last + 1:
        return 0.0
    if first and place >= target_start:
        return FIRST_JUMP
    cost = FORWARD_JUMP if place > last else BACKWARD_JUMP
    if (place < target_start) != (last < target_start):
        cost += CONTEXT_JUMP
    return cost


def fill_notes(path: Sequence[int | str], source: Source) -> list[int | str]:
    """The derivation with the small words put back that note form leaves out of the target.

    "Vick set to appear in court" from "Vick is set to appear in federal court"
    becomes "Vick is set to appear in court": what was skipped is taken back
    where all of it is articles, auxiliaries and the like.
    """
    filled: list[int | str] = []
    used = {step for step in path if isinstance(step, int)}
    for index, step in enumerate(path):
        if isinstance(step, int):
            before = path[index - 1] if index else None
            filled.extend(_skipped(before, step, source, used))
        filled.append(step)
    return filled


def _skipped(before: int | str | None, place: int, source: Source, used: set[int]) -> list[int]:
    if place <= source.target_start:
        return []
    if isinstance(before, int) and source.target_start <= before < place - 1:
        gap = range(before + 1, place)
        if len(gap) <= 3 and all(source.keys[p] in OMITTED_IN_NOTES and p not in used for p in gap):
            return list(gap)
    article = place - 1
    needs_article = not (isinstance(before, int) and before == article)
    preceding = source.keys[before] if isinstance(before, int) else before
    if (
        needs_article
        and source.keys[article] in ARTICLES
        and article not in used
        and not source.keys[place][:1].isdigit()
        and (preceding is None or preceding in _BEFORE_ARTICLE)
    ):
        return [article]
    return []


def runs(path: Sequence[int | str]) -> int:
    """The number of maximal stretches of consecutive source places in a derivation."""
    count, last = 0, None
    for step in path:
        if isinstance(step, int):
            count += last is None or step != last + 1
            last = step
        else:
            last = None
    return count
