"""Text to token ids and back for one checkpoint, with its language tokens and prefix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

from transformers import AutoTokenizer

from models.checkpoints import Checkpoint
from models.errors import CorruptModel, IncompatibleModel, UnsupportedLanguage

_LANGUAGE_CODE: Final = re.compile(r"^(?:__)?([a-z]{2,3})(?:_[A-Z]{2}|_[A-Z][a-z]{3})?(?:__)?$")
_NEWLINE_PIECES: Final = re.compile(r"<n>|<br\s*/?>")  # PEGASUS writes its line ends so
_SPACE_BEFORE_MARK: Final = re.compile(r"\s+([.,!?;:])(?=\s|$)")
# Languages as CrossSum's `langid_map` spells them.
_LANGUAGE_NAMES: Final = {
    "english": "en", "french": "fr", "spanish": "es", "portuguese": "pt", "russian": "ru",
    "arabic": "ar", "turkish": "tr", "ukrainian": "uk", "chinese_simplified": "zh",
    "japanese": "ja", "korean": "ko", "hindi": "hi", "indonesian": "id", "vietnamese": "vi",
    "persian": "fa", "urdu": "ur", "bengali": "bn", "swahili": "sw", "tamil": "ta",
    "telugu": "te", "thai": "th", "welsh": "cy", "serbian_cyrillic": "sr", "amharic": "am",
    "azerbaijani": "az", "burmese": "my", "gujarati": "gu", "hausa": "ha", "igbo": "ig",
    "kirundi": "rn", "kyrgyz": "ky", "marathi": "mr", "nepali": "ne", "oromo": "om",
    "pashto": "ps", "pidgin": "pcm", "punjabi": "pa", "scottish_gaelic": "gd", "sinhala": "si",
    "somali": "so", "tigrinya": "ti", "uzbek": "uz", "yoruba": "yo",
    "chinese_traditional": "zh", "serbian_latin": "sr",
}  # fmt: skip


class Tokeniser:
    """A checkpoint's tokenizer with fixed settings; threads take turns.

    Raises IncompatibleModel or CorruptModel when it cannot be loaded.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._tokenizer = _load(checkpoint.directory)
        if len(self._tokenizer) > checkpoint.vocabulary_size and self._largest_id() >= (
            checkpoint.vocabulary_size
        ):
            raise IncompatibleModel(
                f"{checkpoint.directory}: the tokenizer has more tokens than the network.",
                field="model",
            )
        self._turn = Lock()  # tokenizers keep the language of a text, among others, as state
        self._codes = self._language_codes()
        self._prefix = checkpoint.prefix

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that can be asked for by a token; empty when there are no such tokens."""
        named = {_LANGUAGE_NAMES.get(name, name) for name in self._checkpoint.start_tokens}
        return tuple(sorted(named | set(self._codes)))

    def encode(self, text: str, language: str | None = None) -> list[int]:
        """Token ids of prefix and text with the checkpoint's special tokens, never truncated."""
        with self._turn:
            if self._codes and language in self._codes:
                self._tokenizer.src_lang = self._codes[language]
            ids = self._tokenizer(self._prefix + text, truncation=False, verbose=False)["input_ids"]
        return list(ids)

    def count(self, sentences: Sequence[str]) -> list[int]:
        """Tokens of each sentence inside a text: without special tokens, joined by a space."""
        if not sentences:
            return []
        with self._turn:
            encoded = self._tokenizer(
                [" " + sentence for sentence in sentences],
                add_special_tokens=False,
                truncation=False,
                verbose=False,
            )
        return [len(ids) for ids in encoded["input_ids"]]

    def overhead(self) -> int:
        """Tokens that prefix and special tokens add to every text."""
        return len(self.encode(""))

    def decode(self, tokens: Sequence[int]) -> str:
        """Visible text of generated ids, spaces put right."""
        with self._turn:
            text = self._tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        text = _NEWLINE_PIECES.sub(" ", text)
        return " ".join(_SPACE_BEFORE_MARK.sub(r"\1", text).split())

    def target(self, language: str) -> tuple[int | None, int | None]:
        """(decoder start id, forced first id) that ask for `language`; None: the checkpoint's own.

        mBART-50 and M2M100 force the first token; mBART-25 and CrossSum
        replace the decoder's start token.
        """
        for name, token in self._checkpoint.start_tokens.items():
            if _LANGUAGE_NAMES.get(name, name) == language:
                return self._id(token), None
        code = self._codes.get(language)
        if code is None:
            if self._codes or self._checkpoint.start_tokens:
                raise UnsupportedLanguage(
                    f"This model has no token for the language {language!r}; "
                    f"it covers {', '.join(self.languages)}.",
                    field="language",
                )
            return None, None
        if self._checkpoint.decoder_start_id == self._checkpoint.eos_id:
            return None, self._id(code)
        return self._id(code), None

    def _id(self, token: str) -> int:
        return int(self._tokenizer.convert_tokens_to_ids(token))

    def _largest_id(self) -> int:
        return max(map(int, self._tokenizer.get_vocab().values()))

    def _language_codes(self) -> dict[str, str]:
        if self._checkpoint.architecture not in {"mbart", "m2m_100"}:
            return {}
        codes = {}
        for token in self._tokenizer.all_special_tokens:
            if match := _LANGUAGE_CODE.match(token):
                codes[match[1]] = token
        return codes


def _load(directory: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise IncompatibleModel(
            f"transformers has no tokenizer for {directory}.", field="model"
        ) from error
    except Exception as error:  # a damaged file can raise anything in the tokenizers' own parsers
        raise CorruptModel(
            f"The tokenizer of {directory} cannot be read.", field="model"
        ) from error
