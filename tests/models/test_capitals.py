from __future__ import annotations

import pytest

from models import documents
from models.capitals import is_capitals, lowered, raised_sentence
from models.contract import Article, SummarySentence

TEXT = (
    "THE COUNCIL OF MILTON VOTED ON TUESDAY TO CLOSE THE OLD POOL. REPAIRS WOULD COST 2.4 MILLION "
    "POUNDS. A PETITION HAS 5,000 NAMES AND GROWS BY THE HOUR. ALAN McDONALD HAS SIGNED IT TWICE."
)


@pytest.mark.parametrize(
    ("text", "capitals"),
    [
        (TEXT, True),
        (TEXT.capitalize(), False),
        (TEXT.lower(), False),
        (TEXT.replace("COUNCIL OF MILTON", "council of Milton"), False),
        (TEXT + " " + TEXT.capitalize(), False),
        ("1 2 3 " + "中国国家主席周一在北京会见了来访的外国领导人。" * 4, False),
    ],
)
def test_nearly_all_letters_have_to_be_capitals(text: str, capitals: bool) -> None:
    assert is_capitals(documents.read(Article(text))) is capitals


def test_sentences_keep_one_capital_and_their_places() -> None:
    document = documents.read(Article(TEXT, title="POOL CLOSES"))
    small = lowered(document)
    assert small.title == "Pool closes"
    assert small.sentences[1].text == "Repairs would cost 2.4 million pounds."
    assert [one.span for one in small.sentences] == [one.span for one in document.sentences]
    assert small.source == TEXT


def test_what_is_marked_is_raised_with_its_sentence() -> None:
    sentence = SummarySentence("It cost 3 pounds.", (), supported=False, unsupported=("3 pounds",))
    assert raised_sentence(sentence) == SummarySentence(
        "IT COST 3 POUNDS.", (), supported=False, unsupported=("3 POUNDS",)
    )
