from __future__ import annotations

from dataclasses import replace

import pytest

from models import documents
from models.contract import Article, ModelInfo, SummaryOptions, SummarySentence
from models.documents import Document
from models.errors import (
    InferenceFailed,
    InputError,
    UnsupportedKind,
    UnsupportedLanguage,
    UnsupportedLength,
)
from models.summarising import Draft, finish, join, repeats, require_supported

TEXT = (
    "Mayor Ellen Ortiz closed the old bridge over Mill Creek on Tuesday. "
    "Engineers found cracks in three of its twelve steel beams in March. "
    "Repairs will cost 4.2 million dollars and take until the spring. "
    "About 9,000 vehicles cross the bridge on a weekday. "
    "Shop owners fear that the long detour keeps their customers away."
)
INFO = ModelInfo(
    name="some-model",
    revision="0",
    engine="none",
    precision="fp32",
    device="cpu",
    kinds=("key-points", "tldr"),
    lengths=("short", "long"),
    languages=("en", "fr"),
    max_input_tokens=None,
    parameters=0,
    size_bytes=0,
)


@pytest.fixture(scope="module")
def document() -> Document:
    return documents.read(Article(TEXT, language="en"))


def test_supported_sentences_stand_as_they_are_with_their_evidence(document: Document) -> None:
    emitted: list[SummarySentence] = []
    summary = finish(
        [
            Draft("Mayor Ortiz closed the bridge on Tuesday."),
            Draft("Repairs will cost 4.2 million dollars."),
        ],
        document,
        SummaryOptions(),
        INFO,
        read_sentences=5,
        emit=emitted.append,
    )
    assert summary.text == (
        "Mayor Ortiz closed the bridge on Tuesday.\nRepairs will cost 4.2 million dollars."
    )
    assert all(sentence.supported for sentence in summary.sentences)
    first, second = (sentence.evidence[0] for sentence in summary.sentences)
    assert "Ellen Ortiz closed" in TEXT[first.start : first.end]
    assert "4.2 million" in TEXT[second.start : second.end]
    assert emitted == list(summary.sentences)
    assert summary.words == len(summary.text.split())
    assert (summary.truncated, summary.coverage.read_sentences) == (False, 5)
    assert set(summary.coverage.selected) >= {0, 2}


def test_what_was_not_read_is_said(document: Document) -> None:
    summary = finish(
        [Draft("Mayor Ortiz closed the bridge.")],
        document,
        SummaryOptions(),
        INFO,
        read_sentences=3,
    )
    assert summary.truncated
    assert (summary.coverage.source_sentences, summary.coverage.read_sentences) == (5, 3)


def test_the_next_hypothesis_repairs_a_wrong_number(document: Document) -> None:
    draft = Draft(
        "Repairs will cost 7.9 million dollars.",
        alternatives=("Repairs will cost 4.2 million dollars.",),
    )
    summary = finish([draft], document, SummaryOptions(), INFO, read_sentences=5)
    assert summary.text == "Repairs will cost 4.2 million dollars."


def test_the_evidence_repairs_when_every_hypothesis_is_wrong(document: Document) -> None:
    draft = Draft("Repairs will cost 7.9 million dollars and take until the spring.", evidence=(2,))
    summary = finish([draft], document, SummaryOptions(), INFO, read_sentences=5)
    assert summary.text == "Repairs will cost 4.2 million dollars and take until the spring."
    assert summary.sentences[0].supported


def test_what_cannot_be_repaired_is_marked_or_with_strict_left_out(document: Document) -> None:
    drafts = [
        Draft("Repairs will cost 4.2 million dollars and take until the spring.", evidence=(2,)),
        Draft("The whole work will cost the town 7.9 million euros in all.", evidence=(2,)),
    ]
    marked = finish(drafts, document, SummaryOptions(), INFO, read_sentences=5)
    assert [sentence.supported for sentence in marked.sentences] == [True, False]
    assert any("7.9" in item for item in marked.sentences[1].unsupported)
    strict = finish(drafts, document, SummaryOptions(strict=True), INFO, read_sentences=5)
    assert [sentence.supported for sentence in strict.sentences] == [True]


def test_cut_off_sentences_and_repetitions_are_dropped(document: Document) -> None:
    drafts = [
        Draft("Mayor Ortiz closed the bridge on Tuesday."),
        Draft("On Tuesday Mayor Ortiz closed the bridge."),
        Draft("Repairs will cost 4.2 million and"),
    ]
    summary = finish(drafts, document, SummaryOptions(), INFO, read_sentences=5)
    assert summary.text == "Mayor Ortiz closed the bridge on Tuesday."


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (SummaryOptions("key-points", "short"), 3),
        (SummaryOptions("key-points", "long"), 5),
        (SummaryOptions("tldr", "short"), 1),
        (SummaryOptions("tldr", "medium"), 3),
        (SummaryOptions("teaser", "medium"), 2),
        (SummaryOptions("tldr", "short", max_words=200), 5),
    ],
)
def test_kind_and_length_bound_the_sentences(
    document: Document, options: SummaryOptions, most: int
) -> None:
    drafts = [Draft(sentence.text) for sentence in document.sentences]
    summary = finish(drafts, document, options, INFO, read_sentences=5)
    assert len(summary.sentences) == most


