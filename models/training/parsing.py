"""Dependency parses from spaCy, over the words that shortenings count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from models.errors import MissingDependency
from models.shortening import sentence_words
from models.training.grammar import Token

_CONTRACTION: Final = re.compile(r"(.+)(n['’]t|['’](?:re|ve|ll|d|m))", re.IGNORECASE)


class SpacyParser:
    """An English pipeline of spaCy, such as `en_core_web_sm` (MIT licence), by name or directory.

    Raises MissingDependency if spaCy or the pipeline is not installed.
    """

    def __init__(self, pipeline: str = "en_core_web_sm") -> None:
        try:
            import spacy
        except ImportError:
            raise MissingDependency("Labelling needs a parser: pip install spacy.") from None
        try:
            self._pipeline: Any = spacy.load(pipeline, disable=["lemmatizer", "ner"])
        except OSError:
            raise MissingDependency(f"spaCy has no pipeline {pipeline!r}.") from None
        self._document: Any = spacy.tokens.Doc

    def parse(self, sentences: Sequence[str]) -> list[list[Token]]:
        """The tokens of each sentence; "didn't" is two of one word."""
        documents, places = [], []
        for sentence in sentences:
            texts, spaces, words = split_contractions(sentence)
            documents.append(self._document(self._pipeline.vocab, words=texts, spaces=spaces))
            places.append(words)
        return [
            [
                Token(one.text, word, one.head.i, one.dep_, one.tag_, one.pos_)
                for one, word in zip(document, words, strict=True)
            ]
            for document, words in zip(self._pipeline.pipe(documents), places, strict=True)
        ]


def split_contractions(sentence: str) -> tuple[list[str], list[bool], list[int | None]]:
    """Token texts, whether a space follows each, and the word that each belongs to."""
    texts: list[str] = []
    spaces: list[bool] = []
    words: list[int | None] = []
    for place, word in enumerate(sentence_words(sentence)):
        space = word.end < len(sentence) and sentence[word.end].isspace()
        match = _CONTRACTION.fullmatch(word.text)
        parts = [match[1], match[2]] if match else [word.text]
        texts += parts
        spaces += [False] * (len(parts) - 1) + [space]
        words += [place] * len(parts)
    return [*texts, "."], [*spaces, False], [*words, None]
