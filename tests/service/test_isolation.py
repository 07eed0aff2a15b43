"""Pages that would hold a thread for a minute, or all memory, are given up on."""

import os
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.errors import ArticleTooLong, NotAnArticle
from service.extraction import extract
from service.isolation import IsolatedExtractor

PAGE = (
    "<html lang='en'><body><article><h1>Bridge closed</h1>"
    "<p>The city council voted on Tuesday to close the old harbour bridge after engineers found "
    "cracks in two of its main supports, “with regret”.</p><p>Traffic will be sent over the "
    "northern crossing until at least March, officials said on Tuesday.</p></article></body></html>"
)
# libxml2 compares each attribute with all before it.
QUADRATIC = "<html><body><p " + " ".join(f"a{i}=1" for i in range(120_000)) + ">text</p>" + PAGE


@pytest.fixture(scope="module")
def extractor() -> Iterator[IsolatedExtractor]:
    extractor = IsolatedExtractor(timeout_seconds=2.0, max_html_characters=2_000_000)
    yield extractor
    extractor.close()


def test_it_finds_what_the_function_finds(extractor: IsolatedExtractor) -> None:
    assert extractor.extract(PAGE) == extract(PAGE)


def test_refusals_arrive_whole(extractor: IsolatedExtractor) -> None:
    with pytest.raises(NotAnArticle, match="no running text") as caught:
        extractor.extract("<p>Short.</p>")
    assert caught.value.field == "html"
    with pytest.raises(ArticleTooLong) as too_long:
        extractor.extract("<p>" + "a" * 2_000_000)
    assert too_long.value.limit == 2_000_000


def test_a_page_that_takes_too_long_is_refused_and_the_next_is_served(
    extractor: IsolatedExtractor,
) -> None:
    with pytest.raises(NotAnArticle, match="within 2 seconds") as caught:
        extractor.extract(QUADRATIC)
    assert caught.value.limit == 2.0
    assert extractor.extract(PAGE) == extract(PAGE)


def test_callers_at_once_each_get_their_own(extractor: IsolatedExtractor) -> None:
    pages = [PAGE.replace("Tuesday", f"{day} June") for day in range(1, 25)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(extractor.extract, pages)) == [extract(page) for page in pages]


def test_a_child_that_died_is_replaced() -> None:
    extractor = IsolatedExtractor()
    try:
        extractor.extract(PAGE)
        child = extractor._children.queue[-1]
        assert child is not None
        os.kill(child._process.pid, 9)
        child._process.wait()
        assert extractor.extract(PAGE) == extract(PAGE)
    finally:
        extractor.close()


def test_a_page_that_wants_too_much_memory_is_refused(extractor: IsolatedExtractor) -> None:
    extractor.extract(PAGE)
    child = extractor._children.queue[-1]
    assert child is not None
    used = int(Path(f"/proc/{child._process.pid}/statm").read_text().split()[0])
    limit = used * resource.getpagesize() + 20_000_000
    resource.prlimit(child._process.pid, resource.RLIMIT_AS, (limit, limit))
    with pytest.raises(NotAnArticle, match="memory"):
        extractor.extract("<p>" + "many words are here. " * 90_000)
    assert extractor.extract(PAGE) == extract(PAGE)


def test_close_leaves_no_process() -> None:
    extractor = IsolatedExtractor(processes=2)
    extractor.extract(PAGE)
    child = extractor._children.queue[-1]
    assert child is not None
    extractor.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child._process.pid, 0)
    extractor.close()
