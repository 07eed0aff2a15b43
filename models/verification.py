"""Is each number, date, name and quotation of a summary sentence in the article?

The verdict is one of lookup, not of inference: it finds what an article does not
hold, and negations turned round; it does not find true facts joined wrongly.
What is checked, what is not, and what the verdict is worth is in
`docs/verification.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from models.documents import Document
from models.facts import SourceFacts
from models.names import unsupported_names
from models.negation import contradicts
from models.numerals import numbers
from models.quotations import MARKS, parts, quotations, quoted, speakers
from models.words import stem, tokens

__all__ = ["SourceFacts", "Verdict", "verify"]

_NEGATED_LANGUAGES: Final = frozenset({"en", "und"})
# Shorter quotations are words that the article may use outside quotation marks.
_MIN_SPEECH_WORDS: Final = 4

# What each missing fact leaves of a sentence's support.
_MISSING: Final = 0.9


@dataclass(frozen=True, slots=True)
class Verdict:
    """`supported` says that nothing was found missing; `unsupported` lists what was, as written.

    `support` grades from 0 to 1 how much of the sentence the article says in the same words: a
    measure for ranking hypotheses and for evaluation, not a probability.
    """

    supported: bool
    unsupported: tuple[str, ...] = ()
    support: float = 1.0


def verify(
    sentence: str,
    document: Document,
    evidence: Sequence[int],
    facts: SourceFacts | None = None,
) -> Verdict:
    """Look up what `sentence` states in `document`; `evidence` are sentence indices, best first.

    Pass the `facts` of the document when several sentences are verified against it.
    """
    facts = facts or SourceFacts.of(document)
    sources = [document.sentences[index].text for index in evidence]
    found, days = numbers(sentence, document.language)
    unsupported = [number.text for number in found if not facts.hold_number(number)]
    unsupported += [day.text for day in days if not facts.hold_day(day)]
    unsupported += facts.missing_calendar_words(sentence)
    unsupported += _unsupported_quotations(sentence, document, facts)
    unsupported += unsupported_names(sentence, facts.names)
    if document.language in _NEGATED_LANGUAGES and (word := contradicts(sentence, sources)):
        unsupported += [word] if not any(word in other for other in unsupported) else []
    unique = tuple(
        found
        for found in dict.fromkeys(unsupported)
        if not any(found != other and found in other for other in unsupported)
    )
    return Verdict(not unique, unique, _support(sentence, sources, facts, len(unique)))


def _unsupported_quotations(sentence: str, document: Document, facts: SourceFacts) -> list[str]:
    """Quotations that the article does not hold word for word, as speech, of the same speaker."""
    missing = []
    for quotation in quotations(sentence):
        pieces = parts(quotation.text)
        if any(piece not in facts.folded for piece in pieces):
            if any(piece not in quoted(document.text) for piece in pieces):
                missing.append(quotation.text)
            continue
        places = _places(pieces[0], document) if pieces else []
        if places and not _is_said(quotation.text, sentence, places, document):
            missing.append(quotation.text)
    return missing


def _places(piece: str, document: Document) -> list[int]:
    """Indices of the sentences that hold the folded words `piece`."""
    longest = max(piece.split(), key=len)
    return [
        item.index
        for item in document.sentences
        # Cheap, and wrong only where folding changed letters, which ASCII words are safe from.
        if (longest in item.text.lower() or not item.text.isascii())
        and piece in f" {' '.join(tokens(item.text))} "
    ]


def _is_said(quotation: str, sentence: str, places: list[int], document: Document) -> bool:
    """Whether a quotation found in the sentences `places` is speech there, of the same speaker."""
    own = [document.sentences[index].text for index in places]
    around = [
        document.sentences[other].text
        for index in places
        for other in range(max(0, index - 2), min(len(document.sentences), index + 2))
    ]
    if len(quotation.split()) >= _MIN_SPEECH_WORDS and not any(map(MARKS.search, around)):
        return False
    named = speakers(sentence)
    # Beside "he said" the name stands nearby; beside a name it is that name or nobody's.
    holders = own if any(map(speakers, own)) else around
    return not named or bool(named & set(tokens(" ".join(holders))))


def _support(sentence: str, sources: Sequence[str], facts: SourceFacts, missing: int) -> float:
    """How much of the sentence the article says in one piece, less for each thing missing.

    Mostly the product of two shares: word pairs that the best evidence sentence has, and (squared)
    words less the pieces that the sentence falls into when it is cut from the article in as few
    as possible (the fragments of Grusky et al. 2018); and a little of the words themselves. Long
    copied stretches count for more than short ones: joining short ones is how false sentences
    are made of true words.
    """
    words = tokens(sentence)
    if not words:
        return 0.0
    stems = list(map(stem, words))
    source = list(map(stem, tokens(sources[0]))) if sources else []
    near, pairs = set(pairwise(source)), list(pairwise(stems))
    together = sum(pair in near for pair in pairs) / len(pairs) if pairs else 0.0
    whole = 1 - fragments(words, facts.folded) / len(words)
    covered = len(set(stems) & set(source)) / len(set(stems))
    return (0.9 * together * whole**2 + 0.1 * covered) * _MISSING**missing


def fragments(words: Sequence[str], folded: str) -> int:
    """Into how many pieces `words` fall when each is copied from `folded`, greedily longest first.

    A word that `folded` does not hold is a piece of its own.
    """
    count = start = 0
    while start < len(words):
        piece = f" {words[start]} "
        start += 1
        while start < len(words) and piece + words[start] + " " in folded:
            piece += words[start] + " "
            start += 1
        count += 1
    return count
