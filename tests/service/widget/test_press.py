"""Press, stream, close, press again: one question, and nothing that moves."""

from __future__ import annotations

import threading

from playwright.sync_api import expect

from tests.processes import wait_until
from tests.service.widget.harness import ARTICLE, OpenPage, Service, Stage, passages, press

ONE = f"<article><inbrief-summary></inbrief-summary>{ARTICLE}</article>"
EVENTS = """
window.heard = [];
for (const name of ['open', 'done', 'error', 'close', 'evidence'])
  addEventListener('inbrief:' + name, (event) => heard.push([name, event.detail]));
"""


def test_the_real_service_answers_with_the_articles_own_sentences(
    open_page: OpenPage, service: Service
) -> None:
    reader = open_page(init=EVENTS)
    page = reader.goto(service.url + "/demo/")
    element = page.locator("inbrief-summary").first
    assert element.locator(".question").inner_text() == "No time to read?"
    assert element.locator(".toggle").inner_text() == "Get a summary"
    press(page)
    points = element.locator("li .sentence")
    assert points.count() == 3
    assert "Putin" in points.first.inner_text()
    assert element.locator(".label").inner_text() == "AI-generated summary"
    assert element.locator(".saved").inner_text() == "1 min instead of 2"
    assert "artificial intelligence" in element.locator(".disclosure").inner_text()
    assert [name for name, _ in page.evaluate("heard")] == ["open", "done"]
    assert page.evaluate("heard[1][1].sentences.length") == 3


