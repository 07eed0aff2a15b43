"""What an article states, indexed once: its numbers, days, names and words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

from models.documents import Document
from models.names import NameIndex
from models.numerals import Day, Number, numbers
from models.words import MONTHS, WEEKDAYS, WORD, fold, tokens

# Words that stand for a number without being one; "both" are two of what is counted, not two weeks.
_COUNTS: Final[dict[str, tuple[float, str]]] = {
    "both": (2, "count"), "pair": (2, "count"), "couple": (2, "count"), "twin": (2, "count"),
    "twins": (2, "count"), "duo": (2, "count"), "twice": (2, "count"), "double": (2, "count"),
    "doubled": (2, "count"), "brace": (2, "count"), "trio": (3, "count"), "triple": (3, "count"),
    "tripled": (3, "count"), "triplets": (3, "count"), "dozen": (12, "count"), "half": (50, "%"),
    "halved": (50, "%"), "quarter": (25, "%"), "fortnight": (2, "week"), "decade": (10, "year"),
    "century": (100, "year"), "nil": (0, "count"), "goalless": (0, "count"),
    "teenager": (13, "year"),
}  # fmt: skip
# How far a hedged number ("about 200") may lie from the true one, as a share of it.
_TOLERANCE: Final = {"about": (0.9, 1.1), "over": (1.0, 1.25), "under": (0.8, 1.0)}
_YEARS: Final = range(1800, 2201)
# Both ends of a football score are below this; "24-36 hours" is a range all the same.
_MAX_SCORE: Final = 30


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """An article's facts, to verify every sentence of its summary against.

    `values` maps a number to the units it stands with (None: without one), `ordered` lists the
    numbers; `pairs` are ranges and scores, lower end first; `days` are (month, day); `calendar`
    holds weekdays by name and months by number. `folded` is the words of the text in one string,
    each between spaces.
    """

    values: dict[float, frozenset[str | None]]
    ordered: tuple[float, ...]
    pairs: frozenset[tuple[float, float]]
    days: frozenset[tuple[int, int]]
    calendar: frozenset[str | int]
    names: NameIndex
    folded: str

    @classmethod
    def of(cls, document: Document) -> SourceFacts:
        """Read the facts of `document`: its title, sentences and asides. Linear in its length."""
        text = f"{document.title}.\n{document.text}" if document.title else document.text
        words = tokens(text)
        found, days = numbers(text, document.language)
        values = _values(found, words)
        return cls(
            values=values,
            ordered=tuple(sorted(values)),
            pairs=frozenset((min(n.pair), max(n.pair)) for n in found if n.pair),
            days=frozenset((day.month, day.day) for day in days),
            calendar=frozenset(WEEKDAYS[word] for word in words if word in WEEKDAYS)
            | {MONTHS[word] for word in words if word in MONTHS}
            | {day.month for day in days},
            names=NameIndex.of(text, frozenset(words)),
            folded=f" {' '.join(words)} ",
        )

    def hold_number(self, number: Number) -> bool:
        """Whether the article states `number`, or one that it rounds or hedges."""
        if number.pair and _is_score(number):
            return (min(number.pair), max(number.pair)) in self.pairs
        return any(
            value == 1 or self._hold_exactly(value, unit) or self._hold_roughly(value, unit, number)
            for value, unit in number.readings
        )

    def hold_day(self, day: Day) -> bool:
        return (day.month, day.day) in self.days

    def missing_calendar_words(self, sentence: str) -> list[str]:
        """Weekdays and months of `sentence`, as written, that the article does not name."""
        missing = []
        for match in WORD.finditer(sentence):
            word = match.group()
            folded = fold(word)
            if not word[0].isupper() or len(folded) < 3:
                continue
            if folded in {"may", "march"} and match.start() == 0:
                continue
            known = WEEKDAYS.get(folded) if len(folded) > 5 else MONTHS.get(folded)
            if known and known not in self.calendar:
                missing.append(word)
        return missing

    def _hold_exactly(self, value: float, unit: str | None) -> bool:
        units = self.values.get(value)
        if units is None:
            return False
        # Five per cent is never just five; other units may go without saying.
        return unit is None or unit in units or (unit != "%" and None in units)

    def _hold_roughly(self, value: float, unit: str | None, number: Number) -> bool:
        bounds = []
        if number.hedge in _TOLERANCE:
            low, high = _TOLERANCE[number.hedge]
            bounds.append((value * low, value * high))
        if value >= 1000 and number.digits >= 2:
            step = 10.0 ** (len(str(int(value))) - number.digits)
            bounds.append((value - step / 2, value + step / 2))
        near = (
            other
            for low, high in bounds
            for other in self.ordered[
                bisect_left(self.ordered, low) : bisect_right(self.ordered, high)
            ]
        )
        return any(
            self._hold_exactly(other, unit) and not (value in _YEARS and other in _YEARS)
            for other in near
        )


def _is_score(number: Number) -> bool:
    return (
        number.pair is not None
        and number.joined
        and max(number.pair) < _MAX_SCORE
        and number.readings[0][1] is None
    )


def _values(found: list[Number], words: list[str]) -> dict[float, frozenset[str | None]]:
    values: dict[float, set[str | None]] = {}
    for number in found:
        for value, unit in number.readings:
            # The two goals of "2-1" are not two of anything that may follow.
            values.setdefault(value, set()).add("score" if _is_score(number) else unit)
    for word in words:
        if word in _COUNTS:
            value, unit = _COUNTS[word]
            values.setdefault(value, set()).add(unit)
    return {value: frozenset(units) for value, units in values.items()}
