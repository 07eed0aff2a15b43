"""On other people's pages: one script tag, their policy, their origin, their patience."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from service.app import create_app
from service.keys import KeyFile
from service.settings import Settings
from tests.processes import free_port
from tests.service.widget.harness import (
    ARTICLE,
    OpenPage,
    Publisher,
    Puppet,
    Reader,
    Service,
    Stage,
    page_of,
    passages,
    press,
    serving,
)

TAG = "<inbrief-summary></inbrief-summary>"
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => list.getEntries().forEach((e) => shifts.push(e.value)))
  .observe({ type: 'layout-shift', buffered: true });
"""
MAX_MAIN_THREAD_SECONDS = 0.050


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
    page.wait_for_function("!!customElements.get('inbrief-summary')")
    assert page.locator("inbrief-summary").count() == 0


def test_the_script_tag_waits_while_the_page_is_still_coming(
    open_page: OpenPage, stage: Stage
) -> None:
    reader = open_page()
    slow_script(reader, "**/slow.js")
    head = (
        f'<script src="{stage.url}/widget/inbrief.js" data-auto></script><meta name="a">'
        '<script src="/pages/slow.js"></script><meta name="b">'
    )
    stage.put_page("", name="slow.js")
    page = reader.goto(stage.put_page(page_of(f"<article>{ARTICLE}</article>", head=head)))
    expect(page.locator("inbrief-summary")).to_have_count(2)


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


BODIES = {
    "for": (f'<div id="a">{ARTICLE}</div><inbrief-summary for="#a"></inbrief-summary>', "The Harb"),
    "around": (f"<article>{TAG}{ARTICLE}</article><article><p>Another.</p></article>", "The Harb"),
    "largest": (f"<article><p>A teaser.</p></article><article>{ARTICLE}</article>{TAG}", "The H"),
    "itemprop": (f'<div><p>Ad.</p><div itemprop="articleBody">{ARTICLE}</div></div>{TAG}', "The H"),
    "itemprop in article": (
        f'<article><p>By us.</p>{TAG}<div itemprop="articleBody">{ARTICLE}</div></article>',
        "The Harb",
    ),
    "main": (f"{TAG}{ARTICLE}", "The Harb"),
}


@pytest.mark.parametrize("case", BODIES)
def test_the_article_is_found(open_page: OpenPage, stage: Stage, case: str) -> None:
    body, beginning = BODIES[case]
    reader = open_page()
    page = reader.goto(stage.put(body))
    press(page)
    assert reader.sent[0]["text"].startswith(beginning)
    page.locator(".sentence").nth(1).click()
    assert passages(page) == ["Engineers found cracks in two of the eight bearings in March."]


def test_an_article_in_json_ld_is_found_and_shown_where_the_page_has_it(
    open_page: OpenPage, stage: Stage
) -> None:
    text = (
        "Only here, ahead of all. Engineers found\\ncracks in two of the eight bearings in March."
        " And the rest."
    )
    data = f'{{"@graph": [{{"@type": "NewsArticle", "articleBody": "{text}"}}]}}'
    head = f'<script type="application/ld+json">{data}</script>'
    reader = open_page()
    page = reader.goto(stage.put(f"<section>{ARTICLE}</section>{TAG}", head=head))
    press(page)
    assert reader.sent[0]["text"].startswith("Only here")
    assert page.locator(".sentence").first.get_attribute("role") is None
    page.locator(".sentence").nth(1).click()
    assert passages(page) == ["Engineers found cracks in two of the eight bearings in March."]


def test_a_strict_content_security_policy(open_page: OpenPage, stage: Stage) -> None:
    policy = "default-src 'self'; require-trusted-types-for 'script'"
    page = open_page().goto(
        stage.put(f"<article>{TAG}{ARTICLE}</article>", content_security_policy=policy)
    )
    press(page)
    page.locator(".sentence").nth(1).click()
    assert len(passages(page)) == 1
    assert page.locator(".panel").evaluate("e => getComputedStyle(e).borderTopStyle") == "solid"


