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
    "where since until till although though unless if whether than onto over under during "
    "without within against about amid among between despite following including through "
    "throughout towards toward across around near beyond along via per due upon "
    "monday tuesday wednesday thursday friday saturday sunday last this next earlier yesterday "
    "today tomorrow now again too also however according rather instead even just only "
    "once".split()
)
_SINCE: Final = frozenset("after before since later ago".split())
_TIMED: Final = frozenset("after before since when while as until".split())
_WHEN: Final = frozenset(
    "last next this earlier yesterday today tomorrow monday tuesday wednesday thursday friday "
    "saturday sunday".split()
)
_TIMES: Final = frozenset("second minute moment hour day week month year".split())
_RELATIVE_CLAUSES: Final = frozenset(
    "who which that whose where when while because although though if whether what how why".split()
)
_NO_CLAUSES: Final = frozenset("with without despite especially including like unlike".split())
_NOUN_CLAUSES: Final = frozenset({"who", "which", "that", "when", "where"})
_CLAUSE_OPENERS: Final = _RELATIVE_CLAUSES | frozenset("after before since until as than".split())
_BREAKS: Final = frozenset(", and or who which that where -- - – —".split())
_SMALL_WORDS: Final = frozenset(
    "a an the to for in on at of by with from over after before as amid and , 's is are".split()
)
_PAIRS: Final = {"not": "but", "both": "and", "between": "and", "either": "or", "neither": "nor"}
_TELLING: Final = frozenset("told tell tells reminded asked persuaded convinced".split())
# Prepositions with the beginnings of verbs that call for them: "blamed it | on".
_TAKES: Final = {
    "on": ("blam", "keep", "kept", "pinn", "hands"),
    "for": ("swap", "exchang", "mistak", "mistook"),
    "from": ("prevent", "stop", "bann", "bans", "distanc"),
    "with": ("replac", "provid", "compar", "charg", "link"),
    "to": ("compar", "liken"),
    "against": ("compar",),
    "as": ("come", "came", "describ", "liken", "regard", "hail", "portray", "brand"),
    "into": ("turn", "transform"),
}
_ASIDES: Final = frozenset("who which whose where aged including".split())
_DEGREES: Final = frozenset("most more very so too".split())
_NUMBER: Final = re.compile(r"\d.*|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred")
_GOES_ON: Final = frozenset(
    "back along out up down away off over just even also still together only now set".split()
)
_LENGTHS: Final = frozenset("yard mile metre meter foot feet kilometre block inch".split())
_IT_IS: Final = frozenset({("it", "is"), ("it", "was"), ("it's", "not")})
_PASSIVE: Final = AUXILIARIES | {"been", "being", "be"}
_HELPERS: Final = MODALS | frozenset("do does did don't doesn't didn't won't can't cannot".split())
_WHEN_AND_WHERE: Final = _PREPOSITIONS | frozenset(
    "on yesterday today monday tuesday wednesday thursday friday saturday sunday last this that he "
    'she it they , "'.split()
)
_DASHES: Final = frozenset("- -- – —".split())
_MARKS: Final = _DASHES | frozenset(', ; : ( ) [ ] " ...'.split())
# A last item of a list has at most so many words; a cut of at least so many has to be a phrase.
_LIST_ITEM_WORDS: Final = 3
_PHRASE_WORDS: Final = 3
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
_BRACKETS: Final = re.compile(r"\([^()]*\)")
_QUOTE: Final = re.compile(r"[\"“”]")
# Single quotation marks, told from apostrophes by what stands around them.
# Texts of corpora part "Leeds 's" and "she 'll" by a space.
_SINGLE_OPEN: Final = re.compile(r"(?:^|[\s(])['‘](?!(?:s|re|ve|ll|d|m|t)\b)(?=\w)")
_SINGLE_CLOSE: Final = re.compile(r"(?<=[\w.,!? ])['’](?=[\s.,;:)]|$)")
_CLOSED: Final = re.compile(r"[.,!?:]['’](?=\s)")
_STRAY: Final = re.compile(r"[^\Ws]['’](?=[\s.,;:]|$)")


