"""Steps one and two of a summary: an article read into sentences that know where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from models import cleaning, languages, sentences
from models.contract import Article, Span
from models.errors import (
    ArticleTooLong,
    ArticleTooShort,
    EmptyArticle,
    NotAnArticle,
    UnsupportedLanguage,
)
from models.furniture import is_furniture

# Fewer words than this are a headline or a caption: there is nothing to leave out.
MIN_ARTICLE_WORDS: Final = 25

_MAX_HEADING_WORDS: Final = 14
_MAX_BULLET_LABEL_WORDS: Final = 3
_MAX_TITLE_WORDS: Final = 25
# Where headings hold more of the words than this, the article is made of them.
_MAX_HEADING_SHARE: Final = 0.5

# "(CNN) --", "LONDON, England (Reuters) -", "NEW YORK, Nov 12 (AP) —", "WASHINGTON —".
_AGENCY: Final = (
    r"(?:CNN(?:Money|MexICO|GO)?|(?i:reuters)|AP|AFP|UPI|dpa|DPA|PTI|ANI|IANS|Xinhua|TASS|Bloomberg"
    r"|EFE|ANSA|BBC|CBS|NBC|ABC|Mashable|WIRED|EW|[A-Z][\w.]{1,20}\.com)"
)
_DASH: Final = r"(?:--+|[–—―-])"
_DATELINE: Final = re.compile(
    rf"(?:[A-ZÀ-Þ][\w.'’/-]*,?\s+){{0,7}}(?:\d{{1,2}},?\s+)?"
    rf"[(\[]{_AGENCY}[)\]](?:\s*{_DASH}\s*|\s*(?=[A-ZÀ-Þ\d\"“‘'$€£]))"
    rf"|[(\[][A-Z][\w.'’ ]{{1,30}}[)\]]\s*(?:--+|[–—―])\s*"
    rf"|[A-ZÀ-ÞА-Я]{{2,}}[A-ZÀ-ÞА-Я.'’/ -]{{1,40}}(?:,\s+[A-ZА-Я][\w.]{{1,14}}(?:\s\d{{1,2}})?)?"
    rf"\.?\s+(?:--+|[–—―]|/[\w -]{{2,20}}/\.?)\s+(?=[A-ZÀ-ÞА-Я\d\"“‘])"
)
# Further down only an agency in brackets is a dateline.
_LATER_DATELINE: Final = re.compile(rf"[(\[]{_AGENCY}[)\]]\s*(?:{_DASH}\s*)?(?=[A-Z\"“])")
# What a line or sentence may begin with that is not part of what it says.
_LABEL: Final = re.compile(
    r"(?:[•·▪‣►▶→*●○◦■□–—-]\s+|[•·▪‣►▶→●○◦■□]\s*"
    r"|[(\[]?(?:\d{1,3}|[ivx]{1,4}|[a-z])[.)\]]\s+(?=\S)"
    r"|(?:Q|A|Question|Answer)\s?[:.]\s+"
    r"|\[?(?:[01]?\d|2[0-3])[:.][0-5]\d(?::[0-5]\d)?(?:\s?[ap]\.?m\.?)?"
    r"(?:\s+(?:[ECMP][SD]?T|GMT|BST|UTC|CES?T))?\]?\s*(?:[-–—:|]\s*|(?=[A-ZÀ-Þ\"“‘]))"
    r"|#{1,6}\s+)"
)
_NOTE: Final = re.compile(
    r"(?:Editor['’]s note\b|FILE [-–—] |(?:The )?(?:opinions|views) expressed (?:in|here|are)\b"
    r"|(?:Additional )?[Rr]eporting by\b|Writing by\b|Edit(?:ed|ing) by\b|Copyright \d{4}\b"
    r"|This (?:article|story) (?:was|has been) (?:originally |first )?"
    r"(?:published|updated|corrected)\b"
    r"|(?:The )?Associated Press (?:writers?|reporters?)\b.*\bcontributed to this\b"
    r"|[^.]{0,120}\bcontributed to this (?:report|story|article)\b"
    r"|All rights reserved\b|This material may not be published\b"
    r"|(?:Please )?(?:sign up|subscribe|click here)\b"
    r"|For (?:confidential )?(?:help|support)[^.]{0,40} call\b)"
)
# Longer cells, on average, are the pauses of a text without punctuation.
_MAX_CELL_WORDS: Final = 12
_CELL: Final = re.compile(r"\t+| {2,}|\s*\|\s*")
_NUMERIC: Final = re.compile(r"[\d.,:;%+/–-]*\d[\d.,:;%+/–-]*[a-z%]?|[-–|]")
_LINK: Final = re.compile(r"[(\[<]*(?:https?://|www\.)\S+")
# Text that was meant to be sent as a page: it begins with the tag of a block.
_PAGE: Final = re.compile(
    r"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|(?:html|head|body|main|article|section|header|div|p|"
    r"h[1-6]|figure|ul|ol|table)(?:\s[^<>]*)?)>",
    re.IGNORECASE | re.DOTALL,
)
# Han, kana, Thai, Lao, Khmer and Burmese are written without spaces between words.
UNSPACED_LANGUAGES: Final = frozenset({"ja", "km", "lo", "my", "th", "zh"})
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_ENDS: Final = re.compile(r"""[.!?…؟۔।॥։።။。！？｡]["'”’»›)\]}」』）】]*$""")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in its visible form, and where it stands in the text the caller sent."""

    text: str
    span: Span
    paragraph: int
    index: int


@dataclass(frozen=True, slots=True)
class Document:
    """An article as every later step sees it.

    `source` is the text the caller sent, `text` its visible form without page furniture.
    `asides` are headings, captions, table rows and editors' notes: part of what the article
    states, but nothing a summary is written from. `title` is the caller's, else the headline
    found on the first line. `source_words` counts the words of sentences and asides.
    """

    source: str
    text: str
    title: str | None
    language: str
    sentences: tuple[Sentence, ...]
    asides: tuple[Sentence, ...]
    source_words: int


def read(article: Article, *, max_characters: int | None = None) -> Document:
    """Clean the article, split it into sentences and name its language.

    Raises ArticleTooLong past `max_characters`, EmptyArticle where nothing visible is left,
    NotAnArticle for tables and lists of numbers or links, ArticleTooShort below
    `MIN_ARTICLE_WORDS`.
    """
    if max_characters is not None and len(article.text) > max_characters:
        raise ArticleTooLong(
            f"the text has {len(article.text)} characters; at most {max_characters} characters "
            "are read",
            field="text",
            limit=max_characters,
        )
    cleaned = cleaning.clean(article.text)
    found = _find(cleaned)
    title, found = _headline(article.title, found)
    body, asides = _divide(found)
    _check(article.text, body, asides)
    language = (
        _named_language(article.language)
        if article.language
        else languages.detect(" ".join(sentence.text for sentence in body[:60]))
    )
    return Document(
        source=article.text,
        text=cleaned.text,
        title=title,
        language=language,
        sentences=_numbered(body),
        asides=_numbered(asides),
        source_words=sum(count_words(item.text) for item in (*body, *asides)),
    )


Part = Literal["sentence", "heading", "row", "note"]


@dataclass(frozen=True, slots=True)
class _Found:
    """A sentence on its way: where it stands in the caller's text, and what it is."""

    text: str
    span: Span
    paragraph: int
    part: Part


