"""What goes wrong is said kindly, can be tried again, and never harms the page."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from models.errors import ArticleTooShort, InferenceFailed, QueueFull, UnsupportedLanguage
from tests.fakes import FakeSummariser
from tests.service.widget.harness import (
    ARTICLE,
    OpenPage,
    Publisher,
    Service,
    Stage,
    page_of,
    press,
)

ONE = f"<article><inbrief-summary></inbrief-summary>{ARTICLE}</article>"
ERRORS = "window.heard = []; addEventListener('inbrief:error', (e) => heard.push(e.detail))"


def test_the_service_stops_and_comes_back(open_page: OpenPage, service: Service) -> None:
    try:
        reader = open_page(init=ERRORS)
        reader.expected = ["ERR_CONNECTION_REFUSED"]
        page = reader.goto(service.url + "/demo/telephone-talks")
        service.stop()
        before = page.locator("article").inner_text()
        element = page.locator("inbrief-summary").first
        element.locator(".toggle").click()
        error = element.locator(".error")
        expect(error).to_have_text("Sorry, the summary could not be loaded.")
        assert page.evaluate("heard[0].kind") == "failed"
        retry = element.locator(".retry")
        retry.click()
        expect(error).to_be_visible()  # still down
        service.start()
        retry.click()
        element.locator(".copy").wait_for()
        assert element.locator(".sentence").count() == 3
        assert before.split("\n")[0] in page.locator("article").inner_text()
    finally:
        service.start()


@pytest.mark.parametrize(
    ("error", "kind", "text", "again"),
    [
        (ArticleTooShort("Short."), "short", "This article is short enough to read in full.", 0),
        (UnsupportedLanguage("No."), "language", "No summaries in this language yet.", 0),
        (
            QueueFull("Full."),
            "busy",
            "Many readers are asking right now. Please wait a moment.",
            1,
        ),
        (InferenceFailed("It broke."), "failed", "Sorry, the summary could not be loaded.", 1),
    ],
    ids=lambda value: value if isinstance(value, str) and value.islower() else "",
)
def test_each_problem_in_plain_words(
    open_page: OpenPage, stage: Stage, error: Exception, kind: str, text: str, again: int
) -> None:
    stage.puppet.inner = FakeSummariser(errors={"Harbour": error})  # type: ignore[dict-item]
    reader = open_page(init=ERRORS)
    reader.expected = ["the server responded with a status of"]
    page = reader.goto(stage.put(ONE))
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text(text)
    assert page.locator(".retry").count() == again
    assert page.evaluate("heard[0].kind") == kind
    stage.puppet.reset()
    page.locator(".toggle").click()
    press(page)  # a failure is not remembered
    assert page.locator(".sentence").count() == 3


def test_an_error_in_the_middle_of_the_stream(open_page: OpenPage, publisher: Publisher) -> None:
    reader = open_page()
    problem = {"type": "/problems/inference-failed", "status": 500, "detail": "It broke."}
    sentence = {"text": "The first.", "evidence": [], "supported": True, "unsupported": []}
    stream = (
        ": heartbeat\n\n"
        f"event: sentence\r\ndata: {json.dumps(sentence)}\r\n\r\n"
        f"event: error\ndata: {json.dumps(problem)}\n\n"
    )
    page = reader.page
    page.route(
        "**/v1/summaries",
        lambda route: route.fulfill(content_type="text/event-stream; charset=utf-8", body=stream),
    )
    publisher.pages["/broken"] = page_of(
        ONE.replace("<inbrief-summary", '<inbrief-summary api="/x"')
    )
    reader.goto(publisher.url + "/broken")
    page.add_script_tag(path="service/widget/inbrief.js")
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text("Sorry, the summary could not be loaded.")
    assert page.locator(".sentence").count() == 0


@pytest.mark.parametrize("body", ["<p>Nothing here.</p>", "<article>No <b></article>"])
def test_a_page_without_an_article(open_page: OpenPage, stage: Stage, body: str) -> None:
    reader = open_page(init=ERRORS)
    page = reader.goto(stage.put('<inbrief-summary for="#nowhere"></inbrief-summary>' + body))
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text("No summary for this page.")
    assert page.locator(".retry").count() == 0
    assert reader.asked == []


def test_an_unknown_stored_summary(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page(init=ERRORS)
    reader.expected = ["404"]
    tag = f'<inbrief-summary article-id="{"0" * 64}"></inbrief-summary>'
    page = reader.goto(stage.put(tag))
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text("No summary for this page.")
    assert page.evaluate("heard[0].status") == 404


def test_a_selector_that_is_none_does_not_break_the_page(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(stage.put('<inbrief-summary for="##"></inbrief-summary>'))
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_be_visible()


@pytest.mark.parametrize("stored", ["{}", "null", "<html>", '{"sentences": 3}'])
def test_an_answer_that_is_no_summary(open_page: OpenPage, stage: Stage, stored: str) -> None:
    stage.put_page(stored, name="stored.js")
    tag = '<inbrief-summary src="/pages/stored.js"></inbrief-summary>'
    page = open_page(init=ERRORS).goto(stage.put(f"<article>{tag}{ARTICLE}</article>"))
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text("Sorry, the summary could not be loaded.")
    assert page.locator(".saved").inner_text() == ""
    assert page.evaluate("[heard.length, heard[0].kind]") == [1, "failed"]
    made = {"sentences": [{"text": "It closes."}], "words": 2, "source_words": 400}
    stage.put_page(json.dumps(made), name="stored.js")
    page.locator(".retry").click()  # what was wrong is not remembered
    expect(page.locator(".sentence")).to_have_text("It closes.")


@pytest.mark.parametrize("status", [429, 503, 504, 502])
def test_a_proxy_that_answers_for_the_service(
    open_page: OpenPage, stage: Stage, status: int
) -> None:
    reader = open_page()
    reader.expected = ["the server responded with a status of"]
    reader.page.route(
        "**/v1/summaries",
        lambda route: route.fulfill(status=status, content_type="text/html", body="<h1>No</h1>"),
    )
    page = reader.goto(stage.put(ONE))
    page.locator(".toggle").click()
    busy = "Many readers are asking right now. Please wait a moment."
    text = "Sorry, the summary could not be loaded." if status == 502 else busy
    expect(page.locator(".error")).to_have_text(text)
    page.unroute("**/v1/summaries")
    page.locator(".retry").click()
    page.locator(".copy").wait_for()
    expect(page.locator(".toggle")).to_be_focused()


def test_a_reader_who_is_offline_and_comes_back(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    reader.expected = ["ERR_INTERNET_DISCONNECTED"]
    page = reader.goto(stage.put(ONE))
    page.context.set_offline(True)
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text("Sorry, the summary could not be loaded.")
    page.context.set_offline(False)
    page.locator(".retry").click()
    page.locator(".copy").wait_for()
    assert page.locator(".sentence").count() == 3


def test_a_service_without_a_sign_of_life_is_waited_for_a_minute(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    reader.page.clock.install()
    reader.page.route("**/v1/summaries", lambda route: None)
    page = reader.goto(stage.put(ONE))
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    with page.expect_request("**/v1/summaries"):
        page.locator(".toggle").click()
    page.clock.run_for(59_000)
    assert page.locator(".skeleton").is_visible()
    page.clock.run_for(2_000)
    expect(page.locator(".error")).to_have_text("Sorry, the summary could not be loaded.")
