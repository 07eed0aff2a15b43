"""Whether a shortened sentence still is one: checks on what was cut out of its source.

Cutting goes wrong in few ways: the main verb goes with the clause that holds
it, a cut parts a subject from its verb or a preposition from its noun, a
quotation loses one of its marks. Each check looks at the words around a cut;
one that is too strict costs only brevity, for the source sentence then stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_AUXILIARIES: Final = frozenset(
    "is are was were am has have had will would can could may might must shall should do does did "
    "isn't aren't wasn't weren't hasn't haven't hadn't won't wouldn't can't cannot couldn't "
    "shouldn't don't doesn't didn't he's she's it's they're we're i'm that's there's he'll it'll "
    "they've we've i've he'd she'd they'd".split()
)
_REPORTING: Final = frozenset(
    "said says say told tells added believes believe claims claimed claim felt thinks think "
    "insists insisted argues argued reported reports announced confirmed suggests suggested "
    "reveals revealed explained warned warns hopes feared".split()
)
# Pasts and presents that are hardly ever participles or nouns.
_FINITE: Final = frozenset(
    "took made went came became began got gave knew saw wrote spoke broke chose drove fell flew "
    "grew rose threw wore ate drank rang sang swam won met left lost led kept paid sent spent "
    "stood sold held told found fought caught taught thought brought bought shot struck hit wants "
    "gets makes takes goes comes gives keeps becomes seems appears remains includes faces".split()
)
_PREPOSITIONS: Final = frozenset("of in for with by from at on into than".split())
_MODALS: Final = "will would can could may might must shall should".split()
_AFTER_MODAL: Final = dict.fromkeys(_MODALS, frozenset({"have", "do"}))
_NO_END: Final = _PREPOSITIONS | frozenset(
    "a an the and or but to that which who whose as if when while because his her its their be "
    "been being not very more most".split()
)
_NO_START: Final = frozenset("to of than which that whose whom and or".split())
# What may be cut off behind a whole sentence.
_MAY_FOLLOW: Final = _PREPOSITIONS | frozenset(
    "to and or but who which that when while where as if because before after since until during "
    "about against over under between through amid among near despite without within following "
    "so though although unless whose whether monday tuesday wednesday thursday friday "
    "saturday sunday last this next earlier yesterday today tomorrow now again too also however "
    "according via upon toward towards around across off out up along behind".split()
)
_SINCE: Final = frozenset("after before since later ago".split())
_TIMES: Final = frozenset("second minute hour day week month year".split())
_BEFORE_PARTICIPLE: Final = _PREPOSITIONS | frozenset("and or , the a an as was were been".split())
_AFTER_PARTICIPLE: Final = frozenset("by to with as of in from".split())


def is_sound(keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]) -> bool:
    """Whether the words `keys`, copied from `places` of `source` or written (None), hold up.

    `keys` and `source` are case-folded words; places outside the sentence
    (copied from its context) are None too.
    """
    if not keys or keys[-1] in _NO_END or keys.count('"') % 2:
        return False
    if keys.count("(") != keys.count(")") or any(map(str.__eq__, keys, keys[1:])):
        return False
    if places[0] and keys[0] in _NO_START:
        return False
    if keys.count(",") == 1 and _follows(keys, ",") in _AUXILIARIES:
        return False  # "Nigel Wilson of Nottingham, has been": its fellow was cut out
    if _stops_short(keys, places, source) or _broken_joint(keys, places):
        return False
    return _keeps_its_verb(keys, places, source)


def _follows(keys: Sequence[str], key: str) -> str:
    place = list(keys).index(key) + 1
    return keys[place] if place < len(keys) else ""


def _stops_short(keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]) -> bool:
    """An end inside a phrase: "ahead of their Champions League | clash", "only a day | after"."""
    last = places[-1]
    if last is None or last + 1 >= len(source):
        return False
    following = source[last + 1]
    if following in _SINCE and keys[-1].rstrip("s") in _TIMES:
        return True
    is_word = any(character.isalnum() for character in following)
    return is_word and following not in _MAY_FOLLOW and not following.endswith(("ing", "ly"))


def _broken_joint(keys: Sequence[str], places: Sequence[int | None]) -> bool:
    """A preposition before a verb, or two verbs, where a cut brought them together."""
    for i in range(1, len(keys)):
        before, place = places[i - 1], places[i]
        if before is not None and place == before + 1:
            continue
        left, right = keys[i - 1], keys[i]
        verb = right in _AUXILIARIES or right in _FINITE or right in _REPORTING
        if left in _PREPOSITIONS and (verb or right.endswith("ed") or right in _PREPOSITIONS):
            return True
        if left in _AUXILIARIES and right in _AUXILIARIES - _AFTER_MODAL.get(left, frozenset()):
            return True
    return False


def _keeps_its_verb(
    keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]
) -> bool:
    kept = {place for place in places if place is not None}
    last = next((place for place in reversed(places) if place is not None), -1)
    lost = [
        place
        for place in _verbs(source)
        if place not in kept and not (place > last and source[place] in _REPORTING)
    ]
    if not lost:
        return True
    verbs = _verbs(keys)
    if not verbs:
        return False
    if _next_word(source, last) in _AUXILIARIES | _FINITE:
        return False
    # "Inspectors said the misuse of outer garments": what was said lost its verb.
    reporting = verbs[-1]
    told = keys[reporting] in _REPORTING and len(keys) - reporting > 3
    quoted = '"' in keys[:reporting]
    return not (told and not quoted and any(place > last for place in lost))


def _next_word(source: Sequence[str], place: int) -> str:
    for key in source[place + 1 :]:
        if any(character.isalnum() for character in key):
            return key
    return ""


def _verbs(keys: Sequence[str]) -> list[int]:
    """Places of words that are surely finite verbs."""
    return [
        i
        for i, key in enumerate(keys)
        if key in _AUXILIARIES
        or key in _REPORTING
        or key in _FINITE
        or (
            key.endswith("ed")
            and len(key) > 4
            and i > 0
            and keys[i - 1] not in _BEFORE_PARTICIPLE
            and (i + 1 == len(keys) or keys[i + 1] not in _AFTER_PARTICIPLE)
        )
    ]
