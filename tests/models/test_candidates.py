from __future__ import annotations

import numpy as np

from models import documents
from models.candidates import candidates_of
from models.contract import Article, SummaryOptions
from models.documents import Document
from models.rewriting import RewriteInput
from tests.models.pool import TEXT


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


def test_what_asks_its_reader_to_go_elsewhere_is_left_out() -> None:
    text = "Read Ann Reed's full match report here after the game on Sunday. " + TEXT
    document = documents.read(Article(text, language="en"))
    salience = np.array([9, 0, 0, 0, 0, 0, 0], np.float32)

    found = candidates_of(document, salience, SummaryOptions(length="long"))

    assert 0 not in [one.index for one in found]


def test_sentences_to_skip_are_passed_over(document: Document) -> None:
    level = np.zeros(len(document.sentences), np.float32)
    headline = SummaryOptions(kind="headline")

    first = {one.index for one in candidates_of(document, level, headline)}
    second = {one.index for one in candidates_of(document, level, headline, first)}

    assert len(first) == len(second) == 3
    assert not first & second
