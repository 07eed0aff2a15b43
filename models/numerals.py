"""Numbers and dates in running text, as values that can be compared.

Digits and English number words, magnitudes ("1.2 million", "5m", "120万"), units, percentages,
currencies, ordinals, ranges and scores, clock times, days of a month. A number whose sense is
open keeps all its readings: "5m" is five million or five metres.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from models.number_words import (
    AMBIGUOUS,
    CARDINALS,
    CURRENCIES,
    DECADES,
    DECIMAL_COMMA,
    HEDGES,
    MAGNITUDES,
    OPEN_UNITS,
    ORDINALS,
    TENS,
    UNITS,
)
from models.words import MONTHS

Reading = tuple[float, str | None]
"""A value and its unit; None: no unit was written beside it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: its possible readings, and how it may be rounded.

    `hedge` is what stands before it: "about", "over" (the true value is higher), "under" (it is
    lower) or "". `digits` counts significant digits. `pair` holds both ends of a range or
    score; `joined` says that only a dash parts them.
    """

    text: str
    readings: tuple[Reading, ...]
    start: int
    end: int
    hedge: str = ""
    digits: int = 0
    pair: tuple[float, float] | None = None
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month: "March 16", "16 March", "the 16th of March"."""

    text: str
    month: int
    day: int
    start: int
    end: int


_TOKEN: Final = re.compile(
    r"US\$|[$£€¥₹₽₩₺]|%|\d+(?:[.,’']\d+)*|[万萬億亿]|[^\W\d_万萬億亿]+(?:['’][^\W\d_]+)?|\S"
)
# Where the comma is decimal, a space may part the thousands: "1 200 000".
_SPACED_TOKEN: Final = re.compile(rf"\d{{1,3}}(?: \d{{3}})+(?!\d)|{_TOKEN.pattern}")
_CURRENCY_SIGNS: Final = frozenset({"$", "us$", "£", "€", "¥", "₹", "₽", "₩", "₺"})
_RANGE: Final = frozenset({"-", "–", "—", "/", "to", "and"})
_WINDOW: Final = 40
# How number words, months and "a million" begin: loose, because it only says where to look.
_ANCHOR: Final = re.compile(
    r"\d|\b(?:[Tt](?:wo|en|hree|hir|we)|[Ff](?:our|ive|if|or|eb)|[Ss](?:ix|even|ep)|[Ee](?:igh|lev)"
    r"|[Nn](?:ine|ov)|[Zz]ero|[Oo](?:ne|ct)|[Hh]undredth|[Jj](?:an|u[nl])|[Mm]a[ry]|[Aa](?:pr|ug)"
    r"|[Dd]ec|[Aa]n?[ -](?:hundred|thou|mill|bill|trill|dozen)"
    r"|TWO|TEN|THREE|THIR|TWE|FOUR|FIVE|FIF|FOR|SIX|SEVEN|EIGH|ELEV|NINE|ONE)"
)


# Every number and day in words or with a currency begins with one of these.
_OPENERS: Final = frozenset({*CARDINALS, *ORDINALS, *DECADES, *MONTHS, *_CURRENCY_SIGNS, "a"})


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    lower: str
    start: int
    end: int


def numbers(text: str, language: str = "en") -> tuple[list[Number], list[Day]]:
    """The numbers and days of `text`, in order; a day of a month is not listed as a number too."""
    decimal_comma = language in DECIMAL_COMMA
    found: list[Number] = []
    days: list[Day] = []
    for start, end in _windows(text):
        words = _split(text, start, end, _SPACED_TOKEN if decimal_comma else _TOKEN)
        index = 0
        while index < len(words):
            if not _may_open(words[index]):
                index += 1
            elif day := _day(text, words, index):
                days.append(day[0])
                index = day[1]
            elif not _is_in_name(words, index) and (
                number := _number(text, words, index, decimal_comma)
            ):
                found.append(number[0])
                index = number[1]
            else:
                index += 1
    return _paired(text, found), days


def _may_open(word: _Word) -> bool:
    return word.text[0].isdecimal() or word.lower in _OPENERS


def _windows(text: str) -> list[tuple[int, int]]:
    """Ranges of `text` around whatever may be or name a number: the rest need not be looked at."""
    ranges: list[tuple[int, int]] = []
    for match in _ANCHOR.finditer(text):
        if ranges and match.end() <= ranges[-1][1] - _WINDOW // 2:
            continue
        start = text.rfind(" ", 0, max(0, match.start() - _WINDOW)) + 1
        end = text.find(" ", match.end() + _WINDOW)
        end = len(text) if end < 0 else end
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((start, end))
    return ranges


def _split(text: str, start: int, end: int, pattern: re.Pattern[str]) -> list[_Word]:
    return [
        _Word(match.group(), match.group().lower(), match.start(), match.end())
        for match in pattern.finditer(text, start, end)
    ]


def _at(words: list[_Word], index: int) -> str:
    return words[index].lower if 0 <= index < len(words) else ""


