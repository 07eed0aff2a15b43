"""Signs that a shortened sentence is none: what can be told from the words around each cut.

Cutting goes wrong in few ways: the main verb goes with the clause that holds
it, a cut parts a subject from its verb or a preposition from its noun, the end
breaks a phrase off, a quotation loses one of its marks. Each check is cheap
and one that is too strict costs only brevity, for something safer then stands;
what needs to know the sentence's grammar is left to `models.acceptability`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from models.complements import leaves_a_complement
from models.endings import breaks_off
from models.fragments import has_main_clause, has_stray_quote, is_unbalanced
from models.openers import (
    CLAUSE_OPENERS,
    DASHES,
    MARKS,
    MAY_FOLLOW,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVE_CLAUSES,
    SINCE,
    TIMES,
    WEEKDAYS,
    WHEN,
)
from models.shortening import Shortening
from models.verbs import AUXILIARIES, FINITE, MODALS, REPORTING, is_surely_verb, is_verb

_AFTER_MODAL: Final = dict.fromkeys(MODALS, frozenset({"have", "do"}))
_NO_START: Final = frozenset("to of than which that whose whom and or".split())
_TIMED: Final = frozenset("after before since when while as until".split())
_SMALL_WORDS: Final = frozenset(
    "a an the to for in on at of by with from over after before as amid and , 's is are".split()
)
_SUBJECTS: Final = PRONOUNS | {"we", "i", "you"}
_LINKS: Final = frozenset("and or but so yet then now".split())
_OPENS_ASIDES: Final = frozenset("a an the who which whose where".split())
_ASIDES: Final = frozenset("who which whose where aged including".split())
_NUMBER: Final = re.compile(r"\d.*|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred")
_WHEN_AND_WHERE: Final = (
    PREPOSITIONS | WEEKDAYS | PRONOUNS | frozenset('yesterday today last this that , "'.split())
)
# A cut inside of at least so many words has to be a phrase.
_PHRASE_WORDS: Final = 3
_BEFORE_PARTICIPLE: Final = PREPOSITIONS | frozenset("and or , the a an as was were been".split())
_AFTER_PARTICIPLE: Final = frozenset("by to with as of in from".split())
_CLAUSES: Final = frozenset(
    "as while whilst when after because since although though unless if".split()
)
_SUBORDINATORS: Final = _CLAUSES | frozenset(
    "whenever before until despite in on at amid with without during following given instead not "
    "among for from by".split()
)
_RELATIVES: Final = frozenset("which who whose whom where when as and or but including".split())


def is_sound(one: Shortening, text: str) -> bool:
    """Whether none of the signs is there; `text` is the shortening as it is to be read."""
    return (
        one.in_order
        and not one.joins_sentences
        and has_main_clause(text)
        and not is_unbalanced(text)
        and not has_stray_quote(text)
        and not _is_cut_badly(one)
        and _takes_only_names_from_elsewhere(one)
    )


def _is_cut_badly(one: Shortening) -> bool:
    keys, places, source = one.keys, one.places, one.source
    if one.is_whole:
        return False
    if places[0] and (keys[0] in _NO_START | AUXILIARIES or keys[0].endswith("ing")):
        return True
    if places[0] and (source[places[0] - 1] in DASHES or keys[1:2] == (",",)):
        return True  # "Saturday | night, he scored twice"
    if "whom" in keys[:5]:
        return True  # "most of whom live there": of those before
    if any(first == second and first not in {"had", "that"} for first, second in pairwise(keys)):
        return True
    if keys.count(",") == 1 and _parts_its_subject(keys):
        return True
    if keys.count(",") == 1 and _leaves_its_aside_open(keys):
        return True
    if _opens_an_aside_only(one):
        return True
    return (
        breaks_off(one)
        or leaves_a_complement(one)
        or _cuts_through(one)
        or _gives_another_subject(one)
        or _moves_its_aside(one)
        or _lacks_main_clause(one)
        or _broken_joint(keys, places)
        or not _keeps_its_verb(keys, places, source)
        or _tells_without_a_verb(keys, places, source)
    )


def _parts_its_subject(keys: Sequence[str]) -> bool:
    """ "Nigel Wilson of Nottingham, has been": the comma's fellow was cut out."""
    begins = _follows(keys, ",")
    if begins in AUXILIARIES:
        return True
    finite = is_verb(begins) and not begins.endswith(("ed", "ing")) and begins not in REPORTING
    return finite and not any(map(is_verb, keys[: keys.index(",")]))


