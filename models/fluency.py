"""Is a compressed sentence still a sentence? Cheap signs that it is not.

A rewrite that copies its source and ends early is whole only if it ends where
a phrase ends: before a mark, a conjunction, a preposition, a relative. Ending
anywhere else ("in their last two competitive Twickenham.") it breaks off. It
keeps its source's order of words, and it has a verb.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*|[$£€]?\d[\d.,:]*%?")
_MARK: Final = re.compile(r"[,;:()\[\]—–\"“”«».!?]|--|\s-\s")
# A phrase may end before these. Not before "of" and "that": what they begin belongs to it.
_OPENERS: Final = frozenset(
    "and or but nor yet so because while whilst when whenever after before as which who whom whose "
    "where since until till although though unless if than in on at for with by from to into onto "
    "over under during without within against amid among between despite following including "
    "through throughout towards toward across around about near behind beyond along via per due "
    "rather instead even just only once".split()
)
# What no sentence ends with.
_DANGLING: Final = frozenset(
    "a an the of and or but nor that which who whom whose to in on at for with by from into onto "
    "over under as than if because while when where after before his her its their our my your "
    "is are was were be been being has have had will would can could may might must should "
    "between among including very more most less such both either neither not no".split()
)
# "He came in.", "what she asked for", "the most": these may end one when the source ends there.
_LEFT_FEW: Final = 2


def breaks_off(rewrite: str, source: str) -> bool:
    """Whether the rewrite ends inside a phrase of its source."""
    ours = [match.group().casefold() for match in _WORD.finditer(rewrite)]
    theirs = list(_WORD.finditer(source))
    keys = [match.group().casefold() for match in theirs]
    if not ours:
        return True
    tail = ours[-_LEFT_FEW:]
    ends = [
        place + len(tail)
        for place in range(len(keys) - len(tail) + 1)
        if keys[place : place + len(tail)] == tail
    ]
    if any(end == len(keys) for end in ends):
        return False
    if ours[-1] in _DANGLING:
        return True
    if not ends:
        return False
    return not any(_can_end(source, theirs, keys, end) for end in ends)


def _can_end(source: str, words: list[re.Match[str]], keys: list[str], end: int) -> bool:
    """Whether a phrase of the source ends before its word number `end`."""
    between = source[words[end - 1].end() : words[end].start()]
    return bool(_MARK.search(between)) or keys[end] in _OPENERS


def in_order(rewrite: str, source: str) -> bool:
    """Whether the words that the rewrite shares with its source stand in the source's order.

    A word that the source has twice may be either.
    """
    keys = [match.group().casefold() for match in _WORD.finditer(source)]
    known, place = set(keys), -1
    for match in _WORD.finditer(rewrite):
        word = match.group().casefold()
        if word not in known:
            continue
        try:
            place = keys.index(word, place + 1)
        except ValueError:
            return False
    return True


_SUBORDINATORS: Final = frozenset(
    "as while whilst when whenever after before because since until although though unless if "
    "despite in on at amid with without during following given instead not among for from "
    "by".split()
)
_CLAUSES: Final = frozenset(
    "as while whilst when after because since although though unless if".split()
)
_RELATIVES: Final = frozenset("which who whose whom where when as and or but including".split())
# What begins a predicate for certain: participles ("known as", "backed by") begin asides too.
_AUXILIARIES: Final = frozenset(
    "is are was were has have had does do did will would can could may might must should isn't "
    "aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't won't can't".split()
)
_QUOTE: Final = re.compile(r"[\"“”]")


# Single quotation marks, told from apostrophes by what stands around them.
_SINGLE_OPEN: Final = re.compile(r"(?:^|[\s(])['‘](?=\w)")
_SINGLE_CLOSE: Final = re.compile(r"(?<=[\w.,!?])['’](?=[\s.,;:)]|$)")
_STRAY: Final = re.compile(r"[^\Ws]['’] ")


def is_unbalanced(text: str) -> bool:
    """Whether a quotation is opened and not closed, or a bracket."""
    opened = text.count("(") != text.count(")") or text.count("[") != text.count("]")
    single = len(_SINGLE_OPEN.findall(text)) > len(_SINGLE_CLOSE.findall(text))
    return opened or single or len(_QUOTE.findall(text)) % 2 == 1


def stutters(text: str) -> bool:
    """Whether a word follows itself."""
    words = [match.group().casefold() for match in _WORD.finditer(text)]
    return any(one == next_one for one, next_one in pairwise(words) if one not in {"had", "that"})


def lacks_main_clause(rewrite: str, source: str) -> bool:
    """Whether what makes the source a sentence was left out.

    Three ways: the rewrite opens with "In …" or "While …" and stops before
    the main clause; it ends where the source goes on ", has been …", a
    subject without its verb; it drops the "As" that held two clauses together.
    """
    ours = [match.group().casefold() for match in _WORD.finditer(rewrite)]
    theirs = list(_WORD.finditer(source))
    keys = [match.group().casefold() for match in theirs]
    if not ours or len(keys) < len(ours):
        return False
    if keys[0] in _CLAUSES and ours[0] in keys[1:3] and "," in rewrite:
        return True
    if (
        "so" in ours
        and "that" in keys[keys.index("so") if "so" in keys else 0 :]
        and ("that" not in ours[ours.index("so") :])
    ):
        return True
    end = _end_in(ours, keys)
    if end is None or end == len(keys):
        return False
    before_comma = "," in source[theirs[end - 1].end() : theirs[end].start()]
    if before_comma and keys[end] in _AUXILIARIES:
        return True
    return ours[0] in _SUBORDINATORS and before_comma and not _has_later_clause(rewrite)


def _end_in(ours: list[str], keys: list[str]) -> int | None:
    """The place in the source behind the rewrite's last two words, None if they are not its own."""
    tail = ours[-_LEFT_FEW:]
    for place in range(len(keys) - len(tail), -1, -1):
        if keys[place : place + len(tail)] == tail:
            return place + len(tail)
    return None


