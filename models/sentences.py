"""Sentence boundaries with offsets: rules, no model, no language data to download.

A boundary is a sentence end (`.`, `!`, `?`, `…`, the danda and their kin in other
scripts, with the quotes and brackets that close behind it) followed by white
space and by something that can begin a sentence, unless the full stop belongs
to an abbreviation, an initial or a number. A line break ends a sentence too,
except in hard-wrapped text. What has no punctuation at all is cut at
`MAX_SENTENCE_CHARACTERS`.
"""

from __future__ import annotations

import re
from typing import Final

MAX_SENTENCE_CHARACTERS: Final = 800

# Abbreviations that are followed by a name, so never end a sentence.
_BEFORE_NAME: Final = frozenset(
    "mr mrs ms mx dr prof rev hon gov gen sen rep lt col capt sgt cpl maj cmdr adm pres st mt ft "
    "messrs mme mlle msgr sr br vs v supt det insp const reps sens gens cols drs profs hr frau "
    "dipl ing dra sra г ул им проф".split()
)
# Abbreviations that are followed by a number; before anything else they are words that end.
_BEFORE_NUMBER: Final = frozenset(
    "no nos nr vol art fig eq sec ch pp p jan feb mar apr jun jul aug sept sep oct nov dec ca "
    "approx abs ст № стр".split()
)
# Abbreviations that may end a sentence: the next word decides.
_MAY_END: Final = frozenset(
    "inc ltd co corp llc plc bros jr esq dept est min max ave blvd rd asst atty fr eds ed bzw usw "
    "тыс млн млрд руб".split()
)
_NEVER_END: Final = frozenset("e.g i.e cf viz al z.b d.h u.a т.е т.н".split())
_CLOCK: Final = frozenset({"a.m", "p.m"})
_ABBREVIATIONS: Final = _CLOCK | _NEVER_END | _BEFORE_NAME | _MAY_END
_DOTTED: Final = re.compile(r"(?:\w\.)+\w|ph\.d")
_AFTER_CLOCK: Final = re.compile(
    r"(?:[ECMP][SD]?T|GMT|BST|UTC|CET|Eastern|Pacific|Central|local|on|in|to|"
    r"(?:Mon|Tues?|Wednes|Thurs?|Fri|Satur|Sun)(?:day)?|"
    r"Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Oct|Nov|Dec)\w*\b"
)
# "3. Oktober", "1. mai", "5. září": languages that write the ordinal with a full stop.
_DAY_MONTH: Final = re.compile(
    r"(?:jan|jän|feb|mär|mar|apr|maj|mai|juni?|juli?|aug|sep|okt|oct|nov|dez|des|dec|jahrhundert|"
    r"led|únor|břez|dub|květ|červ|srp|září|říj|listop|pros|stor|ocak|şubat|weltkrieg|bundesliga|"
    r"liga|klasse|tag|platz|runde)\w*",
    re.IGNORECASE,
)
# "Vitamin C. The", "Plan B. Officials": a capital letter that is not an initial.
_LETTERED: Final = frozenset(
    "vitamin plan group hepatitis type grade class category section part option block tier side "
    "series appendix route schedule exhibit".split()
)
_STARTERS: Final = frozenset(
    "the a an he she it they we i you his her its their our my this that these those in on at but "
    "and or so if when while after before as for by with from to there what who why how however "
    "meanwhile instead also not no yes mr mrs ms dr both some many most all such another one two "
    "der die das ein eine er sie es wir ich und aber le la les un une il elle ils nous et mais en "
    "el los las una ella pero y de het een hij zij".split()
)

