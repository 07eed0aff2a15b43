from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.contract import (
    KINDS,
    LENGTHS,
    Article,
    Summary,
    SummaryOptions,
    SummaryRequest,
    SummarySentence,
)
from models.errors import (
    ArticleTooShort,
    CorruptModel,
    InbriefError,
    ModelNotFound,
    UnsupportedLanguage,
)
from models.news import CONFIG, NewsSummariser, load_news, revision_of
from tests.models.tiny_news import save_tiny_news

TEXT = (
    "The council of Milton voted on Tuesday to close the old swimming pool in June. "
    "Repairs would cost 2.4 million pounds, more than the town spends on libraries. "
    "Teachers have taken classes to the pool for 40 years, said the head of a school. "
    "A petition against the closure has 5,000 names and grows by the hour. "
    "The mayor, Ann Reed, hopes that a new pool will open within three years."
)
FRENCH = (
    "Le conseil municipal a voté mardi la fermeture de la vieille piscine en juin. Les travaux "
    "coûteraient plus de deux millions d'euros, plus que le budget des bibliothèques de la ville."
)


@pytest.fixture(scope="module", params=[False, True], ids=["distrusting", "trusting"])
def summariser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewsSummariser:
    directory = tmp_path_factory.mktemp("news")
    return load_news(save_tiny_news(directory, trusting=request.param), device="cpu")


def request_for(text: str, **options: object) -> SummaryRequest:
    return SummaryRequest(Article(text), SummaryOptions(**options))  # type: ignore[arg-type]


def summary(result: Summary | InbriefError) -> Summary:
    assert isinstance(result, Summary), result
    return result


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "headline"])
def test_each_kind_and_length_has_sentences_with_evidence(
    summariser: NewsSummariser, kind: str, length: str
) -> None:
    made = summary(summariser.summarise([request_for(TEXT, kind=kind, length=length)])[0])

    assert made.sentences
    assert all(sentence.evidence for sentence in made.sentences)
    assert all(sentence.supported for sentence in made.sentences)
    assert made.coverage.read_sentences == made.coverage.source_sentences == 5
    assert not made.truncated


def test_a_batch_equals_the_singles_and_keeps_errors_apart(summariser: NewsSummariser) -> None:
    requests = [
        request_for(TEXT),
        request_for("Too short."),
        request_for(TEXT, kind="tldr", length="medium"),
        request_for(FRENCH),
        request_for(TEXT * 3, length="long"),
    ]

    together = summariser.summarise(requests)
    alone = [summariser.summarise([request])[0] for request in requests]

    assert [summary(together[i]) for i in (0, 2, 4)] == [summary(alone[i]) for i in (0, 2, 4)]
    assert isinstance(together[1], ArticleTooShort)
    assert isinstance(together[3], UnsupportedLanguage)
    assert "en" in together[3].message


def test_a_long_list_comes_back_whole_and_in_order(summariser: NewsSummariser) -> None:
    requests = [request_for(TEXT), request_for("Too short."), request_for(TEXT, length="long")]
    short, failed, long = summariser.summarise(requests)
    heard: dict[int, list[SummarySentence]] = {}

    def hear(index: int, one: SummarySentence) -> None:
        heard.setdefault(index, []).append(one)

    made = summariser.summarise(requests * 12, hear)

    assert made[::3] == [short] * 12
    assert made[2::3] == [long] * 12
    assert [type(one) for one in made[1::3]] == [type(failed)] * 12
    assert heard == {
        index: list(summary(made[index]).sentences) for index in range(36) if index % 3 != 1
    }


def test_sentences_are_told_as_they_are_settled(summariser: NewsSummariser) -> None:
    heard = []

    made = summariser.summarise(
        [request_for(FRENCH), request_for(TEXT)], lambda index, one: heard.append((index, one))
    )

    assert heard == [(1, one) for one in summary(made[1]).sentences]


@pytest.mark.parametrize("max_words", [16, 30, 60])
def test_max_words_holds(summariser: NewsSummariser, max_words: int) -> None:
    made = summary(summariser.summarise([request_for(TEXT, max_words=max_words)])[0])

    assert 0 < made.words <= max_words


def test_a_swapped_file_is_refused_by_its_digest(tmp_path: Path) -> None:
    directory = save_tiny_news(tmp_path / "one")
    other = save_tiny_news(tmp_path / "two", seed=1)
    (directory / "rewriter.safetensors").write_bytes((other / "rewriter.safetensors").read_bytes())

    with pytest.raises(CorruptModel, match=r"rewriter\.safetensors"):
        load_news(directory)


def test_a_file_that_the_model_does_not_list_is_refused(tmp_path: Path) -> None:
    directory = save_tiny_news(tmp_path)
    (directory / "acceptability.safetensors").write_bytes(b"anything")

    with pytest.raises(CorruptModel, match=r"does not list acceptability\.safetensors"):
        load_news(directory)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    directory = save_tiny_news(tmp_path)
    (directory / "salience.safetensors").unlink()

    with pytest.raises(ModelNotFound, match=r"salience\.safetensors"):
        load_news(directory)
    (directory / CONFIG).unlink()
    with pytest.raises(ModelNotFound, match=r"model\.json"):
        load_news(directory)


def test_an_unreadable_configuration_is_corrupt(tmp_path: Path) -> None:
    directory = save_tiny_news(tmp_path)
    (directory / CONFIG).write_text(json.dumps({"name": "tiny-news"}))

    with pytest.raises(CorruptModel, match=r"model\.json"):
        load_news(directory)


def test_the_revision_tells_other_weights_apart(tmp_path: Path) -> None:
    one = load_news(save_tiny_news(tmp_path / "one"), device="cpu").info
    same = load_news(save_tiny_news(tmp_path / "same"), device="cpu").info
    other = load_news(save_tiny_news(tmp_path / "other", seed=1), device="cpu").info

    assert one.revision == same.revision != other.revision
    assert one.kinds == KINDS


def test_the_revision_tells_other_rules_apart(tmp_path: Path) -> None:
    (tmp_path / "networks").mkdir()
    rules, network = tmp_path / "rules.py", tmp_path / "networks" / "network.py"
    found = []
    for written, text in ((rules, "LEAST = 4"), (network, "x = 1"), (rules, "LEAST = 5")):
        written.write_text(text)
        found.append(revision_of({}, tmp_path))

    assert len(set(found)) == 3
    assert revision_of({}, tmp_path) == found[-1]


def test_an_article_in_capitals_is_summarised_as_any_other(summariser: NewsSummariser) -> None:
    heard = []
    plain, shouted = summariser.summarise(
        [request_for(TEXT), request_for(TEXT.upper())], lambda _, one: heard.append(one)
    )

    made = summary(shouted)
    assert made.text == summary(plain).text.upper()
    assert [one.evidence for one in made.sentences] == [
        one.evidence for one in summary(plain).sentences
    ]
    assert set(made.sentences) <= set(heard)


RUN_ON = (
    "the council of milton voted on tuesday to close the old swimming pool in june repairs would "
    "cost 2.4 million pounds more than the town spends on libraries a petition against the closure "
    "has 5000 names the mayor ann reed hopes that a new pool will open within three years"
)


def test_the_headline_of_a_text_without_punctuation_is_what_it_begins_with(
    summariser: NewsSummariser,
) -> None:
    made = summary(summariser.summarise([request_for(RUN_ON, kind="headline")])[0])

    assert RUN_ON.startswith(made.text.lower())