def embedded(stage_url: str, attributes: str = "") -> str:
    script = f'<script src="{stage_url}/widget/inbrief.js" crossorigin="anonymous" defer></script>'
    tag = f"<inbrief-summary {attributes}></inbrief-summary>"
    return page_of(f"<article>{tag}{ARTICLE}</article>", head=script)


def test_another_site_with_permission(
    open_page: OpenPage, stage: Stage, publisher: Publisher
) -> None:
    publisher.pages["/story"] = embedded(stage.url)
    reader = open_page()
    page = reader.goto(publisher.url + "/story")
    page.context.add_cookies([{"name": "session", "value": "secret", "url": stage.url}])
    press(page)
    assert page.locator(".sentence").count() == 3
    assert "cookie" not in reader.asked[0].all_headers()
    assert reader.asked[0].all_headers()["origin"] == publisher.url


def test_another_site_without_permission(
    open_page: OpenPage, stage: Stage, publisher: Publisher
) -> None:
    publisher.pages["/story"] = embedded(stage.url)
    reader = open_page()
    reader.expected = ["blocked by CORS policy", "net::ERR_FAILED"]
    page = reader.goto(publisher.url.replace("127.0.0.1", "localhost") + "/story")
    page.locator(".toggle").click()
    expect(page.locator(".error")).to_have_text("Sorry, the summary could not be loaded.")


def test_a_site_key_works_from_its_own_origin(
    open_page: OpenPage, publisher: Publisher, tmp_path: Path
) -> None:
    _, key = KeyFile(tmp_path / "keys.json").create("paper", ["summarise"], origins=[publisher.url])
    port = free_port()
    settings = Settings(cache_url="off", data_dir=tmp_path)
    with serving(create_app(settings, Puppet()), port):
        url = f"http://127.0.0.1:{port}"
        publisher.pages["/keyed"] = embedded(url, f'site-key="{key}"')
        publisher.pages["/keyless"] = embedded(url)
        page = open_page().goto(publisher.url + "/keyed")
        press(page)
        assert page.locator(".sentence").count() == 3
        refused = open_page()
        refused.expected = ["401"]
        page = refused.goto(publisher.url + "/keyless")
        page.locator(".toggle").click()
        expect(page.locator(".error")).to_have_text("No summary for this page.")


def test_the_hashed_address_with_its_integrity_value(
    open_page: OpenPage, service: Service, publisher: Publisher
) -> None:
    page = open_page().goto(service.url + "/widget")
    snippet = page.locator("#snippet").inner_text()
    assert 'integrity="sha384-' in snippet
    publisher.pages["/pinned"] = page_of(f"<article>{ARTICLE}</article>", head=snippet)
    page = open_page().goto(publisher.url + "/pinned")
    expect(page.locator("inbrief-summary")).to_have_count(2)


def slow_script(reader: Reader, pattern: str = "**/inbrief.js") -> None:
    """The script comes long after the first paint."""

    def wait(route: object) -> None:
        reader.page.wait_for_timeout(300)
        route.continue_()  # type: ignore[attr-defined]

    reader.page.route(pattern, wait)


RESERVED = (
    "inbrief-summary:not(:defined){display:block;min-height:calc(3.7em + 2px);margin:1.25em 0}"
)


