"""Articles made to lead a summariser astray, and what its summary must and must not say.

Each file of `articles/` holds one article (`paragraphs` or `html`) with what is
expected of every summary of it:

- `language`: what it is recognised as;
- `mentions`: at least one of these stands in the summary;
- `never`: regular expressions that match nowhere in it;
- `pairs`: where a sentence matches the first expression it also matches the second;
- `needs_selection`: a baseline, which selects nothing, need not mention it;
- `unpunctuated`: its sentences need not end in a mark, since the article's do not;
- `error`: it is refused with this error instead; `or_error`: it may be.

`faults` checks these and what holds for every summary of every article. Run over a model:

    python -m tests.adversarial.cases news-small
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from models import loading
from models.contract import (
    MAX_HEADLINE_WORDS,
    MAX_POINTS,
    Article,
    Summariser,
    Summary,
    SummaryOptions,
    SummaryRequest,
)
from models.errors import InbriefError
from service.extraction import extract

ARTICLES: Final = Path(__file__).parent / "articles"
OPTIONS: Final = (
    SummaryOptions(kind="key-points", length="short"),
    SummaryOptions(kind="key-points", length="long", format="markdown"),
    SummaryOptions(kind="tldr", length="short"),
    SummaryOptions(kind="tldr", length="long"),
    SummaryOptions(kind="tldr", length="medium", max_words=40),
    SummaryOptions(kind="teaser", length="medium"),
    SummaryOptions(kind="headline", length="medium"),
)

_INVISIBLE: Final = re.compile(
    "[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x09\x0b-\x1f]"
)
_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'”’»“)\]]*$")
_FACT: Final = re.compile(r"\d[\d.,:]*\d|\d|\b[A-ZÀ-ÞА-Я][\w'’-]+")


@dataclass(frozen=True, slots=True)
class Case:
    """One article and what is expected of its summaries."""

    name: str
    why: str
    text: str
    title: str | None
    html: str | None
    language: str | None = None
    mentions: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    needs_selection: bool = False
    unpunctuated: bool = False
    error: str | None = None
    or_error: tuple[str, ...] = field(default=())


def read_cases() -> list[Case]:
    """Every case, by name."""
    return [_read(path) for path in sorted(ARTICLES.glob("*.json"))]


def _read(path: Path) -> Case:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    expect: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record["expect"].items()
    }
    return Case(
        name=path.stem,
        why=record["why"],
        text="\n\n".join(record.get("paragraphs", ())),
        title=record.get("title"),
        html=record.get("html"),
        **expect,
    )


def summarise(summariser: Summariser, case: Case, options: SummaryOptions) -> Any:
    """The source text, and the summary or the error that the article gets."""
    text, title = case.text, case.title
    if case.html is not None:
        try:
            page = extract(case.html)
        except InbriefError as error:
            return text, error
        text, title = page.text, page.title
    return text, summariser.summarise([SummaryRequest(Article(text, title=title), options)])[0]


def faults(summariser: Summariser, case: Case, options: SummaryOptions) -> list[str]:
    """What is wrong with a summariser's answer to a case; empty when nothing is."""
    text, result = summarise(summariser, case, options)
    if isinstance(result, InbriefError):
        names = {cls.__name__ for cls in type(result).__mro__}
        allowed = {case.error, *case.or_error}
        if options.max_words is not None:  # no whole sentence may be that short
            allowed.add("InputError") if case.error is None else None
        return [] if names & allowed else [f"refused: {type(result).__name__}: {result.message}"]
    if case.error is not None:
        return [f"not refused with {case.error}: {result.text!r}"]
    return [*_expected(case, result), *_always(case, text, options, result)]


def _expected(case: Case, summary: Summary) -> list[str]:
    found = []
    if case.language is not None and summary.language != case.language:
        found.append(f"language {summary.language} instead of {case.language}")
    exempt = summary.kind == "headline" or (
        case.needs_selection and summary.model.engine == "baseline"
    )
    if not exempt and not any(word in summary.text for word in case.mentions):
        found.append(f"mentions none of {', '.join(case.mentions)}: {summary.text!r}")
    for pattern in case.never:
        found += [f"says {match[0]!r}" for match in re.finditer(pattern, summary.text, re.M)]
    for sentence in summary.sentences:
        for given, needed in case.pairs:
            if re.search(given, sentence.text) and not re.search(needed, sentence.text):
                found.append(f"{given!r} without {needed!r}: {sentence.text!r}")
    return found


def _always(case: Case, text: str, options: SummaryOptions, summary: Summary) -> list[str]:
    found = []
    if not summary.sentences:
        return ["says nothing"]
    texts = [sentence.text for sentence in summary.sentences]
    if len(set(texts)) != len(texts):
        found.append("repeats a sentence")
    if match := _INVISIBLE.search(summary.text):
        found.append(f"holds the character {match[0]!r}")
    found += _length_faults(options, summary)
    for sentence in summary.sentences:
        ended = _SENTENCE_END.search(_without_symbols(sentence.text)) is not None
        if not (ended or case.unpunctuated or options.kind == "headline"):
            found.append(f"not a whole sentence: {sentence.text!r}")
        for span in sentence.evidence:
            if (
                not 0 <= span.start < span.end <= len(text)
                or not text[span.start : span.end].strip()
            ):
                found.append(f"evidence {span} of a text of {len(text)} characters")
        if not 1 <= len(sentence.evidence) <= 3:
            found.append(f"{len(sentence.evidence)} spans of evidence: {sentence.text!r}")
        if sentence.supported:
            found += [
                f"{fact!r} is not in the article" for fact in _invented(sentence.text, text, case)
            ]
    return found


def _length_faults(options: SummaryOptions, summary: Summary) -> list[str]:
    found = []
    words = sum(len(sentence.text.split()) for sentence in summary.sentences)
    if summary.words != words:
        found.append(f"counts {summary.words} words where there are {words}")
    if options.max_words is not None and words > options.max_words:
        found.append(f"{words} words, over max_words")
    if options.kind == "key-points" and len(summary.sentences) > MAX_POINTS[options.length]:
        found.append(f"{len(summary.sentences)} points")
    if options.kind == "headline" and words > MAX_HEADLINE_WORDS[options.length]:
        found.append(f"a headline of {words} words")
    return found


def _invented(sentence: str, text: str, case: Case) -> list[str]:
    """Numbers and capitalised words of a sentence that the article (or title) does not hold."""
    source = _plain(f"{case.title or ''} {text}")
    facts = _FACT.findall(_plain(sentence, fold=False))
    return [
        fact for fact in facts if fact.rstrip(".,:").casefold().removesuffix("'s") not in source
    ]


def _plain(text: str, *, fold: bool = True) -> str:
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).replace("’", "'")
    return text.casefold() if fold else text


def _without_symbols(text: str) -> str:
    """Text without emoji and the like at its end, which may follow the full stop."""
    while text and (unicodedata.category(text[-1]) in ("So", "Sk", "Mn", "Cf") or text[-1] == " "):
        text = text[:-1]
    return text


def main() -> None:
    summariser = loading.load(sys.argv[1])
    cases = read_cases()
    bad = 0
    for case in cases:
        for options in OPTIONS:
            if options.kind not in summariser.info.kinds:
                continue
            found = faults(summariser, case, options)
            bad += bool(found)
            for fault in found:
                print(f"{case.name} [{options.kind} {options.length}]: {fault}")  # noqa: T201
    print(f"{len(cases)} articles, {bad} summaries with faults")  # noqa: T201


if __name__ == "__main__":
    main()
