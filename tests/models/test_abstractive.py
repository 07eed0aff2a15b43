from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from models.abstractive import AbstractiveSummariser, drafts, settings_for
from models.checkpoints import Checkpoint
from models.contract import Article, Summary, SummaryOptions, SummaryRequest, SummarySentence
from models.engines.native import NativeEngine
from models.errors import ArticleTooShort, InbriefError, InferenceFailed, UnsupportedKind
from models.generation import GenerationSettings, Hypothesis
from models.texts import Tokeniser
from tests.models.conftest import CheckpointOf
from tests.models.tiny_checkpoints import TEXT


class WritingEngine:
    """An engine that writes fixed texts, whatever it reads; it keeps what it was given."""

    name, precision, device = "writing", "none", "cpu"

    def __init__(self, tokeniser: Tokeniser, hypotheses: Sequence[str], finished: bool) -> None:
        self._answer = [
            Hypothesis(tuple(tokeniser.encode(text)[1:-1]), 0.0, finished) for text in hypotheses
        ]
        self.inputs: list[list[int]] = []
        self.fails_on: list[int] | None = None

    def generate(self, batch: Any, settings: GenerationSettings) -> list[list[Hypothesis]]:
        if self.fails_on in batch:
            raise InferenceFailed("The network failed on this batch.")
        self.inputs += batch
        return [self._answer for _ in batch]


def summariser(
    checkpoint: Checkpoint, hypotheses: Sequence[str], *, finished: bool = True
) -> tuple[AbstractiveSummariser, WritingEngine, Tokeniser]:
    tokeniser = Tokeniser(checkpoint)
    engine = WritingEngine(tokeniser, hypotheses, finished)
    return AbstractiveSummariser(checkpoint, tokeniser, engine, "bart", ""), engine, tokeniser


def one(model: AbstractiveSummariser, text: str = TEXT, **options: Any) -> Summary:
    found = model.summarise(
        [SummaryRequest(Article(text, language="en"), SummaryOptions(**options))]
    )
    assert isinstance(found[0], Summary), found[0]
    return found[0]


@pytest.fixture
def wide(checkpoint_of: CheckpointOf) -> Checkpoint:
    """A checkpoint whose window holds the whole test article."""
    return replace(checkpoint_of("bart"), window=2000)


WRITTEN = "The council voted to close the old bridge. Repairs would cost $4.2 million"


def test_an_article_that_fits_is_read_whole(wide: Checkpoint) -> None:
    model, engine, tokeniser = summariser(wide, [WRITTEN])
    summary = one(model)
    assert not summary.truncated
    assert summary.coverage.read_sentences == summary.coverage.source_sentences == 10
    assert engine.inputs == [tokeniser.encode(" ".join(TEXT.splitlines()), "en")]


def test_the_end_of_a_finished_text_gets_its_full_stop(wide: Checkpoint) -> None:
    model, _, _ = summariser(wide, [WRITTEN])
    assert one(model).text == (
        "The council voted to close the old bridge.\nRepairs would cost $4.2 million."
    )


def test_a_sentence_that_the_limit_cut_off_is_dropped(wide: Checkpoint) -> None:
    model, _, _ = summariser(wide, [WRITTEN], finished=False)
    assert one(model).text == "The council voted to close the old bridge."


def test_a_longer_article_is_read_by_its_salient_sentences_never_past_the_window(
    checkpoint_of: CheckpointOf,
) -> None:
    checkpoint = checkpoint_of("bart")
    model, engine, _ = summariser(checkpoint, [WRITTEN])
    summary = one(model)
    assert summary.truncated
    assert 0 < summary.coverage.read_sentences < summary.coverage.source_sentences
    assert len(engine.inputs[0]) <= 128
    long = one(
        model, " ".join(f"{line} Part {part}." for part in range(200) for line in TEXT.splitlines())
    )
    assert long.truncated
    assert len(engine.inputs[1]) <= 128


def test_one_sentence_longer_than_the_window_is_read_from_its_beginning(
    checkpoint_of: CheckpointOf,
) -> None:
    checkpoint = replace(checkpoint_of("bart"), window=16)
    model, engine, tokeniser = summariser(checkpoint, [WRITTEN])
    one(model)
    assert len(engine.inputs[0]) == 16
    assert engine.inputs[0][-1] == checkpoint.eos_id
    assert tokeniser.decode(engine.inputs[0]).startswith("The city council")


