"""What a summary is: the types that `service`, `eval` and every model share.

Frozen values only; nothing heavy is imported here, so that code which only
talks about summaries never pays for torch.

Offsets are Unicode code points of the text the caller sent, `start`
inclusive and `end` exclusive, so that `article.text[start:end]` is the span.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args, runtime_checkable

from models.errors import InbriefError

Kind = Literal["key-points", "tldr", "teaser", "headline"]
Length = Literal["short", "medium", "long"]
Format = Literal["plain", "markdown"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LENGTHS: Final[tuple[Length, ...]] = get_args(Length)

# The limits of Chrome's built-in Summarizer API, whose names these are.
MAX_POINTS: Final[dict[Length, int]] = {"short": 3, "medium": 5, "long": 7}
MAX_HEADLINE_WORDS: Final[dict[Length, int]] = {"short": 12, "medium": 17, "long": 22}


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points in the text the caller sent."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Article:
    """What is summarised. `language` is a BCP 47 primary tag; None means: detect it."""

    text: str
    title: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """What the caller wants.

    `max_words` overrides the length and is a hard bound. `strict` keeps only
    supported sentences.
    """

    kind: Kind = "key-points"
    length: Length = "short"
    max_words: int | None = None
    format: Format = "plain"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """One article with its own options; a batch may mix them."""

    article: Article
    options: SummaryOptions = SummaryOptions()


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """One sentence of a summary and the places in the article it comes from.

    `evidence` holds one to three spans, best first. `unsupported` lists the
    names, numbers, dates or quotations that the article does not hold; it is
    empty when `supported` is true.
    """

    text: str
    evidence: tuple[Span, ...]
    supported: bool = True
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the article was read: sentence counts, and the indices written from."""

    source_sentences: int
    read_sentences: int
    selected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a loaded model is and can do; the reproducibility stamp of its summaries.

    `revision` is a digest of the weights and configuration. `languages` are
    BCP 47 primary tags; empty means that the model does not say, and any
    language is let through. `max_input_tokens` is the encoder's window (None:
    no bound). `choice` says in a sentence why this engine runs it.
    """

    name: str
    revision: str
    engine: str
    precision: str
    device: str
    kinds: tuple[Kind, ...]
    lengths: tuple[Length, ...]
    languages: tuple[str, ...]
    max_input_tokens: int | None
    parameters: int
    size_bytes: int
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished summary.

    `text` is the sentences joined in the asked format: a paragraph, or one
    point a line. `truncated` is true when some sentence of the article was
    not read by the model at all; `coverage` says how many.
    """

    text: str
    sentences: tuple[SummarySentence, ...]
    kind: Kind
    length: Length
    language: str
    words: int
    source_words: int
    truncated: bool
    coverage: Coverage
    model: ModelInfo


# Called as sentences are verified: index of the request in the batch, sentence. An article's
# sentences come in order; those of several may come from several threads.
OnSentence = Callable[[int, SummarySentence], None]


class Summariser(Protocol):
    """The one seam between what makes summaries and what asks for them.

    `summarise` answers every request of a batch with its own summary or its
    own error, in order, and raises nothing for a bad article: a batch never
    fails for one of its members. The result for an article does not depend
    on its batch. Calls come from one thread at a time.
    """

    @property
    def info(self) -> ModelInfo: ...

    def estimate_tokens(self, request: SummaryRequest) -> int:
        """Cost of a request in encoder tokens, cheap and roughly right; for batching."""
        ...

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]: ...


@runtime_checkable
class Preparing(Protocol):
    """A summariser that can do a part of the work for a request before its batch runs."""

    def prepare(self, request: SummaryRequest) -> SummaryRequest:
        """What `summarise` takes in the place of `request`, and answers in the same way.

        May be called from another thread than `summarise`, and while that
        runs. Raises the InbriefError that `summarise` would answer with.
        """
        ...
