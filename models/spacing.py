"""Spaces that a tokeniser set, as in "Leeds 's captain ( 24 ) did n't , he said ."

Corpora for research are stored so (in the tokens of the Penn Treebank). Nobody
wants to read it, and words are counted wrong where every mark is one.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import Final

# A text is tokenised that has so many commas and full stops behind a space, and hardly others.
_MIN_MARKS: Final = 3
_MIN_SHARE: Final = 0.8
# Behind four small letters a full stop hardly ever belongs to an abbreviation.
_MARK: Final = re.compile(r"(?<=[a-zß-öø-ÿ]{4})( ?)[.,](?=\s|$)")

_CLITIC: Final = r"['’] ?(?:s|m|d|re|ve|ll|S|M|D|RE|VE|LL)|[nN] ?['’] ?[tT]"
_CLOSING: Final = r"''|[,;:!?%)\]}’”']|\.{1,3}|…|-R[RS]B-"
_OPENING: Final = r"``|[`‘“(\[{#$£€]|-L[RS]B-"
_APART: Final = re.compile(rf"(?<!\S)(?:{_CLITIC}|{_CLOSING}|(?P<opening>{_OPENING})|\")(?!\S)")
# Such corpora set lines one behind the other, headings and captions without a full stop too.
_OPENERS: Final = (
    "The He She It They There This These His Her Their But However And While When Speaking "
    "According Each Some Another Other Only Very No Having One Both Despite Although"
).split()
# In titles these are capitals too: "Gone With the Wind".
_OPENERS_BEHIND_SMALL: Final = "In On At As After Before With Without For From".split()
_LINE_END: Final = re.compile(
    rf"(?<!\S)(?:(?:\S*[^\W_][^\W_]|[)])[ ](?=(?:{'|'.join(_OPENERS)}) [a-z])"
    rf"|[^\W_A-Z]\S*[^\W_][ ](?=(?:{'|'.join(_OPENERS_BEHIND_SMALL)}) [a-z]))"
)
_WRITTEN: Final = {
    "``": "“", "''": "”", "`": "‘", "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]",
}  # fmt: skip

Repair = tuple[int, int, str]


def is_tokenised(text: str) -> bool:
    """Whether nearly all commas and full stops of `text` stand apart from their words."""
    found = _MARK.findall(text)
    apart = sum(map(bool, found))
    return apart >= _MIN_MARKS and apart >= _MIN_SHARE * len(found)


def repairs(text: str) -> list[Repair]:
    """What to replace in a tokenised text: (start, end, replacement), in order, never overlapping.

    Nothing in a text that is not tokenised. Linear in its length.
    """
    if not is_tokenised(text):
        return []
    found: list[Repair] = []
    ends = ((match.end() - 1, match.end(), "\n") for match in _LINE_END.finditer(text))
    for start, end, replacement in heapq.merge(_joins(text), ends):
        if not found or start >= found[-1][1]:  # "( )": both ask for the same space
            found.append((start, end, replacement))
    return found


def _joins(text: str) -> Iterator[Repair]:
    is_open, last = False, 0
    for match in _APART.finditer(text):
        start, end = match.span()
        token = match.group()
        opens = match["opening"] is not None
        if token == '"':  # by turns, anew in every paragraph
            opens = is_open = not is_open or "\n" in text[last:start]
            last = end
        elif token == "'":  # "he said : ' I was"
            opens = text[max(0, start - 2) : start] == ": "
        if not opens and text[start - 1 : start] == " ":
            yield start - 1, start, ""
        if token in _WRITTEN:
            yield start, end, _WRITTEN[token]
        for inner in re.finditer(" ", token):
            yield start + inner.start(), start + inner.end(), ""
        if opens and text[end : end + 1] == " ":
            yield end, end + 1, ""
