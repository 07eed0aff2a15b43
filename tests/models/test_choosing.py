from __future__ import annotations

import numpy as np
import pytest

from models import documents
from models.choosing import Candidate, Choice, Reading, candidates_of, choose
from models.contract import Article, Kind, Length, SummaryOptions
from models.documents import Document
from models.rewriting import Hypothesis, RewriteInput

TEXT = (
    "The council of Milton voted on Tuesday to close the old swimming pool in June. "
    "It said repairs would cost 2.4 million pounds, more than the town spends on libraries. "
    "“We learned to swim there. "
    "Teachers have taken classes to the pool for 40 years. "
    "Will the town miss it? "
    "A petition against the closure has 5,000 names and grows by the hour."
)


@pytest.fixture(scope="module")
def document() -> Document:
    return documents.read(Article(TEXT, language="en"))


def hypothesis(text: str, mean: float = -0.1, least: float = -0.5) -> Hypothesis:
    return Hypothesis(text, mean * 10, mean, least, 1.0, 2)


def candidate(document: Document, index: int, *hypotheses: Hypothesis) -> Candidate:
    return Candidate(index, RewriteInput(document.sentences[index].text), hypotheses)


def chosen_texts(
    document: Document, candidates: list[Candidate], kind: Kind = "key-points",
    length: Length = "short", max_words: int | None = None,
) -> list[str]:  # fmt: skip
    options = SummaryOptions(kind=kind, length=length, max_words=max_words)
    found = choose(candidates, Reading.of(document), options, Choice())
    return [chosen.text for chosen in found]


def test_what_does_not_stand_alone_falls_behind(document: Document) -> None:
    level = np.zeros(len(document.sentences), np.float32)

    order = [one.index for one in candidates_of(document, level, SummaryOptions(length="long"))]

    # Open quotation, then question last; "It said" behind the sentences that name what they mean.
    assert order == [0, 3, 5, 1, 4, 2]


def test_a_sentence_longer_than_its_share_is_rewritten_in_its_context(document: Document) -> None:
    salience = np.array([0, 0, 0, 0, 0, 9], np.float32)

    first = candidates_of(document, salience, SummaryOptions(max_words=20))[0]

    assert first.input == RewriteInput(
        document.sentences[5].text,
        previous=document.sentences[4].text,
        lead=document.sentences[0].text,
        words=10,
    )


def test_a_sentence_that_is_tight_already_is_left(document: Document) -> None:
    salience = np.array([0, 0, 0, 0, 0, 9], np.float32)

    found = candidates_of(document, salience, SummaryOptions())

    assert found[0].index == 5
    assert all(one.input is None for one in found)


def test_a_trusted_rewrite_stands_for_its_sentence(document: Document) -> None:
    rewrite = "Milton's council voted to close the swimming pool."

    assert chosen_texts(document, [candidate(document, 0, hypothesis(rewrite))]) == [rewrite]


@pytest.mark.parametrize(
    "distrusted",
    [
        hypothesis("The council of Milton voted to close the old pool in July."),
        hypothesis("The council of Milton voted to close the old pool in", -0.01),
        hypothesis("The council of Milton voted to close the old pool.", mean=-3.0),
        hypothesis("The council of Milton voted to close the old pool.", least=-9.0),
        hypothesis("Milton votes."),
        hypothesis(TEXT.partition(". ")[0] + " and also in the whole of the winter."),
    ],
    ids=["wrong month", "no end", "improbable", "improbable word", "too short", "longer"],
)
def test_otherwise_the_sentence_stands_as_it_is(document: Document, distrusted: Hypothesis) -> None:
    found = chosen_texts(document, [candidate(document, 0, distrusted)])

    assert found == [document.sentences[0].text]


def test_the_next_hypothesis_comes_before_the_sentence(document: Document) -> None:
    wrong = hypothesis("The council of Milton voted to close the old pool in July.")
    right = hypothesis("The council of Milton voted to close the old pool in June.", -0.2)

    found = chosen_texts(document, [candidate(document, 0, wrong, right)])

    assert found == [right.text]


def test_points_stand_in_reading_order(document: Document) -> None:
    found = chosen_texts(document, [candidate(document, index) for index in (5, 0, 3)])

    assert found == [document.sentences[index].text for index in (0, 3, 5)]


def test_max_words_takes_the_best_that_fit(document: Document) -> None:
    candidates = [candidate(document, index) for index in (0, 5, 3)]

    found = chosen_texts(document, candidates, max_words=25)

    # 15 words of the best; the next has 12 and does not fit, the third has 10.
    assert found == [document.sentences[index].text for index in (0, 3)]
    assert sum(len(text.split()) for text in found) <= 25


def test_a_long_rewrite_gives_way_to_a_shorter_one_that_fits(document: Document) -> None:
    longer = hypothesis("The council of Milton voted on Tuesday to close the old pool.")
    shorter = hypothesis("The council of Milton voted to close the pool.", -0.3)

    found = chosen_texts(document, [candidate(document, 0, longer, shorter)], max_words=10)

    assert found == [shorter.text]


def test_a_headline_is_the_most_probable_that_fits(document: Document) -> None:
    candidates = [
        candidate(document, 0, hypothesis("Council voted to close swimming pool", -0.4)),
        candidate(document, 5, hypothesis("A petition has 5,000 names", -0.05)),
    ]

    assert chosen_texts(document, candidates, kind="headline") == ["A petition has 5,000 names"]
    assert chosen_texts(document, candidates, kind="headline", max_words=3) == []


def test_a_less_salient_sentence_must_be_surer_to_give_the_headline(document: Document) -> None:
    candidates = [
        candidate(document, 0, hypothesis("Council voted to close swimming pool", -0.4)),
        candidate(document, 5, hypothesis("A petition has 5,000 names", -0.2)),
    ]

    found = chosen_texts(document, candidates, kind="headline")

    assert found == ["Council voted to close swimming pool"]


@pytest.mark.parametrize(
    "unsound",
    ["The council of Milton", "Pool of Milton voted to close", "Council voted to close the old"],
    ids=["no verb", "out of order", "breaks off"],
)
def test_what_is_no_headline_comes_last(document: Document, unsound: str) -> None:
    sound = "Council voted to close swimming pool"
    hypotheses = (hypothesis(unsound, -0.01), hypothesis(sound, -0.9))

    found = chosen_texts(document, [candidate(document, 0, *hypotheses)], kind="headline")

    assert found == [sound]