def is_sound(one: Shortening, text: str) -> bool:
    """Whether none of the signs is there; `text` is the shortening as it is to be read."""
    return (
        one.in_order
        and has_verb(text)
        and not is_fragment(text)
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


def is_fragment(text: str) -> bool:
    """Whether the text is no sentence but a noun with its clause: "The poster that led to it."."""
    keys = [match.group().casefold() for match in _WORD.finditer(_BRACKETS.sub("", text))]
    if keys and keys[0] in _NO_CLAUSES and "," not in text:
        return True
    if keys and keys[0] in {"how", "why"} and not text.endswith("?"):
        return True
    if keys[:2] == ["the", "moment"] and all(verbs <= 1 for verbs in _verbs_of_clauses(keys)):
        return True
    if any(key == "pictured" and not is_verb(before) for before, key in pairwise(keys[:7])):
        return True  # "Ann Reed pictured with her dog": a caption
    opening = next((i for i, key in enumerate(keys[:9]) if i and key in _NOUN_CLAUSES), None)
    if opening is None or any(map(is_verb, keys[:opening])):
        return False
    # "since 2013", "after the game": these open a clause for certain only before a pronoun.
    tail = keys[opening:]
    clauses = sum(
        key in _RELATIVE_CLAUSES or (key in _CLAUSE_OPENERS and following in _PRONOUNS)
        for key, following in zip(tail, [*tail[1:], ""], strict=True)
    )
    return sum(_verbs_of_clauses(tail)) <= clauses


def _verbs_of_clauses(keys: Sequence[str]) -> list[int]:
    """How many verbs, each with its auxiliaries, stand between one clause's opener and the next."""
    counts = [0]
    before = False
    for key in keys:
        verb = key != "to" and is_verb(key)
        if key in _CLAUSE_OPENERS:
            counts.append(0)
        elif verb and not before:
            counts[-1] += 1
        before = verb
    return counts


def is_unbalanced(text: str) -> bool:
    """Whether a quotation is opened and not closed, or a bracket."""
    opened = text.count("(") != text.count(")") or text.count("[") != text.count("]")
    opens = len(_SINGLE_OPEN.findall(text))
    single = opens > len(_SINGLE_CLOSE.findall(text)) or (not opens and _CLOSED.search(text))
    return opened or bool(single) or len(_QUOTE.findall(text)) % 2 == 1


def _is_cut_badly(one: Shortening) -> bool:
    keys, places, source = one.keys, one.places, one.source
    if one.is_whole:
        return False
    ends_with_source = places[-1] == len(source) - 1
    if keys[-1] in _NO_END and not ends_with_source:
        return True
    if places[0] and (keys[0] in _NO_START | AUXILIARIES or keys[0].endswith("ing")):
        return True
    if places[0] and source[places[0] - 1] in _DASHES:
        return True
    if any(first == second and first not in {"had", "that"} for first, second in pairwise(keys)):
        return True
    if keys.count(",") == 1 and _follows(keys, ",") in AUXILIARIES:
        return True  # "Nigel Wilson of Nottingham, has been": its fellow was cut out
    if keys.count(",") == 1 and _leaves_its_aside_open(keys):
        return True
    if _opens_an_aside_only(one):
        return True
    return (
        _stops_short(keys, places, source)
        or _ends_in_a_list(keys, places, source)
        or _ends_without_its_verb(keys, places, source)
        or _leaves_its_complement(one)
        or _cuts_through(one)
        or _gives_another_subject(one)
        or _lacks_main_clause(one)
        or _broken_joint(keys, places)
        or not _keeps_its_verb(keys, places, source)
        or _tells_without_a_verb(keys, places, source)
    )


def _leaves_its_aside_open(keys: Sequence[str]) -> bool:
    """A subject and an aside, and nothing behind it: "Leeds, looking for a win since May"."""
    comma = list(keys).index(",")
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
    if keys[-1] in _GOES_ON or (keys[-1].endswith("ly") and len(keys[-1]) > 4):
        return True  # "keeps them firmly | on course"
    if keys[-2:-1] == ["to"] or keys[-2:-1] == ("to",):
        return following not in _MARKS  # "prepare to take | on"
    if following in _SINCE and keys[-1].lstrip("0123456789").rstrip("s") in _TIMES:
        return True
    if _leaves_its_verb_open(keys, following) or tuple(keys[-2:]) == ("in", "order"):
        return True
    if following in {"from", "away"} and keys[-1].rstrip("s") in _LENGTHS:
        return True
    if last + 2 == len(source) and following in _PREPOSITIONS:
        return True  # "the firm he had lavished praise | on"
    if following == "for" and tuple(keys[-3:-1]) in _IT_IS:
        return True  # "it is unthinkable | for the club to"
    if following == "by" and keys[-1].endswith("ed") and not _PASSIVE & {*keys[-2:-1]}:
        return True  # "videos published | by the group"
    is_word = any(character.isalnum() for character in following)
    return is_word and following not in _MAY_FOLLOW and not following.endswith("ly")


def _leaves_its_verb_open(keys: Sequence[str], following: str) -> bool:
    """An end with a bare verb or "-ing": "he will revel | in it", "of not believing | in it"."""
    if following in _MARKS:
        return False
    before = keys[-2] if len(keys) > 1 else ""
    return (
        before in _HELPERS
        or (before == "be" and keys[-1].endswith("ed"))
        or keys[-1].endswith("ing")
    )


def _ends_in_a_list(
    keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]
) -> bool:
    """An end between the items of a list: "teeth, claws | and cufflinks"."""
    last = places[-1]
    if last is None or last + 1 >= len(source) or source[last + 1] not in {",", "and", "or"}:
        return False
    if "," not in keys:
        return False
    item = keys[len(keys) - list(reversed(keys)).index(",") :]
    return len(item) <= _LIST_ITEM_WORDS and not {"and", "or"} & set(item)


