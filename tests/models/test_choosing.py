from __future__ import annotations

from collections.abc import Sequence

import pytest

from models import documents
from models.candidates import Candidate
from models.choosing import Reading, choose, settled
from models.contract import Article, Kind, Length, SummaryOptions
from models.documents import Document
from models.proposing import Choice
from models.rewriting import Hypothesis, RewriteInput
from models.shortening import Shortening
from tests.models.pool import TEXT
from tests.models.shortenings import shortening


def hypothesis(text: str, mean: float = -0.1, least: float = -0.5) -> Hypothesis:
    """A rewrite of sentence 0 or 5, whichever has its words."""
    for sentence in TEXT.replace("“", "").split(". "):
        try:
            one = shortening(sentence, text.rstrip("."))
        except ValueError:
            continue
        return Hypothesis(text, mean * 10, mean, least, 1.0, one.keys, one.places)
    words = tuple(text.rstrip(".").casefold().split())
    return Hypothesis(text, mean * 10, mean, least, 1.0, words, (None,) * len(words))


def candidate(
    document: Document, index: int, *hypotheses: Hypothesis, words: int = 11
) -> Candidate:
    item = RewriteInput(document.sentences[index].text, words=words)
    return Candidate(index, item).written(hypotheses)


def chosen_texts(
    document: Document, candidates: list[Candidate], kind: Kind = "key-points",
    length: Length = "short", max_words: int | None = None,
) -> list[str]:  # fmt: skip
    options = SummaryOptions(kind=kind, length=length, max_words=max_words)
    found = choose(candidates, Reading.of(document), options, Choice())
    return [chosen.text for chosen in found]


def test_a_trusted_rewrite_stands_for_its_sentence(document: Document) -> None:
    rewrite = "The council of Milton voted to close the swimming pool."

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


def test_captions_are_left_out_where_there_is_something_else(document: Document) -> None:
    caption = "Ann Reed of Milton and Bo Lee of Perth."
    other = documents.read(Article(f"{TEXT} {caption}", language="en"))
    place = next(i for i, one in enumerate(other.sentences) if one.text == caption)

    both = chosen_texts(other, [candidate(other, index) for index in (0, place)])
    alone = chosen_texts(other, [candidate(other, place)])

    assert both == [document.sentences[0].text]
    assert alone == [caption]


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


class Trusting:
    """A judge that trusts what has at most so many words."""

    def __init__(self, most_words: int) -> None:
        self.most_words = most_words

    def score(self, items: Sequence[Shortening]) -> list[float]:
        return [float(sum(key.isalnum() for key in one.keys) <= self.most_words) for one in items]


def test_what_the_judge_does_not_trust_is_not_used(document: Document) -> None:
    long = hypothesis("The council of Milton voted on Tuesday to close the swimming pool.")
    short = hypothesis("The council of Milton voted to close the pool.", -0.2)
    plan = [candidate(document, 0, long, short)]

    (judged,) = settled([plan], [SummaryOptions()], Trusting(9), Choice())

    assert chosen_texts(document, judged) == [short.text]


def test_a_cut_stands_where_no_rewrite_can(document: Document) -> None:
    plan = [candidate(document, 5, hypothesis("A petition has grown."), words=8)]

    (judged,) = settled([plan], [SummaryOptions()], Trusting(8), Choice())

    assert chosen_texts(document, judged) == ["A petition against the closure has 5,000 names."]


def test_no_cut_is_shorter_than_the_words_its_sentence_was_given(document: Document) -> None:
    plan = [candidate(document, 5, hypothesis("A petition has grown."), words=9)]

    (judged,) = settled([plan], [SummaryOptions()], Trusting(8), Choice())

    assert chosen_texts(document, judged) == [document.sentences[5].text]


def test_a_trusted_rewrite_needs_no_cut(document: Document) -> None:
    plan = [candidate(document, 0, hypothesis("The council of Milton voted to close the pool."))]

    (judged,) = settled([plan], [SummaryOptions()], Trusting(20), Choice())

    assert len(judged[0].proposals) == 1


def test_a_long_sentence_that_stands_loses_who_said_it() -> None:
    whole = (
        "The old bridge over the river in the north of the town was closed to all traffic for the"
        " whole of the night after a lorry hit one of its pillars in thick fog"
    )
    document = documents.read(Article(f"{whole}, police said on Monday. {TEXT}", language="en"))

    assert chosen_texts(document, [candidate(document, 0)]) == [whole + "."]


def test_the_title_is_the_headline_where_it_fits() -> None:
    article = Article(TEXT, title="Milton council to close the old pool | The Gazette")
    document = documents.read(article)
    found = [candidate(document, 0, hypothesis("The council of Milton voted to close the pool."))]

    title, short = (
        chosen_texts(document, found, kind="headline", max_words=most) for most in (None, 4)
    )

    assert title == ["Milton council to close the old pool"]
    assert short == []