def _day(text: str, words: list[_Word], index: int) -> tuple[Day, int] | None:
    """The day of a month that begins at `index`, and where it ends."""
    word = words[index]
    if word.text.isdecimal() and len(word.text) <= 2:
        after = index + 1
        if _at(words, after) in {"st", "nd", "rd", "th", "."}:
            after += 1
        if _at(words, after) == "of":
            after += 1
        month = MONTHS.get(_at(words, after))
        if month and _names_month(words[after]) and 1 <= int(word.text) <= 31:
            end = words[after].end
            return Day(text[word.start : end], month, int(word.text), word.start, end), after + 1
        return None
    month = MONTHS.get(word.lower)
    dated = _at(words, index - 1) in {"on", "of", "since", "until", "by", "from"}
    if not month or not (_names_month(word) or dated):
        return None
    after = index + 1
    if _at(words, after) == ".":
        after += 1
    number = words[after].text if after < len(words) else ""
    # "March 2 000" and "May 5.30" are no days.
    if not (number.isdecimal() and len(number) <= 2 and 1 <= int(number) <= 31):
        return None
    if _at(words, after + 1) in {"per", "%", "million", "billion", "people"}:
        return None
    end = words[after].end
    if _at(words, after + 1) in {"st", "nd", "rd", "th"}:
        after += 1
        end = words[after].end
    return Day(text[word.start : end], month, int(number), word.start, end), after + 1


def _is_in_name(words: list[_Word], index: int) -> bool:
    """Whether the number is the tail of a name, as in "Covid-19"."""
    dash, name = _at(words, index - 1), words[index - 2].text if index > 1 else ""
    return (
        dash == "-"
        and len(name) > 2
        and name[0].isupper()
        and name.lower() not in TENS
        and words[index - 2].end == words[index].start - 1
    )


def _names_month(word: _Word) -> bool:
    """Whether a month is meant: "march" and "may" are verbs, "Mar" and "Dec" are names too."""
    return word.text[0].isupper() or (len(word.lower) > 3 and word.lower not in {"march", "may"})


def _number(
    text: str, words: list[_Word], index: int, decimal_comma: bool
) -> tuple[Number, int] | None:
    """The number that begins at `index`, with currency, magnitude and unit, and where it ends."""
    first = index
    currency = None
    if _at(words, index) in _CURRENCY_SIGNS:
        currency = CURRENCIES[_at(words, index)]
        index += 1
    value = _digits(words, index, decimal_comma) or (
        None if currency else _spelled(words, index) or _indefinite(words, index)
    )
    if value is None:
        return None
    amount, digits, index = value
    clock = _clock(words, index, amount)
    if clock:
        end = words[clock[1] - 1].end
        number = Number(text[words[first].start : end], clock[0], words[first].start, end, "", 4)
        return number, clock[1]
    readings, index = _measured(words, index, amount, currency)
    start, end = words[first].start, words[index - 1].end
    return (
        Number(text[start:end], readings, start, end, _hedge(words, first), digits),
        index,
    )


def _digits(words: list[_Word], index: int, decimal_comma: bool) -> tuple[float, int, int] | None:
    """Value, significant digits and next index of a number in digits."""
    if index >= len(words) or not words[index].text[0].isdecimal():
        return None
    written = re.sub(r"[\s'’]", "", words[index].text)
    if decimal_comma:
        written = written.translate(str.maketrans(".,", ",."))
    whole, *rest = written.split(",")
    if rest and all(len(part.split(".")[0]) == 3 for part in rest):
        written = whole + "".join(rest)
    elif len(rest) == 1 and "." not in written:
        written = f"{whole}.{rest[0]}"
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", written):
        written = written.replace(".", "")
    try:
        value = float(written.replace(",", ""))
    except ValueError:
        # "192.168.0.1", "3.4.2020": compared by its first part.
        value = float(re.match(r"\d+", written).group())  # type: ignore[union-attr]
    digits = len(re.sub(r"\D", "", written).strip("0")) or 1
    index += 1
    if _at(words, index) in {"st", "nd", "rd", "th"} and words[index].start == words[index - 1].end:
        index += 1
    return value, digits, index


def _spelled(words: list[_Word], index: int) -> tuple[float, int, int] | None:
    """Value, significant digits and next index of an English number in words."""
    word = _at(words, index)
    total = CARDINALS.get(word)
    if total is None:
        ordinal = ORDINALS.get(word) or DECADES.get(word)
        return (ordinal, 4, index + 1) if ordinal else None
    index += 1
    if word in TENS:
        after = index + 1 if _at(words, index) == "-" else index
        ones = CARDINALS.get(_at(words, after), ORDINALS.get(_at(words, after), 0))
        ones = ones or {"first": 1, "second": 2}.get(_at(words, after), 0)
        if 0 < ones < 10:
            total, index = total + ones, after + 1
    if _at(words, index) == "hundred":
        total, index = total * 100, index + 1
        after = index + 1 if _at(words, index) == "and" else index
        rest = _spelled(words, after)
        if rest and rest[0] < 100 and rest[1]:
            total, index = total + int(rest[0]), rest[2]
    if total == 1 and _at(words, index) not in MAGNITUDES and _at(words, index) not in UNITS:
        return None
    return float(total), 1 if total % 10 == 0 else 4, index


