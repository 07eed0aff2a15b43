"""Sentences changed on purpose, to see whether the change is noticed.

Each change makes one true fact untrue; each alteration says the same in other order or fewer
words. All are drawn from a random generator that the caller seeds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Final

from models.documents import Document
from models.facts import SourceFacts
from models.numerals import numbers
from models.quotations import quotations
from models.words import WEEKDAYS


def _number(text: str, rng: random.Random, _: list[str]) -> str | None:
    """One number in digits made another of as many digits."""
    found = list(re.finditer(r"(?<![\w.,-])\d{1,3}(?![\w.,:/-])", text))
    if not found:
        return None
    match = rng.choice(found)
    low = 10 ** (len(match.group()) - 1)
    other = rng.choice([n for n in range(max(2, low), low * 10) if n != int(match.group())])
    return text[: match.start()] + str(other) + text[match.end() :]


def _weekday(text: str, rng: random.Random, _: list[str]) -> str | None:
    found = [match for match in re.finditer(r"\w+", text) if match.group().lower() in _DAYS]
    if not found:
        return None
    match = rng.choice(found)
    other = rng.choice(sorted(_DAYS - {match.group().lower()})).capitalize()
    return text[: match.start()] + other + text[match.end() :]


def _name(text: str, rng: random.Random, names: list[str]) -> str | None:
    """One name of two words, not at the beginning, made that of another article."""
    found = list(_PERSON.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    return text[: match.start()] + rng.choice(names) + text[match.end() :]


def _negated(text: str, _: random.Random, __: list[str]) -> str | None:
    """ "did not" and its kin taken out."""
    shorter = _NOT.sub(r"\1", text, count=1)
    return shorter if shorter != text else None


def _quoted(text: str, rng: random.Random, names: list[str]) -> str | None:
    """One word inside a quotation of four words or more made another."""
    found = [quotation for quotation in quotations(text) if len(quotation.text.split()) >= 4]
    if not found:
        return None
    quotation = rng.choice(found)
    words = quotation.text.split(" ")
    words[rng.randrange(len(words))] = rng.choice(("never", "bridge", "gladly", "seven"))
    changed = " ".join(words)
    return text.replace(quotation.text, changed, 1) if changed != quotation.text else None


_DAYS: Final = frozenset(WEEKDAYS.values())
_NOT: Final = re.compile(r"\b(was|is|were|are|has|had|have|will|would|could|did) not\b")
_PERSON: Final = re.compile(r"(?<=[a-z] )[A-Z][a-z]+ [A-Z][a-z]+(?= [a-z])")
CHANGES: Final[dict[str, Callable[[str, random.Random, list[str]], str | None]]] = {
    "number": _number,
    "weekday": _weekday,
    "name": _name,
    "negation": _negated,
    "quotation": _quoted,
}


def person_names(documents: list[Document]) -> list[str]:
    """Names of two words that stand in the middle of sentences, to put into other articles."""
    return sorted({match for document in documents for match in _PERSON.findall(document.text)})


def happens_to_hold(kind: str, text: str, facts: SourceFacts) -> bool:
    """Whether the article states by chance what the sentence was changed to."""
    if kind == "number":
        return all(facts.hold_number(number) for number in numbers(text)[0])
    return kind == "weekday" and not facts.missing_calendar_words(text)


def alterations(
    document: Document, rng: random.Random
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Kind, text and source sentences of shortened, thinned and joined sentences."""
    texts = [sentence.text for sentence in document.sentences if len(sentence.text.split()) > 9]
    for text in texts:
        words = text.split()
        yield "whole sentence", text, (text,)
        kept = [word for word in words if rng.random() > 0.4]
        yield "40 % of the words dropped", " ".join(kept), (text,)
        clauses = re.split(r"(?<=,) ", text)
        if len(clauses) > 1:
            yield "longest clause only", max(clauses, key=len), (text,)
    for first, second in zip(texts, texts[2:], strict=False):
        half = " ".join(first.split()[: len(first.split()) * 2 // 3])
        rest = " ".join(second.split()[len(second.split()) // 3 :])
        yield "two sentences joined", f"{half} and {rest}", (first, second)
