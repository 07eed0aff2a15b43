"""Which language an article is in: py3langid (Lui & Baldwin 2012), as a BCP 47 primary tag."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNDETERMINED: Final = "und"

# More text than this changes nothing but the time it takes.
_MAX_CHARACTERS: Final = 800
# The languages that newsrooms publish in, and that the classifier knows. Its others (Ancient
# Greek, Volapük, …) only take short texts away from these.
_NEWS_LANGUAGES: Final = tuple(
    "af am ar as az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu ha he hi hr ht hu "
    "hy id ig is it ja ka kk km kn ko ku ky lb lo lt lv mg mk ml mn mr ms mt my ne nl no om or pa "
    "pl ps pt ro ru rw si sk sl sn so sq sr st sv sw ta te tg th tk tl tr ug uk ur uz vi xh yo zh "
    "zu".split()
)
# Below this confidence a text is too short or too mixed to say.
_MIN_CONFIDENCE: Final = 0.35
# BCP 47 prefers the macrolanguage or current tag to what is found in the wild.
_ALIASES: Final = {
    "nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi", "tl": "fil", "mo": "ro",
    "sh": "sr", "cmn": "zh", "yue": "zh", "arb": "ar", "pes": "fa", "prs": "fa", "jw": "jv",
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "rus": "ru",
    "ita": "it", "por": "pt", "nld": "nl", "dut": "nl", "pol": "pl", "ukr": "uk", "zho": "zh",
    "chi": "zh", "jpn": "ja", "kor": "ko", "ara": "ar", "hin": "hi", "tur": "tr", "swe": "sv",
}  # fmt: skip
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


def normalise(tag: str) -> str:
    """The primary language subtag of a BCP 47 tag (RFC 5646): "en-GB" and "en_US" give "en".

    Raises ValueError for what is not shaped like a language tag.
    """
    if not _TAG.fullmatch(tag):
        raise ValueError(f"not a BCP 47 language tag: {tag[:40]!r}")
    primary = re.split("[-_]", tag, maxsplit=1)[0].lower()
    return _ALIASES.get(primary, primary)


def detect(text: str) -> str:
    """The language of `text`, or "und" where there is too little to tell it by."""
    sample = text[:_MAX_CHARACTERS]
    if not any(character.isalpha() for character in sample):
        return UNDETERMINED
    # Capital letters look like another language to a byte model.
    if sum(map(str.isupper, sample)) > sum(map(str.islower, sample)):
        sample = sample.lower()
    language, confidence = _identifier().classify(sample)
    return normalise(language) if confidence >= _MIN_CONFIDENCE else UNDETERMINED


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_NEWS_LANGUAGES)
    return identifier
