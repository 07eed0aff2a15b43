"""How a text becomes tokens for scoring: the field's ASCII rule, and a Unicode rule.

The rule of ROUGE-1.5.5, as rouge-score keeps it, drops every character
outside a-z and 0-9: two identical Russian texts have no token in common and
score 0.0. So the tokenizer is chosen and named in the signature, and the
ASCII rule refuses a text of which it would drop most letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, Literal

from models.errors import EvaluationError, MissingDependency

TokenizerName = Literal["ascii", "unicode"]

_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
_UNICODE_WORD: Final = re.compile(r"[^\W_]+")
# Scripts written without spaces between words: one token a character, as in
# multilingual ROUGE practice.
UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]"
)
# Below this share of its letters kept, the ASCII rule measures something else
# than the text. Western European text stays above 0.85, Vietnamese is near 0.7,
# a single accented name may be lower; other scripts are at 0.
MIN_ASCII_LETTER_SHARE: Final = 0.5
# Words of up to three letters are left as they are (ROUGE-1.5.5).
_MAX_UNSTEMMED: Final = 3

Tokenize = Callable[[str], list[str]]


def ascii_tokenizer(*, stemmer: bool) -> Tokenize:
    """Token for token rouge-score 0.1.2's DefaultTokenizer; stems are remembered.

    Raises:
        MissingDependency: the stemmer is asked for and nltk is not installed.
    """
    if not stemmer:
        return lambda text: _ASCII_WORD.findall(text.lower())
    try:
        from nltk.stem.porter import PorterStemmer
    except ImportError:
        raise MissingDependency(
            "Stemming needs nltk: pip install 'inbrief[eval]', or turn the stemmer off."
        ) from None
    stem = PorterStemmer().stem
    stems: dict[str, str] = {}

    def tokenize(text: str) -> list[str]:
        tokens = []
        for word in _ASCII_WORD.findall(text.lower()):
            token = stems.get(word)
            if token is None:
                token = stem(word) if len(word) > _MAX_UNSTEMMED else word
                stems[word] = token
            if token:
                tokens.append(token)
        return tokens

    return tokenize


def unicode_tokenize(text: str) -> list[str]:
    """Case-folded words of any script (NFKC); a character each where words are not spaced.

    Combining marks stay with their letters, so that Hindi and Thai keep
    their vowels. No stemming: the Porter stemmer knows English only.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = UNSPACED.sub(lambda match: f" {match[0]} ", folded)
    if any(unicodedata.category(character)[0] == "M" for character in set(spaced)):
        return _words_with_marks(spaced)
    return _UNICODE_WORD.findall(spaced)


def _words_with_marks(text: str) -> list[str]:
    # Python's \w knows no combining marks and would cut words at them.
    runs: list[str] = []
    inside = False
    for character in text:
        if character.isalnum() or unicodedata.category(character)[0] == "M":
            if inside:
                runs[-1] += character
            else:
                runs.append(character)
            inside = True
        else:
            inside = False
    return runs


def require_ascii(text: str, what: str) -> None:
    """Refuse a text that the ASCII rule would mostly drop.

    Raises:
        EvaluationError: fewer than MIN_ASCII_LETTER_SHARE of the letters are ASCII.
    """
    if text.isascii():
        return
    letters = [character for character in text if character.isalpha()]
    kept = sum(character.isascii() for character in letters)
    if letters and kept < MIN_ASCII_LETTER_SHARE * len(letters):
        raise EvaluationError(
            f"{what}: the ascii tokenizer would drop {1 - kept / len(letters):.0%} of the letters;"
            " score this language with --tokenizer unicode."
        )
