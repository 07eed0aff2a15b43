"""From a summary sentence to its source in the article, exactly, and back."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.processes import wait_until
from tests.service.widget.harness import (
    ARTICLE,
    OpenPage,
    Publisher,
    Service,
    Stage,
    page_of,
    passages,
    press,
)

FILLER = "<p>" + "The committee met again and said little of note. " * 8 + "</p>"
# Inline markup, characters outside the basic plane, line breaks, furniture, comments and
# sentences across elements: each shifts offsets of a reader that counts carelessly.
TRICKY = """
<h1>Title</h1>
<aside>Related: ten other stories.</aside>
<p>A 🚢 ship &amp; its   <em>cr<b>ew</b></em> of 𝟛𝟘 left<br>the harbour<!-- at noon -->.
<span hidden>Not to be read.</span> Caf\u00e9 owners\u00a0waved 👩\u200d👩\u200d👧 from the
quay!</p>
<div>Loose text in a block. <p>Nested one &lt;here&gt; stands.</p> After it comes more.</div>
<ul><li>First item of the list.</li><li>Second item \u2067of the list.</li></ul>
<p style="display:none">Invisible words.</p><nav>Next Article</nav>
<p>The last sentence \ufeffcloses it.</p>
"""
TAG = "<inbrief-summary></inbrief-summary>"


def long_page(stage: Stage) -> str:
    return stage.put(f"<article>{ARTICLE}{FILLER * 6}{TAG}</article>")


def chosen(page: Page) -> list[str]:
    return page.locator(".sentence[aria-pressed=true]").all_inner_texts()


def test_every_span_is_exactly_its_sentence_in_the_page(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    tag = '<inbrief-summary length="long"></inbrief-summary>'
    inline = "default-src 'self' 'unsafe-inline'"
    url = stage.put(f"<article>{tag}{TRICKY}</article>", content_security_policy=inline)
    page = reader.goto(url)
    press(page)
    sentences = page.locator(".sentence").all_inner_texts()
    found = page.evaluate(
        "document.querySelector('inbrief-summary').sources.map(s => s.map(r => r.toString()))"
    )
    assert len(sentences) == len(found) == 7
    text = reader.sent[0]["text"]
    for sentence, ranges in zip(sentences, found, strict=True):
        assert len(ranges) == 1
        assert "".join(ranges[0].split()) == "".join(sentence.split())
        assert "".join(sentence.split()) in "".join(text.split())
    for absent in ("Not to be read", "Related", "Next Article", "Invisible", "at noon"):
        assert absent not in text
    assert "crew of 𝟛𝟘 left\nthe harbour." in text
    assert "block.\n\nNested one <here> stands.\n\nAfter" in text


def test_choosing_a_sentence_scrolls_to_its_source_and_marks_it(
    open_page: OpenPage, stage: Stage
) -> None:
    page = open_page(viewport={"width": 900, "height": 500}).goto(long_page(stage))
    press(page)
    assert len(passages(page, "inbrief-source")) == 3
    assert passages(page) == []
    page.locator(".sentence").nth(1).click()
    assert passages(page) == ["Engineers found cracks in two of the eight bearings in March."]
    assert chosen(page) == passages(page)
    top = page.evaluate(
        "[...CSS.highlights.get('inbrief-evidence')][0].getBoundingClientRect().top"
    )
    assert 0 <= top <= 500
    back = page.locator(".back")
    expect(back).to_be_focused()
    assert back.inner_text() == "Back to the summary"
    back.click()
    expect(back).to_be_hidden()
    expect(page.locator(".sentence").nth(1)).to_be_focused()
    expect(page.locator(".sentence").nth(1)).to_be_in_viewport()


def test_pressing_a_marked_passage_leads_back_to_its_sentence(
    open_page: OpenPage, stage: Stage
) -> None:
    page = open_page(viewport={"width": 900, "height": 500}).goto(long_page(stage))
    press(page)
    page.locator("article p").first.scroll_into_view_if_needed()
    # The second line of the paragraph lies in the second sentence.
    box = page.evaluate(
        "(([r]) => { const b = r.getBoundingClientRect(); return [b.left + 30, b.bottom - 6]; })"
        "([...CSS.highlights.get('inbrief-source')].slice(1, 2))"
    )
    page.mouse.click(*box)
    expect(page.locator(".sentence").nth(1)).to_be_focused()
    expect(page.locator(".sentence").nth(1)).to_be_in_viewport()
    assert passages(page) == chosen(page)
    assert chosen(page) == ["Engineers found cracks in two of the eight bearings in March."]


def test_other_words_of_the_article_lead_nowhere(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(long_page(stage))
    press(page)
    page.locator("article p").nth(4).click()
    assert chosen(page) == []
    assert passages(page) == []


def test_closing_removes_every_mark(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(long_page(stage))
    press(page)
    page.locator(".sentence").first.click()
    assert passages(page)
    page.locator(".toggle").click()
    assert passages(page) == []
    assert passages(page, "inbrief-source") == []
    assert page.locator(".back").is_hidden()


def test_without_the_highlight_interface_the_selection_marks(
    open_page: OpenPage, stage: Stage
) -> None:
    page = open_page(init="delete window.Highlight").goto(long_page(stage))
    press(page)
    page.locator(".sentence").nth(2).click()
    assert page.evaluate("getSelection().toString()") == (
        "Buses will use the northern tunnel from 3 June."
    )


def test_the_page_is_left_as_it_was(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(long_page(stage))
    before = page.locator("article").inner_html()
    press(page)
    page.locator(".sentence").nth(1).click()
    assert page.locator("article").inner_html() == before


def test_an_unsupported_sentence_is_marked_in_words(open_page: OpenPage, stage: Stage) -> None:
    stage.puppet.doubts = {"bearings": ("Engineers", "two")}
    page = open_page().goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    marked = page.locator("li.unsupported")
    assert marked.count() == 1
    assert marked.locator(".warning").inner_text() == "Not in the article: Engineers, two"
    line = marked.locator(".sentence").evaluate("e => getComputedStyle(e).textDecorationStyle")
    assert line == "wavy"


def test_the_real_services_evidence_lies_in_the_demo(open_page: OpenPage, service: Service) -> None:
    page = open_page().goto(service.url + "/demo/telephone-talks")
    press(page)
    for index, sentence in enumerate(page.locator(".sentence").all_inner_texts()):
        page.locator(".sentence").nth(index).click()
        assert passages(page) == [sentence]


@pytest.mark.parametrize("shown", [True, False])
def test_a_stored_summary_from_src(
    open_page: OpenPage, stage: Stage, publisher: Publisher, shown: bool
) -> None:
    text = "Before it all. Buses will use the\nnorthern tunnel from 3 June. After."
    start = text.index("Buses")
    sentence = {
        "text": "Buses take the tunnel.",
        "evidence": [{"start": start, "end": text.index(" After")}],
        "supported": True,
        "unsupported": [],
    }
    stored = {"sentences": [sentence], "words": 4, "source_words": 2000, "language": "en"}
    publisher.pages["/summary.json"] = json.dumps(stored | ({"text": text} if shown else {}))
    script = f'<script src="{stage.url}/widget/inbrief.js" defer></script>'
    body = f'<article><inbrief-summary src="/summary.json"></inbrief-summary>{ARTICLE}</article>'
    publisher.pages["/stored"] = page_of(body, head=script)
    reader = open_page()
    page = reader.goto(publisher.url + "/stored")
    press(page)
    assert reader.asked == []
    assert page.locator(".saved").inner_text() == "1 min instead of 9"
    only = page.locator(".sentence")
    if shown:
        only.click()
        assert passages(page) == ["Buses will use the northern tunnel from 3 June."]
    else:  # offsets into a text that nobody has are no evidence
        assert only.get_attribute("role") is None


def test_a_summary_made_ahead_is_asked_for_by_its_id(open_page: OpenPage, service: Service) -> None:
    body = {"text": " ".join(ARTICLE.split("<p>")[1:]).replace("</p>", ""), "kind": "tldr"}
    made: dict[str, Any] = {}

    def kept() -> bool:
        """A cache that is slow to answer is passed by, so a summary is not kept for sure."""
        made.update(httpx.post(service.url + "/v1/summaries", json=body, timeout=60).json())
        stored = httpx.get(f"{service.url}/v1/summaries/{made['id']}", timeout=60)
        return stored.status_code == 200

    wait_until(kept, 120, "the summary being kept")
    reader = open_page()
    page = reader.goto(service.url + "/widget")
    live = page.locator("#live")
    live.evaluate("(e, id) => e.setAttribute('article-id', id)", made["id"])
    press(page)
    assert live.locator("p.text .sentence").all_inner_texts() == [
        sentence["text"] for sentence in made["sentences"]
    ]
    assert [request.method for request in reader.asked] == ["GET"]


TWO_ARTICLES = (
    f"<article>{TAG}{ARTICLE}</article><article>{TAG}<h1>Ferry</h1>"
    "<p>The ferry sails at dawn with all its lamps lit. Nobody waits.</p></article>"
)
ENGINEERS = "Engineers found cracks in two of the eight bearings in March."


def test_one_sentence_is_chosen_in_a_page_of_two_articles(
    open_page: OpenPage, stage: Stage
) -> None:
    page = open_page().goto(stage.put(TWO_ARTICLES))
    press(page, 0)
    page.locator(".sentence").nth(1).click()
    press(page, 1)  # an answer for the other article takes no mark away
    assert passages(page) == chosen(page) == [ENGINEERS]
    assert len(passages(page, "inbrief-source")) == 4
    page.locator("inbrief-summary").nth(1).locator(".sentence").nth(1).click()
    assert passages(page) == chosen(page) == ["Nobody waits."]
    page.locator(".sentence").nth(1).click()
    page.locator(".toggle").nth(1).click()  # nor does closing the other
    assert passages(page) == chosen(page) == [ENGINEERS]


def test_the_space_beside_a_marked_passage_leads_nowhere(open_page: OpenPage, stage: Stage) -> None:
    head = "<style>main { max-width: 30em; margin: 0 auto; line-height: 1.7 }</style>"
    page = open_page(viewport={"width": 1200, "height": 700}).goto(
        stage.put(
            f"<article>{TAG}{ARTICLE}</article>",
            head=head,
            content_security_policy="default-src 'self' 'unsafe-inline'",
        )
    )
    press(page)
    lines = page.evaluate(
        "[...[...CSS.highlights.get('inbrief-source')][1].getClientRects()]"
        ".map(({ left, right, top, bottom }) => ({ left, right, top, bottom }))"
    )
    last = lines[-1]
    middle = (last["top"] + last["bottom"]) / 2
    for x, y in ((100, middle), (1100, middle), (last["right"] + 60, middle)):
        page.mouse.click(x, y)
        assert chosen(page) == []
    page.mouse.click(last["right"] - 20, last["bottom"] + 2)  # the space between lines is text
    assert chosen(page) == passages(page) == [ENGINEERS]


def test_a_passage_is_not_left_under_a_sticky_header(open_page: OpenPage, stage: Stage) -> None:
    header = "<div style='position:sticky;top:0;height:70px;background:silver'>The Daily</div>"
    page = open_page(viewport={"width": 900, "height": 600}).goto(
        stage.put(
            f"{header}<article>{TAG}{ARTICLE}{FILLER * 9}</article>",
            content_security_policy="default-src 'self' 'unsafe-inline'",
        )
    )
    press(page)
    top = "[...CSS.highlights.get('{}')][0].getBoundingClientRect().top"
    page.evaluate(f"scrollTo(0, {top.format('inbrief-source')} - 30)")
    page.locator(".sentence").first.evaluate("sentence => sentence.click()")
    assert page.evaluate(top.format("inbrief-evidence")) > 70
