from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.split(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["Prices rose 3.5 per cent at acme.com.", "The firm said so."],
        ["See https://www.example.com/a.b?c=1. It is free.".split(". ")[0] + ".", "It is free."],
        ["Mr. J. K. Rowling met Dr. No at 10 St. James St. in London.", "They talked."],
        ["George W. Bush spoke.", "He left at 5 p.m. Friday.", "Police came."],
        ["He came at 5 p.m.", "Police came later."],
        ["The U.S. Senate voted.", "It was in the U.S.", "The vote was close."],
        ["He drank vitamin C.", "Officials agreed."],
        ["The firm bought Acme Inc. for $1.2 billion.", "Nobody objected."],
        ["On Jan. 5 it began.", "It was over in Feb.", "Sales rose."],
        ['"Go away!" he said.', "They went."],
        ['"Really?" Mr Smith asked.', "Nobody knew."],
        ['He said: "We won."', "She left."],
        ["He waited ... and waited.", "Nothing came."],
        ["Yahoo! said it would pay.", "It did."],
        ["What now?", "Nobody knows!", "Wait…", "Then go."],
        ["Er kam am 3. Oktober nach Berlin.", "Das war z. B. gut."],
        ["Он приехал 5 мая.", "Президент т.е. глава не ответил."],
        ["यह पहला वाक्य है।", "यह दूसरा वाक्य है।"],
        ["هل هذا صحيح؟", "نعم هذا صحيح."],
        ["Roe v. Wade was No. 1.", "No, it was not."],
        ["Prices fell -- sharply.", "(It was Monday.)", "Then they rose."],
        ["THE MINISTER RESIGNED.", "NOBODY WAS SURPRISED."],
    ],
)
def test_sentences_are_parted_where_a_reader_parts_them(parts: list[str]) -> None:
    assert cut(" ".join(parts)) == parts


def test_scripts_without_spaces() -> None:
    assert cut("今日は晴れ。明日は雨！本当？") == ["今日は晴れ。", "明日は雨！", "本当？"]
    assert cut("「行く。」と彼は言った。終わり。") == ["「行く。」と彼は言った。", "終わり。"]


def test_a_line_ends_a_sentence_with_or_without_a_full_stop() -> None:
    assert cut("What happened\nThe roof fell in. Nobody was hurt.\n\nMore soon\n• One\n• Two") == [
        "What happened",
        "The roof fell in.",
        "Nobody was hurt.",
        "More soon",
        "• One",
        "• Two",
    ]


def test_hard_wrapped_lines_are_joined() -> None:
    text = (
        "The minister of finance of the small republic said on Monday that\n"
        "the budget would be balanced by the end of the year, though nobody\n"
        "in the opposition believed a word of it and most of them left the\n"
        "chamber. The vote was put off until Thursday, when a majority is\n"
        "likely.\n\nA second paragraph begins here and is wrapped in the same way\n"
        "as the first one was. It ends."
    )
    assert [len(part.split()) for part in cut(text)] == [40, 12, 17, 2]


def test_an_enumerator_is_not_a_sentence() -> None:
    assert cut("1. The first thing happened.\n2. The second thing happened.") == [
        "1. The first thing happened.",
        "2. The second thing happened.",
    ]


def test_text_without_punctuation_is_cut_at_the_bound() -> None:
    parts = cut("word " * 2000)
    assert len(parts) > 10
    assert max(map(len, parts)) <= sentences.MAX_SENTENCE_CHARACTERS
    assert all(part.startswith("word") and part.endswith("word") for part in parts)
    assert max(map(len, cut("漢" * 5000))) <= sentences.MAX_SENTENCE_CHARACTERS


@settings(max_examples=150, deadline=None)
@given(st.text() | st.text(alphabet="aA1. !?\"'\n(\u201d。・A.B,;-", max_size=200))
def test_spans_are_ordered_in_range_trimmed_and_hold_all_words(text: str) -> None:
    position = 0
    left_out = ""
    for start, end in sentences.split(text):
        assert position <= start < end <= len(text)
        part = text[start:end]
        assert part == part.strip()
        assert any(character.isalnum() for character in part)
        assert len(part) <= sentences.MAX_SENTENCE_CHARACTERS
        left_out += text[position:start]
        position = end
    left_out += text[position:]
    assert not any(character.isalnum() for character in left_out)


def test_paragraphs_hold_every_sentence() -> None:
    text = "One. Two.\nThree.\n\nFour"
    paragraphs = sentences.paragraphs(text)
    assert [text[start:end] for start, end in paragraphs] == ["One. Two.", "Three.", "Four"]
    for start, end in sentences.split(text):
        assert any(begin <= start and end <= stop for begin, stop in paragraphs)


def test_without_capitals_sentences_begin_small() -> None:
    text = (
        "the u.s. senate voted, mr. smith of acme inc. said. he met john f. kennedy jr. at 5 p.m. "
        'on jan. 5. "it is over," he said... and left. prices rose 3.5 percent! who knows? nobody.'
    )
    parts = [text[start:end] for start, end in sentences.split(text, uncased=True)]
    assert parts == [
        "the u.s. senate voted, mr. smith of acme inc. said.",
        "he met john f. kennedy jr. at 5 p.m. on jan. 5.",
        '"it is over," he said... and left.',
        "prices rose 3.5 percent!",
        "who knows?",
        "nobody.",
    ]
    assert len(sentences.split(text)) == 1
