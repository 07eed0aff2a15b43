"""Step three: the sentences that a summary is written from.

Scores come from the salience network; choosing takes them best first and
passes over what repeats a sentence taken already.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer

from models.errors import CorruptModel, ModelNotFound
from models.networks.salience import SalienceBatch, SalienceConfig, SalienceNetwork

WEIGHTS: Final = "salience.safetensors"
CONFIG: Final = "salience.json"
TOKENIZER: Final = "tokenizer.json"

FEATURES: Final = 24
MAX_PIECES: Final = 64
# Smooth inverse frequency: a piece seen as often as this has half a rare one's weight.
COMMON_SHARE: Final = 1e-3

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POINTING: Final = frozenset(
    "he she it they we his her their this that these those but and so i you its our my".split()
)
_QUOTES: Final = '"“”«»'

Floats = NDArray[np.float32]


class Selector:
    """The salience network with its embedding table and tokenizer.

    The score of an article's sentences does not depend on the batch it is scored in.
    """

    def __init__(
        self,
        network: SalienceNetwork,
        table: Floats | NDArray[np.int8],
        weights: Floats,
        tokenizer: Tokenizer,
        scale: Floats | None = None,
    ) -> None:
        """`table` (V, E) of embeddings, each row to be multiplied with its `scale` (V)."""
        self._network = network.eval()
        self._table = table
        self._scale = scale
        self._weights = weights
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_PIECES)

    @classmethod
    def load(cls, directory: Path) -> Selector:
        """Raises ModelNotFound if a file is missing, CorruptModel if one cannot be read."""
        for name in (WEIGHTS, CONFIG, TOKENIZER):
            if not (directory / name).is_file():
                raise ModelNotFound(f"The salience model's directory has no {name}.")
        try:
            config = SalienceConfig(**json.loads((directory / CONFIG).read_text(encoding="utf-8")))
            state = load_file(directory / WEIGHTS)
            table, scale = state.pop("table").clone(), state.pop("table_scale").float()
            weights = state.pop("piece_weights").float()
            network = SalienceNetwork(config)
            network.load_state_dict({name: value.float() for name, value in state.items()})
            tokenizer = Tokenizer.from_file(str(directory / TOKENIZER))
        except Exception as error:
            raise CorruptModel(f"The salience model's files cannot be read: {error}") from error
        return cls(network, table.numpy(), weights.numpy().copy(), tokenizer, scale.numpy().copy())

    @property
    def parameters(self) -> int:
        """Parameters of the network and of its embedding table."""
        own = sum(parameter.numel() for parameter in self._network.parameters())
        return own + self._table.size

    def with_network(self, network: SalienceNetwork) -> Selector:
        """The same table and tokenizer under another network."""
        return Selector(network, self._table, self._weights, self._tokenizer, self._scale)

    def embed(self, sentences: Sequence[str]) -> Floats:
        """Unit-length embeddings (N, E); zero for a sentence without known pieces."""
        encodings = self._tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False)
        rows = np.zeros((len(sentences), self._table.shape[1]), np.float32)
        for row, encoding in zip(rows, encodings, strict=True):
            if encoding.ids:
                row[:] = self._weights[encoding.ids] @ self._rows(encoding.ids)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: Floats = rows / np.maximum(norms, 1e-6)
        return unit

    def _rows(self, pieces: list[int]) -> Floats:
        """Embeddings of the pieces; the table itself stays as small as it is."""
        rows = self._table[pieces].astype(np.float32)
        return rows if self._scale is None else rows * self._scale[pieces, None]

    @torch.inference_mode()
    def score(self, articles: Sequence[Sequence[str]]) -> list[Floats]:
        """A salience for every sentence of every article; higher is better.

        An article longer than the network's window is judged window by window;
        the features still speak of the whole article.
        """
        flat = self.embed([sentence for article in articles for sentence in article])
        windows: list[tuple[int, int, int, Floats, Floats]] = []
        begin, size = 0, self._network.config.max_sentences
        for index, article in enumerate(articles):
            embeddings = flat[begin : begin + len(article)]
            begin += len(article)
            features = describe(article, embeddings)
            for start in range(0, len(article), size):
                stop = min(start + size, len(article))
                windows.append((index, start, stop, embeddings[start:stop], features[start:stop]))
        results = [np.zeros(len(article), np.float32) for article in articles]
        for index, start, stop, embeddings, features in windows:
            batch = SalienceBatch(
                torch.from_numpy(embeddings)[None],
                torch.from_numpy(features)[None],
                torch.ones(1, stop - start, dtype=torch.bool),
            )
            results[index][start:stop] = self._network(batch)[0].numpy()
        return results


def describe(sentences: Sequence[str], embeddings: Floats) -> Floats:
    """Features (N, FEATURES) of the sentences of one article, from their place and wording."""
    return _Wording(sentences).features(embeddings)


class _Wording:
    """Word statistics of one article, from which the features of its sentences are read."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = sentences
        self.words = [_WORD.findall(sentence) for sentence in sentences]
        self.lower = [[word.lower() for word in words] for words in self.words]
        self.content = [[word for word in words if len(word) > 3] for words in self.lower]
        self.bigrams = [set(pairwise(words)) for words in self.lower]
        self.capitals = [[word for word in words[1:] if word[0].isupper()] for words in self.words]
        self.content_spread = _spread(self.content)
        self.bigram_spread = _spread(self.bigrams)
        self.capital_spread = _spread(self.capitals)

    def features(self, embeddings: Floats) -> Floats:
        count = len(self.sentences)
        table = np.zeros((count, FEATURES), np.float32)
        table[:, :4] = [_place(index, count) for index in range(count)]
        table[:, 6:11] = _centrality(embeddings)
        seen: set[str] = set()
        for index in range(count):
            table[index, 4:6], table[index, 11:] = self._wording(index, seen)
            seen.update(self.content[index])
        return table

    def _wording(self, index: int, seen: set[str]) -> tuple[list[float], list[float]]:
        sentence, words, lower = self.sentences[index], self.words[index], self.lower[index]
        content, bigrams, capitals = self.content[index], self.bigrams[index], self.capitals[index]
        length = len(words) or 1
        distinct = set(content)
        spread = self.content_spread
        return [min(length, 80) / 40, math.log1p(length) / 4], [
            _mean([math.log(spread[word]) for word in content]),
            _mean([spread[word] > 1 for word in content]),
            _mean([self.bigram_spread[bigram] > 1 for bigram in bigrams]),
            sum(any(map(str.isdigit, word)) for word in words) / length * 5,
            len(capitals) / length * 3,
            float(bool(lower) and lower[0] in _POINTING),
            float(any(quote in sentence for quote in _QUOTES)),
            float(sentence.endswith(".")),
            float(sentence.endswith("?")),
            _mean([math.log(self.capital_spread[word]) for word in capitals]),
            len(distinct - seen) / (len(distinct) or 1),
            float(sentence[:1] in "\"'“‘"),
            float(length < 6),
        ]


