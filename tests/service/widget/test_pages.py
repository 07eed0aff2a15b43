"""The start page, the demonstration and the snippet generator, as a person uses them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.service.widget.harness import OpenPage, Publisher, Service, page_of, passages

BRIDGE = (
    "Swing bridge to close\n\nThe Harbour Commission voted on Tuesday to close the old swing "
    "bridge for 14 months. Engineers found cracks in two of the eight bearings in March.\n"
    "Buses will use the northern tunnel from 3 June. It's a free ferry for walkers."
)
DROP = """
([name, type, text]) => {
  const data = new DataTransfer();
  if (name) data.items.add(new File([text], name, { type }));
  else data.setData('text/plain', text);
  document.querySelector('#composer').dispatchEvent(
    new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""


def test_paste_choose_and_see_the_summary_beside_the_article(
    open_page: OpenPage, service: Service
) -> None:
    reader = open_page()
    page = reader.goto(service.url + "/")
    page.get_by_role("button", name="Summarise").click()
    expect(page.get_by_role("alert")).to_have_text("Paste an article first, or try the example.")
    page.get_by_label("Your article").fill(BRIDGE)
    page.get_by_label("Paragraph").check()
    page.get_by_label("Medium").check()
    page.get_by_role("button", name="Summarise").click()
    page.locator("#facts dd").first.wait_for()
    (body,) = reader.sent
    assert (body["kind"], body["length"], body["title"]) == (
        "tldr",
        "medium",
        "Swing bridge to close",
    )
    assert page.locator("#article h1").inner_text() == "Swing bridge to close"
    page.locator(".sentence").nth(1).click()
    assert passages(page) == [page.locator(".sentence").nth(1).inner_text()]
    facts = dict(
        zip(
            page.locator("#facts dt").all_inner_texts(),
            page.locator("#facts dd").all_inner_texts(),
            strict=True,
        )
    )
    assert facts["Model"].startswith("lead-3")
    assert facts["In your browser"].endswith("s")
    assert len(facts["Id"]) == 64


def test_the_shown_command_gives_the_same_summary(open_page: OpenPage, service: Service) -> None:
    page = open_page().goto(service.url + "/")
    page.get_by_label("Your article").fill(BRIDGE)
    page.get_by_role("button", name="Summarise").click()
    page.locator("#facts dd").first.wait_for()
    page.locator("details.curl summary").click()
    command = page.locator("#curl").inner_text()
    answer = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=120)
    response = json.loads(answer.stdout)
    shown = page.locator(".sentence").all_inner_texts()
    assert [sentence["text"] for sentence in response["sentences"]] == shown
    assert response["id"] == page.locator("#facts dd").last.inner_text()


def test_drop_a_text_a_text_file_or_a_page(open_page: OpenPage, service: Service) -> None:
    page = open_page().goto(service.url + "/")
    html = page_of(
        "<nav>Menu</nav><article>"
        + "".join(f"<p>{line}</p>" for line in BRIDGE.split("\n") if line)
        + "</article>"
    )
    for name, kind, text in (
        ("", "", BRIDGE),
        ("story.txt", "text/plain", BRIDGE),
        ("story.html", "text/html", html),
    ):
        page.get_by_label("Your article").fill("")
        page.evaluate(DROP, [name, kind, text])
        expect(page.get_by_label("Your article")).to_have_value(re.compile("Harbour"))
        page.locator("#facts dd").first.wait_for()
        assert "Harbour Commission" in page.locator("#article").inner_text()


DROP_BYTES = """
([name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  document.querySelector('#composer').dispatchEvent(
    new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""
KUENSTLER = "Der Künstler aß für fünf Gäste, wie der Wirt am Dienstag sagte. " * 5


@pytest.mark.parametrize(
    ("name", "kind", "content", "encoding", "shown"),
    [
        ("utf.txt", "text/plain", KUENSTLER, "utf-8", "Künstler aß"),
        ("old.txt", "text/plain", KUENSTLER, "windows-1252", "Künstler aß"),
        (
            "old.html",
            "text/html",
            "<html><head><meta charset=koi8-r></head><body><article><p>"
            + "Совет города закрыл старый мост в марте, и паром пойдёт в июне. " * 5
            + "</p></article></body></html>",
            "koi8-r",
            "Совет города",
        ),
    ],
)
def test_a_dropped_file_is_read_in_its_encoding(
    open_page: OpenPage,
    service: Service,
    name: str,
    kind: str,
    content: str,
    encoding: str,
    shown: str,
) -> None:
    page = open_page().goto(service.url + "/")
    page.evaluate(DROP_BYTES, [name, kind, list(content.encode(encoding))])
    expect(page.get_by_label("Your article")).to_have_value(re.compile(shown))
    page.locator("#facts dd").first.wait_for()


def test_a_dropped_file_that_is_no_text_is_refused(open_page: OpenPage, service: Service) -> None:
    reader = open_page()
    page = reader.goto(service.url + "/")
    content = list(b"%PDF-1.7\n\x00\xff\xfe\x01\x02stream\n" * 20)
    page.evaluate(DROP_BYTES, ["story.pdf", "application/pdf", content])
    expect(page.get_by_role("alert")).to_have_text("Only text and HTML files can be read here.")
    assert page.get_by_label("Your article").input_value() == ""
    assert reader.asked == []


@pytest.mark.parametrize(("path", "name"), [("/widget", "#copy"), ("/", "#copy-curl")])
def test_without_a_clipboard_there_is_nothing_to_copy_with(
    open_page: OpenPage, service: Service, path: str, name: str
) -> None:
    without = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    page = open_page(init=without).goto(service.url + path)
    assert page.locator(name).get_attribute("hidden") is not None


def test_the_example_is_the_demos_article(open_page: OpenPage, service: Service) -> None:
    page = open_page().goto(service.url + "/")
    page.get_by_role("button", name="Try an example").click()
    page.locator("#facts dd").first.wait_for()
    assert page.locator("#article p").count() == 6


def test_the_demo_turns_its_pages(open_page: OpenPage, service: Service) -> None:
    page = open_page().goto(service.url + "/demo/")
    first = page.locator("h1").inner_text()
    assert page.locator("inbrief-summary").count() == 2
    page.get_by_role("link", name="Next Article").click()
    page.wait_for_url("**/demo/telephone-talks")
    assert page.locator("h1").inner_text() != first
    assert page.locator("inbrief-summary").count() == 2
    page.get_by_role("link", name="Previous Article").click()
    page.wait_for_url("**/demo/")
    assert page.locator("h1").inner_text() == first


def test_the_generators_snippet_is_what_the_preview_shows(
    open_page: OpenPage, service: Service, publisher: Publisher
) -> None:
    reader = open_page(permissions=["clipboard-read", "clipboard-write"])
    page = reader.goto(service.url + "/widget")
    page.get_by_label("Where I put it").check()
    page.get_by_label("Headline").check()
    page.get_by_label("Language").select_option("fr")
    page.get_by_label("Theme").select_option("dark")
    page.get_by_label("Accent colour").fill("#ffcc00")
    page.get_by_label("An editor checks each summary").check()
    page.get_by_label("Site key").fill('inb_"x"')
    live = page.locator("#live")
    assert live.locator(".question").inner_text() == "Pas le temps de lire ?"
    toggle = live.locator(".toggle")
    assert toggle.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 204, 0)"
    assert toggle.evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"
    page.get_by_role("button", name="Copy the snippet").click()
    expect(page.locator("#status")).to_have_text("Copied")
    snippet = page.evaluate("navigator.clipboard.readText()")
    for part in (
        'kind="headline"',
        'language="fr"',
        'theme="dark"',
        'reviewed="editor"',
        'site-key="inb_&quot;x&quot;"',
        "--inbrief-accent: #ffcc00; --inbrief-on-accent: #000000;",
    ):
        assert part in snippet
    script = snippet.split("</script>")[0] + "</script>"
    element = snippet.split("\n\n")[1]
    publisher.pages["/generated"] = page_of(f"<article>{element}</article>", head=script)
    page = open_page().goto(publisher.url + "/generated")
    element_shown = page.locator("inbrief-summary")
    assert element_shown.locator(".question").inner_text() == "Pas le temps de lire ?"
    assert element_shown.get_attribute("site-key") == 'inb_"x"'


def test_the_demo_holds_the_seeds_word_for_word() -> None:
    root = Path(__file__).parents[3]
    pages = {
        "demo.html": "000_bc4a88b22efdc5bb.txt",
        "demo-talks.html": "002_37356f0f3f427467.txt",
        "start.html": "000_bc4a88b22efdc5bb.txt",
    }
    for name, seed in pages.items():
        page = (root / "service/widget/pages" / name).read_text(encoding="utf-8")
        lines = (root / "seeds" / seed).read_text(encoding="utf-8").splitlines()
        paragraphs = [line.strip() for line in lines if len(line) > 150]
        assert len(paragraphs) >= 5
        for paragraph in paragraphs:
            assert f">{paragraph}</p>" in page
