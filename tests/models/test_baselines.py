import pytest

from models.baselines import Lead
from models.contract import Article, Length, Summary, SummaryOptions, SummaryRequest
from models.errors import EmptyArticle, InputError, UnsupportedKind

SENTENCES = [
    "The council of Larne voted on Monday to rebuild the old harbour wall.",
    "Work will start in March and cost 4.2 million pounds.",
    "Residents had asked for the repair since the storm of 2019.",
    "Two shops on the quay will close for a month.",
    "The mayor, Ann Hale, called it a good day for the town.",
]
TEXT = "\n\n".join(SENTENCES)


def summarise(k: int, options: SummaryOptions, text: str = TEXT) -> Summary:
    (result,) = Lead(k).summarise([SummaryRequest(Article(text), options)])
    assert isinstance(result, Summary), result
    return result


def test_the_first_sentences_are_points_with_themselves_as_evidence() -> None:
    summary = summarise(3, SummaryOptions())
    assert summary.text == "\n".join(SENTENCES[:3])
    for sentence, expected in zip(summary.sentences, SENTENCES[:3], strict=True):
        (span,) = sentence.evidence
        assert TEXT[span.start : span.end] == sentence.text == expected
        assert sentence.supported
    assert summary.words == len(" ".join(SENTENCES[:3]).split())
    assert summary.source_words == len(TEXT.split())
    assert summary.truncated
    assert summary.coverage.source_sentences == 5
    assert summary.coverage.read_sentences == 3
    assert summary.coverage.selected == (0, 1, 2)


@pytest.mark.parametrize(("length", "count"), [("short", 1), ("medium", 2), ("long", 2)])
def test_the_length_bounds_a_paragraph(length: Length, count: int) -> None:
    summary = summarise(2, SummaryOptions(kind="tldr", length=length))
    assert summary.text == " ".join(SENTENCES[:count])


def test_markdown_points() -> None:
    summary = summarise(2, SummaryOptions(format="markdown"))
    assert summary.text == f"- {SENTENCES[0]}\n- {SENTENCES[1]}"
    assert summary.words == len(" ".join(SENTENCES[:2]).split())


def test_max_words_keeps_whole_sentences() -> None:
    words = len(SENTENCES[0].split())
    assert summarise(3, SummaryOptions(max_words=words)).text == SENTENCES[0]
    request = SummaryRequest(Article(TEXT), SummaryOptions(max_words=words - 1))
    (result,) = Lead(3).summarise([request])
    assert isinstance(result, InputError)
    assert result.field == "max_words"


def test_an_article_read_to_its_end_is_not_truncated() -> None:
    assert not summarise(5, SummaryOptions(length="medium")).truncated


def test_each_request_of_a_batch_has_its_own_answer() -> None:
    seen: list[tuple[int, str]] = []
    requests = [
        SummaryRequest(Article(TEXT)),
        SummaryRequest(Article(" ")),
        SummaryRequest(Article(TEXT), SummaryOptions(kind="headline")),
        SummaryRequest(Article(TEXT)),
    ]
    first, empty, headline, last = Lead(2).summarise(
        requests, lambda index, sentence: seen.append((index, sentence.text))
    )
    assert isinstance(empty, EmptyArticle)
    assert isinstance(headline, UnsupportedKind)
    assert first == last
    assert seen == [(0, SENTENCES[0]), (0, SENTENCES[1]), (3, SENTENCES[0]), (3, SENTENCES[1])]


@pytest.mark.parametrize("k", [0, 8])
def test_a_number_of_sentences_out_of_range(k: int) -> None:
    with pytest.raises(InputError, match=f"lead-{k}"):
        Lead(k)


def test_revisions_differ() -> None:
    assert Lead(1).info.revision != Lead(3).info.revision
    assert Lead(3).info.name == "lead-3"


def test_max_words_overrides_the_length_of_a_paragraph() -> None:
    assert summarise(3, SummaryOptions(kind="tldr", max_words=200)).text == " ".join(SENTENCES[:3])
    assert len(summarise(7, SummaryOptions(max_words=200)).sentences) == 5


def test_chinese_sentences_follow_each_other_and_their_words_are_counted() -> None:
    text = "市政府周二宣布了一项新的计划。该计划将为五千名农民提供援助。部长说费用为两百万元。" * 2
    summary = summarise(3, SummaryOptions(kind="tldr", length="medium"), text)
    assert summary.text == text[: len(text) // 2]
    assert summary.words == summary.source_words // 2 > 15
    (result,) = Lead(3).summarise([SummaryRequest(Article(text), SummaryOptions(max_words=5))])
    assert isinstance(result, InputError)
