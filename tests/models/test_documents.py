from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Article
from models.documents import MIN_ARTICLE_WORDS, Document, read
from models.errors import (
    ArticleTooLong,
    ArticleTooShort,
    EmptyArticle,
    InputError,
    NotAnArticle,
)

SEEDS = sorted((Path(__file__).parents[2] / "seeds").glob("0*.txt"))
FILLER = (
    "The council of the town met on Monday evening and spoke for hours about the bridge. "
    "Nobody could say who would pay for it, and the meeting ended without a vote. "
)


def texts(document: Document) -> list[str]:
    return [sentence.text for sentence in document.sentences]


def texts_lower(document: Document) -> list[str]:
    return [text.lower() for text in texts(document)]


def reads_as_source(document: Document) -> bool:
    return all(
        " ".join(document.source[item.span.start : item.span.end].split()) == item.text
        for item in (*document.sentences, *document.asides)
    )


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_seed_articles_read_clean(path: Path) -> None:
    document = read(Article(path.read_text(encoding="utf-8")))
    assert document.language == "en"
    assert 12 <= len(document.sentences) <= 13
    assert reads_as_source(document)
    assert all(sentence.text.endswith(".") for sentence in document.sentences)
    visible = " ".join(texts(document)) + " ".join(item.text for item in document.asides)
    for furniture in ("No time", "Get a summary", "Previous", "Next Article", "Gabon", "funding"):
        assert furniture not in visible
        assert furniture not in document.text


def test_the_headline_of_a_seed_is_its_title() -> None:
    document = read(Article(SEEDS[0].read_text(encoding="utf-8")))
    assert document.title == "Putin and Lukashenko Discuss Alliance and Ukraine Topics"
    assert read(Article(SEEDS[1].read_text(encoding="utf-8"))).title is None


def test_a_title_sent_apart_is_not_read_twice() -> None:
    document = read(Article("A Bridge Too Far\n\n" + FILLER, title="A bridge too  far"))
    assert document.title == "A bridge too far"
    assert texts(document)[0].startswith("The council")


@pytest.mark.parametrize(
    "dateline",
    [
        "(CNN) -- ",
        "(CNN)",
        "LONDON, England (Reuters) -- ",
        "Kano, Nigeria (CNN) ",
        "WASHINGTON (AP) — ",
        "NEW YORK, Nov 12 (Reuters) - ",
        "(Rolling Stone) -- ",
        "ST. PETERSBURG, Fla. — ",
    ],
)
def test_a_dateline_is_not_part_of_the_sentence(dateline: str) -> None:
    document = read(Article(dateline + FILLER))
    assert texts(document)[0].startswith("The council of the town")
    assert document.sentences[0].span.start == len(dateline)
    assert reads_as_source(document)


@pytest.mark.parametrize(
    "start",
    [
        "The Associated Press (AP) reported a loss.",
        "Smith (Labour) won.",
        "BP — the oil firm — fell.",
    ],
)
def test_what_only_looks_like_a_dateline_stays(start: str) -> None:
    assert texts(read(Article(f"{start} {FILLER}")))[0] == start


def test_headings_rows_and_notes_are_asides() -> None:
    text = (
        f"{FILLER}\nWhat happens next\n{FILLER}\nArsenal\t3\t1\nChelsea | 2 | 0\nSmith 12 34 56\n"
        "Editor's note: Jane Doe is a writer.\n" + FILLER
    )
    document = read(Article(text))
    assert [item.text for item in document.asides] == [
        "What happens next",
        "Arsenal 3 1",
        "Chelsea | 2 | 0",
        "Smith 12 34 56",
        "Editor's note: Jane Doe is a writer.",
    ]
    assert len(document.sentences) == 6
    assert "What happens next" in document.text
    assert reads_as_source(document)


def test_labels_before_a_sentence_go() -> None:
    lines = [
        "• The mayor resigned on Tuesday.",
        "14:32 - The police closed the road.",
        "[10.05 GMT] The minister spoke.",
        "Q: What happened to the bridge?",
        "A: It fell into the river.",
        "2. The second reason is money.",
        "- Trains stopped at noon",
    ]
    document = read(Article(FILLER + "\n" + "\n".join(lines)))
    assert texts(document)[2:] == [
        "The mayor resigned on Tuesday.",
        "The police closed the road.",
        "The minister spoke.",
        "What happened to the bridge?",
        "It fell into the river.",
        "The second reason is money.",
        "Trains stopped at noon",
    ]
    assert reads_as_source(document)