def _indefinite(words: list[_Word], index: int) -> tuple[float, int, int] | None:
    """ "a million", "a dozen", "a hundred": one of them; "a year" is not a number."""
    magnitude = _at(words, index + 1)
    if _at(words, index) == "a" and magnitude in {"hundred", "thousand", "million", "billion",
                                                  "trillion", "dozen"}:  # fmt: skip
        return 1.0, 1, index + 1
    return None


def _clock(words: list[_Word], index: int, hours: float) -> tuple[tuple[Reading, ...], int] | None:
    """Readings (minutes of the day) and next index of a clock time: "5pm", "5.30 p.m.", "17:30"."""
    hour, minute = int(hours), round((hours - int(hours)) * 100)
    timed = False
    if _at(words, index) == ":" and re.fullmatch(r"[0-5]\d", _at(words, index + 1)):
        minute, timed = int(_at(words, index + 1)), True
        index += 2
    half = _at(words, index)
    if half in {"a", "p"} and _at(words, index + 1) == "." and _at(words, index + 2) == "m":
        half += "m"
        index += 3 if _at(words, index + 3) != "." else 4
    elif half in {"am", "pm"}:
        index += 1
    elif not timed:
        return None
    if hour > 24 or minute > 59:
        return None
    minutes = hour * 60 + minute
    if half == "pm" and hour < 12:
        minutes += 720
    elif half == "am" and hour == 12:
        minutes -= 720
    if half in {"am", "pm"} or hour > 12:
        return ((float(minutes), "clock"),), index
    return ((float(minutes), "clock"), (float(minutes + 720), "clock")), index


def _measured(
    words: list[_Word], index: int, amount: float, currency: str | None
) -> tuple[tuple[Reading, ...], int]:
    """Readings of `amount` with what follows it, and the next index."""
    after = index + 1 if _at(words, index) == "-" else index
    open_amounts = [amount]
    following = _at(words, after)
    glued = after == index < len(words) and words[index].start == words[index - 1].end
    if following in MAGNITUDES and (following not in AMBIGUOUS or glued):
        scaled = amount * MAGNITUDES[following]
        open_amounts = [scaled] if following not in AMBIGUOUS or currency else [scaled, amount]
        index = after + 1
        if _at(words, index) in MAGNITUDES and _at(words, index) not in AMBIGUOUS:
            open_amounts = [value * MAGNITUDES[_at(words, index)] for value in open_amounts]
            index += 1
        if following == "m" and not currency:
            return ((scaled, None), (amount, "metre")), index
    unit, index = _unit(words, index)
    if currency:
        return tuple((value, currency) for value in open_amounts), index
    return tuple((value, unit) for value in open_amounts), index


def _unit(words: list[_Word], index: int) -> tuple[str | None, int]:
    """The unit written at `index`, if any, and the next index."""
    after = index + 1 if _at(words, index) == "-" else index
    name = _at(words, after)
    if name == "per" and _at(words, after + 1) in {"cent", "cents"}:
        return "%", after + 2
    if name == "u" and _at(words, after + 1) == "." and _at(words, after + 2) == "s":
        after += 4
        name = _at(words, after)
    if name in OPEN_UNITS:
        return None, index
    unit = UNITS.get(name)
    return (unit, after + 1) if unit else (None, index)


def _hedge(words: list[_Word], first: int) -> str:
    before = _at(words, first - 1)
    if before == "than":
        return {"more": "over", "fewer": "under", "less": "under"}.get(_at(words, first - 2), "")
    if before == "to":
        return {"up": "under", "close": "about"}.get(_at(words, first - 2), "")
    if before == "most":
        return "under" if _at(words, first - 2) == "at" else ""
    return HEDGES.get(before, "")


def _paired(text: str, found: list[Number]) -> list[Number]:
    """`found` with ranges and scores joined: in "$5-10 million" the five is of millions too."""
    paired: list[Number] = []
    for number in found:
        before = paired[-1] if paired else None
        between = text[before.end : number.start].strip().lower() if before else ""
        if before and between in _RANGE and before.pair is None:
            low, high = before.readings[0][0], number.readings[0][0]
            scale = next((s for s in (1e12, 1e9, 1e6, 1e3) if high >= s > low), 1.0)
            unit = number.readings[0][1]
            shared = tuple(
                (value * factor, kind or unit)
                for value, kind in before.readings
                for factor in {1.0, scale}
            )
            pair = (low, high) if between != "and" else None
            joined = between not in {"and", "to"} and number.start - before.end == 1
            whole = text[before.start : number.end]
            paired[-1] = replace(
                before, text=whole if joined else before.text, readings=shared, pair=pair,
                joined=joined,
            )  # fmt: skip
            number = replace(
                number, text=whole if joined else number.text, pair=pair, joined=joined
            )
        paired.append(number)
    return paired
