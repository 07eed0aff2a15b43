"""Systems that copy sentences: the first, random ones, the graph methods, the oracle.

All of them see the article through `models.documents`, so that sentence
boundaries and page furniture are the same for every system.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zlib import crc32

from eval.datasets import Example
from eval.predictions import Prediction
from eval.rouge import Prepared, Rouge
from eval.systems import refusal
from eval.tokens import TokenizerName
from models import documents
from models.contract import Article, SummarySentence
from models.errors import InbriefError, MissingDependency

# Chooses indices of sentences of the document; any order.
Choose = Callable[[documents.Document, Example], Sequence[int]]

SUMY: Final = {
    "textrank": ("sumy.summarizers.text_rank", "TextRankSummarizer"),
    "lexrank": ("sumy.summarizers.lex_rank", "LexRankSummarizer"),
    "lsa": ("sumy.summarizers.lsa", "LsaSummarizer"),
}
_RANDOM_SEED: Final = "20040725"
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Extractive:
    """Sentences that `choose` names, in the order of the article."""

    batch_size: int | None = 1
    timed = True

    def __init__(self, name: str, choose: Choose, signature: Mapping[str, object]) -> None:
        self.name = name
        self.signature: Mapping[str, object] = {"documents": "inbrief", **signature}
        self._choose = choose

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        return [self._summarise_one(one) for one in examples]

    def _summarise_one(self, example: Example) -> Prediction:
        try:
            document = documents.read(Article(example.text, example.title))
        except InbriefError as error:
            return refusal(example, error)
        chosen = [document.sentences[index] for index in sorted(self._choose(document, example))]
        return Prediction(
            id=example.id,
            article_digest=example.digest,
            summary="\n".join(one.text for one in chosen),
            sentences=tuple(SummarySentence(one.text, (one.span,)) for one in chosen),
        )


def lead(k: int) -> Extractive:
    """The first k sentences."""
    return Extractive(f"lead-{k}", lambda document, _: range(min(k, len(document.sentences))), {})


def at_random(k: int) -> Extractive:
    """k sentences at random, the same for the same article."""

    def choose(document: documents.Document, example: Example) -> Sequence[int]:
        generator = random.Random(_RANDOM_SEED + example.digest)
        count = len(document.sentences)
        return generator.sample(range(count), min(k, count))

    return Extractive(f"random-{k}", choose, {"seed": _RANDOM_SEED})


def oracle(k: int, tokenizer: TokenizerName = "ascii") -> Extractive:
    """The greedy oracle: an upper bound for extraction, which reads the reference.

    Adds the sentence that raises the mean of ROUGE-1 and ROUGE-2 F most,
    until none does or there are k (Nallapati et al. 2017; Liu & Lapata 2019).
    `tokenizer` is the one that will score.
    """
    rouge = Rouge(tokenizer=tokenizer)

    def choose(document: documents.Document, example: Example) -> Sequence[int]:
        # One sentence in another script is no reason to refuse the article:
        # it has no token and is not chosen. The reference has to be readable.
        sentences = [rouge.prepare(one.text, None) for one in document.sentences]
        best: tuple[float, list[int]] = (-1.0, [])
        for text in example.references:
            reference = rouge.prepare(text, f"The reference of {example.id}")
            candidate = _greedy(sentences, reference, k)
            if candidate[0] > best[0]:
                best = candidate
        return best[1]

    gain = f"rouge1+rouge2 F, {tokenizer} tokenizer"
    return Extractive(f"oracle-{k}", choose, {"reads": "references", "gain": gain})


def _greedy(sentences: Sequence[Prepared], reference: Prepared, k: int) -> tuple[float, list[int]]:
    wanted = [Counter(grams) for grams in _grams(reference)]
    totals = [grams.total() for grams in wanted]
    hits, lengths = [0, 0], [0, 0]
    chosen: list[int] = []
    best = 0.0
    while len(chosen) < k:
        step: tuple[float, int] | None = None
        for index, sentence in enumerate(sentences):
            if index in chosen:
                continue
            value = 0.0
            for n, grams in enumerate(_grams(sentence)):
                gained = sum(min(count, wanted[n].get(gram, 0)) for gram, count in grams.items())
                length = lengths[n] + grams.total()
                # F of ROUGE is twice the hits over both lengths.
                if totals[n] + length:
                    value += (hits[n] + gained) / (totals[n] + length)
            if value > best and (step is None or value > step[0]):
                step = (value, index)
        if step is None:
            break
        best = step[0]
        chosen.append(step[1])
        for n, grams in enumerate(_grams(sentences[step[1]])):
            for gram, count in grams.items():
                taken = min(count, wanted[n].get(gram, 0))
                wanted[n][gram] -= taken
                hits[n] += taken
            lengths[n] += grams.total()
    return best, chosen


def _grams(text: Prepared) -> tuple[Counter[Any], Counter[Any]]:
    return text.unigrams, text.bigrams


class _Words:
    """sumy's tokenizer protocol without NLTK's data files."""

    def to_words(self, text: str) -> tuple[str, ...]:
        return tuple(_WORD.findall(text))


class _Stem(str):
    """A stem with a hash of its own: sumy sums over sets, whose order must not change by process.

    Python salts the hashes of strings; LSA then chose other sentences in
    every other run.
    """

    __slots__ = ()

    def __hash__(self) -> int:
        return crc32(self.encode())


def graph(method: str, k: int) -> Extractive:
    """sumy's TextRank, LexRank or LSA over our sentences.

    Raises:
        MissingDependency: sumy is not installed.
    """
    try:
        from importlib import import_module
        from importlib.metadata import version

        from sumy.models.dom import ObjectDocumentModel, Paragraph
        from sumy.models.dom import Sentence as SumySentence
        from sumy.nlp.stemmers import Stemmer
        from sumy.utils import get_stop_words

        module, name = SUMY[method]
        stemmer = Stemmer("english")
        maker = getattr(import_module(module), name)
    except ImportError:
        raise MissingDependency(f"{method} needs sumy: pip install 'inbrief[eval]'.") from None
    summariser: Any = maker(lambda word: _Stem(stemmer(word)))
    summariser.stop_words = get_stop_words("english")
    words = _Words()

    def choose(document: documents.Document, _: Example) -> Sequence[int]:
        sentences = [SumySentence(one.text, words) for one in document.sentences]
        places = {id(one): index for index, one in enumerate(sentences)}
        chosen = summariser(ObjectDocumentModel([Paragraph(sentences)]), k)
        return [places[id(one)] for one in chosen]

    return Extractive(f"{method}-{k}", choose, {"sumy": version("sumy")})
