"""Light and dark, both directions of writing, every language, the publisher's own design."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.service.widget.harness import ARTICLE, OpenPage, Service, Stage, page_of, press

TAG = "<inbrief-summary></inbrief-summary>"
SCRIPT = (Path(__file__).parents[3] / "service/widget/inbrief.js").read_text(encoding="utf-8")
TEXTS = dict(re.findall(r"^\t([a-z]{2}): '(.+)',$", SCRIPT, re.MULTILINE))
KEYS = re.findall(r"const KEYS = '(.+)'\.split", SCRIPT)[0].split()
ARABIC = (
    "<h1>الجسر</h1><p>أعلنت هيئة الميناء إغلاق الجسر القديم لمدة أربعة عشر شهرا. "
    "وجد المهندسون شقوقا في محملين من أصل ثمانية.</p>"
)
STYLE_ALLOWED = "default-src 'self' 'unsafe-inline'"


def colours(page: Page) -> tuple[str, str]:
    card = page.locator(".card").first
    read = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    background, colour = card.evaluate(read)
    return background, colour


LIGHT = ("rgb(247, 244, 238)", "rgb(35, 33, 29)")
DARK = ("rgb(35, 33, 30)", "rgb(236, 231, 221)")


@pytest.mark.parametrize(
    ("page_scheme", "theme", "expected"),
    [
        ("light dark", "", DARK),
        ("light", "", LIGHT),  # a page without a dark design stays light at night
        ("light dark", "light", LIGHT),
        ("light", "dark", DARK),
    ],
)
def test_the_theme_is_the_pages_unless_it_says_otherwise(
    open_page: OpenPage,
    stage: Stage,
    page_scheme: str,
    theme: str,
    expected: tuple[str, str],
) -> None:
    head = f"<style>:root {{ color-scheme: {page_scheme} }}</style>"
    tag = f'<inbrief-summary theme="{theme}"></inbrief-summary>'
    url = stage.put(f"<article>{tag}</article>", head=head, content_security_policy=STYLE_ALLOWED)
    assert colours(open_page(color_scheme="dark").goto(url)) == expected


def test_the_demo_is_dark_at_night(open_page: OpenPage, service: Service) -> None:
    page = open_page(color_scheme="dark").goto(service.url + "/demo/")
    assert colours(page) == DARK
    page = open_page(color_scheme="light").goto(service.url + "/demo/")
    assert colours(page) == LIGHT


def test_arabic_is_written_from_right_to_left(open_page: OpenPage, stage: Stage) -> None:
    script = f'<script src="{stage.url}/widget/inbrief.js" defer></script>'
    html = page_of(f"<article>{TAG}{ARABIC}</article>", head=script, html='lang="ar" dir="rtl"')
    page = open_page(viewport={"width": 700, "height": 600}).goto(stage.put_page(html))
    assert page.locator(".card").evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert page.locator(".question").inner_text() == TEXTS["ar"].split("|")[0]
    question = page.locator(".question").bounding_box()
    button = page.locator(".toggle").bounding_box()
    assert question is not None
    assert button is not None
    assert button["x"] + button["width"] < question["x"]
    press(page)
    marker = page.locator("ul").first.evaluate("e => getComputedStyle(e).paddingRight")
    assert float(marker[:-2]) > 10
    page.locator(".sentence").nth(1).click()
    assert page.evaluate("[...CSS.highlights.get('inbrief-evidence')].length") == 1


def test_there_are_texts_in_at_least_eight_languages() -> None:
    assert len(TEXTS) >= 8
    for language, texts in TEXTS.items():
        parts = texts.split("|")
        assert len(parts) == len(KEYS), language
        assert all(parts), language
        saved = parts[KEYS.index("saved")]
        assert "{summary}" in saved, language
        assert "{article}" in saved, language
        assert language == "en" or parts[0] != "No time to read?"


def test_the_language_comes_from_element_page_or_browser(open_page: OpenPage, stage: Stage) -> None:
    tags = (
        '<inbrief-summary language="fr"></inbrief-summary>'
        '<div lang="de-CH"><inbrief-summary></inbrief-summary></div>'
        '<div lang="nl"><inbrief-summary></inbrief-summary></div>'
    )
    script = f'<script src="{stage.url}/widget/inbrief.js" defer></script>'
    html = page_of(tags + f'<div lang="">{TAG}</div>', head=script, html="")
    page = open_page(locale="es-MX").goto(stage.put_page(html))
    expect(page.locator(".question")).to_have_count(4)
    assert page.locator(".question").all_inner_texts() == [
        TEXTS["fr"].split("|")[0],
        TEXTS["de"].split("|")[0],
        "No time to read?",
        TEXTS["es"].split("|")[0],
    ]


def test_texts_can_be_the_publishers_own(open_page: OpenPage, stage: Stage) -> None:
    tag = '<inbrief-summary text-question="Short on time?" text-ai="By machine"></inbrief-summary>'
    page = open_page().goto(stage.put(f"<article>{tag}{ARTICLE}</article>"))
    page.locator("inbrief-summary").evaluate("e => { e.texts = { button: 'Go', ai: 'x' } }")
    assert page.locator(".question").inner_text() == "Short on time?"
    assert page.locator(".toggle").inner_text() == "Go"
    page.locator(".toggle").click()
    page.locator(".copy").wait_for()
    assert page.locator(".label").inner_text() == "By machine"


def test_only_the_publisher_says_that_an_editor_checked(open_page: OpenPage, stage: Stage) -> None:
    tag = '<inbrief-summary reviewed="editor"></inbrief-summary>'
    page = open_page().goto(stage.put(f"<article>{tag}{ARTICLE}</article>"))
    press(page)
    assert page.locator(".label").inner_text() == "Checked by an editor"
    assert page.locator(".disclosure").is_hidden()
    tag = '<inbrief-summary reviewed="true"></inbrief-summary>'
    page.goto(stage.put(f"<article>{tag}{ARTICLE}</article>"))
    press(page)
    assert page.locator(".label").inner_text() == "AI-generated summary"
    assert page.locator(".disclosure").is_visible()


def test_parts_and_properties_carry_the_publishers_design(
    open_page: OpenPage, stage: Stage
) -> None:
    head = """<style>
    inbrief-summary { --inbrief-accent: rgb(0, 80, 40); --inbrief-radius: 0px; }
    inbrief-summary::part(toggle) { letter-spacing: 3px; }
    inbrief-summary::part(sentence) { font-style: italic; }
    </style>"""
    url = stage.put(
        f"<article>{TAG}{ARTICLE}</article>", head=head, content_security_policy=STYLE_ALLOWED
    )
    page = open_page().goto(url)
    toggle = page.locator(".toggle")
    assert toggle.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(0, 80, 40)"
    assert toggle.evaluate("e => getComputedStyle(e).letterSpacing") == "3px"
    assert page.locator(".card").evaluate("e => getComputedStyle(e).borderRadius") == "0px"
    press(page)
    first = page.locator(".sentence").first
    assert first.evaluate("e => getComputedStyle(e).fontStyle") == "italic"


def test_a_phone(open_page: OpenPage, service: Service) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True).goto(
        service.url + "/demo/"
    )
    page.locator(".toggle").first.tap()
    page.locator(".copy").first.wait_for()
    page.locator(".sentence").nth(2).tap()
    assert page.evaluate("[...CSS.highlights.get('inbrief-evidence')].length") >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_copy(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page(permissions=["clipboard-read", "clipboard-write"])
    page = reader.goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    page.locator(".copy").click()
    expect(page.locator(".copy")).to_have_text("Copied")
    lines = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[:3] == page.locator(".sentence").all_inner_texts()
    assert lines[-1] == f"AI-generated summary: {page.url}"


SPEECH = """
window.said = [];
const synthesis = {
  queue: [], getVoices: () => window.voices || [],
  addEventListener(name, heard) { window.arrive = () => { window.voices = [{}]; heard(); }; },
  speak(utterance) { this.queue.push(utterance); if (this.queue.length === 1) this.next(); },
  next() {
    const [utterance] = this.queue;
    if (!utterance) return;
    said.push([utterance.text, utterance.lang]);
    utterance.onstart(new Event('start'));
    window.finish = () => {
      this.queue.shift(); utterance.onend(new Event('end')); this.next();
    };
  },
  cancel() { this.queue = []; said.push('cancelled'); },
};
Object.defineProperty(window, 'speechSynthesis', { get: () => synthesis });
"""


def test_listen_reads_sentence_by_sentence(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(init=SPEECH).goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    listen = page.locator(".listen")
    assert listen.is_hidden()
    page.evaluate("arrive()")  # voices come after the page
    listen.click()
    assert listen.inner_text() == "Stop"
    assert page.locator(".spoken").count() == 1
    page.evaluate("finish()")
    sentences = page.locator(".sentence").all_inner_texts()
    assert page.evaluate("said") == [[sentences[0], "en"], [sentences[1], "en"]]
    page.evaluate("finish()")
    page.evaluate("finish()")
    assert listen.inner_text() == "Listen"
    assert page.locator(".spoken").count() == 0
    listen.click()
    page.locator(".close").click()
    assert page.evaluate("said.at(-1)") == "cancelled"


def test_no_voice_no_button(open_page: OpenPage, stage: Stage) -> None:
    silent = "Object.defineProperty(window, 'speechSynthesis', { value: undefined })"
    page = open_page(init=silent).goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    assert page.locator(".listen").is_hidden()


@pytest.mark.parametrize("width", [320, 640])
def test_long_words_break_and_text_may_be_twice_as_large(
    open_page: OpenPage, stage: Stage, width: int
) -> None:
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    stage.puppet.doubts = {word: (word,)}
    text = (
        f"<p>The {word} closed on Tuesday, as it does. {'Nobody knows the reason for it. ' * 9}</p>"
    )
    page = open_page(viewport={"width": width, "height": 700}).goto(
        stage.put(
            f"<article>{TAG}<h1>Closed</h1>{text}</article>",
            head="<meta name=viewport content='width=device-width'>"
            "<style>html { font-size: 200% } "
            "h1 ~ p { overflow-wrap: anywhere }</style>",
            content_security_policy=STYLE_ALLOWED,
        )
    )
    press(page)
    assert page.locator(".warning").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    card = page.locator(".card").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert card[0] <= card[1]


def test_the_publishers_own_language_is_named_and_its_direction_followed(
    open_page: OpenPage, stage: Stage
) -> None:
    script = f'<script src="{stage.url}/widget/inbrief.js" defer></script>'
    html = page_of(f"<article>{TAG}{ARTICLE}</article>", head=script, html='lang="he" dir="rtl"')
    page = open_page().goto(stage.put_page(html))
    card = page.locator(".card")
    read = "e => [e.lang, getComputedStyle(e).direction]"
    assert card.evaluate(read) == ["en", "ltr"]  # there are no texts in Hebrew
    page.locator("inbrief-summary").evaluate(
        "e => { e.texts = { question: 'אין זמן לקרוא?', button: 'תקציר' } }"
    )
    assert card.evaluate(read) == ["he", "rtl"]


def test_a_warning_is_copied_and_read_out_along_with_its_sentence(
    open_page: OpenPage, stage: Stage
) -> None:
    stage.puppet.doubts = {"bearings": ("two",)}
    page = open_page(init=SPEECH, permissions=["clipboard-read", "clipboard-write"]).goto(
        stage.put(f"<article>{TAG}{ARTICLE}</article>")
    )
    press(page)
    marked = page.locator(".sentence").nth(1).inner_text() + " Not in the article: two"
    page.locator(".copy").click()
    expect(page.locator(".copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").split("\n")[1] == marked
    page.evaluate("arrive()")
    page.locator(".listen").click()
    page.evaluate("finish()")
    assert page.evaluate("said[1][0]") == marked


def test_paper_shows_the_article_alone(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    press(page)
    page.emulate_media(media="print")
    assert page.locator(".card").is_hidden()
    assert page.locator("h1").is_visible()
