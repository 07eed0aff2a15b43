"""Words that call for others, which a cut must not take from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Final

from models.openers import MARKS, TIMES
from models.shortening import Shortening
from models.verbs import is_surely_verb, is_verb

_PAIRS: Final = {"not": "but", "both": "and", "between": "and", "either": "or", "neither": "nor"}
_TELLING: Final = frozenset("told tell tells reminded asked persuaded convinced".split())
# Prepositions with the beginnings of verbs that call for them: "blamed it | on".
_TAKES: Final = {
    "on": ("blam", "keep", "kept", "pinn", "hands"),
    "for": ("swap", "exchang", "mistak", "mistook", "bargain", "recipe"),
    "from": ("prevent", "stop", "bann", "bans", "distanc"),
    "with": ("replac", "provid", "compar", "charg", "link", "left", "leav", "issu", "complete"),
    "without": ("left", "leav", "complete"),
    "to": ("compar", "liken"),
    "against": ("compar",),
    "as": ("come", "came", "describ", "liken", "regard", "hail", "portray", "brand", "label"),
    "into": ("turn", "transform", "forc"),
}
_DEGREES: Final = frozenset("most more very so too".split())
# Verbs that give a name or a quality: "calling her | 'smug'".
_NAMING: Final = frozenset(
    "call calls called calling brand brands branded branding label labels labelled labeled dub "
    "dubs dubbed deem deemed title titled entitled".split()
)
_ARTICLES: Final = frozenset({"a", "an", "the"})
_QUOTES: Final = "\"'“”‘’"
# Participles that say nothing without what follows: "it is being seen | through".
_SEEN: Final = frozenset(
    "seen known regarded viewed described treated considered based deemed hailed thought come came "
    "put".split()
)
# Who they are is said behind them: "anyone | who swears".
_INDEFINITE: Final = frozenset(
    "anyone anybody everyone everybody someone somebody those anything everything one".split()
)
_RELATIVES: Final = frozenset("who which that whose".split())
_SHOWING: Final = frozenset("show shows showed showing sees hears".split())
_SAYING: Final = frozenset(
    "announcing saying claiming insisting adding revealing arguing warning suggesting believing "
    "explaining admitting confirming".split()
)
_NEGATIONS: Final = frozenset("not never no haven't hasn't hadn't didn't won't wasn't".split())
_PASSED_OVER: Final = frozenset(
    (key, "being") for key in ("before", "after", "of", "for", "by", "from", "about", "without")
)
_AS_MUCH: Final = frozenset(("as", word) for word in ("many", "much", "good", "far", "well"))
_ONLY_THEN: Final = frozenset("when after if because once".split())


def leaves_a_complement(one: Shortening) -> bool:
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
    if any(source[i] in _RELATIVES and i and source[i - 1] in _INDEFINITE for i in gone):
        return True
    last = one.copied[-1]
    return last + 1 < len(source) and (
        _is_called_for(one, source[last + 1], last)
        or _is_half_said(one.keys, source[last + 1 :])
        or _is_one_of_several_names(one, last)
    )


def _is_called_for(one: Shortening, following: str, last: int) -> bool:
    """Whether something kept calls for the word that follows what was kept."""
    source = one.source
    kept = {source[i] for i in one.copied}
    return (
        bool(_TELLING & set(source[max(0, last - 5) : last + 1]) & kept)
        or (following in {"who", "that", "which"} and "it" in kept)
        or any(key.startswith(_TAKES.get(following, ())) for key in kept)
        or (following in {"and", "or", ","} and source[last - 1] in _DEGREES)
        or (source[last - 1] == "found" and following not in {",", "on", "after"})
    )


def _is_half_said(keys: Sequence[str], rest: Sequence[str]) -> bool:
    """ "as many | as", "only fell | when", "a kind of man | who", "it shows Lee |, 9, singing"."""
    following, last = rest[0], keys[-1]
    if following in _RELATIVES and keys[-2:-1] == ("of",):
        return keys[-3] in {"kind", "sort", "type"} if len(keys) > 2 else False
    if _leaves_what_was_said(keys, rest) or _leaves_its_scope(keys, following):
        return True
    if keys[-2:-1] and keys[-2] in _RELATIVES:
        return True  # "leaders Poland, who take | on Ireland"
    if following == "in" and "sights" in rest[2:4]:
        return True
    if any(key.startswith("liken") for key in keys) and "to" not in keys:
        return True
    if _PASSED_OVER & set(pairwise(keys[-4:])) and following not in MARKS:
        return True  # "before being reportedly spotted | in"
    if following == "as" and (is_surely_verb(last) or last in _SEEN):
        return True
    if last in _SEEN and following not in MARKS:
        return True
    if last.rstrip("s") in TIMES and {"spend", "spends", "spent"} & set(keys[-4:]):
        return True
    if "only" in keys and following in _ONLY_THEN:
        return True
    names = last in _NAMING or following in _ARTICLES or any(key[0] in _QUOTES for key in rest[:8])
    if names and _NAMING & set(keys):
        return True
    if "as" in rest and _AS_MUCH & set(pairwise(keys)):
        return "as" not in keys[keys.index("as") + 1 :]
    if _SHOWING & set(keys) and following == "," and "," in rest[1:]:
        behind = rest[rest.index(",", 1) + 1 :]
        return bool(behind) and behind[0].endswith("ing")
    return False


def _leaves_what_was_said(keys: Sequence[str], rest: Sequence[str]) -> bool:
    """ "with the judge announcing at noon | on Friday he had won"."""
    said = [place for place, key in enumerate(keys) if key in _SAYING]
    if not said or any(map(is_verb, keys[said[-1] + 1 :])):
        return False
    return any(map(is_verb, takewhile(lambda key: key not in MARKS, rest)))


def _leaves_its_scope(keys: Sequence[str], following: str) -> bool:
    """ "have not beaten a team | in the top half": without it they have beaten none."""
    indefinite = keys[-2:-1] and keys[-2] in {"a", "an", "any"}
    return bool(indefinite and _NEGATIONS & set(keys) and following not in MARKS)


def _is_one_of_several_names(one: Shortening, last: int) -> bool:
    """ "the teenagers Jo Lee | and Bo Reed"."""
    words = one.words
    if one.source[last + 1] != "and" or last + 2 >= len(words):
        return False
    begin = last
    while begin >= 0 and words[begin].text[0].isupper():
        begin -= 1
    title = words[begin].key
    return (
        0 <= begin < last
        and words[last + 2].text[0].isupper()
        and title.endswith("s")
        and not title.endswith(("ss", "'s", "is", "as", "us"))
    )
