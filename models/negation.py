"""Whether a summary sentence says "did not" where its evidence does, and only there.

Compared is what stands directly under a negation: the first word of content behind the cue.
A word negated wherever the evidence has it must not stand un-negated in the summary, nor the
reverse. English cues; other languages are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from models.words import FUNCTION_WORDS, WORD, fold, stem

_REFUSALS: Final = frozenset(
    "unable refused refuses refusing refuse declined declines declining decline fails failed "
    "failing fail".split()
)
_DENIALS: Final = frozenset("denied denies denying deny".split())
_CUES: Final = (
    frozenset(
        "not never no none without neither nor nobody cannot cant dont doesnt didnt isnt arent "
        "wasnt werent wont wouldnt couldnt shouldnt hasnt havent hadnt aint".split()
    )
    | _REFUSALS
    | _DENIALS
)
# "not only", "no longer sure whether", "no doubt": a cue that negates nothing that follows.
_NOT_AFTER: Final = frozenset(
    "only just doubt matter merely necessarily simply least all every surprise wonder".split()
)
# Between the cue and what it negates.
_SKIPPED: Final = FUNCTION_WORDS | frozenset(
    "yet ever been longer immediately currently actually really yesterday immediately always often "
    "even fully completely directly publicly officially specifically exactly".split()
)
_CLAUSE: Final = re.compile(r"[,;:.!?()\"“”]|\s[–—-]+\s")


def contradicts(sentence: str, evidence: Iterable[str]) -> str | None:
    """The word of `sentence` that is negated in one of the two and not in the other, or None."""
    said, said_not, written = _polarity(sentence)
    held: set[str] = set()
    held_not: set[str] = set()
    for source in evidence:
        positive, negative, _ = _polarity(source)
        held |= positive
        held_not |= negative
    # Where the evidence negates something else, "not w" may paraphrase that.
    added = said_not & held - held_not if not held_not else set()
    dropped = held_not & said - held - said_not
    return next((written[word] for word in sorted(added | dropped)), None)


def _polarity(text: str) -> tuple[set[str], set[str], dict[str, str]]:
    """Stems that stand un-negated, stems under a negation, and both as written."""
    positive: set[str] = set()
    negative: set[str] = set()
    written: dict[str, str] = {}
    for clause in _CLAUSE.split(text):
        cue = ""
        words = WORD.findall(clause)
        folded = [fold(word) for word in words]
        for index, word in enumerate(folded):
            if word in _CUES:
                following = folded[index + 1] if index + 1 < len(folded) else ""
                cue = word if _may_negate(word, following) else ""
            elif word not in _SKIPPED:
                root = stem(word)
                written[root] = words[index]
                # "Denied killing" does, "denied the claims" says nothing of the claims.
                negated = cue and (cue not in _DENIALS or word.endswith("ing"))
                (negative if negated else positive).add(root)
                cue = ""
    return positive, negative, written


def _may_negate(cue: str, following: str) -> bool:
    if cue in _REFUSALS:
        return following == "to"
    return following not in _NOT_AFTER and not following.isdigit()