def _leaves_its_aside_open(keys: Sequence[str]) -> bool:
    """A subject and an aside, and nothing behind it: "Leeds, looking for a win since May"."""
    comma = keys.index(",")
    begins = _follows(keys, ",")
    aside = begins in _ASIDES or begins[:1].isdigit() or begins.endswith(("ing", "ed"))
    opening = keys[0] in _SUBORDINATORS or keys[0].endswith(("ing", "ed", "ly"))
    return aside and not opening and not any(map(is_verb, keys[:comma]))


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
    if one.task == "headline":
        return not _writes_its_own(one)
    if None not in one.places:
        return True
    first = next(i for i, place in enumerate(one.places) if place is not None)
    if None in one.places[first:] or one.source[0] not in PRONOUNS or one.places[first] != 1:
        return False
    return not set(one.keys[:first]) & set(one.keys[first:])


def _follows(keys: Sequence[str], key: str) -> str:
    place = keys.index(key) + 1
    return keys[place] if place < len(keys) else ""


def _writes_its_own(one: Shortening) -> bool:
    """Whether a headline has a word that is neither small nor a form of one that it left out."""
    gone = {key for i, key in enumerate(one.source) if i not in set(one.copied)}
    return any(
        place is None
        and key not in _SMALL_WORDS
        and not any(key[:3] == other[:3] for other in gone)
        and not (key in REPORTING and gone & REPORTING)
        for key, place in zip(one.keys, one.places, strict=True)
    )


def _cuts_through(one: Shortening) -> bool:
    """A longer cut inside that is no phrase: it does not begin like one or runs into the next."""
    source, copied = one.source, one.copied
    for left, right in pairwise(copied):
        cut = source[left + 1 : right]
        if not cut:
            continue
        if cut[0] in {"by", "to"}:
            return True  # "Red Rum, ridden | jumps the last"
        if _NUMBER.fullmatch(cut[-1]) and source[right][:1].isalpha():
            return True  # "for the last | years"
        if cut[0] in _TIMED and source[right] in WHEN:
            return True  # "is taking a break | after winning the cup | last month"
        if source[right] in MAY_FOLLOW - MARKS and _is_clause(cut):
            return True  # "it has begun |, with all dreaming of the final | on June 6"
        said = REPORTING & set(cut)
        if cut[0] == cut[-1] == "," and not said and not _goes_on(source[right]):
            return True  # "is ill |, after a drug trial, | Amol, and is at home"
        if len(cut) < _PHRASE_WORDS or MARKS & {source[left], cut[0], cut[-1], source[right]}:
            continue
        begins = cut[0] in MAY_FOLLOW or cut[0] in {"of", "that"}
        goes_on = source[right] in MAY_FOLLOW | AUXILIARIES | FINITE | REPORTING
        if not (begins and goes_on):
            return True
    return False


def _goes_on(key: str) -> bool:
    """Whether a clause may go on with this word behind an aside."""
    return key in MAY_FOLLOW | MARKS | {"to", "of", "that"} or is_verb(key) or key.endswith("ly")


def _is_clause(cut: Sequence[str]) -> bool:
    """Whether a cut that no mark ends holds a clause, which what follows it belongs to."""
    if cut[-1] in MARKS:
        return False
    infinitive = any(first == "to" and is_verb(second) for first, second in pairwise(cut))
    return infinitive or any(map(is_surely_verb, cut))


def _gives_another_subject(one: Shortening) -> bool:
    """A verb that a cut parts from its own subject: "Olsen | alleged that Woods | was serving"."""
    source = one.source
    for left, right in pairwise(one.copied):
        cut = source[left + 1 : right]
        if {"who", "which"} & set(cut) and cut[-1] in {"and", "or", "but"}:
            return True  # "the striker | , who began and | ended his career there, was"
        if not cut or cut[-1] in MARKS or source[right] not in AUXILIARIES | FINITE | REPORTING:
            continue
        aside = cut[0] in {"who", "which"} and not REPORTING & set(cut)
        if not aside and ("that" in cut or _verbs(cut)):
            return True
    return False


