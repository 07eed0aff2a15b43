"""Arbitrary Unicode through the whole service: an answer that keeps its promises, or a problem."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.baselines import Lead
from service.app import create_app
from service.settings import Settings

NASTY = (
    "\u200b\u200d\ufeff\u00ad\u202e\u2066\u2069\u061c\x00\x07\x1b\x85\u2028\u2029\ufffd\ufffe\U0010ffff"
    "é\u0301\u0327ﬁ½①²İıſßẞ𝔞😀👩\u200d👩\u200d👧🇨🇭字漢かなไทยעבריتعربيहिन्दी«»„“”‘’…—–'\"()[]{}<>&|\t\r\n"
)
WORDS = ("The", "council", "Dr.", "3.5", "1,200", "U.S.", "said", "“We", "won”", "-", "•", "Anna")
PIECE = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.sampled_from(NASTY), min_size=1, max_size=6),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.sampled_from([". ", "! ", "? ", "。", ".\n", "\n\n", "... ", ".” ", "\r\n", "  "]),
)
TEXT = st.lists(PIECE, min_size=1, max_size=200).map(" ".join)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["key-points", "tldr", "teaser"]),
        "length": st.sampled_from(["short", "medium", "long"]),
        "max_words": st.integers(5, 60),
        "format": st.sampled_from(["plain", "markdown"]),
        "strict": st.booleans(),
        "title": TEXT.map(lambda text: text[:200]),
    },
)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(address_rate="off"), Lead(3))) as client:
        yield client


def ask(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    """The answer, if there is one; a problem must be the caller's to mend."""
    response = client.post(
        "/v1/summaries", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert response.status_code in (200, 413, 422), response.text
    answer: dict[str, Any] = response.json()
    return answer if response.status_code == 200 else {}


def check(answer: dict[str, Any], text: str, body: dict[str, Any]) -> None:
    assert answer["summary"].strip()
    sentences = [sentence["text"] for sentence in answer["sentences"]]
    words = sum(len(sentence.split()) for sentence in sentences)
    assert answer["words"] == words > 0
    if "max_words" in body:
        assert words <= body["max_words"]
        assert len(answer["summary"].replace("\n- ", "\n").removeprefix("- ").split()) <= words
    for sentence in answer["sentences"]:
        assert 1 <= len(sentence["evidence"]) <= 3
        for span in sentence["evidence"]:
            assert 0 <= span["start"] < span["end"] <= len(text)
            assert text[span["start"] : span["end"]].strip()
        assert not any(unicodedata.category(one) in ("Cc", "Cs") for one in sentence["text"])
    coverage = answer["coverage"]
    assert 0 < coverage["read_sentences"] <= coverage["source_sentences"]
    assert all(0 <= index < coverage["source_sentences"] for index in coverage["selected"])
    assert answer["truncated"] == (coverage["read_sentences"] < coverage["source_sentences"])


@settings(max_examples=150, deadline=None)
@given(TEXT, OPTIONS)
@example("a. " * 30, {"max_words": 5})
@example("Ends here.\u2029" * 20, {"format": "markdown"})
@example("﷽ " * 40 + ".", {})
def test_any_text(client: TestClient, text: str, options: dict[str, Any]) -> None:
    body = {"text": text, **options}
    if answer := ask(client, body):
        check(answer, text, body)
        assert ask(client, body)["summary"] == answer["summary"]


@settings(max_examples=25, deadline=None)
@given(TEXT)
def test_any_text_in_a_page(client: TestClient, text: str) -> None:
    body = {"html": f"<article><p>{text}</p></article>", "include_text": True}
    if answer := ask(client, body):
        check(answer, answer["text"], body)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300))
def test_any_page(client: TestClient, html: str) -> None:
    body = {"html": html, "include_text": True}
    if answer := ask(client, body):
        check(answer, answer["text"], body)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb " * 40, "\ud83d \ude00 " * 40])
@pytest.mark.parametrize("field", ["text", "html", "title"])
def test_half_a_surrogate_pair_is_refused(client: TestClient, text: str, field: str) -> None:
    body = {field: text} if field != "title" else {"text": "a " * 40, "title": text}
    assert ask(client, body) == {}
