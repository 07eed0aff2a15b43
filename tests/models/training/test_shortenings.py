from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from models.shortening import sentence_words
from models.training.grammar import Token
from models.training.pairs import Pair
from models.training.shortenings import build_shortenings, disturbed, labelled, of_pair
from tests.models.shortenings import shortening
from tests.models.tiny_rewriter import tiny_rewriter

SENTENCE = "Rain fell on the old town in June after a dry and very warm spring."


class Chain:
    """A parser to whom each word hangs on the one before, as an object nothing can do without."""

    def parse(self, sentences: Sequence[str]) -> list[list[Token]]:
        return [
            [
                Token(word.text, i, max(0, i - 1), "dobj" if i else "ROOT", "VBD", "VERB")
                for i, word in enumerate(sentence_words(sentence))
            ]
            for sentence in sentences
        ]


def pair(derivation: tuple[int | str, ...]) -> Pair:
    return Pair("sentence", "", "A storm came.", SENTENCE, "Rain fell on the town.", derivation)


def test_a_pair_is_a_shortening_by_a_person() -> None:
    # "A storm came." has four words and marks.
    one = of_pair(pair((4, 5, "heavily", 1)))

    assert one is not None
    assert one.keys == ("rain", "fell", "heavily", "storm")
    assert one.places == (0, 1, None, None)


def test_disturbing_changes_what_is_kept_and_keeps_the_order() -> None:
    one = shortening(SENTENCE, "Rain fell on the town in June")
    chooser = random.Random(1)

    found = [other for _ in range(200) if (other := disturbed(one, chooser)) is not None]

    assert len({other.places for other in found}) > 20
    for other in found:
        assert other.in_order
        assert other.places != one.places
        assert len(other.places) >= 3
    assert disturbed(shortening(SENTENCE, "Rain fell"), chooser) is None


def test_of_those_that_are_faulty_only_a_few_are_kept() -> None:
    whole = shortening(SENTENCE, "Rain fell on the old")
    faulty = [shortening(SENTENCE, kept) for kept in ("fell on", "Rain on", "Rain old", "the old")]

    found = list(labelled([[whole, *faulty * 3]], Chain()))

    assert len(found) < 1 + 3 * len(faulty)
    assert all(faults for _, faults in found[1:])


def test_the_corpus_is_written_with_its_labels(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    lines = [pair((4, 5, 6, 7, 9)).to_json(), pair((4, 5)).to_json()]
    pairs.write_text("\n".join(lines) + "\n")

    build_shortenings(pairs, tiny_rewriter(), Chain(), tmp_path / "out", limit=2)

    rows = [
        json.loads(line)
        for name in ("train", "val")
        for line in (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()
    ]
    assert rows
    for sentence, task, keys, places, sound, faulty in rows:
        assert sentence == SENTENCE
        assert task == "sentence"
        assert len(keys) == len(places)
        assert sound == (not faulty)
