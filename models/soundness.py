"""Signs that a shortened sentence is none: what can be told from the words around each cut.

Cutting goes wrong in few ways: the main verb goes with the clause that holds
it, a cut parts a subject from its verb or a preposition from its noun, the end
breaks a phrase off, a quotation loses one of its marks. Each check is cheap
and one that is too strict costs only brevity, for something safer then stands;
what needs to know the sentence's grammar is left to `models.acceptability`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from models.shortening import Shortening
from models.verbs import AUXILIARIES, FINITE, MODALS, REPORTING, is_verb

_PREPOSITIONS: Final = frozenset("of in for with by from at on into than".split())
_AFTER_MODAL: Final = dict.fromkeys(MODALS, frozenset({"have", "do"}))
# What no sentence ends with, unless its source does.
_NO_END: Final = _PREPOSITIONS | frozenset(
    "a an the and or but nor to as that which who whom whose if because while when where after "
    "before his its her their our my your is are was were be been being has have had will would "
    "can could may might must should between among including very more most less such both either "
    "neither not no one's".split()
)
_NO_START: Final = frozenset("to of than which that whose whom and or".split())
# A phrase may end before these. Not before "of" and "that": what they begin belongs to it.
_MAY_FOLLOW: Final = (_PREPOSITIONS - {"of"}) | frozenset(
    "and or but nor yet so because while whilst when whenever after before as which who whom whose "
    "where since until till although though unless if whether than to onto over under during "
    "without within against about amid among between despite following including through "
    "throughout towards toward across around near behind beyond along via per due upon off out up "
    "monday tuesday wednesday thursday friday saturday sunday last this next earlier yesterday "
    "today tomorrow now again too also however according rather instead even just only "
    "once".split()
)
_SINCE: Final = frozenset("after before since later ago".split())
_TIMES: Final = frozenset("second minute hour day week month year".split())
_BEFORE_PARTICIPLE: Final = _PREPOSITIONS | frozenset("and or , the a an as was were been".split())
_AFTER_PARTICIPLE: Final = frozenset("by to with as of in from".split())
_CLAUSES: Final = frozenset(
    "as while whilst when after because since although though unless if".split()
)
_SUBORDINATORS: Final = _CLAUSES | frozenset(
    "whenever before until despite in on at amid with without during following given instead not "
    "among for from by".split()
)
_RELATIVES: Final = frozenset("which who whose whom where when as and or but including".split())
_PRONOUNS: Final = frozenset("he she it they".split())

_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*|[$£€]?\d[\d.,:]*%?")
_QUOTE: Final = re.compile(r"[\"“”]")
# Single quotation marks, told from apostrophes by what stands around them.
_SINGLE_OPEN: Final = re.compile(r"(?:^|[\s(])['‘](?=\w)")
_SINGLE_CLOSE: Final = re.compile(r"(?<=[\w.,!?])['’](?=[\s.,;:)]|$)")
_STRAY: Final = re.compile(r"[^\Ws]['’](?=[\s.,;:]|$)")


def is_sound(one: Shortening, text: str) -> bool:
    """Whether none of the signs is there; `text` is the shortening as it is to be read."""
    return (
        one.in_order
        and has_verb(text)
        and not is_unbalanced(text)
        and not (_STRAY.search(text) and not _SINGLE_OPEN.search(text))
        and not _is_cut_badly(one)
        and _takes_only_names_from_elsewhere(one)
    )


def has_verb(text: str) -> bool:
    """Whether some word in lower case looks like a verb; a name or a list of names has none."""
    words = [match.group() for match in _WORD.finditer(text)]
    return any(
        is_verb(word.casefold().replace("’", "'"))
        for place, word in enumerate(words)
        if place == 0 or word[:1].islower()
    )


def is_unbalanced(text: str) -> bool:
    """Whether a quotation is opened and not closed, or a bracket."""
    opened = text.count("(") != text.count(")") or text.count("[") != text.count("]")
    single = len(_SINGLE_OPEN.findall(text)) > len(_SINGLE_CLOSE.findall(text))
    return opened or single or len(_QUOTE.findall(text)) % 2 == 1


def _is_cut_badly(one: Shortening) -> bool:
    keys, places, source = one.keys, one.places, one.source
    if one.is_whole:
        return False
    ends_with_source = places[-1] == len(source) - 1
    if keys[-1] in _NO_END and not ends_with_source:
        return True
    if places[0] and (keys[0] in _NO_START or keys[0].endswith("ing")):
        return True
    if any(first == second and first not in {"had", "that"} for first, second in pairwise(keys)):
        return True
    if keys.count(",") == 1 and _follows(keys, ",") in AUXILIARIES:
        return True  # "Nigel Wilson of Nottingham, has been": its fellow was cut out
    if _opens_an_aside_only(one):
        return True
    return (
        _stops_short(keys, places, source)
        or _lacks_main_clause(one)
        or _broken_joint(keys, places)
        or not _keeps_its_verb(keys, places, source)
    )


def _opens_an_aside_only(one: Shortening) -> bool:
    """Whether the second of two commas alone was cut: "The leaders, Ann Reed and Bo Lee | met"."""
    kept = set(one.copied)
    return any(
        key == ","
        and place not in kept
        and {place - 1, place + 1} <= kept
        and any(one.source[earlier] == "," for earlier in kept if earlier < place)
        for place, key in enumerate(one.source)
    )


def _takes_only_names_from_elsewhere(one: Shortening) -> bool:
    """What a sentence takes from its context stands for a pronoun that it opened with."""
    if one.task == "headline" or None not in one.places:
        return True
    first = next(i for i, place in enumerate(one.places) if place is not None)
    if None in one.places[first:] or one.source[0] not in _PRONOUNS or one.places[first] != 1:
        return False
    return not set(one.keys[:first]) & set(one.keys[first:])


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
    return is_word and following not in _MAY_FOLLOW and not following.endswith("ly")


def _lacks_main_clause(one: Shortening) -> bool:
    """Whether what makes the source a sentence was left out.

    Three ways: an opening "In …" or "While …" and no main clause behind it; an
    end where the source goes on ", has been …", a subject without its verb; an
    "As" dropped that held two clauses together. And "so … that" without its "that".
    """
    keys, source = list(one.keys), one.source
    last = one.copied[-1]
    if source[0] in _CLAUSES and one.copied[0] in (1, 2) and "," in keys:
        return True
    if "so" in keys and "so" in source and "that" in source[source.index("so") :]:
        so = source.index("so")
        that = source.index("that", so)
        if that - so <= 4 and so in one.copied and that not in one.copied:
            return True
    if last + 2 >= len(source) or source[last + 1] != ",":
        return False
    if source[last + 2] in AUXILIARIES:
        return True
    return keys[0] in _SUBORDINATORS and not _has_later_clause(keys)


def _has_later_clause(keys: Sequence[str]) -> bool:
    """Whether some clause behind a comma could be the main one."""
    clauses = " ".join(keys).split(" , ")[1:]
    return any(
        len(words) > 2 and words[0] not in _RELATIVES for words in (one.split() for one in clauses)
    )


def _broken_joint(keys: Sequence[str], places: Sequence[int | None]) -> bool:
    """A preposition before a verb, or two verbs, where a cut brought them together."""
    for i in range(1, len(keys)):
        before, place = places[i - 1], places[i]
        if before is not None and place == before + 1:
            continue
        left, right = keys[i - 1], keys[i]
        verb = right in AUXILIARIES or right in FINITE or right in REPORTING
        if left in _PREPOSITIONS and (verb or right.endswith("ed") or right in _PREPOSITIONS):
            return True
        if left in AUXILIARIES and right in AUXILIARIES - _AFTER_MODAL.get(left, frozenset()):
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
        if place not in kept and not (place > last and source[place] in REPORTING)
    ]
    if not lost:
        return True
    verbs = _verbs(keys)
    if not verbs:
        return False
    if _next_word(source, last) in AUXILIARIES | FINITE:
        return False
    # "Inspectors said the misuse of outer garments": what was said lost its verb.
    reporting = verbs[-1]
    told = keys[reporting] in REPORTING and len(keys) - reporting > 3
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
        if key in AUXILIARIES
        or key in REPORTING
        or key in FINITE
        or (
            key.endswith("ed")
            and len(key) > 4
            and i > 0
            and keys[i - 1] not in _BEFORE_PARTICIPLE
            and (i + 1 == len(keys) or keys[i + 1] not in _AFTER_PARTICIPLE)
        )
    ]
