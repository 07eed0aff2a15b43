"""Whether engines write what the reference writes: transformers `generate` in fp32, on articles.

Greedy search over each article, once with the reference and once with every
system; reported are the share of equal outputs, how much ROUGE against the
articles' summaries is lost, with its interval, and whether an article gets
the same output alone as in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from eval.datasets import BUNDLED, load
from eval.intervals import compare
from eval.rouge import Rouge
from eval.runs import write_json
from eval.shapes import SMALL_COPIER, checkpoint_of
from eval.speed import BASELINE, conditions, make_engine
from eval.speed_texts import NEWS_SMALL
from models.checkpoints import Checkpoint
from models.errors import EvaluationError
from models.generation import GenerationSettings
from models.loading import WEIGHTS
from models.sentences import split

_DEFAULT_SYSTEMS: Final = "native-fp32,native-int8,native-bf16"
MEASURES: Final = ("rouge1", "rouge2", "rougeLsum")
Outputs = list[tuple[int, ...]]

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Parity:
    """One system against the reference.

    `rouge_lost` is in points of 100 with its 95 % interval, for each measure;
    None where no article has a summary. `rouge` is the system's own mean.
    `equal_alone` counts, of the `tried_alone` first articles, those whose
    output is the same alone as in a batch.
    """

    system: str
    articles: int
    equal: int
    equal_tokens: float
    rouge: dict[str, float] | None
    rouge_lost: dict[str, tuple[float, float, float]] | None
    tried_alone: int
    equal_alone: int


class Words:
    """Texts to ids and back for a checkpoint: its own tokenizer, or news-small's for a shape."""

    def __init__(self, checkpoint: Checkpoint, shape: str) -> None:
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        self._eos = checkpoint.eos_id
        self._most = checkpoint.window or 1024
        self._tokenizer: Any
        self._own = Path(shape).is_dir()
        if self._own:
            self._tokenizer = AutoTokenizer.from_pretrained(checkpoint.directory)
        else:
            file = WEIGHTS / NEWS_SMALL / "tokenizer.json"
            self._tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file))

    def encode(self, text: str) -> list[int]:
        """At most the checkpoint's window, special tokens included."""
        if self._own:
            encoded = self._tokenizer(text, truncation=True, max_length=self._most)
            return list(encoded["input_ids"])
        ids = self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return [*ids[: self._most - 1], self._eos]

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))


def measure(
    shape: str,
    systems: Sequence[str],
    data: str,
    limit: int | None,
    settings: GenerationSettings,
    batch: int,
    alone: int,
    directory: Path,
) -> list[Parity]:
    """Compare `systems` with the reference on the first `limit` articles of `data`.

    Raises EvaluationError for an unknown system, shape or data set.
    """
    checkpoint = checkpoint_of(shape, directory)
    words = Words(checkpoint, shape)
    examples = load(data, limit=limit).examples
    inputs = [words.encode(example.text) for example in examples]
    references = [example.references for example in examples]
    exact = _outputs(make_engine(BASELINE, checkpoint, directory), inputs, settings, batch)
    found = []
    for system in systems:
        engine = make_engine(system, checkpoint, directory)
        written = _outputs(engine, inputs, settings, batch)
        few = _outputs(engine, inputs[:alone], settings, 1)
        pairs = list(zip(written, exact, strict=True))
        found.append(
            Parity(
                system,
                len(inputs),
                sum(ours == theirs for ours, theirs in pairs),
                float(np.mean([_agreement(ours, theirs) for ours, theirs in pairs])),
                *_lost(words, written, exact, references),
                len(few),
                sum(one == other for one, other in zip(few, written, strict=False)),
            )
        )
    return found


def _outputs(
    engine: Any, inputs: Sequence[list[int]], settings: GenerationSettings, batch: int
) -> Outputs:
    return [
        answer[0].tokens
        for at in range(0, len(inputs), batch)
        for answer in engine.generate(inputs[at : at + batch], settings)
    ]