def _ends_without_its_verb(
    keys: Sequence[str], places: Sequence[int | None], source: Sequence[str]
) -> bool:
    """A last clause that stops before its verb: "formed when a tall hill | , or a peak, …"."""
    last = places[-1]
    if last is None or last + 1 >= len(source) or source[last + 1] not in _BREAKS:
        return False
    opens = [i for i, key in enumerate(keys) if key in _CLAUSE_OPENERS]
    return bool(opens) and not any(map(is_verb, keys[opens[-1] + 1 :]))


def _leaves_its_complement(one: Shortening) -> bool:
    """ "put his record | on the line", "not his own talents | but hers"."""
    source = one.source
    gone = sorted(set(range(len(source))) - set(one.copied))
    puts = [i for i in one.copied if source[i] in {"put", "puts", "putting"}]
    if puts and gone and gone[-1] > puts[0]:
        return True
    for first, second in _PAIRS.items():
        begun = [i for i in one.copied if source[i] == first]
        if begun and any(source[i] == second and i > begun[0] for i in gone):
            return True
    last = one.copied[-1]
    if last + 1 >= len(source):
        return False
    kept = {source[i] for i in one.copied}
    return (
        bool(_TELLING & set(source[max(0, last - 5) : last + 1]) & kept)
        or (source[last + 1] in {"who", "that", "which"} and "it" in kept)
        or any(key.startswith(_TAKES.get(source[last + 1], ())) for key in kept)
        or (source[last + 1] in {"and", "or", ","} and source[last - 1] in _DEGREES)
        or (source[last - 1] == "found" and source[last + 1] not in {",", "on", "after"})
    )


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
        if cut[0] in _TIMED and source[right] in _WHEN:
            return True  # "is taking a break | after winning the cup | last month"
        if len(cut) < _PHRASE_WORDS or _MARKS & {source[left], cut[0], cut[-1], source[right]}:
            continue
        begins = cut[0] in _MAY_FOLLOW or cut[0] in {"of", "that"}
        goes_on = source[right] in _MAY_FOLLOW | AUXILIARIES | FINITE | REPORTING
        if not (begins and goes_on):
            return True
    return False


def _gives_another_subject(one: Shortening) -> bool:
    """A verb that a cut parts from its own subject: "Olsen | alleged that Woods | was serving"."""
    source = one.source
    for left, right in pairwise(one.copied):
        cut = source[left + 1 : right]
        if not cut or cut[-1] in _MARKS or source[right] not in AUXILIARIES | FINITE | REPORTING:
            continue
        aside = cut[0] in {"who", "which"} and not REPORTING & set(cut)
        if not aside and ("that" in cut or _verbs(cut)):
            return True
    return False


def _lacks_main_clause(one: Shortening) -> bool:
    """Whether what makes the source a sentence was left out.

    Three ways: an opening "In …" or "While …" and no main clause behind it; an
    end where the source goes on ", has been …", a subject without its verb; an
    "As" dropped that held two clauses together. And "so … that" without its "that".
    """
    keys, source = list(one.keys), one.source
    last = one.copied[-1]
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


def _opens_with_a_clause(keys: Sequence[str]) -> bool:
    """ "If he …", "Three days after …": what goes before a main clause."""
    if keys[0] in _CLAUSES:
        return True
    opening = keys[1:4]
    return any(
        first.rstrip("s") in _TIMES and second in _SINCE - {"ago", "later"}
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
        if left in _SINCE and (right in _PREPOSITIONS or right == "following"):
            return True
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
    gone = [place for place in _verbs(source) if place not in kept]
    lost = [place for place in gone if not (place > last and source[place] in REPORTING)]
    verbs = _verbs(keys)
    if gone and not verbs:
        return False
    if gone and len(verbs) <= sum(key in _RELATIVE_CLAUSES and key != "if" for key in keys):
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
