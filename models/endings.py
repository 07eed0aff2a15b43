"""Ends of shortened sentences: whether one stops where its sentence does not let it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.openers import CLAUSE_OPENERS, MARKS, MAY_FOLLOW, PREPOSITIONS, SINCE, TIMES
from models.shortening import Shortening
from models.verbs import AUXILIARIES, MODALS, is_verb

# What no sentence ends with, unless its source does.
_NO_END: Final = PREPOSITIONS | frozenset(
    "a an the and or but nor to as that which who whom whose if because while when where after "
    "before his its her their our my your is are was were be been being has have had will would "
    "can could may might must should between among including very more most less such both either "
    "neither not no one's".split()
)
_BREAKS: Final = frozenset(", and or who which that where -- - – —".split())
_GOES_ON: Final = frozenset(
    "back along out up down away off over just even also still together only now set".split()
)
_LENGTHS: Final = frozenset("yard mile metre meter foot feet kilometre block inch".split())
_IT_IS: Final = frozenset({("it", "is"), ("it", "was"), ("it's", "not")})
_PASSIVE: Final = AUXILIARIES | {"been", "being", "be"}
_HELPERS: Final = MODALS | frozenset("do does did don't doesn't didn't won't can't cannot".split())
# A last item of a list has at most so many words.
_LIST_ITEM_WORDS: Final = 3


def breaks_off(one: Shortening) -> bool:
    """Whether the shortening ends inside a phrase, a list or a clause of its sentence."""
    keys, last = one.keys, one.places[-1]
    if keys[-1] in _NO_END and last != len(one.source) - 1:
        return True
    if last is None or last + 1 >= len(one.source):
        return False
    rest = one.source[last + 1 :]
    return (
        _stops_short(keys, rest)
        or _ends_in_a_list(keys, rest[0])
        or _ends_without_its_verb(keys, rest[0])
    )


def _stops_short(keys: tuple[str, ...], rest: Sequence[str]) -> bool:
    """An end inside a phrase: "ahead of their Champions League | clash", "only a day | after"."""
    following = rest[0]
    if keys[-1] in _GOES_ON or (keys[-1].endswith("ly") and len(keys[-1]) > 4):
        return True  # "keeps them firmly | on course"
    if keys[-2:-1] == ("to",):
        return following not in MARKS  # "prepare to take | on"
    if following in SINCE and keys[-1].lstrip("0123456789").rstrip("s") in TIMES:
        return True
    if _leaves_its_verb_open(keys, following) or keys[-2:] == ("in", "order"):
        return True
    if following in {"from", "away"} and keys[-1].rstrip("s") in _LENGTHS:
        return True
    if len(rest) == 1 and following in PREPOSITIONS:
        return True  # "the firm he had lavished praise | on"
    if following == "for" and keys[-3:-1] in _IT_IS:
        return True  # "it is unthinkable | for the club to"
    if following == "by" and keys[-1].endswith("ed") and not _PASSIVE & {*keys[-2:-1]}:
        return True  # "videos published | by the group"
    is_word = any(character.isalnum() for character in following)
    return is_word and following not in MAY_FOLLOW and not following.endswith("ly")


def _leaves_its_verb_open(keys: tuple[str, ...], following: str) -> bool:
    """An end with a bare verb or "-ing": "he will revel | in it", "of not believing | in it"."""
    if following in MARKS:
        return False
    before = keys[-2] if len(keys) > 1 else ""
    return (
        before in _HELPERS
        or (before == "be" and keys[-1].endswith("ed"))
        or keys[-1].endswith("ing")
    )


def _ends_in_a_list(keys: tuple[str, ...], following: str) -> bool:
    """An end between the items of a list: "teeth, claws | and cufflinks"."""
    if following not in {",", "and", "or"} or "," not in keys:
        return False
    item = keys[len(keys) - keys[::-1].index(",") :]
    return len(item) <= _LIST_ITEM_WORDS and not {"and", "or"} & set(item)


def _ends_without_its_verb(keys: tuple[str, ...], following: str) -> bool:
    """A last clause that stops before its verb: "formed when a tall hill | , or a peak, …"."""
    if following not in _BREAKS:
        return False
    opens = [i for i, key in enumerate(keys) if key in CLAUSE_OPENERS]
    return bool(opens) and not any(map(is_verb, keys[opens[-1] + 1 :]))
