"""The metrics by name: what each is called, which way is better, what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """`scale` multiplies the stored value for people: shares and ROUGE are shown from 0 to 100."""

    name: str
    label: str
    better: Literal["higher", "lower", "neither"]
    scale: float
    description: str


def _rouge() -> list[Metric]:
    labels = {
        "rouge1": "ROUGE-1",
        "rouge2": "ROUGE-2",
        "rougeL": "ROUGE-L",
        "rougeLsum": "ROUGE-Lsum",
    }
    meanings = {
        "rouge1": "words shared with the reference",
        "rouge2": "pairs of words shared with the reference",
        "rougeL": "longest common subsequence of the whole texts",
        "rougeLsum": "longest common subsequences by sentence, as papers print it",
    }
    parts = {"fmeasure": ("F", "harmonic mean of"), "precision": ("P", ""), "recall": ("R", "")}
    found = []
    for part, (letter, _) in parts.items():
        for name, label in labels.items():
            what = "F1 of" if letter == "F" else part + " of"
            found.append(
                Metric(
                    f"{name}_{part}", f"{label} {letter}", "higher", 100, f"{what} {meanings[name]}"
                )
            )
    return found


_METRICS: Final = (
    *_rouge(),
    Metric(
        "supported",
        "supported",
        "higher",
        100,
        "sentences whose names, numbers and quotations are all in the article",
    ),
    Metric(
        "faithful", "all supported", "higher", 100, "summaries without any unsupported sentence"
    ),
    Metric(
        "unsupported_items",
        "unsupported items",
        "lower",
        1,
        "names, numbers and quotations not in the article, a summary",
    ),
    Metric("support", "support", "higher", 100, "wording found in the article, by degree"),
    Metric(
        "numbers_supported",
        "numbers supported",
        "higher",
        100,
        "numbers and dates found in the article, where a summary has any",
    ),
    Metric(
        "quotations_supported",
        "quotations supported",
        "higher",
        100,
        "quotations found in the article word for word, where a summary has any",
    ),
    Metric(
        "unsupported_names",
        "unsupported names",
        "lower",
        1,
        "names that are not in the article, a summary",
    ),
    Metric(
        "coverage",
        "coverage",
        "neither",
        100,
        "summary words inside a fragment copied from the article",
    ),
    Metric("density", "density", "neither", 1, "mean squared length of copied fragments, a word"),
    Metric("compression", "compression", "neither", 1, "article words for each summary word"),
    Metric("longest_copy", "longest copy", "neither", 1, "words of the longest copied fragment"),
    Metric("novel_1", "novel words", "neither", 100, "different words that are not in the article"),
    Metric(
        "novel_2",
        "novel 2-grams",
        "neither",
        100,
        "different pairs of words that are not in the article",
    ),
    Metric(
        "novel_3",
        "novel 3-grams",
        "neither",
        100,
        "different triples of words that are not in the article",
    ),
    Metric(
        "novel_4",
        "novel 4-grams",
        "neither",
        100,
        "different runs of four words that are not in the article",
    ),
    Metric("repetition", "repetition", "lower", 100, "trigrams that stood in the summary before"),
    Metric("words", "words", "neither", 1, "words a summary, split at white space"),
    Metric("sentences", "sentences", "neither", 1, "sentences a summary"),
    Metric(
        "complete",
        "complete sentences",
        "higher",
        100,
        "sentences with a capital or digit first and a full stop or its kin last",
    ),
    Metric(
        "position",
        "mean position",
        "neither",
        100,
        "where in the article the summary comes from; 0 first, 100 last sentence",
    ),
    Metric(
        "lead_share",
        "from the lead",
        "neither",
        100,
        "summary sentences that stand on the article's first three",
    ),
    Metric(
        "similarity",
        "similarity",
        "higher",
        100,
        "cosine of sentence embeddings of summary and closest reference",
    ),
    Metric("empty", "empty", "lower", 100, "answered articles whose summary holds no word"),
    Metric("refused", "refused", "lower", 100, "articles that the system did not answer"),
)

METRICS: Final[dict[str, Metric]] = {one.name: one for one in _METRICS}
# The columns of the headline table, in order, where they were scored.
HEADLINE: Final = (
    "rouge1_fmeasure",
    "rouge2_fmeasure",
    "rougeLsum_fmeasure",
    "similarity",
    "supported",
    "words",
    "complete",
    "empty",
    "refused",
)
# What differences between systems are tested on, unless told otherwise.
TESTED: Final = ("rouge1_fmeasure", "rouge2_fmeasure", "rougeLsum_fmeasure", "supported")
