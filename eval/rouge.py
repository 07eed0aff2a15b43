"""ROUGE: the only implementation in this repository (Lin 2004).

Equal to rouge-score 0.1.2 to the last digit, and many times faster: the
longest common subsequence is bit-parallel (Hyyrö 2004, "Bit-parallel LCS-length
computation revisited") and each text is tokenised once. rouge-score breaks
ties between several longest common subsequences by its own backtracking, and
the union over sentences depends on it, so the backtracking is the same here.

`rougeL` is the sentence-level score of the whole text as one sequence;
`rougeLsum` is the summary-level score that papers print as ROUGE-L.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from eval.tokens import TokenizerName, ascii_tokenizer, require_ascii, unicode_tokenize
from models.errors import EvaluationError

VARIANTS: Final = ("rouge1", "rouge2", "rougeL", "rougeLsum")
T = TypeVar("T", bound=Hashable)
# What the scores equal; part of every signature.
REFERENCE_IMPLEMENTATION: Final = "rouge-score 0.1.2"


class Score(NamedTuple):
    """Precision, recall and their harmonic mean, each from 0 to 1."""

    precision: float
    recall: float
    fmeasure: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """A tokenised text: its sentences' tokens, all tokens, and n-gram counts."""

    sentences: tuple[tuple[str, ...], ...]
    tokens: tuple[str, ...]
    unigrams: Counter[str]
    bigrams: Counter[tuple[str, str]]


class Rouge:
    """Scores texts whose sentences stand one a line."""

    def __init__(self, *, stemmer: bool = True, tokenizer: TokenizerName = "ascii") -> None:
        if tokenizer not in ("ascii", "unicode"):
            raise EvaluationError(f"Unknown tokenizer {tokenizer!r}; known are ascii and unicode.")
        self.stemmer = stemmer and tokenizer == "ascii"
        self.tokenizer = tokenizer
        self._tokenize = (
            ascii_tokenizer(stemmer=stemmer) if tokenizer == "ascii" else unicode_tokenize
        )

    @property
    def signature(self) -> dict[str, object]:
        """What another must know to get the same scores."""
        return {
            "implementation": f"inbrief, equal to {REFERENCE_IMPLEMENTATION}"
            if self.tokenizer == "ascii"
            else "inbrief",
            "stemmer": "porter" if self.stemmer else "none",
            "tokenizer": self.tokenizer,
            "case": "lower" if self.tokenizer == "ascii" else "folded",
            "references": "best F of each variant",
        }

    def prepare(self, text: str, what: str | None = "A text") -> Prepared:
        """Tokenise; `what` names the text in the error, and None lets every text pass.

        Raises:
            EvaluationError: the ASCII tokenizer would drop most of the text's letters.
        """
        if self.tokenizer == "ascii" and what is not None:
            require_ascii(text, what)
        lines = (line for line in text.split("\n") if line)
        sentences = tuple(tuple(self._tokenize(line)) for line in lines)
        tokens = tuple(token for sentence in sentences for token in sentence)
        return Prepared(sentences, tokens, Counter(tokens), Counter(pairwise(tokens)))

    def score(self, references: Sequence[Prepared], prediction: Prepared) -> dict[str, Score]:
        """Each variant against its best reference, the first of equals.

        Raises:
            EvaluationError: no reference.
        """
        if not references:
            raise EvaluationError("ROUGE needs at least one reference.")
        return {
            "rouge1": _best(score_counts(one.unigrams, prediction.unigrams) for one in references),
            "rouge2": _best(score_counts(one.bigrams, prediction.bigrams) for one in references),
            "rougeL": _best(score_sequence(one.tokens, prediction.tokens) for one in references),
            "rougeLsum": _best(
                score_summary(one.sentences, prediction.sentences) for one in references
            ),
        }

    def score_texts(self, references: Sequence[str], prediction: str) -> dict[str, Score]:
        """The same for plain texts, sentences one a line."""
        prepared = [self.prepare(one, "A reference") for one in references]
        return self.score(prepared, self.prepare(prediction, "A summary"))


