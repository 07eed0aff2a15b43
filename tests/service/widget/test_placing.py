"""`data-auto`: the script tag alone finds the article and stands above and below it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.service.widget.harness import ARTICLE, OpenPage, Reader, Stage, page_of, press, until

TEASER = (
    "<article class=teaser><h2>Ferry fares</h2><p>A teaser of another story, long enough to be "
    "taken for a paragraph of one.</p></article>"
)
FERRY = (
    "<h1>Ferry</h1><p>The ferry sails at dawn with all its lamps lit, for the first time since "
    "the war.</p><p>Nobody waits at the quay, and nobody ever did, says the harbour master.</p>"
)


def tag(stage: Stage, attributes: str = "defer") -> str:
    return f'<script src="{stage.url}/widget/inbrief.js" data-auto {attributes}></script>'


def order(page: Page, selector: str = "article") -> list[str]:
    names: list[str] = page.locator(f"{selector} > *").evaluate_all(
        "all => all.map(e => e.tagName)"
    )
    return names


@pytest.mark.parametrize("mode", ["", "defer", "async"])
def test_one_script_tag_stands_above_and_below(
    open_page: OpenPage, stage: Stage, mode: str
) -> None:
    head = (
        f'<script src="{stage.url}/widget/inbrief.js" data-auto data-kind="tldr" {mode}></script>'
    )
    reader = open_page()
    page = reader.goto(stage.put_page(page_of(f"<article>{ARTICLE}</article>", head=head)))
    elements = page.locator("inbrief-summary")
    expect(elements).to_have_count(2)
    order = page.locator("article > *").evaluate_all("all => all.map(e => e.tagName)")
    assert order == ["H1", "INBRIEF-SUMMARY", "P", "P", "P", "INBRIEF-SUMMARY"]
    press(page, 1)
    assert reader.sent[0]["kind"] == "tldr"


def test_the_script_tag_leaves_pages_without_an_article_alone(
    open_page: OpenPage, stage: Stage
) -> None:
    head = f'<script src="{stage.url}/widget/inbrief.js" data-auto defer></script>'
    page = open_page().goto(stage.put_page(page_of("<h1>Contact</h1><p>Write.</p>", head=head)))
    until(page, "!!customElements.get('inbrief-summary')")
    assert page.locator("inbrief-summary").count() == 0


def test_the_script_tag_waits_while_the_page_is_still_coming(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    reader.page.route("**/slow.js", lambda route: _after_the_first_tag(reader, route))
    head = (
        f'<script src="{stage.url}/widget/inbrief.js" data-auto></script><meta name="a">'
        '<script src="/pages/slow.js"></script><meta name="b">'
    )
    stage.put_page("", name="slow.js")
    page = reader.goto(stage.put_page(page_of(f"<article>{ARTICLE}</article>", head=head)))
    expect(page.locator("inbrief-summary")).to_have_count(2)


def _after_the_first_tag(reader: Reader, route: Route) -> None:
    until(reader.page, "document.querySelector('meta[name=a]')")
    route.continue_()


LONG_PARAGRAPHS = ARTICLE.replace("<h1>Swing bridge to close</h1>", "") * 2
BARE_PAGES = {
    "in a div": (
        f"<div><p>Cookies, and more of them: {'we take care of what you like. ' * 5}</p></div>"
        f"<div id=text><h1>Swing</h1>{LONG_PARAGRAPHS}</div>",
        ["H1", "INBRIEF-SUMMARY", *["P"] * 6, "INBRIEF-SUMMARY"],
    ),
    "without paragraphs": (
        "<article id=text><h1>Swing</h1>"
        f"{LONG_PARAGRAPHS.replace('<p>', '<div>').replace('</p>', '</div>')}</article>",
        ["INBRIEF-SUMMARY", "H1", *["DIV"] * 6, "INBRIEF-SUMMARY"],
    ),
}


@pytest.mark.parametrize("case", BARE_PAGES)
def test_the_script_tag_finds_articles_on_pages_that_mark_none(
    open_page: OpenPage, stage: Stage, case: str
) -> None:
    body, order = BARE_PAGES[case]
    script = f'<script src="{stage.url}/widget/inbrief.js" data-auto defer></script>'
    html = page_of(body, head=script).replace("<main>", "").replace("</main>", "")
    reader = open_page()
    page = reader.goto(stage.put_page(html))
    expect(page.locator("inbrief-summary")).to_have_count(2)
    assert page.locator("#text > *").evaluate_all("all => all.map(e => e.tagName)") == order
    press(page)
    assert reader.sent[0]["text"].startswith("The Harbour Commission")


def test_the_script_tag_finds_an_article_that_is_drawn_late(
    open_page: OpenPage, stage: Stage
) -> None:
    head = f'<script src="{stage.url}/widget/inbrief.js" data-auto defer></script>'
    page = open_page().goto(stage.put_page(page_of("<div id=app></div>", head=head)))
    assert page.evaluate("document.readyState") == "complete"
    assert page.locator("inbrief-summary").count() == 0
    page.locator("#app").evaluate(
        "(app, html) => { app.innerHTML = html; }", f"<article>{ARTICLE}</article>"
    )
    expect(page.locator("inbrief-summary")).to_have_count(2)
    page.locator("#app").evaluate("app => app.append(document.createElement('p'))")
    press(page, 1)
    assert page.locator("inbrief-summary").count() == 2


ABOVE_AND_BELOW = ["H1", "INBRIEF-SUMMARY", "P", "P", "P", "INBRIEF-SUMMARY"]


def test_a_teaser_that_comes_before_the_article_is_left_alone(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    # While this script is awaited, the teaser is all there is of the page.
    reader.page.route("**/slow.js", lambda route: _after_a_button(reader, route))
    stage.put_page("", name="slow.js")
    body = f'{TEASER}<script src="/pages/slow.js"></script><article id=a>{ARTICLE}</article>'
    page = reader.goto(stage.put_page(page_of(body, head=tag(stage, ""))))
    assert order(page, "#a") == ABOVE_AND_BELOW
    assert order(page, ".teaser") == ["H2", "P"]


def _after_a_button(reader: Reader, route: Route) -> None:
    until(reader.page, "document.querySelector('inbrief-summary')")
    route.continue_()


@pytest.mark.parametrize("mode", ["", "defer"])
@pytest.mark.parametrize(
    "body",
    [
        "<p>Write to us at the Harbour House, 1 Quay Street, or call in opening hours.</p>",
        TEASER * 12,
        f"<div>{'<div><p>' + 'A notice of one line among many. ' * 3 + '</p></div>'}</div>" * 12,
    ],
    ids=["a notice", "teasers", "boxes"],
)
def test_pages_of_notices_and_teasers_get_no_button(
    open_page: OpenPage, stage: Stage, body: str, mode: str
) -> None:
    page = open_page().goto(stage.put_page(page_of(body, head=tag(stage, mode))))
    assert page.evaluate("document.readyState") == "complete"
    assert page.locator("inbrief-summary").count() == 0


def test_a_script_that_comes_twice_stands_once(open_page: OpenPage, stage: Stage) -> None:
    html = page_of(f"<article>{ARTICLE}</article>", head=tag(stage) * 2)
    page = open_page().goto(stage.put_page(html))
    assert order(page) == ABOVE_AND_BELOW


def test_an_application_that_draws_another_article_gets_its_buttons(
    open_page: OpenPage, stage: Stage
) -> None:
    body = f"<div id=app><article>{ARTICLE}</article></div>"
    reader = open_page()
    page = reader.goto(stage.put_page(page_of(body, head=tag(stage))))
    press(page)
    for html, title in ((FERRY, "Ferry"), (ARTICLE, "Swing bridge to close")):
        page.evaluate(
            "html => { history.pushState({}, '', '?next'); app.innerHTML = html; }",
            f"<article>{html}</article>",
        )
        expect(page.locator("inbrief-summary")).to_have_count(2)
        press(page, 1)
        assert reader.sent[-1]["title"] == title


def test_buttons_that_the_page_removes_stay_away(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    reader.page.clock.install()
    html = page_of(f"<article>{ARTICLE}</article>", head=tag(stage))
    page = reader.goto(stage.put_page(html))
    expect(page.locator("inbrief-summary")).to_have_count(2)
    page.evaluate("document.querySelectorAll('inbrief-summary').forEach((e) => e.remove())")
    page.clock.run_for(5_000)
    assert page.locator("inbrief-summary").count() == 0