def test_a_speaker_stays_with_what_is_said() -> None:
    document = read(Article("BLITZER: Good evening to you all.\n" + FILLER))
    assert texts(document)[0] == "BLITZER: Good evening to you all."


def test_an_article_made_of_short_lines_keeps_them() -> None:
    lines = [f"Line number {word} of the poem" for word in "one two three four five six".split()]
    assert texts(read(Article("\n".join(lines)))) == lines


def test_paragraphs_are_counted() -> None:
    document = read(Article(f"{FILLER}\n\n{FILLER}\n{FILLER}"))
    assert [sentence.paragraph for sentence in document.sentences] == [0, 0, 1, 1, 2, 2]
    assert [sentence.index for sentence in document.sentences] == list(range(6))


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b\ufeff", "Advertisement\nShare\n"])
def test_nothing_to_read_is_empty(text: str) -> None:
    with pytest.raises(EmptyArticle) as caught:
        read(Article(text))
    assert caught.value.field == "text"


def test_too_short_names_the_minimum() -> None:
    with pytest.raises(ArticleTooShort, match=str(MIN_ARTICLE_WORDS)) as caught:
        read(Article("A few words only."))
    assert caught.value.limit == MIN_ARTICLE_WORDS


def test_too_long_names_the_limit() -> None:
    with pytest.raises(ArticleTooLong, match="100 characters") as caught:
        read(Article(FILLER), max_characters=100)
    assert caught.value.limit == 100
    assert read(Article(FILLER), max_characters=len(FILLER)).sentences


def test_a_table_is_not_an_article() -> None:
    rows = "\n".join(f"Team {n}\t{n}\t{n * 2}\t{n * 3}" for n in range(40))
    with pytest.raises(NotAnArticle):
        read(Article(rows))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ".join(f"https://example.org/{n}" for n in range(40)), "list of links"),
        ("Read (www.example.org/page): " + "<https://example.org/1> " * 40, "list of links"),
        (f"<p>{FILLER}</p><p>{FILLER}</p>", "send it as html"),
        (f"<!DOCTYPE html>\n<html><body>{FILLER}</body></html>", "send it as html"),
        (f' <!-- top --> <div class="story">{FILLER}</div>', "send it as html"),
    ],
)
def test_links_and_pages_are_no_articles(text: str, reason: str) -> None:
    with pytest.raises(NotAnArticle, match=reason):
        read(Article(text))


def test_an_article_about_tags_with_a_link_is_one() -> None:
    text = f"The <p> tag, which https://example.org explains, begins a paragraph. {FILLER}"
    assert texts(read(Article(text)))[0].startswith("The <p> tag")


def test_pauses_of_a_text_without_punctuation_make_no_table() -> None:
    spoken = FILLER.replace(". ", "  ").replace(",", "").strip() + "  " + FILLER[:40].lower()
    assert " ".join(texts(read(Article(spoken)))) == " ".join(spoken.split())


def test_an_article_without_capitals_has_sentences() -> None:
    document = read(Article(FILLER.lower()))
    assert texts(document) == texts_lower(read(Article(FILLER)))


def test_chinese_is_long_enough_without_spaces() -> None:
    text = "中国国家主席周一在北京会见了来访的外国领导人。双方讨论了贸易和安全问题。" * 3
    document = read(Article(text))
    assert document.language == "zh"
    assert len(document.sentences) == 6


def test_the_callers_language_is_taken_and_normalised() -> None:
    assert read(Article(FILLER, language="en-GB")).language == "en"
    assert read(Article(FILLER, language="de")).language == "de"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400), st.booleans())
def test_any_text_reads_or_says_why_not(noise: str, before: bool) -> None:
    text = noise + FILLER if before else FILLER + noise
    document = None
    with contextlib.suppress(InputError):
        document = read(Article(text))
    if document is None:
        with pytest.raises(InputError):
            read(Article(text))
        return
    position = 0
    for sentence in document.sentences:
        assert position <= sentence.span.start < sentence.span.end <= len(text)
        assert sentence.text
        position = sentence.span.end
