"""Quotations: what stands between quotation marks, and who is named as having said it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from models.words import tokens

_PAIRS: Final = re.compile(
    r"“([^“”]{2,600})(?:”|$)|«\s?([^«»]{2,600})\s?»|„([^„“”]{2,600})[“”]|「([^「」]{2,600})」"
    r"|『([^『』]{2,600})』|(?<![\w\"])\"(?=\S)([^\"]{2,600}?)(?:\"|$)"
    r"|(?<![\w'’])‘(?=\S)([^‘]{2,600}?)’(?!\w)|(?<![\w'’])'(?!s\s)(?=\S)([^']{2,600}?(?:'[a-z]{1,2}\b[^']{0,600}?)*)'(?!\w)"
)
MARKS: Final = re.compile(r"[\"“”«»„「」『』]|(?<!\w)['‘’]|['’](?!\w)")
_SAID: Final = (
    r"(?:said|says|told|added|wrote|writes|tweeted|asked|argued|claimed|insisted|warned|admitted|"
    r"explained|stated|declared|announced|replied|noted|recalled|joked|complained|testified|"
    r"posted|concluded|continued|commented|remarked)"
)
_NAME: Final = r"(?P<name>(?:[A-ZÀ-ÞА-Я][\w.'’-]*\s+){0,4}[A-ZÀ-ÞА-Я][\w'’-]+)"
_SPEAKER: Final = (
    re.compile(
        rf"(?P<of>\bof\s+)?{_NAME}(?:,[^,\"“”]{{2,60}},)?\s+(?:\w+ly\s+|has\s+|had\s+|also\s+)?{_SAID}\b"
    ),
    # "told Reuters" names who listens.
    re.compile(rf"\b(?!told){_SAID}\s+{_NAME}"),
    re.compile(rf"(?i:according to)\s+{_NAME}"),
)
_PRONOUNS: Final = frozenset("he she they it i we you but and in on at the a an this that".split())


@dataclass(frozen=True, slots=True)
class Quotation:
    """The words between the marks as written, and where they stand in the sentence."""

    text: str
    start: int
    end: int


def quotations(sentence: str) -> list[Quotation]:
    """What stands between quotation marks in `sentence`, in order."""
    found: list[Quotation] = []
    for match in _PAIRS.finditer(sentence):
        group = match.lastindex or 0
        text = match.group(group)
        if tokens(text):
            found.append(Quotation(text.strip(), *match.span(group)))
    return found


def parts(quotation: str) -> list[str]:
    """The folded words of a quotation, cut at ellipses and editors' brackets, as one string each.

    Each string begins and ends with a space, so that it can be looked for among folded words.
    """
    pieces = re.split(r"\.{3,}|…|\[[^\]]*\]|\. \. \.", quotation)
    return [f" {' '.join(words)} " for piece in pieces if (words := tokens(piece))]


def quoted(text: str) -> str:
    """The folded words of all quotations of `text` in one string, each between spaces.

    A quotation that "he said" interrupts stands there in one piece.
    """
    return f" {' '.join(word for found in quotations(text) for word in tokens(found.text))} "


def speakers(sentence: str) -> set[str]:
    """Folded words of the names that `sentence` names as speaking."""
    bare = _PAIRS.sub(lambda match: '"' + " " * (len(match.group()) - 2) + '"', sentence)
    found: set[str] = set()
    for pattern in _SPEAKER:
        for match in pattern.finditer(bare):
            # "A friend of Ann Lee said": somebody else did.
            if not match.groupdict().get("of"):
                found.update(tokens(match["name"]))
    return found - _PRONOUNS
