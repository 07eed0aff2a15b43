"""Articles all in capitals: read as other articles are, and answered as they came.

Verbs, names and sentence ends are told apart by small letters, so a model of
ordinary news reads such an article in these.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.contract import Summary, SummarySentence
from models.documents import Document, Sentence

# Share of the cased letters; "McDONALD" and a link leave a few small ones.
_MIN_SHARE: Final = 0.95


def is_capitals(document: Document) -> bool:
    """Whether nearly all letters of the sentences are capitals."""
    texts = [sentence.text for sentence in document.sentences]
    # The beginning tells nearly all articles apart, and is soon read.
    return _share("".join(texts[:3])) >= _MIN_SHARE <= _share("".join(texts))


def lowered(document: Document) -> Document:
    """The document with sentences in small letters, each with one capital; spans stay."""
    return replace(
        document,
        text=document.text.lower(),
        title=None if document.title is None else _as_sentence(document.title),
        sentences=tuple(map(_lowered, document.sentences)),
        asides=tuple(map(_lowered, document.asides)),
    )


def raised(summary: Summary) -> Summary:
    """The summary in capitals again."""
    return replace(
        summary,
        text=summary.text.upper(),
        sentences=tuple(map(raised_sentence, summary.sentences)),
    )


def raised_sentence(sentence: SummarySentence) -> SummarySentence:
    return replace(
        sentence,
        text=sentence.text.upper(),
        unsupported=tuple(name.upper() for name in sentence.unsupported),
    )


def _share(text: str) -> float:
    """Of the letters that have a case, those that are capitals."""
    capitals, small = sum(map(str.isupper, text)), sum(map(str.islower, text))
    return capitals / max(1, capitals + small)


def _lowered(sentence: Sentence) -> Sentence:
    return replace(sentence, text=_as_sentence(sentence.text))


def _as_sentence(text: str) -> str:
    first = next((place for place, one in enumerate(text) if one.isalpha()), 0)
    return text[: first + 1] + text[first + 1 :].lower()