def _named_language(tag: str) -> str:
    try:
        return languages.normalise(tag)
    except ValueError as error:
        raise UnsupportedLanguage(
            "language must be a BCP 47 tag such as en or pt-BR", field="language"
        ) from error


def _numbered(found: list[_Found]) -> tuple[Sentence, ...]:
    return tuple(
        Sentence(item.text, item.span, item.paragraph, index) for index, item in enumerate(found)
    )


def _find(cleaned: cleaning.CleanText) -> list[_Found]:
    text = cleaned.text
    found: list[_Found] = []
    ends = [end for _, end in sentences.paragraphs(text)]
    spans = sentences.split(text, uncased=text.islower())
    paragraph = 0
    for number, (start, end) in enumerate(spans):
        begins = number == 0 or start >= ends[paragraph]
        while start >= ends[paragraph]:
            paragraph += 1
        alone = begins and (number + 1 == len(spans) or spans[number + 1][0] >= ends[paragraph])
        if is_furniture(text[start:end]):
            continue
        part = _part_of(text[start:end], alone=alone)
        if part == "sentence":
            start = _after_labels(text, start, end, first=not found)
        visible = " ".join(text[start:end].split())
        found.append(_Found(visible, cleaned.span(start, end), paragraph, part))
    return found


def _part_of(raw: str, *, alone: bool) -> Part:
    """What a piece of text between two boundaries is; `alone`: it is a paragraph of its own."""
    if _NOTE.match(raw):
        return "note"
    if not any(character.isalpha() for character in raw):
        return "row"
    if _ENDS.search(raw):
        return "sentence"
    cells, tokens = [cell for cell in _CELL.split(raw.strip("| ")) if cell], raw.split()
    narrow = len(tokens) <= _MAX_CELL_WORDS * len(cells)
    if narrow and (len(cells) >= 3 or (len(cells) == 2 and ("\t" in raw or "|" in raw))):
        return "row"
    if len(tokens) >= 3 and sum(map(_is_numeric, tokens)) * 2 >= len(tokens):
        return "row"
    longest = _MAX_BULLET_LABEL_WORDS if _LABEL.match(raw) else _MAX_HEADING_WORDS
    return "heading" if alone and count_words(raw) <= longest else "sentence"