def _agreement(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """Share of places with the same token."""
    same = sum(one == other for one, other in zip(ours, theirs, strict=False))
    return same / max(len(ours), len(theirs), 1)


def _lost(
    words: Words, written: Outputs, exact: Outputs, references: Sequence[Sequence[str]]
) -> tuple[dict[str, float] | None, dict[str, tuple[float, float, float]] | None]:
    """The system's ROUGE, and what it lacks of the reference's."""
    rouge = Rouge()

    def scores(wanted: Sequence[str], ids: Sequence[int]) -> list[float]:
        text = words.decode(ids)
        lines = "\n".join(text[start:end] for start, end in split(text))
        found = rouge.score_texts(wanted, lines)
        return [100 * found[name].fmeasure for name in MEASURES]

    pairs = [
        (scores(wanted, theirs), scores(wanted, ours))
        for wanted, theirs, ours in zip(references, exact, written, strict=True)
        if wanted
    ]
    if len(pairs) < 2:
        return None, None
    table = np.array(pairs)  # (articles, 2, measures)
    lost = {}
    for column, name in enumerate(MEASURES):
        found = compare(table[:, 0, column], table[:, 1, column])
        lost[name] = (found.difference, found.low, found.high)
    means = table[:, 1].mean(axis=0)
    return {name: float(mean) for name, mean in zip(MEASURES, means, strict=True)}, lost


@app.command()
def parity(
    out: Annotated[Path, typer.Option(help="Directory for parity.json, parity.md, checkpoints.")],
    shape: Annotated[str, typer.Option(help="A shape of `speed`, or a directory.")] = SMALL_COPIER,
    systems: Annotated[str, typer.Option(help="Comma-separated, as for `speed`.")] = (
        _DEFAULT_SYSTEMS
    ),
    data: Annotated[str, typer.Option(help="Articles, as for `run`.")] = "bundled",
    limit: Annotated[int, typer.Option(min=2, help="Articles.")] = 200,
    outputs: Annotated[int, typer.Option(min=1, help="Most output tokens.")] = 60,
    batch: Annotated[int, typer.Option(min=1, help="Articles a call.")] = 32,
    alone: Annotated[int, typer.Option(min=0, help="Articles tried alone too.")] = 20,
    own_ends: Annotated[
        bool, typer.Option(help="Let outputs end where the checkpoint ends them.")
    ] = False,
) -> None:
    """Compare what engines write with transformers in fp32, greedy, on real articles."""
    if NEWS_SMALL in systems:
        raise EvaluationError(f"{NEWS_SMALL} has no reference to be compared with.")
    found = measure(
        shape,
        systems.split(","),
        str(BUNDLED) if data == "bundled" else data,
        limit,
        GenerationSettings(max_new_tokens=outputs, min_new_tokens=0 if own_ends else outputs),
        batch,
        alone,
        out / "checkpoints",
    )
    report = {"shape": shape, "conditions": conditions(), "rows": [asdict(one) for one in found]}
    write_json(out / "parity.json", report)
    (out / "parity.md").write_text(_markdown(shape, found), encoding="utf-8")
    typer.echo((out / "parity.md").read_text(encoding="utf-8"))


def _markdown(shape: str, found: Sequence[Parity]) -> str:
    lines = [
        "| shape | system | articles | equal outputs | equal tokens | ROUGE-1/2/Lsum |"
        " ROUGE-1 lost | ROUGE-2 lost | ROUGE-Lsum lost | equal alone |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        cells = [
            shape,
            one.system,
            str(one.articles),
            f"{one.equal / one.articles:.1%}",
            f"{one.equal_tokens:.1%}",
            "/".join(f"{mean:.2f}" for mean in (one.rouge or {}).values()),
            *_lost_cells(one.rouge_lost),
            f"{one.equal_alone} of {one.tried_alone}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _lost_cells(lost: dict[str, tuple[float, float, float]] | None) -> list[str]:
    if lost is None:
        return [""] * len(MEASURES)
    return ["{:.2f} ({:.2f} to {:.2f})".format(*lost[name]) for name in MEASURES]
