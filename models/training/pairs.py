"""Rewriter pairs from summarised articles and from headlines, as JSON lines.

A pair is a source (target sentence, previous sentence, lead) and a derivation
of its reference from the source's words. Highlights are paired with the source
sentence that covers them best (Chen & Bansal 2018); a pair is kept only if its
names and figures are all in the source, if little is written and little
rearranged, so that what the model learns reads well and invents nothing.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from models.copying import Word, find_words
from models.sentences import split
from models.training.alignment import FUNCTION_WORDS, Source, align, fill_notes, runs

MAX_SOURCE_WORDS: Final = 56
MAX_CONTEXT_WORDS: Final = 28
_DATELINE: Final = re.compile(
    r"^[^\n!?()]{0,60}\((?:(?:CNN|Reuters|AP|AFP)\)|[^()]{2,40}\)\s*(?=--|—|–)"
    r"|[^()]{0,30}(?:News|Reporter|Wire|Times|Post)\))\s*(?:--|—|–|:)?\s*"
)
_PARTS: Final = (
    re.compile(r"(?:^|(?<=\s))(?:Watch|See|Read|Hear|Click)\b[^.!?»]{0,120}»\s*\.?"),
    re.compile(r"^(?:Image (?:copyright|caption)|Media caption|FILE PHOTO|Scroll down)\b.*$"),
    re.compile(r"^.{0,30}PUBLISHED:.*$|^.{0,30}UPDATED:.*$|^By \. .*$"),
)
_CLICKBAIT: Final = re.compile(
    r"\b(?:you|your|here's|heres|this is|these are|watch|video|photos|pics|gallery|live|quiz|"
    r"horoscope|updates|things|reasons|ways|how to|what to|why|everything|review|opinion|"
    r"recap|podcast|odds|best|where to|deals)\b",
    re.IGNORECASE,
)
_NOT_A_SENTENCE: Final = re.compile(
    r"^(?:new|exclusive|breaking|read|click|watch|see|scroll|for confidential|transcript|comment|"
    r"follow|use the|this page|do you)\b|[:;|»*]|\.\.\.|--|[—–]|\?$",
    re.IGNORECASE,
)
_VERB: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|must|should|did|does|do|"
    r"says?|said|told|made|took|found|won|lost|beat|got|gave|went|came|left|met|saw|held|set|cut|"
    r"put|hit|let|led|paid|built|bought|sold|began|ran|fell|rose|grew|kept|knew|thought|became|"
    r"wants?|shows?|plans?|faces?|claims?|hopes?|calls?|makes?|takes?|wins?|gets?|goes|comes?|"
    r"leaves?|plays?|lives?|works?|helps?|needs?|gives?|finds?|keeps?|sees?|tells?|sent|spent|"
    r"\w{3,}ed|\w{4,}es|wore|broke|spoke|struck|shot|drove|caught|felt|stood|brought|fought)\b",
    re.IGNORECASE,
)
# Two finite verbs in a row, which putting small words back can cause: "is now has".
_DOUBLE_VERB: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had) (?:\w+ )?(?:is|are|was|were|has|have|had)\b"
)
_CONTENTLESS: Final = FUNCTION_WORDS | frozenset("i you we this these those there".split())


@dataclass(frozen=True, slots=True)
class Pair:
    """`derivation`: places in the words of lead + previous + sentence, or written words."""

    task: str
    lead: str
    previous: str
    sentence: str
    reference: str
    derivation: tuple[int | str, ...]

    def to_json(self) -> str:
        return json.dumps([getattr(self, name) for name in self.__slots__], ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Pair:
        task, lead, previous, sentence, reference, derivation = json.loads(line)
        return cls(task, lead, previous, sentence, reference, tuple(derivation))


def read_jsonl(path: Path) -> Iterator[dict[str, str]]:
    """Objects of a JSON lines file, plain or .xz."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def tidy(sentence: str) -> str:
    """A source sentence without dateline, video lines and captions; may come out empty."""
    for part in _PARTS:
        sentence = part.sub("", sentence)
    sentence = _DATELINE.sub("", sentence, count=1) if "(" in sentence[:70] else sentence
    return " ".join(sentence.split())


