from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models.acceptability import CONFIG, Judge, Marker, collate, read_lower
from models.errors import CorruptModel
from models.networks.acceptability import CUT, KEPT, NO_MARK, WRITTEN
from models.networks.rewriter_layers import Linear
from models.shortening import Shortening
from tests.models.shortenings import shortening
from tests.models.tiny_judge import save_tiny_judge, tiny_judge
from tests.models.tiny_rewriter import tiny_network, tiny_tokenizer

SENTENCE = "The pool, built in 1960, was closed to the public in June, the council said."


def test_the_whole_sentence_is_read_with_a_mark_on_each_piece() -> None:
    one = shortening("The pool was shut.", "<a> pool shut")

    (marked,) = Marker(tiny_tokenizer()).mark([one])

    # "a" is written, "the" and "was" are cut; a word of four letters has four pieces.
    words = [(-1, NO_MARK), (-1, WRITTEN), (0, CUT), *[(1, KEPT)] * 4]
    words += [(2, CUT), *[(3, KEPT)] * 4, (-1, NO_MARK)]
    assert list(zip(marked.words, marked.marks, strict=True)) == words
    assert len(marked.pieces) == len(words)
    assert marked.task == 0


def test_a_headline_is_told_from_a_sentence() -> None:
    texts = [shortening(SENTENCE, "pool was closed", task) for task in ("sentence", "headline")]

    first, second = tiny_judge().score(texts)

    assert [one.task for one in Marker(tiny_tokenizer()).mark(texts)] == [0, 1]
    assert first != second


def test_a_score_does_not_depend_on_the_batch() -> None:
    judge = tiny_judge()
    items = [
        shortening(SENTENCE, "The pool was closed to the public in June"),
        shortening("Rain fell.", "Rain fell"),
        shortening(SENTENCE, "The pool, built in 1960"),
        shortening(SENTENCE * 3, "The pool was closed"),
    ]

    together = judge.score(items)

    assert together == pytest.approx([judge.score([one])[0] for one in items], abs=1e-5)
    assert all(0 < score < 1 for score in together)
    assert len(set(together)) == len(items)


def test_words_that_changed_places_are_not_sound() -> None:
    assert tiny_judge().score([Shortening("Rain fell.", ("fell", "rain"), (1, 0))]) == [0.0]
    assert tiny_judge().score([]) == []


def test_the_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    items = [shortening(SENTENCE, "The pool was closed")]

    loaded = Judge.load(save_tiny_judge(tmp_path), tiny_network(), tiny_tokenizer())

    assert loaded.score(items) == pytest.approx(tiny_judge().score(items), abs=0.01)
    assert loaded.parameters == tiny_judge().parameters


def test_in_bfloat16_it_judges_alike(tmp_path: Path) -> None:
    directory = save_tiny_judge(tmp_path)
    items = [shortening(SENTENCE, "The pool was closed")]

    loaded = Judge.load(directory, tiny_network(), tiny_tokenizer(), bfloat16=True)

    layers = [one for one in loaded.network.encoder.modules() if isinstance(one, Linear)]
    assert layers
    assert all(one.packed and one.packed.dtype == torch.bfloat16 for one in layers)
    assert loaded.score(items) == pytest.approx(tiny_judge().score(items), abs=0.05)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    directory = save_tiny_judge(tmp_path)
    sizes = json.loads((directory / CONFIG).read_text())

    (directory / CONFIG).write_text(json.dumps(sizes | {"lower_layers": 2}))
    with pytest.raises(CorruptModel, match="layers"):
        Judge.load(directory, tiny_network(), tiny_tokenizer())
    (directory / CONFIG).write_text(json.dumps(sizes | {"width": 16}))
    with pytest.raises(CorruptModel, match="judge"):
        Judge.load(directory, tiny_network(), tiny_tokenizer())


def test_what_it_judges_by_is_what_was_trained() -> None:
    judge, items = (
        tiny_judge(),
        [
            shortening(SENTENCE, "The pool was closed"),
            shortening(SENTENCE, "The pool"),
            shortening("It rained for hours in Milton.", "It rained"),
        ],
    )
    batch = collate(Marker(tiny_tokenizer()).mark(items))
    with torch.inference_mode():
        lower = read_lower(tiny_network(), batch, judge.network.config.lower_layers)
        logits, _ = judge.network(lower, batch.mask, batch.marks, batch.task)

    assert judge.score(items) == pytest.approx(logits.sigmoid().tolist(), abs=1e-4)
