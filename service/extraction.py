"""From a web page to the article on it: HTML in; text, title, author and date out.

The extractor is trafilatura (Barbaresi 2021, ACL demo). What stands here is what
a summariser needs around it: nothing that a reader cannot see reaches the text,
a page without an article is refused, and a hostile page costs a bounded amount.

The extracted text is paragraphs separated by one blank line, in Unicode NFC;
evidence offsets of a summary are code points of exactly this text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import trafilatura
from lxml import etree
from lxml.html import HTMLParser
from trafilatura.metadata import extract_metadata

from models.errors import ArticleTooLong, NotAnArticle
from service.visibility import remove_hidden

MAX_HTML_CHARACTERS: Final = 5_000_000
# A long live blog has about 10,000 elements. Extraction is linear in them and
# reads about 7,000 a second.
MAX_ELEMENTS: Final = 40_000
# libxml2 stops reading below this depth unless it is told to risk its stack.
MAX_DEPTH: Final = 255

# A block of at least this many words, or one that ends like a sentence, is prose;
# a page whose text is mostly neither (menus, link lists, tables) has no article.
PROSE_WORDS: Final = 20
PROSE_CHARACTERS: Final = 30
MIN_PROSE_SHARE: Final = 0.25

# An index page: almost all of its words are links, and no article hides beside them.
MAX_LINKED_SHARE: Final = 0.9
INDEX_WORDS: Final = 100

# A cell with this much text is layout, not data: old pages put the article into one.
LAYOUT_CELL_WORDS: Final = 30

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_BLANK_LINES = re.compile(r"\n\s*\n")
_MARKUP = re.compile(r"<\s*[!/?a-zA-Z]")
_SENTENCE_END = re.compile(r"[.!?…。！？؟।]['\"”’»」』)\]]*$")
_LANGUAGE = re.compile(r"^[a-z]{2,3}$")
# Formatting that carries no structure; unwrapping it first keeps extraction linear.
_INLINE = ("b", "big", "em", "font", "i", "mark", "small", "strong", "tt", "u", "wbr", "bdi", "bdo")
# Not seen, but where pages declare their author and date (JSON-LD).
_DECLARING = frozenset({"script"})
_TABLE_PARTS = ("table", "thead", "tbody", "tfoot", "tr", "td", "th", "center")
# trafilatura's elements inside a block; all others begin a new one.
_RUNS = frozenset({"hi", "ref", "del", "span"})


@dataclass(frozen=True, slots=True)
class ExtractedArticle:
    """The article of a page.

    `date` is ISO 8601 (YYYY-MM-DD). `language` is the primary tag that the page
    declares for itself: a hint, since templates often declare the wrong one.
    """

    text: str
    title: str | None = None
    author: str | None = None
    date: str | None = None
    language: str | None = None


def extract(
    html: str, *, url: str | None = None, max_html_characters: int = MAX_HTML_CHARACTERS
) -> ExtractedArticle:
    """Find the article in a page.

    Plain text without any markup is taken as the article itself. `url` is where
    the page came from; it only helps to recognise the site's name.

    Raises:
        ArticleTooLong: more than `max_html_characters` characters of HTML.
        NotAnArticle: no article, or a page nested or repeated beyond any article.
    """
    if len(html) > max_html_characters:
        raise ArticleTooLong(
            f"The page has {len(html)} characters; at most {max_html_characters} are read.",
            field="html",
            limit=max_html_characters,
        )
    html = _CONTROL.sub("", html)
    if not _MARKUP.search(html):
        return from_plain_text(html)
    tree = _parse(html)
    language = _declared_language(tree)
    remove_hidden(tree, keep=_DECLARING)
    title, author, date = _metadata(tree, url)
    remove_hidden(tree)
    if _is_index(tree):
        raise _no_article()
    _sort_tables(tree)
    _split_preformatted(tree)
    _unwrap_formatting(tree)
    lines = _lines(_blocks(tree, url))
    if title and lines and lines[0].casefold() == title.casefold():
        del lines[0]
    return ExtractedArticle(
        text=_article(lines), title=title, author=author, date=date, language=language
    )


def from_plain_text(text: str) -> ExtractedArticle:
    """An article that came without markup: blank lines part its paragraphs.

    Raises:
        NotAnArticle: no running text.
    """
    return ExtractedArticle(text=_article(_lines(_BLANK_LINES.split(_CONTROL.sub("", text)))))


def _parse(html: str) -> Any:
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        tree = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        raise _no_article() from None
    if tree is None:
        raise _no_article()
    # In recovery mode the parser would drop the rest of such a page without a word.
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise NotAnArticle(
            f"The page nests its elements deeper than {MAX_DEPTH}.", field="html", limit=MAX_DEPTH
        )
    elements = sum(1 for _ in tree.iter())
    if elements > MAX_ELEMENTS:
        raise NotAnArticle(
            f"The page holds {elements} elements; at most {MAX_ELEMENTS} are read.",
            field="html",
            limit=MAX_ELEMENTS,
        )
    return tree


def _declared_language(tree: Any) -> str | None:
    primary = re.split(r"[-_]", (tree.get("lang") or "").strip().lower(), maxsplit=1)[0]
    return primary if _LANGUAGE.match(primary) else None


def _metadata(tree: Any, url: str | None) -> tuple[str | None, str | None, str | None]:
    # Extensive search takes any year in the prose for the date of publication.
    document = extract_metadata(tree, url, extensive=False)
    return _line(document.title), _line(document.author), _line(document.date)


def _line(value: str | None) -> str | None:
    """One clean line, or None where there is nothing to show."""
    if not value:
        return None
    return " ".join(unicodedata.normalize("NFC", value).split()) or None


def _is_index(tree: Any) -> bool:
    words = _words(tree)
    linked = sum(_words(link) for link in tree.iter("a"))
    return linked > MAX_LINKED_SHARE * words and words - linked < INDEX_WORDS


def _words(element: Any) -> int:
    return len(" ".join(element.itertext()).split())


def _sort_tables(tree: Any) -> None:
    """Layout tables become plain blocks; tables of data are left out: no sentences."""
    tables = list(tree.iter("table"))
    layout = [table for table in tables if any(map(_is_layout, table.iterfind(".//td")))]
    for table in layout:
        for part in list(table.iter(*_TABLE_PARTS)):
            if part.tag != "table" or part in layout:
                part.tag = "div"
    for table in tables:
        if table.tag == "table" and table.getparent() is not None:
            table.drop_tree()


def _is_layout(cell: Any) -> bool:
    return _words(cell) >= LAYOUT_CELL_WORDS


def _unwrap_formatting(tree: Any) -> None:
    for span in tree.iter("span"):
        if not span.attrib:
            span.tag = "b"
    etree.strip_tags(tree, *_INLINE)


def _split_preformatted(tree: Any) -> None:
    """Wire copy in one `<pre>`: blank lines part its paragraphs."""
    for pre in list(tree.iter("pre")):
        text = "".join(pre.itertext())
        if len(text.split()) < LAYOUT_CELL_WORDS:
            continue
        tail = pre.tail
        pre.clear()
        pre.tag, pre.tail = "div", tail
        for paragraph in re.split(r"\n[^\S\n]*\n", text):
            etree.SubElement(pre, "p").text = paragraph


def _blocks(tree: Any, url: str | None) -> Iterator[str]:
    """The blocks of the main text in reading order."""
    document = trafilatura.bare_extraction(
        tree,
        url=url,
        include_comments=False,
        include_tables=False,
        include_formatting=False,
        include_links=False,
    )
    if document is None or isinstance(document, dict):
        return
    text = "".join(_with_breaks(document.body))
    yield from re.split(r"\n(?:\s*\n)+|\n(?!\s*[a-z])", text)


def _with_breaks(body: Any) -> Iterator[str]:
    """The text of trafilatura's tree: two newlines between blocks, one for a line break."""
    for event, node in etree.iterwalk(body, events=("start", "end")):
        if event == "start":
            yield "\n" if node.tag == "lb" else "" if node.tag in _RUNS else "\n\n"
            yield _spaced(node.text)
        else:
            yield "" if node.tag in _RUNS or node.tag == "lb" else "\n\n"
            yield _spaced(node.tail)


def _spaced(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""


def _lines(blocks: Iterable[str]) -> list[str]:
    lines = (" ".join(unicodedata.normalize("NFC", block).split()) for block in blocks)
    return [line for line in lines if line]


def _article(lines: list[str]) -> str:
    words = [len(line.split()) for line in lines]
    prose = sum(n for n, line in zip(words, lines, strict=True) if _is_prose(line, n))
    if prose == 0 or prose < MIN_PROSE_SHARE * sum(words):
        raise _no_article()
    return "\n\n".join(lines)


def _is_prose(line: str, words: int) -> bool:
    return words >= PROSE_WORDS or (
        len(line) >= PROSE_CHARACTERS and _SENTENCE_END.search(line) is not None
    )


def _no_article() -> NotAnArticle:
    return NotAnArticle("The page holds no article: no running text was found.", field="html")