def article_sentences(article: str, limit: int = 60) -> list[str]:
    """The tidied sentences of an article, the first `limit` of them."""
    spans = split(article)[:limit]
    return [text for start, end in spans if (text := tidy(article[start:end]))]


def content(keys: Iterable[str]) -> set[str]:
    return {key for key in keys if key not in _CONTENTLESS and any(c.isalnum() for c in key)}


def keys_of(text: str) -> list[str]:
    return [word.key for word in find_words(text)]


def shorten(text: str, limit: int = MAX_CONTEXT_WORDS) -> str:
    """The first `limit` words of a context sentence: names stand early."""
    words = find_words(text)
    return text if len(words) <= limit else text[: words[limit - 1].end]


def summary_candidates(article: str, summary: str) -> Iterator[tuple[str, str, str, str]]:
    """(lead, previous, sentence, reference) for each usable highlight of a summary."""
    sentences = article_sentences(article)
    if len(sentences) < 3:
        return
    bags = [content(keys_of(sentence)) for sentence in sentences]
    for line in summary.splitlines():
        reference = line.strip().removeprefix("NEW: ")
        wanted = content(keys_of(reference))
        if len(wanted) < 3 or _NOT_A_SENTENCE.search(reference) or not _VERB.search(reference):
            continue
        best = max(range(len(sentences)), key=lambda i: (len(wanted & bags[i]), -len(bags[i])))
        if len(wanted & bags[best]) < 0.6 * len(wanted):
            continue
        lead = shorten(sentences[0]) if best > 0 else ""
        previous = shorten(sentences[best - 1]) if best > 1 else ""
        yield lead, previous, sentences[best], reference


