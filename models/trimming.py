"""Tightening by rule: what every editor takes out, and cuts that are worth a judge's look.

`tidied` takes out what a reader would stumble over in a sentence torn from its
page: "(left)", the label of a caption, "However,". `trims` proposes
shortenings at marks and before words that open a phrase, where cuts are safest.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from models.copying import Piece, Word, join
from models.shortening import Shortening
from models.verbs import is_surely_verb

_PLACE: Final = r"(?:far |second |third |top |bottom |first |back |front )?" + (
    r"(?:left|right|centre|center|above|below|inset|top|bottom|middle|pictured|not pictured|"
    r"foreground|background|seen here|next to (?:him|her))"
)
_CAPTION_ASIDE: Final = re.compile(
    rf" ?\({_PLACE}(?![-\w])[^()]{{0,70}}\)"
    rf"| ?\((?:file|stock|library) (?:picture|photo|image|photograph)\)"
    rf"|, {_PLACE}(?: (?:left|right|above|below|here|centre|together|in \d{{4}}))?,(?= [a-z])",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(r"""["'‘“]?[A-Z][\w’'-]*["'’”]?(?: [\w’'&-]+){0,3}["'’”]?: (?=[A-Z])""")
# Labels that say who says so.
_SPEAKS: Final = re.compile(
    r"\b(?:police|official|report|source|study|poll|court|expert|survey|analysis|verdict|update)s?\b"
    r"|^[QA]: ",
    re.IGNORECASE,
)
_FIRST_PERSON: Final = re.compile(r"\b(?:I|I'm|we|We|my|our|us|you|your)\b")
_CONNECTIVE: Final = re.compile(
    r"(?:(?:However|Meanwhile|Yes|No|Well|Indeed|Of course|In addition|Additionally|Moreover|"
    r"Furthermore|In fact|Instead|Still|Now|Then|So|And|But|Yet|Also|Similarly|Nevertheless|"
    r"Nonetheless|Unsurprisingly|Remarkably|Interestingly|As a result|For example|For instance|"
    r"On top of that|What's more|By contrast|In contrast|On the other hand), "
    r"|(?:And|But) (?!for\b|then\b|what\b|not\b|also\b)|Yet (?!another\b|to\b|more\b)|Meanwhile )"
    r"(?=[\w\"“'‘])"
)
_MIN_LEFT_WORDS: Final = 6

_ATTRIBUTION: Final = re.compile(
    r",? (?:according to (?:[^,\"“”;:]{3,60})"
    r"|(?:(?:[A-Z][\w.'’-]*|[Tt]he|a|police|officials|authorities|prosecutors|sources|researchers|"
    r"experts|scientists|it|he|she|they|which|of|in|for|and|[a-z]+(?:man|woman|men|er|or|ist|ers|ors|"
    r"ists|s)|press|court|company|office|department|statement|state|city|local|health|fire) ){1,7}"
    r"(?:said|says|say|added|reported|reports|announced|confirmed|has said|have said|has revealed|"
    r"revealed|claims|claimed|is reported|was reported|has been reported|is claimed|it emerged)"
    r"(?: (?:on \w+day|\w+day|yesterday|today|in a statement|this week|last week))?)\.$"
)
_SAYS: Final = re.compile(r"\b(?:said|says|told|claims?|claimed|according|added)\b|[\"“”]")


def tidied(text: str) -> str:
    """The sentence without caption asides and label, opening connective and stray closing quote."""
    shorter = _CAPTION_ASIDE.sub("", text)
    label = _LABEL.match(shorter)
    if label and not _SPEAKS.search(label[0]) and not _FIRST_PERSON.search(shorter):
        shorter = _unless_short(shorter[label.end() :], shorter)
    connective = _CONNECTIVE.match(shorter)
    if connective:
        shorter = _unless_short(_capitalised(shorter[connective.end() :]), shorter)
    return _without_stray_close(shorter)


def without_attribution(text: str) -> str:
    """The sentence without a closing ", police said on Monday", where it says nothing else so."""
    match = _ATTRIBUTION.search(text)
    if not match or _SAYS.search(text[: match.start()]):
        return text
    return _unless_short(text[: match.start()] + ".", text)


