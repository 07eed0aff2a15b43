"""Rewriting: what is copied is exact, batches change nothing, files are checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.copying import find_words
from models.errors import CorruptModel, ModelNotFound
from models.rewriter_input import RewriteInput
from models.rewriting import CONFIG, WEIGHTS, Rewriter
from tests.models.tiny_rewriter import WRITTEN, save_tiny_rewriter, tiny_rewriter

INPUTS = [
    RewriteInput(
        "The Řezníček brothers, of São Tomé, paid $1.25m (£1m) to O'Neill-Díaz on Jan. 3, 2021.",
        "They had asked for 20% more.",
        "A family firm bought the U.S. rights.",
    ),
    RewriteInput('"We can\'t wait," Ms. Ortiz said.', task="headline"),
    RewriteInput("It rained.", words=8),
    RewriteInput(
        "About 9,000 vehicles use the old bridge on a weekday, officials said on Tuesday."
    ),
]


def test_every_word_is_the_sources_own_or_a_common_one() -> None:
    for scale in (0.1, 0.3):
        for item, found in zip(INPUTS, tiny_rewriter(scale=scale).rewrite(INPUTS, 4), strict=True):
            sources = [w.text for t in (item.lead, item.previous, item.sentence)
                       for w in find_words(t)]  # fmt: skip
            allowed = {word.lower() for word in [*sources, *WRITTEN, "."]}
            capitalised = {word for word in sources if word[:1].isupper() or word[:1].isdigit()}
            assert found
            for hypothesis in found:
                words = [word.text for word in find_words(hypothesis.text)]
                assert {word.lower() for word in words} <= allowed
                assert all(w in capitalised for w in words[1:] if w[:1].isupper())


def test_a_batch_gives_what_each_gives_alone() -> None:
    rewriter = tiny_rewriter()
    for beams in (1, 4):
        together = rewriter.rewrite(INPUTS, beams)
        for item, found in zip(INPUTS, together, strict=True):
            (alone,) = rewriter.rewrite([item], beams)
            assert [one.text for one in alone] == [one.text for one in found]
            for one, other in zip(alone, found, strict=True):
                assert one.log_probability == pytest.approx(other.log_probability, abs=1e-3)


def test_greedy_takes_the_likeliest_action_and_beams_find_no_worse() -> None:
    rewriter = tiny_rewriter()
    greedy = rewriter.rewrite(INPUTS)
    wide = rewriter.rewrite(INPUTS, 8)
    assert all(len(found) == 1 for found in greedy)
    better = sum(
        w[0].mean_log_probability >= g[0].mean_log_probability - 1e-6
        for g, w in zip(greedy, wide, strict=True)
    )
    assert better >= len(INPUTS) - 1  # a beam can lose a path that greedy follows, rarely


def test_hypotheses_differ_and_report_themselves() -> None:
    for found in tiny_rewriter().rewrite(INPUTS, 4):
        for one in found:
            assert one.min_log_probability <= one.mean_log_probability <= 0
            assert one.log_probability <= one.mean_log_probability
            assert 0 <= one.copied_share <= 1
        assert [one.text for one in found[:1]] == [found[0].text]


def test_a_sentence_is_ended_and_a_headline_is_not() -> None:
    found = tiny_rewriter().rewrite(INPUTS)
    assert found[0][0].text.rstrip("\"'”’)")[-1] in ".!?"
    assert not found[1][0].text.endswith(".")


def test_nothing_to_copy_gives_no_hypothesis() -> None:
    assert tiny_rewriter().rewrite([RewriteInput("— !!"), RewriteInput("")]) == [[], []]
    assert tiny_rewriter().rewrite([]) == []


def test_very_long_sentences_are_rewritten_within_bounds() -> None:
    long = RewriteInput("word " * 900 + "end.")
    ((found,),) = tiny_rewriter().rewrite([long])
    assert 0 < len(found.text.split()) <= 64


def test_saved_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    directory = save_tiny_rewriter(tmp_path / "tiny")
    first, second = Rewriter.load(directory), Rewriter.load(directory)
    assert first.rewrite(INPUTS, 2) == second.rewrite(INPUTS, 2)


def test_missing_or_broken_files_are_named(tmp_path: Path) -> None:
    directory = save_tiny_rewriter(tmp_path / "tiny")
    (directory / CONFIG).write_text("{}")
    with pytest.raises(CorruptModel):
        Rewriter.load(directory)
    (directory / WEIGHTS).unlink()
    with pytest.raises(ModelNotFound, match=WEIGHTS):
        Rewriter.load(directory)


def test_loading_does_not_import_the_compiler(tmp_path: Path) -> None:
    directory = save_tiny_rewriter(tmp_path)
    program = (
        "import sys; from pathlib import Path; from models.rewriting import Rewriter\n"
        f"Rewriter.load(Path({str(directory)!r}))\n"
        "assert 'torch._dynamo' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
