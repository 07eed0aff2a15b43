"""Articles of real text for measuring speed: news-small reads texts, not tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle, islice
from typing import Any, Final

from eval.datasets import BUNDLED
from models.articles import ArticleRecord, read_records
from models.contract import Article, SummaryRequest
from models.errors import InbriefError
from models.loading import DEFAULT_MODEL, WEIGHTS, load

NEWS_SMALL: Final = DEFAULT_MODEL


@lru_cache(maxsize=4)
def articles_of(words: int) -> tuple[str, ...]:
    """Texts of about `words` words: the bundled articles' paragraphs, one after the other."""
    found, parts, count = [], list[str](), 0
    for record in read_records(BUNDLED):
        assert isinstance(record, ArticleRecord)
        for paragraph in record.text.split("\n\n"):
            parts.append(paragraph)
            count += len(paragraph.split())
            if count >= words:
                found.append("\n\n".join(parts))
                parts, count = [], 0
    return tuple(found)


def texts(words: int, batch: int) -> list[str]:
    """The articles of a batch, from the first on and then again."""
    return list(islice(cycle(articles_of(words)), batch))


def lengths(words: int, batch: int, most: int) -> list[int]:
    """Their tokens in news-small's tokenizer, at most `most`.

    A shape has no tokenizer of its own; those of news-small and of BART cut
    English into about as many pieces.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(WEIGHTS / NEWS_SMALL / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [min(most, len(tokenizer.encode(text).ids)) for text in texts(words, batch)]


class NewsEngine:
    """news-small where the benchmark expects an engine: texts in, summaries out."""

    def __init__(self) -> None:
        self._summariser = load(NEWS_SMALL)

    def generate(self, batch: Sequence[str], settings: Any) -> list[str]:
        """Default options; `settings` are for networks that write a number of tokens."""
        requests = [SummaryRequest(Article(text)) for text in batch]
        written = []
        for result in self._summariser.summarise(requests):
            if isinstance(result, InbriefError):
                raise result
            written.append(result.text)
        return written
