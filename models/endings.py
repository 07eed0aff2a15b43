"""Ends of shortened sentences: whether one stops where its sentence does not let it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from models.number_words import CARDINALS
from models.openers import CLAUSE_OPENERS, MARKS, MAY_FOLLOW, PREPOSITIONS, SINCE, TIMES
from models.shortening import Shortening
from models.verbs import AUXILIARIES, MODALS, is_surely_verb, is_verb

# What no sentence ends with, unless its source does.
_NO_END: Final = PREPOSITIONS | frozenset(
    "a an the and or but nor to as that which who whom whose if because while when where after "
    "before his its her their our my your is are was were be been being has have had will would "
    "can could may might must should between among including very more most less such both either "
    "neither not no one's 's".split()
)
_BREAKS: Final = frozenset(", and or who which that where -- - – —".split())
_GOES_ON: Final = frozenset(
    "back along out up down away off over just even also still together only now set".split()
)
_LENGTHS: Final = frozenset("yard mile metre meter foot feet kilometre block inch".split())
_IT_IS: Final = frozenset({("it", "is"), ("it", "was"), ("it's", "not")})
_PASSIVE: Final = AUXILIARIES | {"been", "being", "be"}
_HELPERS: Final = MODALS | frozenset("do does did don't doesn't didn't won't can't cannot".split())
_DETERMINERS: Final = frozenset("a an the his her its their this these".split())
_ANY_BUT: Final = frozenset("all anything nothing none everything no".split())
_LEADS_UP: Final = CLAUSE_OPENERS | {"if", "despite", "with", "following", "unless", "once"}
_ADJECTIVES: Final = frozenset(
    "big long huge small young old new large tall short dark good bad great little hot cold strong "
    "brave bright calm cheap clean clear cruel fierce fresh grim happy heavy light loud quick "
    "quiet rare rich sad sharp slow smart soft sweet thick thin tight tough warm weak wide".split()
)
_OF_ADJECTIVES: Final = tuple("al ive ous ful ic less able ible ish ing ate ent ant y".split())
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
        or _ends_in_a_series(keys, rest)
        or _ends_without_its_verb(keys, rest[0])
        or _leaves_a_clause_open(keys, rest)
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


def _ends_in_a_series(keys: tuple[str, ...], rest: Sequence[str]) -> bool:
    """An end between scores, amounts or adjectives: "lost 6-4 | , 7-5", "a long | , sad plea"."""
    before, last = (*keys[-2:-1], "")[0], keys[-1]
    if rest[0] == "and":
        # "it ended with Harris | and Macheda both seeing red", "a 'bad' | and 'sad' day"
        quotes = [key for key in (last, *rest[1:2]) if key[0] in "\"'“”‘’"]
        return "both" in rest[1:6] or len(quotes) == 2
    if rest[0] != "," or len(rest) < 2:
        return before == "," and rest[0] not in MARKS  # "Sir William, born | in 1555"
    if _is_amount(rest[1]) and (_is_amount(last) or _is_amount(before)):
        return True
    return before in {"a", "an"} and _is_adjective(last) and _is_adjective(rest[1])


def _is_adjective(key: str) -> bool:
    return key in _ADJECTIVES or (len(key) > 4 and key.endswith(_OF_ADJECTIVES))


def _is_amount(key: str) -> bool:
    return key[:1].isdecimal() or key in CARDINALS


def _leaves_a_clause_open(keys: tuple[str, ...], rest: Sequence[str]) -> bool:
    """A last part that only leads up to its clause: "but a late penalty | from Lee won it"."""
    last = {key: place for place, key in enumerate(keys)}
    but = keys[last["but"] + 1 :] if "but" in last else ()
    if but[:1] and but[0] in _DETERMINERS and not any(map(is_verb, but)):
        return keys[max(0, last["but"] - 1)] not in _ANY_BUT
    part = keys[last[","] + 1 :] if "," in last else ()
    if len(part) > 1 and part[0] in {"and", "but"}:
        # "he won, and judging by his form | , he will again", "but with Lee keen | they agreed"
        leads_up = part[1] in _LEADS_UP or part[1].endswith("ing")
        if leads_up and (rest[0] == "," or part[0] == "but"):
            return True
    if part[:1] == ("with",) and rest[0] not in MARKS and not any(map(is_surely_verb, part)):
        # "it is rich, with the income | of all clubs soaring"
        phrase = itertools.takewhile(lambda key: key not in MARKS, rest)
        return any(map(is_surely_verb, phrase))
    return False


def _ends_without_its_verb(keys: tuple[str, ...], following: str) -> bool:
    """A last clause that stops before its verb: "formed when a tall hill | , or a peak, …"."""
    if following not in _BREAKS:
        return False
    opens = [i for i, key in enumerate(keys) if key in CLAUSE_OPENERS]
    return bool(opens) and not any(map(is_verb, keys[opens[-1] + 1 :]))