def test_the_next_hypothesis_repairs_the_best(wide: Checkpoint) -> None:
    model, _, _ = summariser(
        wide,
        ["Repairs of the bridge would cost $9.9 million.", "Repairs would cost $4.2 million."],
    )
    assert one(model).text == "Repairs would cost $4.2 million."


def test_sentences_are_reported_with_the_index_of_their_request(wide: Checkpoint) -> None:
    model, _, _ = summariser(wide, [WRITTEN])
    heard: list[tuple[int, SummarySentence]] = []
    requests = [SummaryRequest(Article("x")), SummaryRequest(Article(TEXT, language="en"))]
    results = model.summarise(requests, lambda index, sentence: heard.append((index, sentence)))
    assert isinstance(results[0], InbriefError)
    assert isinstance(results[1], Summary)
    assert heard == [(1, sentence) for sentence in results[1].sentences]


def test_each_request_has_its_own_answer_or_error_in_order(wide: Checkpoint) -> None:
    model, _, _ = summariser(wide, [WRITTEN])
    article = Article(TEXT, language="en")
    results = model.summarise(
        [
            SummaryRequest(article, SummaryOptions("headline")),
            SummaryRequest(article, SummaryOptions("tldr")),
            SummaryRequest(Article("Only a few words.", language="en")),
            SummaryRequest(article, SummaryOptions(max_words=9)),
        ]
    )
    assert isinstance(results[0], UnsupportedKind)
    assert isinstance(results[1], Summary)
    assert results[1].kind == "tldr"
    assert isinstance(results[2], ArticleTooShort)
    assert isinstance(results[3], Summary)
    assert results[3].words <= 9


def test_a_batch_that_fails_is_tried_one_by_one(wide: Checkpoint) -> None:
    model, engine, tokeniser = summariser(wide, [WRITTEN])
    bad = TEXT.replace("Springfield", "Shelbyville")
    engine.fails_on = tokeniser.encode(" ".join(bad.splitlines()), "en")
    results = model.summarise(
        [SummaryRequest(Article(text, language="en")) for text in (TEXT, bad, TEXT)]
    )
    assert [type(result) for result in results] == [Summary, InferenceFailed, Summary]


def test_a_language_tag_that_is_none_is_the_callers_error(wide: Checkpoint) -> None:
    model, _, _ = summariser(wide, [WRITTEN])
    result = model.summarise([SummaryRequest(Article(TEXT, language="not a tag"))])[0]
    assert isinstance(result, InbriefError)


@pytest.mark.parametrize("kind", ["key-points", "tldr", "teaser"])
def test_longer_summaries_get_more_room(checkpoint_of: CheckpointOf, kind: Any) -> None:
    checkpoint = replace(
        checkpoint_of("t5"), settings=GenerationSettings(beams=4, max_new_tokens=142)
    )
    made = [settings_for(checkpoint, SummaryOptions(kind, length))
            for length in ("short", "medium", "long")]  # fmt: skip
    assert [one.max_new_tokens for one in made] == sorted(one.max_new_tokens for one in made)
    assert made[0].max_new_tokens < made[2].max_new_tokens
    assert all(one.beams == 4 and one.hypotheses == 3 for one in made)
    assert all(one.min_new_tokens < one.max_new_tokens for one in made)


def test_room_never_passes_the_decoders_positions(checkpoint_of: CheckpointOf) -> None:
    settings = settings_for(checkpoint_of("bart"), SummaryOptions("key-points", "long"))
    assert settings.max_new_tokens == 127


def test_a_prepared_request_is_neither_read_nor_tokenised_again(wide: Checkpoint) -> None:
    model, engine, tokeniser = summariser(wide, ["The council votes."])
    request = SummaryRequest(Article(TEXT, language="en"), SummaryOptions(kind="tldr"))
    prepared = model.prepare(request)
    tokeniser.encode = None  # type: ignore[method-assign, assignment]
    assert model.summarise([prepared])[0] == one(summariser(wide, ["The council votes."])[0],
                                                 kind="tldr")  # fmt: skip
    assert (prepared.article, prepared.options) == (request.article, request.options)
    assert engine.inputs


def test_what_another_model_prepared_is_read_anew(
    wide: Checkpoint, checkpoint_of: CheckpointOf
) -> None:
    narrow = replace(checkpoint_of("bart"), window=40, revision="another")
    model, engine, _ = summariser(narrow, ["The council votes."])
    request = SummaryRequest(Article(TEXT, language="en"))
    other = summariser(wide, ["The council votes."])[0]
    assert model.summarise([other.prepare(request)]) == model.summarise([request])
    assert all(len(ids) <= 40 for ids in engine.inputs)