def _moves_its_aside(one: Shortening) -> bool:
    """An aside that a cut brings to another noun: "he was in Syria | with Jo Lee |, a soldier"."""
    source = one.source
    for left, right in pairwise(one.copied):
        cut = source[left + 1 : right]
        if cut and source[right] == "," and not MARKS & set(cut):
            following = source[right + 1] if right + 1 in set(one.copied) else ""
            if following in _OPENS_ASIDES and "," not in source[right + 1 : one.copied[-1]]:
                return True
    return False


def _lacks_main_clause(one: Shortening) -> bool:
    """Whether what makes the source a sentence was left out.

    Three ways: an opening "In …" or "While …" and no main clause behind it; an
    end where the source goes on ", has been …", a subject without its verb; an
    "As" dropped that held two clauses together. And "so … that" without its "that".
    """
    keys, source = one.keys, one.source
    last = one.copied[-1]
    if _has_only_a_dependent_clause(keys):
        return True
    if last + 1 < len(source) and _opens_with_a_clause(keys) and not _has_later_clause(keys):
        return True
    if _CLAUSES & set(source[: one.copied[0]]) and one.copied[0] <= 3 and "," in keys:
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


def _has_only_a_dependent_clause(keys: Sequence[str]) -> bool:
    """ "France and Spain should they qualify", "The requests they have found on wills"."""
    first = next((i for i, key in enumerate(keys) if is_verb(key)), 0)
    if first and keys[first] == "should" and _SUBJECTS & set(keys[first + 1 : first + 2]):
        return True
    if first < 2 or keys[first - 1] not in _SUBJECTS:
        return False
    if keys[first - 2] in MARKS | CLAUSE_OPENERS | _LINKS or keys[first - 2].endswith("ly"):
        return False
    # The clause's own verb may be two or three words; a main verb comes behind something else.
    rest = itertools.dropwhile(is_verb, keys[first:])
    return keys[0] not in _SUBORDINATORS and not any(map(is_verb, rest))


def _opens_with_a_clause(keys: Sequence[str]) -> bool:
    """ "If he …", "Three days after …": what goes before a main clause."""
    if keys[0] in _CLAUSES:
        return True
    opening = keys[1:4]
    return any(
        first.rstrip("s") in TIMES and second in SINCE - {"ago", "later"}
        for first, second in pairwise(opening)
    )


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
        if left in SINCE and (right in PREPOSITIONS or right == "following"):
            return True
        if left in PREPOSITIONS and (verb or right.endswith("ed") or right in PREPOSITIONS):
            return True
        if left in AUXILIARIES and right in AUXILIARIES - _AFTER_MODAL.get(left, frozenset()):
            return True
    return False


def _keeps_its_verb(
    keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]
) -> bool:
    kept = {place for place in places if place is not None}
    last = next((place for place in reversed(places) if place is not None), -1)
    gone = [place for place in _verbs(source) if place not in kept]
    lost = [place for place in gone if not (place > last and source[place] in REPORTING)]
    verbs = _verbs(keys)
    if gone and not verbs:
        return False
    if gone and len(verbs) <= sum(key in RELATIVE_CLAUSES and key != "if" for key in keys):
        return False  # "A woman who lost her child": each clause has a verb, and one is left over
    return not lost or _next_word(source, last) not in AUXILIARIES | FINITE


def _tells_without_a_verb(
    keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]
) -> bool:
    """What was said lost its verb: "Inspectors said the misuse of garments | could spread it"."""
    verbs = _verbs(keys)
    if not verbs or keys[verbs[-1]] not in REPORTING:
        return False
    reporting = verbs[-1]
    told = keys[reporting + 1 :]
    if not told or told[0] in _WHEN_AND_WHERE or '"' in keys[:reporting]:
        return False
    last = next((place for place in reversed(places) if place is not None), -1)
    later = source[last + 1 :]
    # "contestants on the show": a word that may be a verb proves nothing if a sure one is lost.
    return bool(_verbs(later)) or (not any(map(is_verb, told)) and any(map(is_verb, later)))


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
            and keys[i - 1] not in _BEFORE_PARTICIPLE | AUXILIARIES
            and (i + 1 == len(keys) or keys[i + 1] not in _AFTER_PARTICIPLE)
        )
    ]
