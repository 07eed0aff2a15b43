"""WCAG 2.2 AA: axe-core on every page and state, and the keyboard alone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.service.widget.harness import ARTICLE, OpenPage, Service, Stage, press

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TAG = "<inbrief-summary></inbrief-summary>"


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/demo/", "/demo/telephone-talks", "/widget"])
def test_axe_finds_nothing_on_the_pages(
    open_page: OpenPage, service: Service, path: str, scheme: str
) -> None:
    page = open_page(color_scheme=scheme).goto(service.url + path)
    if path == "/":
        page.locator("#example").click()
        page.locator("#facts dd").first.wait_for()
    else:
        press(page)
    page.locator(".sentence").nth(1).click()
    assert violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state_of_the_element(
    open_page: OpenPage, stage: Stage, theme: str
) -> None:
    stage.puppet.doubts = {"bearings": ("two",)}
    reader = open_page()
    reader.expected = ["404"]
    broken = f'<inbrief-summary theme="{theme}" article-id="none"></inbrief-summary>'
    whole = f'<inbrief-summary theme="{theme}"></inbrief-summary>'
    page = reader.goto(stage.put(f"<article>{whole}{ARTICLE}{broken}</article>"))
    assert violations(page) == []
    press(page)
    page.locator(".toggle").nth(1).click()
    expect(page.locator(".error")).to_be_visible()
    assert violations(page) == []


def test_the_keyboard_alone(open_page: OpenPage, stage: Stage) -> None:
    filler = "<p>" + "The committee met again and said little of note. " * 60 + "</p>"
    reader = open_page(viewport={"width": 800, "height": 450})
    page = reader.goto(stage.put(f"<article>{ARTICLE}{filler}{TAG}</article>"))
    keyboard = page.keyboard
    keyboard.press("Tab")
    toggle = page.locator(".toggle")
    expect(toggle).to_be_focused()
    assert toggle.get_attribute("aria-expanded") == "false"
    keyboard.press("Enter")
    page.locator(".copy").wait_for()
    expect(toggle).to_be_focused()
    assert toggle.get_attribute("aria-expanded") == "true"
    keyboard.press("Tab")
    first = page.locator(".sentence").first
    expect(first).to_be_focused()
    assert float(first.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)")) >= 2
    keyboard.press("Space")
    expect(page.locator(".back")).to_be_focused()
    keyboard.press("Escape")
    expect(first).to_be_focused()
    expect(page.locator(".back")).to_be_hidden()
    keyboard.press("Tab")
    keyboard.press("Enter")
    assert page.locator(".sentence").nth(1).get_attribute("aria-pressed") == "true"
    keyboard.press("Enter")
    expect(page.locator(".sentence").nth(1)).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(page.locator(".copy")).to_be_focused()
    keyboard.press("Tab")
    expect(page.locator(".close")).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator(".panel")).to_be_hidden()
    expect(toggle).to_be_focused()
    keyboard.press("Enter")
    page.locator(".copy").wait_for()
    keyboard.press("Escape")
    expect(page.locator(".panel")).to_be_hidden()
    expect(toggle).to_be_focused()
    assert len(reader.asked) == 1


def test_what_a_screen_reader_is_told(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    assert page.locator(".body").get_attribute("aria-live") == "polite"
    panel = page.locator(".panel")
    assert page.locator(".toggle").get_attribute("aria-controls") == panel.get_attribute("id")
    expect(page.get_by_role("group", name="AI-generated summary")).to_be_visible()
    assert page.get_by_role("listitem").count() == 3
    assert page.get_by_role("listitem").first.get_by_role("button").count() == 1


@pytest.mark.parametrize("width", [320, 390])
def test_controls_are_large_enough_and_nothing_is_cut_off(
    open_page: OpenPage, stage: Stage, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 700}, has_touch=True).goto(
        stage.put(
            f"<article>{TAG}{ARTICLE}</article>",
            head='<meta name="viewport" content="width=device-width">',
        )
    )
    press(page)
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 24
        assert box["width"] >= 24
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_motion_stops_for_those_who_ask(open_page: OpenPage, stage: Stage) -> None:
    url = stage.put(f"<article>{TAG}{ARTICLE}</article>")
    for motion, names in (("reduce", {"none"}), ("no-preference", {"in"})):
        page = open_page(reduced_motion=motion).goto(url)
        press(page)
        spans = page.locator(".sentence")
        assert set(spans.evaluate_all("a => a.map(e => getComputedStyle(e).animationName)")) == (
            names
        )


def test_a_passage_in_view_is_told_to_those_who_do_not_see_it(
    open_page: OpenPage, stage: Stage
) -> None:
    page = open_page(viewport={"width": 900, "height": 900}).goto(
        stage.put(f"<article>{TAG}{ARTICLE}</article>")
    )
    press(page)
    page.locator(".sentence").nth(1).press("Enter")
    status = page.get_by_role("status")
    expect(status).to_have_text("Engineers found cracks in two of the eight bearings in March.")
    page.keyboard.press("Escape")
    expect(status).to_have_text("")


FOCUS = "document.activeElement.shadowRoot?.activeElement?.className"


def test_the_focus_survives_a_clipboard_that_is_forbidden(
    open_page: OpenPage, stage: Stage
) -> None:
    forbid = "navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden'));"
    page = open_page(init=forbid).goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    page.locator(".copy").press("Enter")
    expect(page.locator(".copy")).to_be_hidden()
    assert page.evaluate(FOCUS) == "close"


def test_the_focus_goes_along_with_a_reader_who_scrolls_back(
    open_page: OpenPage, stage: Stage
) -> None:
    filler = "<p>" + "The committee met again and said little of note. " * 60 + "</p>"
    page = open_page(viewport={"width": 800, "height": 450}).goto(
        stage.put(f"<article>{ARTICLE}{filler}{TAG}{filler}</article>")
    )
    press(page)
    page.locator(".sentence").first.click()
    back = page.locator(".back")
    expect(back).to_be_focused()
    expect(page.locator(".sentence").first).not_to_be_in_viewport()
    # The element has seen its sentence leave once an observer made later has.
    page.locator(".sentence").first.evaluate(
        "e => new Promise((seen) => new IntersectionObserver(seen).observe(e))"
    )
    page.locator(".sentence").first.evaluate("e => e.scrollIntoView()")
    expect(back).to_be_hidden()
    assert page.evaluate(FOCUS) == "sentence"


def test_those_who_force_colours_see_what_is_chosen(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(forced_colors="active").goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    page.locator(".sentence").nth(1).click()
    colours = page.locator(".sentence").evaluate_all(
        "all => all.map((e) => getComputedStyle(e).backgroundColor)"
    )
    assert colours[1] == "rgb(255, 226, 122)"
    assert colours[0] == colours[2] != colours[1]
    rules = page.evaluate(
        "document.adoptedStyleSheets.flatMap((s) => [...s.cssRules])"
        ".flatMap((r) => [...r.cssRules])"
        ".filter((r) => !r.media || matchMedia(r.media.mediaText).matches).map((r) => r.cssText)"
    )
    assert [rule for rule in rules if "inbrief-evidence" in rule]
    # Both would be painted in the one colour of a forced highlight.
    assert [rule for rule in rules if "inbrief-source" in rule] == []