def _best(scores: Iterable[Score]) -> Score:
    # max() keeps the first of equals, as rouge-score's argmax does.
    return max(scores, key=lambda score: score.fmeasure)


def _score(hits: int, reference_length: int, prediction_length: int) -> Score:
    precision = hits / max(prediction_length, 1)
    recall = hits / max(reference_length, 1)
    if precision + recall > 0:
        return Score(precision, recall, 2 * precision * recall / (precision + recall))
    return Score(precision, recall, 0.0)


def score_counts(reference: Counter[T], prediction: Counter[T]) -> Score:
    """ROUGE-N from n-gram counts."""
    hits = 0
    for gram, count in prediction.items():
        if other := reference.get(gram):
            hits += min(count, other)
    return _score(hits, reference.total(), prediction.total())


def score_sequence(reference: Sequence[str], prediction: Sequence[str]) -> Score:
    """ROUGE-L: the longest common subsequence of the whole texts."""
    if not reference or not prediction:
        return Score(0.0, 0.0, 0.0)
    rows = _matched_rows(reference, _positions(prediction), len(prediction))
    return _score(rows[-1].bit_count(), len(reference), len(prediction))


def score_summary(reference: Sequence[Sequence[str]], prediction: Sequence[Sequence[str]]) -> Score:
    """ROUGE-Lsum: for each reference sentence the union of its LCS with every sentence."""
    reference_length = sum(map(len, reference))
    prediction_length = sum(map(len, prediction))
    if not reference_length or not prediction_length:
        return Score(0.0, 0.0, 0.0)
    left_in_reference = Counter(token for sentence in reference for token in sentence)
    left_in_prediction = Counter(token for sentence in prediction for token in sentence)
    positions = [_positions(sentence) for sentence in prediction]
    hits = 0
    for sentence in reference:
        union: set[int] = set()
        for index, candidate in enumerate(prediction):
            if not positions[index].keys().isdisjoint(sentence):
                union.update(_common_indices(sentence, candidate, positions[index]))
        # A token counts at most as often as it stands in either text, as in ROUGE-1.5.5.
        for position in union:
            token = sentence[position]
            if left_in_prediction[token] > 0 and left_in_reference[token] > 0:
                hits += 1
                left_in_prediction[token] -= 1
                left_in_reference[token] -= 1
    return _score(hits, reference_length, prediction_length)


def _positions(tokens: Sequence[str]) -> dict[str, int]:
    """For each token the bit set of its places."""
    places: dict[str, int] = {}
    bit = 1
    for token in tokens:
        places[token] = places.get(token, 0) | bit
        bit <<= 1
    return places


def _matched_rows(reference: Sequence[str], positions: dict[str, int], length: int) -> list[int]:
    """Row i of the LCS table as bits: bit j-1 is set where t[i][j] > t[i][j-1]. i from 0."""
    full = (1 << length) - 1
    open_bits = full
    rows = [0]
    for token in reference:
        matching = open_bits & positions.get(token, 0)
        if matching:
            open_bits = ((open_bits + matching) | (open_bits - matching)) & full
        rows.append(full ^ open_bits)
    return rows


def _common_indices(
    reference: Sequence[str], candidate: Sequence[str], positions: dict[str, int]
) -> list[int]:
    """Indices into the reference of one longest common subsequence, rouge-score's choice."""
    rows = _matched_rows(reference, positions, len(candidate))
    i, j = len(reference), len(candidate)
    indices = []
    while i > 0 and j > 0:
        if reference[i - 1] == candidate[j - 1]:
            i -= 1
            j -= 1
            indices.append(i)
        # t[i][j-1] > t[i-1][j], with t[i][j] the number of bits below j in row i
        elif (rows[i] & ((1 << (j - 1)) - 1)).bit_count() > (
            rows[i - 1] & ((1 << j) - 1)
        ).bit_count():
            j -= 1
        else:
            i -= 1
    return indices
