"""The judge's corpus: shortenings of sentences, each with the grammar's verdict.

Shortenings are what a rewriter makes of sentences, what people made of them
(the rewriter's own pairs), and both disturbed. Faulty ones are the greater part of
what disturbing gives, so that few of them are kept for each sentence.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tqdm import tqdm

from models.copying import find_words
from models.rewriter_input import RewriteInput
from models.rewriting import Rewriter
from models.shortening import Shortening, Task
from models.training.batches import read_pairs
from models.training.grammar import Fault, Parser, faults, kept_words
from models.training.pairs import Pair

BEAMS: Final = 4
_DISTURBED: Final = 7
_FAULTY_DISTURBED: Final = 2
_WORDS: Final = range(6, 61)
_HELD_OUT: Final = 40  # one sentence in so many is for validation
_PARSED_TOGETHER: Final = 2000
_MOVED: Final = (-4, -3, -2, -1, 1, 2, 3, 4, 5, 6)


def build_shortenings(
    pairs: Path, rewriter: Rewriter, parser: Parser, out: Path, *, limit: int, seed: int = 3
) -> None:
    """Write `train.jsonl` and `val.jsonl` to `out` from `limit` pairs of `pairs` (JSON lines).

    A line is [sentence, task, keys, places, sound, faulty places].
    """
    chooser = random.Random(seed)
    chosen = read_pairs(pairs)
    chooser.shuffle(chosen)
    groups = list(_groups(chosen[:limit], rewriter, chooser))
    out.mkdir(parents=True, exist_ok=True)
    with (
        (out / "train.jsonl").open("w", encoding="utf-8") as train,
        (out / "val.jsonl").open("w", encoding="utf-8") as val,
    ):
        for begin in tqdm(range(0, len(groups), _PARSED_TOGETHER), desc="parsing"):
            for one, found in labelled(groups[begin : begin + _PARSED_TOGETHER], parser):
                held_out = zlib.crc32(one.sentence.encode()) % _HELD_OUT == 0
                places = sorted({fault.word for fault in found})
                row = [one.sentence, one.task, one.keys, one.places, not found, places]
                print(json.dumps(row, ensure_ascii=False), file=val if held_out else train)


def _groups(
    pairs: Sequence[Pair], rewriter: Rewriter, chooser: random.Random
) -> Iterator[list[Shortening]]:
    """For each pair the shortenings of its sentence, in the order of trust."""
    inputs = [
        RewriteInput(pair.sentence, task=_task(pair), words=chooser.randint(10, 30))
        for pair in pairs
    ]
    written = rewriter.rewrite(inputs, BEAMS)
    for pair, item, hypotheses in zip(pairs, inputs, written, strict=True):
        made = [Shortening(item.sentence, one.keys, one.places, item.task) for one in hypotheses]
        human = of_pair(pair)
        if human is not None:
            made.append(human)
        made = [one for one in made if one.in_order and len(one.words) in _WORDS]
        if made:
            more = (disturbed(chooser.choice(made), chooser) for _ in range(_DISTURBED))
            yield list({one.places: one for one in [*made, *filter(None, more)]}.values())


def _task(pair: Pair) -> Task:
    return "headline" if pair.task == "headline" else "sentence"


def of_pair(pair: Pair) -> Shortening | None:
    """How a person shortened the sentence; None if it took nothing from it."""
    context = [word.key for text in (pair.lead, pair.previous) for word in find_words(text)]
    one = Shortening(pair.sentence, (), ())
    keys: list[str] = []
    places: list[int | None] = []
    for step in pair.derivation:
        inside = isinstance(step, int) and step >= len(context)
        places.append(int(step) - len(context) if inside else None)
        if isinstance(step, str):
            keys.append(step)
        else:
            keys.append(one.source[step - len(context)] if inside else context[step])
    return Shortening(pair.sentence, tuple(keys), tuple(places), _task(pair))


def disturbed(one: Shortening, chooser: random.Random) -> Shortening | None:
    """The shortening with an end or a joint moved or a span cut out; None if that fails."""
    kept, count = one.copied, len(one.words)
    if len(kept) < 4:
        return None
    places = chooser.choice((_moved_end, _new_end, _moved_joint, _without_span))(
        kept, count, chooser
    )
    if not 3 <= len(places) < count or places == kept:
        return None
    return Shortening(one.sentence, tuple(one.source[i] for i in places), tuple(places), one.task)


def _moved_end(kept: list[int], count: int, chooser: random.Random) -> list[int]:
    shift = chooser.choice(_MOVED)
    last = kept[-1]
    return kept[:shift] if shift < 0 else [*kept, *range(last + 1, min(count, last + 1 + shift))]


def _new_end(kept: list[int], count: int, chooser: random.Random) -> list[int]:
    end = chooser.randrange(3, count)
    return list(range(kept[0], end)) if chooser.random() < 0.5 else [i for i in kept if i < end]


def _moved_joint(kept: list[int], count: int, chooser: random.Random) -> list[int]:
    joints = [i for i in range(1, len(kept)) if kept[i] != kept[i - 1] + 1]
    if not joints:
        return kept
    joint, shift = chooser.choice(joints), chooser.choice((1, 1, 2, 3))
    before, after = kept[:joint], kept[joint:]
    gap = list(range(before[-1] + 1, after[0]))
    return chooser.choice(
        (
            before[: max(1, len(before) - shift)] + after,
            before + after[shift:],
            before + gap[:shift] + after,
            before + gap[-shift:] + after,
        )
    )


def _without_span(kept: list[int], count: int, chooser: random.Random) -> list[int]:
    begin, length = chooser.randrange(len(kept) - 1), chooser.choice((1, 1, 2, 3, 4, 6, 8))
    return kept[:begin] + kept[begin + length :]


def labelled(
    groups: Sequence[Sequence[Shortening]], parser: Parser
) -> Iterable[tuple[Shortening, list[Fault]]]:
    """Shortenings with what is wrong with them; of each group only a few that are faulty."""
    parses = parser.parse([group[0].sentence for group in groups])
    for group, tokens in zip(groups, parses, strict=True):
        faulty = 0
        for one in group:
            kept = kept_words(one)
            found = (
                [Fault("written", 0)]
                if kept is None
                else faults(tokens, kept, headline=one.task == "headline")
            )
            faulty += bool(found)
            if not found or faulty <= BEAMS + _FAULTY_DISTURBED:
                yield one, found
