from __future__ import annotations

import pytest

from models.contract import Article
from models.documents import read
from models.facts import SourceFacts
from models.numerals import numbers

FACTS = SourceFacts.of(
    read(
        Article(
            "On Tuesday, 5 May 2020, about 1,234,567 people in both towns saw the team win 3-1. It "
            "paid £20 million for 12 to 15 players, half of them aged 18, and walked 10 miles in a "
            "fortnight. Profits fell 4.5 per cent in 1998, to $2,500 a week, it said in April."
        )
    )
)


def held(text: str) -> list[bool]:
    return [FACTS.hold_number(number) for number in numbers(text)[0]]


@pytest.mark.parametrize(
    "text",
    ["1.23 million", "1.2 million", "more than 1.2 million", "3-1", "1-3", "20m pounds", "£20m",
     "12-15", "12", "two towns", "50 per cent", "10 miles", "two weeks", "4.5%", "$2,500",
     "over 2,000 dollars", "one", "eighteen"],
)  # fmt: skip
def test_held(text: str) -> None:
    assert all(held(text))


@pytest.mark.parametrize(
    "text",
    ["1.3 million", "more than 1.3 million", "3-2", "$20m", "13-15", "51 per cent", "10 km",
     "two months", "5%", "£2,500", "about 2,000 years ago", "1997", "nearly 1999", "20 billion"],
)  # fmt: skip
def test_not_held(text: str) -> None:
    assert not all(held(text))


def test_days_and_calendar() -> None:
    assert FACTS.days == {(5, 5)}
    assert FACTS.missing_calendar_words("On Tuesday in May or April.") == []
    assert FACTS.missing_calendar_words("On Friday in June, Sunday") == ["Friday", "June", "Sunday"]
    assert FACTS.missing_calendar_words("March on. May they march.") == []
