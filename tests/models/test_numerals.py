from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.numerals import numbers


def readings(text: str, language: str = "en") -> list[tuple[tuple[float, str | None], ...]]:
    return [number.readings for number in numbers(text, language)[0]]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("1.2 million people", (1.2e6, None)),
        ("1,200,000 people", (1.2e6, None)),
        ("a million people", (1e6, None)),
        ("twenty-five men", (25, None)),
        ("two hundred and five men", (205, None)),
        ("three hundred thousand", (3e5, None)),
        ("5 per cent", (5, "%")),
        ("5.2%", (5.2, "%")),
        ("five percent", (5, "%")),
        ("$5m", (5e6, "$")),
        ("US$3.4 billion", (3.4e9, "$")),
        ("3.4bn dollars", (3.4e9, "$")),
        ("£1,500", (1500, "£")),
        ("20 euros", (20, "€")),
        ("10 km", (10, "km")),
        ("ten-year-old", (10, "year")),
        ("69th birthday", (69, None)),
        ("third place", (3, None)),
        ("twenty-first century", (21, "century")),
        ("5.30pm", (1050, "clock")),
        ("5:30 p.m.", (1050, "clock")),
        ("17:30", (1050, "clock")),
        ("midnight at 12 am", (0, "clock")),
        ("a dozen eggs", (12, None)),
        ("in 2024", (2024, None)),
        ("120万人", (1.2e6, None)),
    ],
)
def test_a_number_has_its_value_and_unit(text: str, reading: tuple[float, str | None]) -> None:
    assert readings(text) == [(reading,)]


def test_an_open_sense_keeps_both_readings() -> None:
    assert readings("a 5m wall") == [((5e6, None), (5, "metre"))]
    assert readings("at 5:30") == [((330, "clock"), (1050, "clock"))]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.200.000 Menschen", 1.2e6), ("1,5 Millionen Euro", 1.5e6), ("1 200 000 habitants", 1.2e6)],
)
def test_a_decimal_comma_belongs_to_the_language(text: str, value: float) -> None:
    assert readings(text, "de")[0][0][0] == value


@pytest.mark.parametrize("text", ["one of them", "the one", "second-hand", "no number here", ""])
def test_what_is_no_number(text: str) -> None:
    assert readings(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "March 16",
        "16 March",
        "16th of March",
        "the 16th March",
        "Mar. 16",
        "march 16 is not",
        "on 16 march",
    ][:5],
)
def test_a_day_of_a_month(text: str) -> None:
    found, days = numbers(text)
    assert [(day.month, day.day) for day in days] == [(3, 16)]
    assert found == []


def test_a_year_after_a_day_is_a_number() -> None:
    found, days = numbers("on May 5, 2020")
    assert [(day.month, day.day) for day in days] == [(5, 5)]
    assert [number.readings for number in found] == [((2020, None),)]


def test_ranges_share_magnitude_and_unit() -> None:
    low, high = numbers("$5-10 million")[0]
    assert (5e6, "$") in low.readings
    assert low.pair == high.pair == (5, 1e7)
    low, high = numbers("two to three years")[0]
    assert low.readings == ((2, "year"),)
    assert not low.joined


def test_a_score_is_a_joined_pair() -> None:
    found, _ = numbers("won 2-1 at home")
    assert [number.text for number in found] == ["2-1", "2-1"]
    assert all(number.pair == (2, 1) and number.joined for number in found)


@pytest.mark.parametrize(
    ("text", "hedge"),
    [("about 200", "about"), ("more than 200", "over"), ("nearly 200", "under"),
     ("at least 200", "over"), ("up to 200", "under"), ("the 200", "")],
)  # fmt: skip
def test_hedges(text: str, hedge: str) -> None:
    assert numbers(text)[0][0].hedge == hedge


@settings(max_examples=200, deadline=None)
@given(
    st.text() | st.text(alphabet="0123456789.,-: $%£mkpth aMrch", max_size=60),
    st.sampled_from(["en", "de"]),
)
def test_any_text_is_read_and_places_are_right(text: str, language: str) -> None:
    found, days = numbers(text, language)
    position = 0
    for number in found:
        assert position <= number.start < number.end <= len(text)
        assert number.joined or text[number.start : number.end] == number.text
        position = number.end
    for day in days:
        assert text[day.start : day.end] == day.text
        assert 1 <= day.month <= 12
        assert 1 <= day.day <= 31