@pytest.mark.parametrize("case", ["data-auto", "reserved"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_before_it_is_pressed(
    open_page: OpenPage, stage: Stage, case: str, width: int
) -> None:
    reader = open_page(init=SHIFTS, viewport={"width": width, "height": 800})
    inline = "default-src 'self' 'unsafe-inline'"
    style = "<meta name=viewport content='width=device-width'><style>body{margin:1em}</style>"
    if case == "data-auto":
        head = style + f'<script src="{stage.url}/widget/inbrief.js" data-auto></script>'
        html = page_of(f"<article>{ARTICLE}</article>", head=head)
    else:
        slow_script(reader)
        head = f"{style}<style>{RESERVED}</style>"
        head += f'<script src="{stage.url}/widget/inbrief.js" async></script>'
        html = page_of(f"<article>{TAG}{ARTICLE}{TAG}</article>", head=head)
    page = reader.goto(stage.put_page(html, content_security_policy=inline))
    expect(page.locator("inbrief-summary .toggle")).to_have_count(2)
    settle(page)
    assert page.evaluate("shifts") == []


def test_the_measure_of_movement_sees_movement(open_page: OpenPage, stage: Stage) -> None:
    reader = open_page(init=SHIFTS)
    slow_script(reader)
    page = reader.goto(stage.put(f"<article>{TAG}{ARTICLE}</article>"))
    expect(page.locator("inbrief-summary .toggle")).to_be_visible()
    settle(page)
    assert sum(page.evaluate("shifts")) > 0


def settle(page: Page) -> None:
    page.evaluate("new Promise(r => requestAnimationFrame(() => setTimeout(r, 100)))")


def main_thread_seconds(open_page: OpenPage, url: str) -> float:
    """CPU time of the page's main thread from start to rest; other programs do not count."""
    reader = open_page()
    session = reader.page.context.new_cdp_session(reader.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    settle(reader.goto(url))
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def test_it_costs_little_before_it_is_pressed(open_page: OpenPage, stage: Stage) -> None:
    article = f"<article>{ARTICLE * 20}</article>"
    head = f'<script src="{stage.url}/widget/inbrief.js" data-auto></script>'
    with_it = stage.put_page(page_of(article, head=head), name="with")
    without = stage.put_page(page_of(article), name="without")
    rounds = [
        (main_thread_seconds(open_page, with_it), main_thread_seconds(open_page, without))
        for _ in range(3)
    ]
    added = statistics.median(one - other for one, other in rounds)
    assert added < MAX_MAIN_THREAD_SECONDS, f"{added * 1000:.1f} ms"


def test_prefer_on_device_writes_here_and_says_so(open_page: OpenPage, stage: Stage) -> None:
    summarizer = """
    window.created = [];
    window.Summarizer = class {
      static async availability() { return window.state; }
      static async create(options) { created.push(options); return new Summarizer(); }
      async summarize(text) { return '- The bridge closes.\\n- Buses take the tunnel.'; }
      destroy() {}
    };
    """
    tag = '<inbrief-summary prefer="on-device" kind="key-points"></inbrief-summary>'
    body = f"<article>{tag}{ARTICLE}</article>"
    reader = open_page(init=summarizer + "window.state = 'available';")
    page = reader.goto(stage.put(body))
    press(page)
    assert page.locator("li .sentence").all_inner_texts() == [
        "The bridge closes.",
        "Buses take the tunnel.",
    ]
    assert page.locator(".disclosure").inner_text() == "Not checked against the article."
    assert page.evaluate("created[0].type") == "key-points"
    assert reader.asked == []
    for init in ("", summarizer + "window.state = 'downloadable';"):
        reader = open_page(init=init)
        reader.expected = ["text session"]  # Chromium has the interface and no model
        page = reader.goto(stage.put(body))
        press(page)
        assert len(reader.asked) == 1


REACT_LIKE = """
const host = document.createElement('inbrief-summary');
host.texts = { question: 'In a hurry?' };
host.setAttribute('for', '#story');
document.querySelector('#story').prepend(host);
"""


def test_made_by_a_script_and_moved_about(open_page: OpenPage, stage: Stage) -> None:
    page = open_page().goto(stage.put(f'<article id="story">{ARTICLE}</article><div id=b></div>'))
    page.wait_for_function("!!customElements.get('inbrief-summary')")
    page.evaluate(REACT_LIKE)
    assert page.locator(".question").inner_text() == "In a hurry?"
    press(page)
    page.locator(".toggle").click()
    page.evaluate("document.querySelectorAll('#story p').forEach(p => p.innerHTML += '')")
    press(page)  # the article's nodes are new ones
    page.locator(".sentence").nth(1).click()
    assert passages(page) == ["Engineers found cracks in two of the eight bearings in March."]
    page.evaluate("document.querySelector('#b').append(document.querySelector('inbrief-summary'))")
    expect(page.locator(".panel")).to_be_hidden()
    press(page)
    assert page.locator(".sentence").count() == 3