def _unless_short(shorter: str, text: str) -> str:
    return shorter if len(shorter.split()) >= _MIN_LEFT_WORDS else text


def _capitalised(text: str) -> str:
    first = next((i for i, one in enumerate(text) if one.isalnum()), 0)
    return text[:first] + text[first].upper() + text[first + 1 :]


def _without_stray_close(text: str) -> str:
    """The text without a quotation mark that closes at its end what was never opened."""
    for close, opens in (("'", "'‘"), ("’", "'‘"), ("”", "“"), ('"', '"')):
        if text.endswith(close) and len(text) > 1 and text[-2] in ".!?":
            body = text[:-1]
            if not any(
                mark in opens and (i == 0 or body[i - 1] in " (") for i, mark in enumerate(body)
            ):
                return body
    return text


# A phrase may be cut off before these, marks aside.
_OPENS: Final = frozenset(
    "and but after before as which who while when where because since although though with amid "
    "despite following including during in on at for from by to over against between among until "
    "unless if so than into through about".split()
)
_MARKS: Final = frozenset(", ; : - – — -- ...".split())
_MAX_ASIDE_WORDS: Final = 14
_MAX_OPENING_WORDS: Final = 9


def trims(
    sentence: str, wanted_words: int, most_words: int, *, least_words: int = 6, count: int = 6
) -> list[Shortening]:
    """Up to `count` shortenings of at most `most_words` words.

    First those of at most `wanted_words`, the longest first, then the longer ones, the shortest
    first.
    """
    whole = Shortening(sentence, (), ())
    words = whole.words
    bodies = [list(range(len(words)))]
    bodies += _without_asides(words)
    found: dict[tuple[int, ...], tuple[int, Shortening]] = {}
    for body in bodies:
        for end in _ends(words, body):
            kept = tuple(body[:end])
            if len(kept) == len(words) or kept in found:
                continue
            one = Shortening(sentence, tuple(words[i].key for i in kept), kept)
            length = len(text_of(one).split()) if kept else 0
            if least_words <= length <= most_words:
                found[kept] = length, one
    ordered = sorted(
        found.values(), key=lambda pair: (pair[0] > wanted_words, abs(pair[0] - wanted_words))
    )
    return [one for _, one in ordered[:count]]


def _without_asides(words: list[Word]) -> list[list[int]]:
    """Word places without a bracket, without what stands between two marks, without the opening."""
    places = list(range(len(words)))
    commas = [i for i in places if words[i].text in _MARKS]
    bodies = []
    for first, second in pairwise(commas):
        if 1 < second - first <= _MAX_ASIDE_WORDS:
            bodies.append(places[:first] + places[second + 1 :])
    opens = [i for i in places if words[i].text in "(["]
    if opens:
        closes = [i for i in places if words[i].text in ")]"]
        inside = {i for a, b in zip(opens, closes, strict=False) if a < b for i in range(a, b + 1)}
        bodies.append([i for i in places if i not in inside])
    if commas and 0 < commas[0] <= _MAX_OPENING_WORDS:
        bodies.append(places[commas[0] + 1 :])
    return bodies


def _ends(words: list[Word], body: list[int]) -> list[int]:
    """Where in `body` a shortening may end: its own end, at marks, before words that open."""
    ends = [len(body)]
    for position in range(1, len(body)):
        key = words[body[position]].key
        if words[body[position - 1]].is_mark and words[body[position - 1]].text in _MARKS:
            continue
        before = words[body[position - 1]].key
        # "the emphasis both sides place | on it" leaves something to be said.
        opened = key in _OPENS and not is_surely_verb(before)
        if key in _MARKS or opened:
            ends.append(position)
    return ends


def text_of(one: Shortening) -> str:
    """The shortening as it is read, spaced as its sentence has it."""
    pieces = [Piece.of(one.words[place], place, one.sentence) for place in one.copied]
    return join(pieces, terminate=one.task != "headline")
