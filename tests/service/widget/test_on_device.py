"""The browser's own model, where it has one; the service otherwise."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.service.widget.harness import ARTICLE, OpenPage, Reader, Stage, press, until

TAG = '<inbrief-summary prefer="on-device" kind="key-points"></inbrief-summary>'
BODY = f"<article>{TAG}{ARTICLE}</article>"
SUMMARIZER = """
window.created = [];
window.asked = 0;
window.Summarizer = class {
  static async availability() { return window.state; }
  static async create(options) { created.push(options); return new Summarizer(); }
  async summarize(text, { signal }) {
    asked++;
    if (window.slow) await new Promise((_, fail) => { signal.onabort = fail; });
    return '- The bridge closes.\\n- Buses take the tunnel.';
  }
  destroy() {}
};
window.state = 'available';
"""


def test_the_browsers_own_model_writes_and_it_says_so(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page(init=SUMMARIZER)
    page = reader.goto(stage.put(BODY))
    press(page)
    assert page.locator("li .sentence").all_inner_texts() == [
        "The bridge closes.",
        "Buses take the tunnel.",
    ]
    assert page.locator(".disclosure").inner_text() == "Not checked against the article."
    assert page.locator(".text").get_attribute("lang") == "en"
    assert page.evaluate("created[0].type") == "key-points"
    assert reader.asked == []


def test_without_a_model_the_service_writes(open_page: OpenPage, stage: Stage) -> None:
    for init in ("", SUMMARIZER + "window.state = 'downloadable';"):
        reader = open_page(init=init)
        reader.expected = ["text session"]  # Chromium has the interface and no model
        page = reader.goto(stage.put(BODY))
        press(page)
        assert len(reader.asked) == 1


LIMIT = """
window.limits = [];
AbortSignal.timeout = (milliseconds) => {
  const limit = new AbortController();
  limits.push([limit, milliseconds]);
  return limit.signal;
};
window.slow = true;
"""


def waiting(open_page: OpenPage, stage: Stage) -> tuple[Reader, Page]:
    """A page whose reader has asked a model that does not answer."""
    reader = open_page(init=SUMMARIZER + LIMIT)
    page = reader.goto(stage.put(BODY))
    page.locator(".toggle").click()
    until(page, "asked")
    return reader, page


def test_a_model_that_does_not_answer_gives_way_to_the_service(
    open_page: OpenPage, stage: Stage
) -> None:
    reader, page = waiting(open_page, stage)
    assert page.evaluate("limits.map(([, milliseconds]) => milliseconds)") == [60_000]
    assert reader.asked == []
    page.evaluate("limits[0][0].abort()")
    page.locator(".copy").wait_for()
    assert page.locator(".sentence").count() == 3
    assert len(reader.asked) == 1


def test_closing_stops_the_browsers_own_model_and_asks_nobody(
    open_page: OpenPage, stage: Stage
) -> None:
    reader, page = waiting(open_page, stage)
    page.locator(".close").click()
    expect(page.locator(".panel")).to_be_hidden()
    page.evaluate("window.slow = false")
    press(page)
    assert page.evaluate("asked") == 2
    assert reader.asked == []
