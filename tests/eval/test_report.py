import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from eval import report, results
from eval.datasets import Example, build
from eval.extractive import lead, oracle
from eval.predictions import Prediction, PredictionSet
from eval.scoring import ScoreTable, score
from tests.eval import corpus

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMINGS = {"systems": {"mine": {"articles_per_second": 20.0, "median_seconds": 0.05}}}


@pytest.fixture(scope="module")
def table() -> ScoreTable:
    hostile = Example(
        "h",
        corpus.example(0).text + "\n\nA note: <script>alert(1)</script> & more.",
        "<b>bold</b>",
        ("<img src=x onerror=alert(2)>",),
    )
    data = build("towns & more", [*corpus.examples(), hostile])
    first = lead(2).summarise(data.examples)
    invented = "Bob Stone of Geneva paid 77 dollars."
    mine = (
        Prediction(first[0].id, first[0].article_digest, invented),
        Prediction(first[1].id, first[1].article_digest, "", error="ArticleTooShort: <i>no</i>"),
        *first[2:],
    )
    best = tuple(oracle(2).summarise(data.examples))
    return score(
        data,
        [
            PredictionSet("mine", {"revision": "abc"}, mine),
            PredictionSet("oracle-2", {"reads": "references"}, best),
        ],
    )


@pytest.fixture(scope="module")
def page(table: ScoreTable) -> str:
    return report.page(table, results.build(table, resamples=200), TIMINGS)


def test_the_page_needs_nothing_else(page: str) -> None:
    for forbidden in ("<script", "http:", "https:", "src=", "@import", "url("):
        assert forbidden not in page.replace("&lt;img src=x", ""), forbidden


def test_text_of_articles_is_text(page: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "towns &amp; more" in page


def test_what_is_not_in_the_article_is_shown(page: str) -> None:
    assert "not in the article: " in page
    assert "77 dollars" in page
    assert "refused: ArticleTooShort: &lt;i&gt;no&lt;/i&gt;" in page


def test_evidence_is_marked_in_the_article(page: str, table: ScoreTable) -> None:
    sentence = table.rows["mine"][3].sentences[0]
    assert f"<mark>{sentence}</mark>" in page


def test_every_section_and_signature_is_there(page: str, table: ScoreTable) -> None:
    for title in (
        "Results",
        "Which differences are real",
        "Quality against speed",
        "Length against ROUGE",
        "Distribution over articles",
        "Where in the article summaries come from",
        "Slices",
        "All metrics",
        "The 11 articles where mine scores lowest or nothing",
        "10 articles at random",
        "Signatures",
    ):
        assert f"<h2>{title}</h2>" in page, title
    assert "revision:abc" in page
    assert "n 10" in page


def test_the_page_is_the_same_twice(table: ScoreTable, page: str) -> None:
    assert report.page(table, results.build(table, resamples=200), TIMINGS) == page


def test_describing_results_loads_no_network_library() -> None:
    code = (
        "import sys; import eval.report, eval.rouge, eval.intervals;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert done.returncode == 0


@pytest.fixture(scope="module")
def crowded() -> str:
    data = corpus.dataset()
    answers = tuple(lead(1).summarise(data.examples))
    cut = (replace(answers[0], truncated=True), *answers[1:])
    names = [f"cmd:python summarise.py --beams {number} --penalty 2" for number in range(9)]
    table = score(data, [PredictionSet(name, {}, cut) for name in names])
    return report.page(table, results.build(table, resamples=200), {"systems": {}})


def test_many_systems_of_long_names_can_be_told_apart(crowded: str) -> None:
    assert '<i class="swatch s0"></i><span class="long">cmd:python' in crowded
    assert '<i class="swatch s0 hollow"></i><span class="long">cmd:python' in crowded
    assert "-0.0" not in crowded


def test_articles_that_were_cut_are_counted(crowded: str, page: str) -> None:
    assert "<td>10<small>1 cut</small></td>" in crowded
    assert "Cut are articles that were longer than the system reads." in crowded
    assert "longer than the system reads" not in page


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1000), ("dark", 390)])
def test_a_browser_shows_it_without_a_complaint(
    tmp_path: Path, page: str, scheme: str, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    complaints: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS
        )
        tab = browser.new_page(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        tab.locator(".article > summary").first.click()
        assert tab.locator(".article .prose").first.is_visible()
        assert tab.locator("svg").count() >= 5
        wider = tab.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        browser.close()
    assert not wider
    assert complaints == []
    assert asked == [path.as_uri()]