def _has_later_clause(text: str) -> bool:
    """Whether some clause behind a comma could be the main one."""
    clauses = [_WORD.findall(part) for part in text.split(",")[1:]]
    return any(len(words) > 2 and words[0].casefold() not in _RELATIVES for words in clauses)


# Verbs of news in the forms that neither an ending nor an auxiliary gives away.
_VERBS: Final = frozenset(
    "is are was were am be been has have had do does did will would can could may might must shall "
    "should won't can't isn't aren't wasn't weren't doesn't don't didn't hasn't haven't to "
    "said says say told tells took takes take taken made makes make went goes go gone came comes "
    "come got gets get gave gives give given found finds find left leaves leave kept keeps keep "
    "held holds hold began begins begin begun met meets meet won wins win lost loses lose led "
    "leads lead sent sends send set sets put puts cut cuts hit hits beat beats saw sees see seen "
    "spoke "
    "speaks speak spoken wrote writes write written fell falls fall fallen rose rises rise risen "
    "grew grows grow grown knew knows know known thought thinks think felt feels feel brought "
    "brings bring bought buys buy built builds build caught catches catch chose chooses choose "
    "chosen drew draws draw drawn drove drives drive driven fought fights fight flew flies fly "
    "hurt hurts lay lies lie paid pays pay ran runs run shot shoots shot shut shuts sold sells "
    "sell spent spends spend stood stands stand stole steals stolen struck strikes strike swept "
    "swore taught threw throws thrown understood wore wears worn broke breaks break broken sank "
    "sinks quit quits quits faces face calls call claims claim wants want plans plan hopes hope "
    "warns warn urges urge denies deny dies die launches launch announces announce reveals reveal "
    "shows show backs back seeks seek expects expect remains remain becomes become became opens "
    "open closes close ends end starts start joins join returns return signs sign scores score "
    "admits admit believes believe insists insist accuses accuse agrees agree approves approve "
    "asks ask attacks attack bans ban blames blame celebrates celebrate confirms confirm "
    "considers consider continues continue creates create criticises criticizes cuts declares "
    "defends demands describes discovers discovered escapes fails fears fires gains gathers helps "
    "hits hosts includes joins kills lifts looks loses marks moves names needs offers orders "
    "passes pledges praises prepares promises proposes protests raises reaches receives refuses "
    "rejects releases reports resigns retires returns rules sees serves shares slams stays stops "
    "suffers suggests supports survives suspends talks threatens tops tries turns uses vows "
    "votes waits walks works".split()
)


def has_verb(text: str) -> bool:
    """Whether some word in lower case looks like a verb; a name or a list of names has none."""
    words = [match.group() for match in _WORD.finditer(text)]
    return any(
        _is_verb(word.casefold())
        for place, word in enumerate(words)
        if place == 0 or word[:1].islower()
    )


def _is_verb(word: str) -> bool:
    return word in _VERBS or (len(word) > 4 and word.endswith(("ed", "n't")))


def is_sound(rewrite: str, source: str) -> bool:
    """Whether none of the signs is there."""
    return (
        has_verb(rewrite)
        and not breaks_off(rewrite, source)
        and not lacks_main_clause(rewrite, source)
        and not is_unbalanced(rewrite)
        and not (_STRAY.search(rewrite) and not _SINGLE_OPEN.search(rewrite))
        and not stutters(rewrite)
        and in_order(rewrite, source)
    )