def test_what_is_sent_is_the_visible_text_and_no_cookie(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    page = reader.goto(stage.put(ONE))
    page.context.add_cookies([{"name": "session", "value": "secret", "url": stage.url}])
    press(page)
    (body,) = reader.sent
    assert body["title"] == "Swing bridge to close"
    assert body["text"].startswith("The Harbour Commission voted")
    assert "No time" not in body["text"]
    assert body["kind"] == "key-points"
    assert body["length"] == "short"
    assert "language" not in body
    assert "cookie" not in reader.asked[0].all_headers()
    assert page.locator(".card").get_attribute("lang") == "en"


def test_attributes_decide_kind_length_and_language(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    tag = '<inbrief-summary kind="tldr" length="medium" language="de-AT"></inbrief-summary>'
    page = reader.goto(stage.put(f"<article>{tag}{ARTICLE}</article>"))
    press(page)
    assert {k: reader.sent[0][k] for k in ("kind", "length", "language")} == {
        "kind": "tldr",
        "length": "medium",
        "language": "de",
    }
    assert page.locator("p.text .sentence").count() == 5
    assert page.locator("li").count() == 0
    assert page.locator(".toggle").inner_text() == "Zusammenfassung"


def test_sentences_appear_one_by_one_over_a_skeleton(open_page: OpenPage, stage: Stage) -> None:
    stage.puppet.steps = steps = threading.Semaphore(0)
    page = open_page().goto(stage.put(ONE))
    page.locator(".toggle").click()
    expect(page.locator(".skeleton")).to_be_visible()
    expect(page.locator(".saved")).to_have_text("Reading the article…")
    for count in (1, 2):
        steps.release()
        expect(page.locator(".sentence")).to_have_count(count)
        assert page.locator(".skeleton").is_visible()
        assert page.locator(".copy").is_hidden()
    page.locator(".sentence").first.click()  # no need to wait for the rest
    assert passages(page) == [page.locator(".sentence").first.inner_text()]
    steps.release()
    page.locator(".copy").wait_for()
    assert page.locator(".sentence").count() == 3
    assert page.locator(".skeleton").count() == 0
    assert passages(page) == [page.locator(".sentence").first.inner_text()]


def test_a_double_click_asks_once_and_stays_open(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    page = reader.goto(stage.put(ONE))
    page.locator(".toggle").dblclick()
    page.locator(".copy").wait_for()
    assert page.locator(".toggle").get_attribute("aria-expanded") == "true"
    assert len(reader.asked) == 1


def test_pressing_again_shows_the_answer_that_is_there(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    page = reader.goto(stage.put(ONE))
    press(page)
    page.locator(".toggle").click()
    expect(page.locator(".panel")).to_be_hidden()
    press(page)
    assert page.locator(".sentence").count() == 3
    assert len(reader.asked) == 1


def test_another_kind_or_another_text_is_another_question(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    page = reader.goto(stage.put(ONE))
    press(page)
    page.locator("inbrief-summary").evaluate("e => e.setAttribute('kind', 'tldr')")
    expect(page.locator(".panel")).to_be_hidden()
    press(page)
    page.locator("article p").first.evaluate("p => p.prepend('News came late in the night. ')")
    page.locator(".close").click()
    press(page)
    assert [body["kind"] for body in reader.sent] == ["key-points", "tldr", "tldr"]
    assert page.locator(".sentence").first.inner_text() == "News came late in the night."


def test_closing_drops_the_question_and_the_service_hears_it(
    open_page: OpenPage, stage: Stage
) -> None:
    stage.puppet.steps = steps = threading.Semaphore(0)
    reader = open_page(init=EVENTS)
    failed: list[str] = []
    reader.page.on("requestfailed", lambda request: failed.append(request.url))
    page = reader.goto(stage.put(ONE))
    page.locator(".toggle").click()
    steps.release()
    expect(page.locator(".sentence")).to_have_count(1)
    page.locator(".toggle").click()
    expect(page.locator(".panel")).to_be_hidden()
    wait_until(lambda: page.evaluate("true") and bool(failed), 40, "the request being aborted")
    assert [name for name, _ in page.evaluate("heard")] == ["open", "close"]
    steps.release(100)
    press(page)
    assert page.locator(".sentence").count() == 3
    assert len(reader.asked) == 2


def test_the_buttons_above_and_below_share_one_question(open_page: OpenPage, stage: Stage) -> None:
    stage.puppet.steps = steps = threading.Semaphore(0)
    reader = open_page()
    tag = "<inbrief-summary></inbrief-summary>"
    page = reader.goto(stage.put(f"<article>{tag}{ARTICLE}{tag}</article>"))
    toggles = page.locator(".toggle")
    toggles.nth(0).click()
    steps.release()
    expect(page.locator(".sentence")).to_have_count(1)
    toggles.nth(1).click()
    expect(page.locator(".sentence")).to_have_count(2)
    toggles.nth(0).click()  # who leaves does not take the answer from the other
    steps.release(100)
    page.locator(".copy").nth(1).wait_for()
    assert len(reader.asked) == 1


def test_two_articles_on_one_page_each_get_their_own(open_page: OpenPage, stage: Stage) -> None:
    other = "<h1>Ferry</h1><p>The ferry sails at dawn with all its lamps lit. Nobody waits.</p>"
    tag = "<inbrief-summary></inbrief-summary>"
    reader = open_page()
    body = f"<article>{tag}{ARTICLE}</article><article>{tag}{other}</article>"
    page = reader.goto(stage.put(body))
    press(page, 0)
    press(page, 1)
    assert [body["title"] for body in reader.sent] == ["Swing bridge to close", "Ferry"]
    second = page.locator("inbrief-summary").nth(1).locator(".sentence")
    assert second.all_inner_texts() == [
        "The ferry sails at dawn with all its lamps lit.",
        "Nobody waits.",
    ]


def test_an_element_taken_from_the_page_asks_no_more(open_page: OpenPage, stage: Stage) -> None:
    stage.puppet.steps = threading.Semaphore(0)
    reader = open_page(init=EVENTS)
    page = reader.goto(stage.put(ONE))
    page.locator(".toggle").click()
    expect(page.locator(".skeleton")).to_be_visible()
    page.evaluate("window.kept = document.querySelector('inbrief-summary'); kept.remove()")
    stage.puppet.steps.release(100)
    page.evaluate("document.querySelector('article').prepend(kept)")
    expect(page.locator(".panel")).to_be_hidden()
    press(page)
    assert page.locator(".sentence").count() == 3
