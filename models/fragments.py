"""Fragments: texts that are no sentence, told by their own words alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from models.openers import CLAUSE_OPENERS, PRONOUNS, RELATIVE_CLAUSES
from models.verbs import is_verb

_NO_CLAUSES: Final = frozenset("with without despite especially including like unlike".split())
_NOUN_CLAUSES: Final = frozenset({"who", "which", "that", "when", "where"})

_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*|[$£€]?\d[\d.,:]*%?")
_BRACKETS: Final = re.compile(r"\([^()]*\)")
_QUOTE: Final = re.compile(r"[\"“”]")
# Single quotation marks, told from apostrophes by what stands around them.
# Texts of corpora part "Leeds 's" and "she 'll" by a space.
_SINGLE_OPEN: Final = re.compile(r"(?:^|[\s(])['‘](?!(?:s|re|ve|ll|d|m|t)\b)(?=\w)")
_SINGLE_CLOSE: Final = re.compile(r"(?<=[\w.,!? ])['’](?=[\s.,;:)]|$)")
_CLOSED: Final = re.compile(r"[.,!?:]['’](?=\s)")
_STRAY: Final = re.compile(r"[^\Ws]['’](?=[\s.,;:]|$)")


def has_main_clause(text: str) -> bool:
    """Whether the text can stand as a sentence: it has a verb and is no fragment."""
    return has_verb(text) and not is_fragment(text)


def has_verb(text: str) -> bool:
    """Whether some word in lower case looks like a verb; a name or a list of names has none.

    What stands in brackets proves nothing.
    """
    words = [match.group() for match in _WORD.finditer(_BRACKETS.sub("", text))]
    return any(
        is_verb(word.casefold().replace("’", "'"))
        for place, word in enumerate(words)
        if place == 0 or (word[:1].islower() and words[place - 1] != "having")
    )


def is_fragment(text: str) -> bool:
    """Whether the text is no sentence but a noun with its clause: "The poster that led to it."."""
    keys = [match.group().casefold() for match in _WORD.finditer(_BRACKETS.sub("", text))]
    if keys and keys[0] in _NO_CLAUSES and "," not in text:
        return True
    if keys and keys[0] in {"how", "why"} and not text.endswith("?"):
        return True
    if keys and keys[0].endswith("ing") and not any(is_verb(key) for key in keys if key != "to"):
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
        key in RELATIVE_CLAUSES or (key in CLAUSE_OPENERS and following in PRONOUNS)
        for key, following in zip(tail, [*tail[1:], ""], strict=True)
    )
    return sum(_verbs_of_clauses(tail)) <= clauses


def _verbs_of_clauses(keys: Sequence[str]) -> list[int]:
    """How many verbs, each with its auxiliaries, stand between one clause's opener and the next."""
    counts = [0]
    before = False
    for key in keys:
        verb = key != "to" and is_verb(key)
        if key in CLAUSE_OPENERS:
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


def has_stray_quote(text: str) -> bool:
    """Whether a single quotation mark closes what was never opened."""
    return bool(_STRAY.search(text)) and not _SINGLE_OPEN.search(text)