def test_preparing_refuses_what_summarising_does(wide: Checkpoint) -> None:
    model = summariser(wide, ["The council votes."])[0]
    with pytest.raises(ArticleTooShort):
        model.prepare(SummaryRequest(Article("Too short.", language="en")))


def test_alternatives_are_sentences_about_the_same(wide: Checkpoint) -> None:
    made = drafts(
        [["A cat sat on the mat.", "It rained."], ["The cat sat on a mat.", "Dogs bark."]]
    )
    assert made[0].alternatives == ("The cat sat on a mat.",)
    assert made[1].alternatives == ()


def test_a_real_engine_answers_alone_as_in_a_batch(checkpoint_of: CheckpointOf) -> None:
    checkpoint = checkpoint_of("t5")
    model = AbstractiveSummariser(
        checkpoint, Tokeniser(checkpoint), NativeEngine(checkpoint, "int8"), "t5", ""
    )
    texts = [TEXT, TEXT.replace("bridge", "tunnel"), " ".join(TEXT.split()[:80]) + "."]
    requests = [SummaryRequest(Article(text, language="en")) for text in texts]
    together = model.summarise(requests)
    assert together == [model.summarise([request])[0] for request in requests]
    assert all(isinstance(result, Summary) for result in together)


class RaisingEngine(WritingEngine):
    """An engine over a library's network that raises an error of its own on some input."""

    def generate(self, batch: Any, settings: GenerationSettings) -> list[list[Hypothesis]]:
        if self.fails_on in batch:
            raise IndexError("index out of range in self")
        return super().generate(batch, settings)


def test_whatever_a_network_raises_is_the_answer_of_its_article_alone(wide: Checkpoint) -> None:
    tokeniser = Tokeniser(wide)
    engine = RaisingEngine(tokeniser, [WRITTEN], finished=True)
    model = AbstractiveSummariser(wide, tokeniser, engine, "bart", "")
    bad = TEXT.replace("Springfield", "Shelbyville")
    engine.fails_on = tokeniser.encode(" ".join(bad.splitlines()), "en")
    found = model.summarise([SummaryRequest(Article(text, language="en")) for text in (TEXT, bad)])
    assert isinstance(found[0], Summary)
    assert isinstance(found[1], InferenceFailed)
    assert found[1].message == "The network of bart failed on this article (IndexError)."


def test_a_sentence_of_which_only_the_beginning_is_read_is_said_to_be_cut(wide: Checkpoint) -> None:
    text = " ".join(TEXT.replace(".", ";").split())[:700] + "."
    assert not one(summariser(wide, [WRITTEN])[0], text).truncated
    cut = one(summariser(replace(wide, window=40), [WRITTEN])[0], text)
    assert cut.coverage.source_sentences == cut.coverage.read_sentences == 1
    assert cut.truncated


HINDI = (
    "नई दिल्ली में मंगलवार को सरकार ने एक नई योजना की घोषणा की। इस योजना के तहत 5,000 किसानों को "
    "सहायता मिलेगी। मंत्री ने कहा कि इसका खर्च 2.4 करोड़ रुपये होगा। विपक्ष ने इस योजना का विरोध किया है।"
)
THAI = "รัฐบาลประกาศแผนใหม่ในวันอังคารเพื่อช่วยเหลือเกษตรกร\nแผนนี้จะช่วยเกษตรกรห้าพันคน\n" * 3


@pytest.mark.parametrize(
    ("language", "text", "written"),
    [
        ("hi", HINDI, "इस योजना के तहत 5,000 किसानों को सहायता मिलेगी।"),
        ("th", THAI, "แผนนี้จะช่วยเกษตรกรห้าพันคน"),
    ],
)
def test_sentences_end_as_their_language_ends_them(
    wide: Checkpoint, language: str, text: str, written: str
) -> None:
    for given in {written, written.rstrip("।")}:
        model, _, _ = summariser(wide, [given])
        request = SummaryRequest(Article(text, language=language), SummaryOptions("tldr"))
        found = model.summarise([request])[0]
        assert isinstance(found, Summary), found
        assert found.text == written


def test_an_article_in_another_script_stands_in_when_nothing_was_written(wide: Checkpoint) -> None:
    request = SummaryRequest(Article(HINDI, language="hi"), SummaryOptions("tldr"))
    found = summariser(wide, [""])[0].summarise([request])[0]
    assert isinstance(found, Summary), found
    assert found.text in HINDI
