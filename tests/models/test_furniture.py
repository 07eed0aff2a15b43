from __future__ import annotations

import pytest

from models.furniture import furniture_ranges, is_furniture


@pytest.mark.parametrize(
    "line",
    [
        "No time to read?",
        "Get a summary",
        "No time to read? Get a summary",
        "Share",
        "Facebook | Twitter | WhatsApp",
        "1,234 shares",
        "Share this article on Facebook",
        "Sign up for our daily newsletter",
        "Subscribe to our newsletter!",
        "ADVERTISEMENT",
        "Skip to content",
        "We use cookies to improve your experience.",
        "Media playback is not supported on this device",
        "Media playback is unsupported on your device",
        "Watch a report from the scene »",
        "E-mail to a friend .",
        "Scroll down for video",
        "Getty Images",
        "Image copyright Getty Images",
        "Photo by John Smith/Getty Images",
        "REUTERS/Carlos Barria",
        "By Jane Doe",
        "By JANE DOE, Associated Press",
        "Published 3 May 2020",
        "Updated at 14:32 GMT",
        "4 min read",
        "© 2020 Example News",
        "Related: A story about something else",
        "Next Article: A Title Of It",
        "Lesen Sie auch: Ein anderer Artikel",
        "Читайте также",
        "Publicidad",
    ],
)
def test_furniture(line: str) -> None:
    assert is_furniture(line)


@pytest.mark.parametrize(
    "line",
    [
        "He signed up for the newsletter of the company.",
        "By Friday the water had gone.",
        "The site uses cookies, the regulator said.",
        "Published in Nature, the study found that bees sleep.",
        "Share prices fell on Monday.",
        "Live music returned to the city.",
        "The next article of the treaty was struck out.",
        "Get a summary of the findings from the clerk, the judge said.",
        "Reuters reported the deal first.",
        "Update: the road is open again",
        "Il a dit « oui ».",
        "",
        "   ",
    ],
)
def test_prose_stays(line: str) -> None:
    assert not is_furniture(line)


def removed(text: str) -> list[str]:
    return [text[start:end] for start, end in furniture_ranges(text)]


def test_neighbouring_articles_go_with_their_titles() -> None:
    text = (
        "The end.\nPrevious Article\n\non the debate\n\nNext Article\n\nGabon Situation: Dynamics"
    )
    assert removed(text) == [
        "Previous Article",
        "on the debate",
        "Next Article",
        "Gabon Situation: Dynamics",
    ]


def test_only_titles_follow_a_link_heading() -> None:
    text = "Related stories\nFirst title\nSecond title?\nThe article goes on here.\nA heading"
    assert removed(text) == ["Related stories", "First title", "Second title?"]


def test_phrases_glued_into_running_text_go() -> None:
    text = (
        'He fled. Watch the chase » . "No," she said. Scroll down for video . They left. '
        "No time to read? Get a summary It rained. E-mail to a friend ."
    )
    left = text
    for phrase in removed(text):
        left = left.replace(phrase, "")
    assert left.split() == 'He fled. "No," she said. They left. It rained.'.split()


def test_a_flattened_tail_of_neighbours_goes() -> None:
    text = "The end. Previous Article on the debate Next Article Gabon Situation: Dynamics"
    assert removed(text) == [
        "Previous Article on the debate Next Article Gabon Situation: Dynamics"
    ]


def test_french_quotation_marks_are_not_links() -> None:
    assert removed("Il a dit : « Venez. Allons-y. Go home » et il est parti.") == []


@pytest.mark.parametrize("mark", [",", "|", "·", "/ ", "share, ", "x ", "12 likes ", "and & "])
@pytest.mark.timeout(20)
def test_a_line_made_to_be_read_in_many_ways_is_read_in_one(mark: str) -> None:
    line = mark * (230 // len(mark)) + " and prose"
    assert not is_furniture(line)
    assert furniture_ranges(f"{line}\nThe council met on Monday.") == []
    assert is_furniture((mark * 20).strip())