_OPENERS: Final = "\"'“”‘’«»„‚‹([{¿¡—–-•*「『（【"
_CJK_ENDS: Final = "。！？｡"
# Ends of sentences in the other scripts, and what closes behind an end; both for `[...]`.
_MARKS: Final = ".!?…؟۔।॥։።။"
_CLOSERS: Final = r""""'”’»›)\]}」』）】"""
_END: Final = re.compile(
    rf"(?P<mark>[{_MARKS}។‼⁇⁈⁉]+|[{_CJK_ENDS}]+)(?P<close>[{_CLOSERS}]*)"
    rf"(?P<gap>\s+|(?<=[{_CJK_ENDS}」』）】])|$)"
)
# "“Really?” Smith asked": the sentence goes on with who said it.
_SAYING: Final = re.compile(
    r"(?:[A-ZÀ-Þ][\w.'’-]*\s+){1,4}(?:said|says|asked|asks|wrote|writes|added|shouted|cried|told|"
    r"tweeted|exclaimed|joked|replied|wondered|yelled)\b"
)
_ENUMERATOR: Final = re.compile(r"\s*[(\[]?(?:\d{1,3}|[ivxIVX]{1,4}|[a-zA-Z])")
_LINE: Final = re.compile(r"\n\s*")
# The end of a whole sentence; Thai and Lao have no mark for it.
WHOLE: Final = re.compile(rf"(?:[{_MARKS}{_CJK_ENDS}][{_CLOSERS}]*|[\u0e00-\u0eff])$")
_FULL_STOPS: Final = {
    **dict.fromkeys(("ja", "zh"), "。"),
    **dict.fromkeys(("as", "bn", "hi", "mr", "ne", "or", "pa", "sa"), "।"),
    **{"am": "።", "ti": "።", "hy": "։", "my": "။", "ur": "۔", "lo": "", "th": ""},
}
_TERMINAL: Final = re.compile(rf"[{_MARKS}{_CJK_ENDS}:;][{_CLOSERS}\s]*$")
# No line ends with one of these unless a link or a width broke it.
_UNFINISHED: Final = re.compile(
    r"(?:,|\s(?:an?|the|of|to|in|for|and|or|with|by|from|that|has|have|was|were|is|are|its|their))$"
)
_WRAPPED_LINE_CHARACTERS: Final = range(40, 101)
# How far the rules look around a full stop: bounds the work, so time stays linear.
_LOOK_CHARACTERS: Final = 60


def split(text: str, *, uncased: bool = False) -> list[tuple[int, int]]:
    """Sentence spans (start, end) of `text`, in order, trimmed, never empty, never overlapping.

    Each holds a letter or digit and at most `MAX_SENTENCE_CHARACTERS`. Linear in the text.
    `uncased`: the text has no capitals at all, so sentences begin without one.
    """
    spans: list[tuple[int, int]] = []
    for begin, end in paragraphs(text):
        start = begin
        for match in _END.finditer(text, begin, end):
            if _is_boundary(text, start, match, end, uncased=uncased):
                _append(text, start, match.end("close"), spans)
                start = match.end()
        _append(text, start, end, spans)
    return spans


def full_stop(language: str) -> str:
    """The mark that ends a statement in `language`, a BCP 47 primary tag; "" for none."""
    return _FULL_STOPS.get(language, ".")


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the paragraphs of `text`, untrimmed: no sentence crosses their ends.

    Each line is one, unless the text is hard-wrapped: then an empty line parts them.
    """
    wrapped = _is_hard_wrapped(text)
    spans: list[tuple[int, int]] = []
    begin = 0
    for match in _LINE.finditer(text):
        if match.group().count("\n") == 1 and _goes_on(text, begin, match, wrapped=wrapped):
            continue
        spans.append((begin, match.start()))
        begin = match.end()
    spans.append((begin, len(text)))
    return [(start, end) for start, end in spans if not text[start:end].isspace() and start < end]


def _is_hard_wrapped(text: str) -> bool:
    """Whether line breaks were set by width: most lines are long, even and end mid-sentence."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 4:
        return False
    open_lines = sum(
        len(line) in _WRAPPED_LINE_CHARACTERS and not _TERMINAL.search(line[-8:]) for line in lines
    )
    return open_lines > len(lines) * 0.55


def _goes_on(text: str, begin: int, line_end: re.Match[str], *, wrapped: bool) -> bool:
    """Whether the sentence before a single line break continues on the next line."""
    line_start = max(begin, text.rfind("\n", 0, line_end.start()) + 1)
    following = text[line_end.end() : line_end.end() + 1]
    if wrapped:
        # The last line of a wrapped paragraph is short; a bullet starts anew.
        return line_end.start() - line_start >= _WRAPPED_LINE_CHARACTERS.start and (
            following not in "•*-–"
        )
    tail = text[max(line_start, line_end.start() - 24) : line_end.start()]
    if _TERMINAL.search(tail):
        return False
    return following.islower() or bool(_UNFINISHED.search(tail))


