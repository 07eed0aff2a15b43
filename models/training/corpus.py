"""The rewriter's corpus on disk: which words it may write, and its pairs, built once."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from models.copying import find_words
from models.training.alignment import FUNCTION_WORDS
from models.training.pairs import (
    Pair,
    PairBuilder,
    article_sentences,
    deletion_candidate,
    headline_candidates,
    keys_of,
    read_jsonl,
    shorten,
    strip_full_stop,
    summary_candidates,
)

Candidate = tuple[str, str, str, str]

WRITTEN_WORDS: Final = 3000
CHUNK_RECORDS: Final = 500
HELD_OUT_RECORDS: Final = 1500  # the last of each file, for validation
# Shares of articles from which easy pairs are made.
IDENTITY_SHARE: Final = 0.25
DELETION_SHARE: Final = 0.3
# Never written: a wrong number or a turned meaning is worse than a stiff sentence.
_ONLY_COPIED: Final = frozenset(
    "not no never none nobody nothing neither nor without cannot deny denies denied one two three "
    "four five six seven eight nine ten eleven twelve dozen dozens hundred hundreds thousand "
    "thousands million millions billion billions trillion half third quarter first second double "
    "triple twice once monday tuesday wednesday thursday friday saturday sunday january february "
    "march april may june july august september october november december today yesterday "
    "tomorrow per percent cent i me my we our us you your dead dies died killed guilty "
    "man men woman women boy girl he's she's mr mrs ms".split()
)
_LOWER_WORD: Final = re.compile(r"[a-z]+")
_FILES: Final = tuple(
    f"{name}.jsonl{suffix}"
    for name in ("cnndm", "headlines_teasers", "headlines_articles")
    for suffix in (".xz", "")
)


def written_words(candidates: Iterator[Candidate], limit: int = WRITTEN_WORDS) -> list[str]:
    """The commonest words that references have and their sources lack, names and numbers excepted.

    Function words are always among them, as are the comma and the possessive.
    """
    missing: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    cased: Counter[str] = Counter()
    for lead, previous, sentence, reference in candidates:
        words = [word.text for word in find_words(sentence)]
        lower.update(word for word in words[1:] if _LOWER_WORD.fullmatch(word))
        cased.update(word.lower() for word in words[1:] if word[:1].isupper())
        source = set(keys_of(" ".join((lead, previous, sentence))))
        missing.update(key for key in keys_of(reference) if key not in source)
    usable = [
        key
        for key, _ in missing.most_common()
        if _LOWER_WORD.fullmatch(key)
        and key not in _ONLY_COPIED
        and lower[key] > 9 * cased[key]
        and lower[key] >= 5
    ]
    always = sorted((FUNCTION_WORDS - _ONLY_COPIED) | {",", "'s"})
    return list(dict.fromkeys([*always, *usable]))[:limit]


def _identities(article: str, generator: random.Random) -> Iterator[Candidate]:
    """A sentence that is tight already, so that the rewriter learns to leave it."""
    sentences = article_sentences(article, limit=12)
    index = generator.randrange(2, 12)
    if index < len(sentences) and 7 <= len(sentences[index].split()) <= 16:
        sentence = sentences[index]
        if sentence[-1] == "." and '"' not in sentence and sentence[0].isupper():
            yield shorten(sentences[0]), shorten(sentences[index - 1]), sentence, sentence


def _deletions(article: str, generator: random.Random) -> Iterator[Candidate]:
    """Sentences with what they can safely lose taken away by rule."""
    sentences = article_sentences(article, limit=30)
    for index in generator.sample(range(len(sentences)), min(6, len(sentences))):
        shorter = deletion_candidate(sentences[index])
        if shorter and sentences[index][0].isupper():
            previous = shorten(sentences[index - 1]) if index > 1 else ""
            lead = shorten(sentences[0]) if index else ""
            yield lead, previous, sentences[index], shorter


def _candidates(record: dict[str, str]) -> Iterator[Candidate]:
    if "headline" in record:
        return headline_candidates(record)
    return summary_candidates(record["article"], record["summary"])


def _build(written: frozenset[str], seed: int, records: list[dict[str, str]]) -> list[Pair]:
    """The pairs of some records; `seed` fixes which sentences serve as easy pairs."""
    builder, pairs = PairBuilder(written), []
    generator = random.Random(f"{seed}{records[0].get('id')}")
    for record in records:
        task = "headline" if "headline" in record else "sentence"
        for candidate in _candidates(record):
            pairs.append(builder.build(task, candidate))
            if task == "headline":
                # A headline that is a sentence once its small words are back is
                # a compression pair too (Filippova & Altun 2013).
                pairs.append(_compression(builder, candidate))
        if task == "sentence":
            for make, share in ((_identities, IDENTITY_SHARE), (_deletions, DELETION_SHARE)):
                if generator.random() < share:
                    easy = make(record["article"], generator)
                    pairs += [builder.build("sentence", candidate) for candidate in easy]
    return [pair for pair in pairs if pair is not None]


def _compression(builder: PairBuilder, candidate: Candidate) -> Pair | None:
    pair = builder.build("sentence", candidate)
    if pair and all(isinstance(step, int) for step in pair.derivation) and _has_verb(pair):
        return pair
    return None


def _has_verb(pair: Pair) -> bool:
    words = [word.text for text in (pair.lead, pair.previous) for word in find_words(text)]
    words += [word.text for word in strip_full_stop(find_words(pair.sentence))]
    keys = [words[step].lower() if isinstance(step, int) else step for step in pair.derivation]
    return len(keys) >= 7 and bool(_FINITE & set(keys))


_FINITE: Final = frozenset("is are was were has have had will would can could said".split())


def build_corpus(data: Path, out: Path, *, seed: int = 1, workers: int = 2) -> None:
    """Write `written.json`, `train.jsonl` and `val.jsonl` to `out`, unless they are there.

    `data` holds `cnndm.jsonl` (article, summary) and may hold the two headline
    files (headline with description or article), each plain or .xz.
    """
    if (out / "train.jsonl").exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    files = [data / name for name in _FILES if (data / name).exists()]
    if not (out / "written.json").exists():
        samples = (islice(read_jsonl(path), 6000) for path in files)
        found = chain.from_iterable(map(_candidates, chain.from_iterable(samples)))
        (out / "written.json").write_text(json.dumps(written_words(found)))
    written = frozenset(json.loads((out / "written.json").read_text()))
    pairs: list[Pair] = []
    held_out: list[Pair] = []
    # Spawned, for a forked child can inherit a lock that a thread of torch's held.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for path in files:
            build = partial(_build, written, seed)
            parts = list(pool.map(build, _chunks(read_jsonl(path))))
            part, kept_back = _hold_out(parts)
            held_out += kept_back
            pairs += part
            print(f"{path.name}: {len(part)} pairs", flush=True)
    random.Random(seed).shuffle(pairs)
    for name, part in (("val", held_out), ("train", pairs)):
        lines = "".join(pair.to_json() + "\n" for pair in part)
        (out / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def _hold_out(parts: list[list[Pair]]) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from and to validate on: whole chunks, or a twentieth of a small file."""
    cut = len(parts) - HELD_OUT_RECORDS // CHUNK_RECORDS
    if cut > 0:
        return list(chain.from_iterable(parts[:cut])), list(chain.from_iterable(parts[cut:]))
    pairs = list(chain.from_iterable(parts))
    cut = len(pairs) - max(1, len(pairs) // 20)
    return pairs[:cut], pairs[cut:]


def _chunks(records: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    while chunk := list(islice(records, CHUNK_RECORDS)):
        yield chunk