def headline_candidates(record: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """(lead, previous, sentence, reference) of a headline record, with or without an article."""
    headline = re.split(r" [|–—-] (?=[^|–—-]{2,30}$)", record["headline"].strip())[0]
    if _CLICKBAIT.search(headline) or re.search(r"[?!|;*()\[\]#@]|\.\.\.|…", headline):
        return
    wanted = content(keys_of(headline))
    if not 3 <= len(wanted) <= 14:
        return
    if "article" in record:
        sentences = article_sentences(record["article"], limit=4)
        if not sentences:
            return
        best = max(
            range(len(sentences)), key=lambda i: len(wanted & content(keys_of(sentences[i])))
        )
        lead = shorten(sentences[0]) if best > 0 else shorten(sentences[1]) if sentences[1:] else ""
        yield lead, "", sentences[best], headline
        return
    spans = split(record["description"])
    if not spans or record["description"].rstrip()[-1:] not in ".!?\"”'’":
        return
    description = tidy(record["description"][slice(*spans[0])])
    lead = tidy((record.get("lead") or "")[:200]).rsplit(" ", 1)[0]
    if lead[:40] == description[:40]:
        lead = ""
    if len(wanted & content(keys_of(lead))) > len(wanted & content(keys_of(description))) + 1:
        yield shorten(description), "", lead, headline
    else:
        yield shorten(lead), "", description, headline


_ATTRIBUTION: Final = re.compile(
    r", (?:according to [^,]{4,60}|(?:[\w.'-]+ ){1,7}(?:said|says|added|told (?:[\w.'-]+ ?){1,4})"
    r"(?: on \w+day| \w+day| in a statement)?)\.$"
)
_BRACKETED: Final = re.compile(r" \([^()]{2,60}\)")
_CONNECTIVE: Final = re.compile(
    r"^(?:However|Meanwhile|But|And|In addition(?! to)|Instead|Still|Also|Yet|So|Then|Of course|"
    r"In fact|For example|Indeed|Now|Moreover|Furthermore|Nevertheless|As a result(?! of)|"
    r"At the time|Earlier|On \w+day|(?:Last|This) (?:week|month|year)),? (?=[A-Za-z])"
)
_AGE: Final = re.compile(r"(?<=[A-Za-z]), \d\d,(?= [a-z])")
_RELATIVE: Final = re.compile(
    r", (?:who|which) [^,;:\"]{8,90},(?= (?:was|is|has|had|said|were|are|will) )"
)


def deletion_candidate(sentence: str) -> str | None:
    """The sentence without what it can safely lose: attribution, brackets, connective, age, aside.

    None if there is nothing of the kind, or if little would be left.
    """
    if '"' in sentence or "“" in sentence or not sentence.endswith("."):
        return None
    shorter = _ATTRIBUTION.sub(".", sentence)
    for pattern in (_BRACKETED, _CONNECTIVE, _AGE, _RELATIVE):
        shorter = pattern.sub("", shorter)
    words = len(shorter.split())
    if shorter == sentence or not 6 <= words <= 30 or words < 0.4 * len(sentence.split()):
        return None
    return shorter[0].upper() + shorter[1:]


def strip_full_stop(words: list[Word]) -> list[Word]:
    """Words without a closing full stop: the end of the sentence says it."""
    return words[:-1] if words and words[-1].text == "." else words


class PairBuilder:
    """Builds pairs from candidates; `written` are the keys that the model may write itself."""

    def __init__(self, written: frozenset[str]) -> None:
        self._written = written
        self.refused: Counter[str] = Counter()

    def build(self, task: str, candidate: tuple[str, str, str, str]) -> Pair | None:
        """The pair, or None with the reason counted in `refused`."""
        lead, previous, sentence, reference = candidate
        context = keys_of(lead) + keys_of(previous)
        words = strip_full_stop(find_words(sentence))
        source = Source((*context, *(word.key for word in words)), len(context))
        wanted = [word.key for word in strip_full_stop(find_words(reference))]
        path = None
        if not 6 <= len(words) <= MAX_SOURCE_WORDS:
            reason: str | None = "source length"
        elif (path := align(wanted, source, self._written)) is None:
            reason = "not derivable"
        else:
            path = fill_notes(path, source) if task == "sentence" else path
            reason = self._fault(task, path, source, len(words))
        if path is None or reason is not None:
            self.refused[str(reason)] += 1
            return None
        return Pair(task, lead, previous, sentence, reference, tuple(path))

    @staticmethod
    def _fault(task: str, path: list[int | str], source: Source, sentence_words: int) -> str | None:
        copied = [step for step in path if isinstance(step, int)]
        written = [step for step in path if isinstance(step, str)]
        in_target = sum(place >= source.target_start for place in copied)
        low, high = (5, 34) if task == "sentence" else (4, 18)
        if not low <= len(path) <= high or len(path) > 1.1 * sentence_words + 1:
            return "reference length"
        if in_target < (0.6 if task == "sentence" else 0.4) * len(path):
            return "mostly from context"
        most_content, most = (1, 4) if task == "sentence" else (3, 6)
        if len(content(written)) > most_content or len(written) > min(most, len(path) / 2):
            return "too much written"
        if runs(path) > 2 + len(path) / (5 if task == "sentence" else 4):
            return "too many runs"
        backward = sum(b < a for a, b in pairwise(copied))
        if backward > (1 if task == "sentence" else 2):
            return "rearranged"
        keys = [source.keys[step] if isinstance(step, int) else step for step in path]
        if keys.count('"') % 2 or keys.count("(") != keys.count(")"):
            return "unbalanced"
        if _breaks_quotation(path, source):
            return "quotation broken"
        if _DOUBLE_VERB.search(" ".join(keys)):
            return "double verb"
        return None


def _breaks_quotation(path: list[int | str], source: Source) -> bool:
    inside, last = False, -2
    for step in path:
        place = step if isinstance(step, int) else -2
        if inside and place != last + 1:
            return True
        if place >= 0 and source.keys[place] == '"':
            inside = not inside
        last = place
    return False
