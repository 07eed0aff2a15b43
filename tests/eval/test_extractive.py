import os
import subprocess
import sys

import pytest

from eval.datasets import Example
from eval.extractive import Extractive, at_random, graph, lead, oracle
from eval.rouge import Rouge
from models.errors import EvaluationError
from tests.eval import corpus

EXAMPLES = corpus.examples()


@pytest.mark.parametrize(
    "system", [lead(2), at_random(2), oracle(2), graph("textrank", 2), graph("lexrank", 2)]
)
def test_sentences_are_the_articles_own_in_its_order(system: Extractive) -> None:
    for example, one in zip(EXAMPLES, system.summarise(EXAMPLES), strict=True):
        assert one.id == example.id
        assert 1 <= len(one.sentences) <= 2
        starts = []
        for sentence in one.sentences:
            (span,) = sentence.evidence
            assert example.text[span.start : span.end] == sentence.text
            starts.append(span.start)
        assert starts == sorted(starts)
        assert one.summary == "\n".join(sentence.text for sentence in one.sentences)


def test_lsa_gives_sentences_of_the_article() -> None:
    (one,) = graph("lsa", 2).summarise(EXAMPLES[:1])
    assert len(one.sentences) == 2


def test_the_same_article_gets_the_same_random_sentences() -> None:
    forwards = at_random(2).summarise(EXAMPLES)
    backwards = at_random(2).summarise(EXAMPLES[::-1])
    assert forwards == backwards[::-1]
    first = {one.sentences[0].evidence[0].start for one in forwards}
    assert len(first) > 1


def test_the_oracle_finds_the_sentences_of_the_reference() -> None:
    example = EXAMPLES[0]
    sentences = example.text.split("\n\n")
    wanted = Example("x", example.text, None, (f"{sentences[4]}\n{sentences[2]}",))
    (one,) = oracle(3).summarise([wanted])
    assert one.summary == f"{sentences[2]}\n{sentences[4]}"


def test_the_oracle_takes_the_best_of_several_references() -> None:
    example = EXAMPLES[0]
    sentences = example.text.split("\n\n")
    references = ("Nothing of it here.", sentences[5])
    (one,) = oracle(3).summarise([Example("x", example.text, None, references)])
    assert one.summary == sentences[5]
    assert Rouge().score_texts(references, one.summary)["rouge2"].fmeasure == 1.0


def test_the_oracle_reads_what_the_tokenizer_of_the_scores_reads() -> None:
    sentences = (
        "Совет города решил закрыть старый бассейн в июне этого года.",
        "Ремонт обойдется казне в двести сорок миллионов рублей и займет три года.",
        "Жители собрали пять тысяч подписей против закрытия бассейна.",
    )
    russian = Example("r", "\n\n".join(sentences), None, ("Ремонт обойдется в миллионы рублей.",))
    (one,) = oracle(1, "unicode").summarise([russian])
    assert one.summary == sentences[1]
    with pytest.raises(EvaluationError, match=r"The reference of r: .*--tokenizer unicode"):
        oracle(1).summarise([russian])


def test_one_sentence_in_another_script_does_not_stop_the_oracle() -> None:
    example = EXAMPLES[0]
    text = f"{example.text}\n\nСовет города решил."
    (one,) = oracle(1).summarise([Example("x", text, None, example.references)])
    assert one.summary in example.text


def test_an_article_that_cannot_be_read_is_refused_with_the_reason() -> None:
    short = Example("s", "Two words.", None, ("R",))
    first, second = lead(2).summarise([short, EXAMPLES[0]])
    assert first.error is not None
    assert first.error.startswith("ArticleTooShort: ")
    assert not second.refused


def test_a_run_in_another_process_chooses_the_same_sentences() -> None:
    # Python's hashes of strings are salted by process, and sumy sums over sets.
    code = (
        "from eval.datasets import BUNDLED, load; from eval.extractive import graph;"
        "examples = load(str(BUNDLED), reference='key_points').examples[14:24];"
        "print([[one.summary for one in graph(method, 3).summarise(examples)]"
        " for method in ('lsa', 'lexrank')])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": salt},
            check=True,
            capture_output=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(outputs) == 1