def _append(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_SENTENCE_CHARACTERS:
        cut = _cut(text, start)
        _append(text, start, cut, spans)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if any(character.isalnum() for character in text[start:end]):
        spans.append((start, end))


def _cut(text: str, start: int) -> int:
    """Where to end a sentence that passes the bound: after a clause, else after a word."""
    half, bound = start + MAX_SENTENCE_CHARACTERS // 2, start + MAX_SENTENCE_CHARACTERS
    for separator in ("\n", "; ", "、", "，", "،", ": ", ", ", " - ", " "):
        found = text.rfind(separator, half, bound)
        if found >= 0:
            return found + len(separator.rstrip() or separator)
    return bound


def _is_boundary(text: str, start: int, match: re.Match[str], end: int, *, uncased: bool) -> bool:
    mark, after = match["mark"], match.end()
    if after >= end:
        return True
    following = text[after : min(end, after + _LOOK_CHARACTERS)]
    if mark[0] in _CJK_ENDS:
        # 「…。」と述べた: what is said belongs to the sentence that says it.
        return not (match["close"] and following[0] in "とっ、，,")
    opened = following.lstrip(_OPENERS + " ")
    if not opened:
        return True
    if not opened[0].isalnum() and opened[0] not in "#@$€£¥₹&%+<":
        return _can_begin(opened[0])
    if mark == "." and re.match(r"[–—-]+\s", following):
        # "ST. PETERSBURG, Fla. — The governor": the dash goes on with what the stop abbreviates.
        return False
    before = text[max(start, match.start("mark") - _LOOK_CHARACTERS) : match.start("mark")]
    if opened[0].islower():
        # "Yahoo! said", "... and so on": the sentence goes on.
        return uncased and _ends_uncased(before, mark)
    if match["close"] and mark[0] in "!?" and _SAYING.match(opened):
        return False
    if mark != "." or match["close"]:
        return True
    if _ENUMERATOR.fullmatch(text, start, match.start("mark")):
        return False
    return not _is_abbreviation(before, opened)


def _ends_uncased(before: str, mark: str) -> bool:
    """Whether a sentence ends here although the next one begins with a small letter."""
    words = before.split()
    word = words[-1].lstrip(_OPENERS) if words else ""
    abbreviated = (
        (len(word) == 1 and word.isalpha())
        or word in _ABBREVIATIONS
        or bool(_DOTTED.fullmatch(word))
    )
    return mark in {".", "?", "!"} and not (mark == "." and abbreviated)


def _can_begin(character: str) -> bool:
    """Whether a sentence can begin with `character`: an emoji can, ". . ." cannot."""
    return character not in ".!?…,;:"


def _is_abbreviation(before: str, following: str) -> bool:
    words = before.split()
    word = words[-1].lstrip(_OPENERS).lower() if words else ""
    if not word:
        return False
    if word in _CLOCK:
        return bool(_AFTER_CLOCK.match(following))
    if word in _BEFORE_NUMBER:
        return following[0].isdigit()
    if word.isdigit():
        return len(word) <= 2 and bool(_DAY_MONTH.match(following))
    if word in _NEVER_END:
        return True
    if word in _BEFORE_NAME:
        return not (word in {"st", "ft", "v", "ing"} and _starts(following))
    if word in _MAY_END or _DOTTED.fullmatch(word):
        return not _starts(following)
    if len(word) != 1 or not word.isalpha():
        return False
    if following[1:2] == "." and following[0].isalpha():
        # "J. K.", "z. B.", "т. е.": the first of several.
        return True
    # An initial: "George W. Bush".
    if word == "i" or _starts(following):
        return False
    return words[-1][-1].isupper() and (words[-2].lower() if words[1:] else "") not in _LETTERED


def _starts(following: str) -> bool:
    first = re.match(r"\w*", following)
    return first is not None and first.group().lower() in _STARTERS
