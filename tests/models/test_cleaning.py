from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cleaning import clean, visible


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Luka\u00adshenko", "Lukashenko"),
        ("pass\u200bword\ufeff", "password"),
        ("\u202eevil\u202c text\u2066x\u2069", "evil textx"),
        ("a\x00b\x07c", "abc"),
        ("a\u00a0b\u2009c\u3000d", "a b c d"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("Cafe\u0301", "Café"),
        ("\u1112\u1161\u11ab", "한"),
        ("the \ufb01rst o\ufb03ce", "the first office"),
        ("bad \ud800 surrogate", "bad  surrogate"),
        ("hid\u200dden te\u200cxt", "hidden text"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀 flies", "👩\u200d🚀 flies"),
        ("AT&amp;T &lt;3", "AT&amp;T &lt;3"),
        ("3.5 per cent at acme.com.", "3.5 per cent at acme.com."),
    ],
)
def test_the_visible_form(source: str, shown: str) -> None:
    assert visible(source).text == shown


def test_spans_lead_back_over_every_change() -> None:
    source = "\ufeffOne\u00ad two\r\nCafe\u0301 \ufb01ve"
    cleaned = clean(source)
    assert cleaned.text == "One two\nCafé five"
    for word, there in [
        ("One", "One"),
        ("One two", "One\u00ad two"),
        ("Café", "Cafe\u0301"),
        ("é", "e\u0301"),
        ("five", "\ufb01ve"),
        ("i", "\ufb01"),
        ("\n", "\r\n"),
    ]:
        start = cleaned.text.index(word)
        span = cleaned.span(start, start + len(word))
        assert source[span.start : span.end] == there


def test_an_empty_range_has_no_span() -> None:
    with pytest.raises(ValueError, match="no characters"):
        clean("text").span(1, 1)


def test_furniture_leaves_an_empty_line_and_exact_offsets() -> None:
    source = "First paragraph.\nAdvertisement\nSecond pa\u00adragraph."
    cleaned = clean(source)
    assert "Advertisement" not in cleaned.text
    start = cleaned.text.index("Second")
    span = cleaned.span(start, len(cleaned.text))
    assert source[span.start : span.end] == "Second pa\u00adragraph."
    assert "paragraph.\n" in cleaned.text


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | st.text(alphabet="aé\u0301\u0308\u1112\u1161\u11ab\u200d\u00ad\r\n \ufb01", max_size=40)
)
def test_every_character_leads_back_in_order(source: str) -> None:
    shown = visible(source)
    position = 0
    for index in range(len(shown.text)):
        span = shown.span(index, index + 1)
        assert 0 <= span.start < span.end <= len(source)
        assert span.start >= position or shown.span(index - 1, index).end >= span.end
        position = span.start
    assert not any(unicodedata.category(character) == "Cs" for character in shown.text)
    assert "\r" not in shown.text