def _spread(groups: Sequence[Sequence[object] | set[tuple[str, str]]]) -> Counter[object]:
    """In how many sentences each item stands."""
    return Counter(item for group in groups for item in set(group))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _place(index: int, count: int) -> tuple[float, float, float, float]:
    return index / count, 1 / (1 + index), math.log1p(index) / 4, math.log(count) / 4


# Sentences on each side that a sentence is compared with: keeps long articles linear.
_NEIGHBOURS: Final = 40


def _centrality(embeddings: Floats) -> Floats:
    """(N, 5): cosine to the centroid, to the lead, to the one before; mean and greatest cosine."""
    count = len(embeddings)
    total = embeddings.mean(0)
    centroid = total / (np.linalg.norm(total) + 1e-6)
    columns = np.zeros((count, 5), np.float32)
    columns[:, 0] = embeddings @ centroid
    columns[:, 1] = embeddings @ embeddings[0]
    columns[1:, 2] = (embeddings[1:] * embeddings[:-1]).sum(1)
    columns[:, 3] = embeddings @ total
    for start in range(0, count, _NEIGHBOURS):
        stop = min(start + _NEIGHBOURS, count)
        low, high = max(0, start - _NEIGHBOURS), min(count, stop + _NEIGHBOURS)
        cosines = embeddings[start:stop] @ embeddings[low:high].T
        rows = np.arange(stop - start)
        cosines[rows, rows + start - low] = -1.0
        columns[start:stop, 4] = cosines.max(1) if high - low > 1 else 0.0
    return columns


def ranked(scores: Floats) -> list[int]:
    """Indices by falling score; ties in reading order."""
    return [int(index) for index in np.argsort(-scores, kind="stable")]


def distinct(ranking: Sequence[int], sentences: Sequence[str], count: int) -> list[int]:
    """The first `count` of `ranking` that share no trigram of words with one taken before.

    Trigram blocking (Paulus et al. 2018). Fewer come back where the article has no more.
    """
    taken: list[int] = []
    known: set[tuple[str, ...]] = set()
    for index in ranking:
        words = [word.lower() for word in _WORD.findall(sentences[index])]
        trigrams = set(zip(words, words[1:], words[2:], strict=False))
        if trigrams & known:
            continue
        taken.append(index)
        known |= trigrams
        if len(taken) == count:
            break
    return taken
