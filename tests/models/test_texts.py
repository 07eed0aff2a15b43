from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from models.checkpoints import read_checkpoint
from models.errors import UnsupportedLanguage
from models.texts import Tokeniser
from tests.models.conftest import CheckpointOf
from tests.models.tiny_checkpoints import TEXT, byte_level_tokenizer, tiny_network


@pytest.mark.parametrize("architecture", ["bart", "pegasus", "t5"])
def test_text_survives_the_way_there_and_back(
    checkpoint_of: CheckpointOf, architecture: str
) -> None:
    checkpoint = replace(checkpoint_of(architecture), prefix="")
    tokeniser = Tokeniser(checkpoint)
    for line in TEXT.splitlines()[:2]:
        assert tokeniser.decode(tokeniser.encode(line)) == line


def test_nothing_is_truncated(checkpoint_of: CheckpointOf) -> None:
    tokeniser = Tokeniser(checkpoint_of("bart"))
    assert len(tokeniser.encode(TEXT * 50)) > 5000


def test_counts_add_up_to_what_is_encoded(checkpoint_of: CheckpointOf) -> None:
    for architecture in ("bart", "t5"):
        tokeniser = Tokeniser(checkpoint_of(architecture))
        lines = TEXT.splitlines()
        counted = sum(tokeniser.count(lines)) + tokeniser.overhead()
        assert counted == pytest.approx(len(tokeniser.encode(" ".join(lines))), abs=len(lines))
    assert tokeniser.count([]) == []


def test_the_prefix_stands_first(checkpoint_of: CheckpointOf) -> None:
    tokeniser = Tokeniser(checkpoint_of("t5"))
    assert tokeniser.decode(tokeniser.encode("The council")).endswith("The council")
    assert len(tokeniser.encode("The council")) > tokeniser.count(["The council"])[0] + 1


def test_line_end_pieces_and_spaces_before_marks_are_put_right(
    checkpoint_of: CheckpointOf,
) -> None:
    tokeniser = Tokeniser(replace(checkpoint_of("bart"), prefix=""))
    ids = tokeniser.encode("It cost 3.5 million .<n>Nobody , he said , paid : not one !")
    assert tokeniser.decode(ids) == "It cost 3.5 million. Nobody, he said, paid: not one!"


def test_a_checkpoint_without_language_tokens_asks_for_none(checkpoint_of: CheckpointOf) -> None:
    tokeniser = Tokeniser(checkpoint_of("bart"))
    assert tokeniser.languages == ()
    assert tokeniser.target("de") == (None, None)


@pytest.mark.parametrize(
    ("start", "wanted"), [(2, (None, "fr_XX")), (3, ("fr_XX", None))], ids=["mbart-50", "mbart-25"]
)
def test_mbart_asks_for_the_language_by_token(
    tmp_path: Path, start: int, wanted: tuple[str | None, str | None]
) -> None:
    tiny_network("mbart", decoder_start_token_id=start).save_pretrained(tmp_path)
    tokenizer = byte_level_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["en_XX", "fr_XX"]})
    tokenizer.save_pretrained(tmp_path)
    size = len(tokenizer)
    tiny_network("mbart", decoder_start_token_id=start, vocab_size=size).save_pretrained(tmp_path)
    tokeniser = Tokeniser(read_checkpoint(tmp_path))
    assert tokeniser.languages == ("en", "fr")
    ids = tuple(None if code is None else tokenizer.convert_tokens_to_ids(code) for code in wanted)
    assert tokeniser.target("fr") == ids
    with pytest.raises(UnsupportedLanguage, match="'de'; it covers en, fr"):
        tokeniser.target("de")


class LanguageTokenizer:
    """Writes the language that it is set to beside each text, and takes its time over it."""

    src_lang = ""

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        before = self.src_lang
        time.sleep(0.001)
        return {"input_ids": [len(text), hash(before), hash(self.src_lang)]}


def test_the_language_of_one_threads_text_never_reaches_anothers(tmp_path: Path) -> None:
    tokenizer = byte_level_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["en_XX", "fr_XX"]})
    tokenizer.save_pretrained(tmp_path)
    tiny_network("mbart", vocab_size=len(tokenizer)).save_pretrained(tmp_path)
    tokeniser = Tokeniser(read_checkpoint(tmp_path))
    tokeniser._tokenizer = LanguageTokenizer()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(tokeniser.encode, ["text"] * 200, ["en", "fr"] * 100))
    assert found == [[4, hash(code), hash(code)] for code in ("en_XX", "fr_XX")] * 100


def test_crosssum_checkpoints_name_their_start_tokens(checkpoint_of: CheckpointOf) -> None:
    tokens = {"french": "<extra_id_3>", "english": "<extra_id_4>"}
    tokeniser = Tokeniser(replace(checkpoint_of("t5"), start_tokens=tokens))
    assert tokeniser.languages == ("en", "fr")
    start, forced = tokeniser.target("fr")
    assert start is not None
    assert start != tokeniser.target("en")[0]
    assert forced is None


def test_every_language_of_xl_sum_has_its_tag(checkpoint_of: CheckpointOf) -> None:
    named = "amharic burmese gujarati kirundi nepali pidgin scottish_gaelic sinhala yoruba".split()
    tokens = {name: f"<extra_id_{number}>" for number, name in enumerate(named)}
    tokeniser = Tokeniser(replace(checkpoint_of("t5"), start_tokens=tokens))
    assert tokeniser.languages == ("am", "gd", "gu", "my", "ne", "pcm", "rn", "si", "yo")
    assert tokeniser.target("ne")[0] is not None
