"""In applications that draw their pages by script, before and after the element's own script."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.service.widget.harness import ARTICLE, OpenPage, Stage, page_of, passages, press, until

OUTSIDE = f'<div id="story">{ARTICLE}</div><inbrief-summary for="#story"></inbrief-summary>'
FERRY = "<h1>Ferry</h1><p>The ferry sails at dawn with all its lamps lit. Nobody waits.</p>"
ENGINEERS = "Engineers found cracks in two of the eight bearings in March."


def test_texts_set_before_the_script_came_are_kept(open_page: OpenPage, stage: Stage) -> None:
    early = "document.querySelector('inbrief-summary').texts = { question: 'Geen tijd?' };"
    stage.put_page(early, name="early.js")
    head = (
        '<script src="/pages/early.js" defer></script>'
        f'<script src="{stage.url}/widget/inbrief.js" defer></script>'
    )
    page = open_page().goto(stage.put_page(page_of(OUTSIDE, head=head)))
    assert page.locator(".question").inner_text() == "Geen tijd?"
    page.locator("inbrief-summary").evaluate("e => { e.texts = { question: 'Haast?' } }")
    assert page.locator(".question").inner_text() == "Haast?"


def test_an_open_summary_leaves_with_its_article(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page()
    page = reader.goto(stage.put(OUTSIDE))
    press(page)
    page.evaluate("html => { history.pushState({}, '', '?ferry'); story.innerHTML = html; }", FERRY)
    expect(page.locator(".panel")).to_be_hidden()
    press(page)
    assert page.locator(".sentence").last.inner_text() == "Nobody waits."
    assert [body["title"] for body in reader.sent] == ["Swing bridge to close", "Ferry"]


def test_an_article_changed_in_place_takes_its_summary_along(
    open_page: OpenPage, stage: Stage
) -> None:
    page = open_page().goto(stage.put(OUTSIDE))
    press(page)
    page.evaluate(
        "document.querySelectorAll('#story p').forEach((p, i) =>"
        " { p.firstChild.nodeValue = `Another story, told in sentence number ${i}, goes here.`; })"
    )
    expect(page.locator(".panel")).to_be_hidden()


def test_the_same_article_drawn_anew_keeps_its_open_summary(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    page = reader.goto(stage.put(OUTSIDE))
    press(page)
    page.locator(".sentence").nth(1).click()
    assert passages(page) == [ENGINEERS]
    page.evaluate("story.innerHTML += ''")
    until(page, "[...CSS.highlights.get('inbrief-evidence')].some((range) => !range.collapsed)")
    assert passages(page) == [ENGINEERS]
    assert len(passages(page, "inbrief-source")) == 2
    expect(page.locator(".panel")).to_be_visible()
    assert len(reader.asked) == 1


def test_a_page_that_only_renames_itself_keeps_its_open_summary(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    reader.page.clock.install()
    page = reader.goto(stage.put(OUTSIDE + "<p id=other>Other</p>"))
    press(page)
    page.evaluate("history.pushState({}, '', '?read=1'); other.textContent = 'Changed';")
    page.clock.run_for(5_000)
    assert page.locator(".panel").is_visible()
    assert len(passages(page, "inbrief-source")) == 3