@pytest.mark.parametrize("max_words", range(9, 60, 5))
def test_max_words_is_a_hard_bound_kept_by_whole_sentences(
    document: Document, max_words: int
) -> None:
    drafts = [Draft(sentence.text) for sentence in document.sentences]
    options = SummaryOptions("tldr", "short", max_words=max_words)
    summary = finish(drafts, document, options, INFO, read_sentences=5)
    assert 0 < len(summary.text.split()) <= max_words
    assert summary.text.endswith(".")


def test_max_words_below_every_sentence_is_an_error_that_names_it(document: Document) -> None:
    with pytest.raises(InputError, match="3 words") as caught:
        finish(
            [Draft("Mayor Ortiz closed the bridge on Tuesday.")],
            document,
            SummaryOptions(max_words=3),
            INFO,
            read_sentences=5,
            fallback=range(5),
        )
    assert (caught.value.field, caught.value.limit) == ("max_words", 3)


def test_max_words_is_named_although_no_sentence_of_the_article_ends() -> None:
    endless = documents.read(Article(TEXT.replace(". ", " and then ").rstrip("."), language="en"))
    assert not endless.sentences[0].text.endswith(".")
    with pytest.raises(InputError, match="5 words"):
        finish([], endless, SummaryOptions(max_words=5), INFO, read_sentences=1, fallback=[0])


def test_the_fallback_stands_in_when_nothing_was_written(document: Document) -> None:
    summary = finish([], document, SummaryOptions(), INFO, read_sentences=5, fallback=[3, 0])
    assert summary.text == "About 9,000 vehicles cross the bridge on a weekday."
    with pytest.raises(InferenceFailed, match="some-model wrote nothing usable"):
        finish([], document, SummaryOptions(), INFO, read_sentences=5)


def test_a_headline_has_no_full_stop_and_keeps_its_bound(document: Document) -> None:
    info = replace(INFO, kinds=("headline",))
    options = SummaryOptions("headline", "short")
    long = "Mayor Ellen Ortiz closed the old bridge over Mill Creek on Tuesday after engineers"
    draft = Draft(long, alternatives=("Mayor Ortiz closed the bridge over Mill Creek.",))
    summary = finish([draft], document, options, info, read_sentences=5)
    assert summary.text == "Mayor Ortiz closed the bridge over Mill Creek"


def test_max_words_overrides_the_length_of_a_headline(document: Document) -> None:
    info = replace(INFO, kinds=("headline",))
    long = (
        "Mayor Ellen Ortiz closed the old bridge over Mill Creek on Tuesday after engineers found"
    )
    options = SummaryOptions("headline", "short", max_words=20)
    assert finish([Draft(long)], document, options, info, read_sentences=5).text == long
    with pytest.raises(InferenceFailed):
        finish([Draft(long)], document, replace(options, max_words=None), info, read_sentences=5)
    with pytest.raises(InferenceFailed):
        finish([Draft(f"{long} {long}")], document, replace(options, max_words=100), info,
               read_sentences=5)  # fmt: skip


def test_formats(document: Document) -> None:
    sentences = ["One.", "Two."]
    assert join(sentences, SummaryOptions("tldr"), "en") == "One. Two."
    assert join(sentences, SummaryOptions("tldr"), "zh") == "One.Two."
    assert join(sentences, SummaryOptions("key-points"), "en") == "One.\nTwo."
    markdown = SummaryOptions("key-points", format="markdown")
    assert join(sentences, markdown, "en") == "- One.\n- Two."


def test_repeats_sees_through_order_case_and_shortening() -> None:
    earlier = ["The Mayor closed the bridge on Tuesday."]
    assert repeats("On tuesday the mayor closed the bridge.", earlier)
    assert repeats("The mayor closed the bridge.", earlier)
    assert not repeats("The mayor opened a library on Friday.", earlier)
    assert not repeats("Anything at all.", [])


def test_what_a_model_does_not_do_is_refused_with_what_it_does() -> None:
    require_supported(INFO, SummaryOptions("tldr", "long"), "fr")
    require_supported(INFO, SummaryOptions(), "und")
    require_supported(replace(INFO, languages=()), SummaryOptions(), "xh")
    with pytest.raises(UnsupportedKind, match="headline; it writes key-points, tldr"):
        require_supported(INFO, SummaryOptions("headline"), "en")
    with pytest.raises(UnsupportedLength, match="medium"):
        require_supported(INFO, SummaryOptions(length="medium"), "en")
    with pytest.raises(UnsupportedLanguage, match="'de'; it covers en, fr"):
        require_supported(INFO, SummaryOptions(), "de")