def _is_numeric(token: str) -> bool:
    return bool(_NUMERIC.fullmatch(token))


def _after_labels(text: str, start: int, end: int, *, first: bool) -> int:
    """Where the sentence itself begins, behind bullets, time stamps and a dateline."""
    for pattern in (_LABEL, _LABEL, _DATELINE if first else _LATER_DATELINE):
        match = pattern.match(text, start, end)
        if match and any(character.isalpha() for character in text[match.end() : end]):
            start = match.end()
    return start


def _headline(title: str | None, found: list[_Found]) -> tuple[str | None, list[_Found]]:
    """The title, and what follows it where the text has it on its first line."""
    title = (" ".join(cleaning.visible(title).text.split()) or None) if title else None
    if not found:
        return title, found
    first = found[0]
    if title:
        return title, found[1:] if _bare(first.text) == _bare(title) else found
    alone = len(found) > 1 and found[1].paragraph != first.paragraph
    followed = any(other.part == "sentence" and _ENDS.search(other.text) for other in found[1:6])
    short = first.part in {"heading", "sentence"} and count_words(first.text) <= _MAX_TITLE_WORDS
    if alone and followed and short and not _ENDS.search(first.text):
        return first.text, found[1:]
    return None, found


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _divide(found: list[_Found]) -> tuple[list[_Found], list[_Found]]:
    """Sentences and asides; headings count as sentences where the article is made of them."""
    words = dict.fromkeys(get_args(Part), 0)
    for item in found:
        words[item.part] += count_words(item.text)
    body = {"sentence"}
    if words["heading"] > _MAX_HEADING_SHARE * (words["sentence"] + words["heading"]):
        body = {"sentence", "heading"}
    return (
        [item for item in found if item.part in body],
        [item for item in found if item.part not in body],
    )


def _check(source: str, body: list[_Found], asides: list[_Found]) -> None:
    """Raise for what is no article, in the words of the person who sent it."""
    if not body and not asides:
        raise EmptyArticle(
            "the text holds nothing to read" if source.strip() else "the text is empty",
            field="text",
        )
    if _PAGE.match(source):
        raise NotAnArticle(
            "the text is HTML; send it as html, or the text of the article alone", field="text"
        )
    rows = sum(len(item.text) for item in asides if item.part == "row")
    if rows > sum(len(item.text) for item in body):
        raise NotAnArticle("the text is a table or a list of numbers, not an article", field="text")
    words = sum(count_words(item.text) for item in body)
    links = sum(map(bool, map(_LINK.match, " ".join(item.text for item in body).split())))
    if links * 2 > words:
        raise NotAnArticle("the text is a list of links, not an article", field="text")
    if words < MIN_ARTICLE_WORDS:
        raise ArticleTooShort(
            f"the article has {words} words; the shortest that can be summarised has "
            f"{MIN_ARTICLE_WORDS} words",
            field="text",
            limit=MIN_ARTICLE_WORDS,
        )


def count_words(text: str) -> int:
    """Words between spaces; two characters a word in the scripts that write none."""
    return len(text.split()) + len(_UNSPACED.findall(text)) // 2
