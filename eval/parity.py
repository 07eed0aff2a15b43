"""Whether engines write what the reference writes: transformers `generate` in fp32, on articles.

Greedy search over each article, once with the reference and once with every
system; reported are the share of equal outputs, how much ROUGE-1 against the
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

_DEFAULT_SYSTEMS: Final = "native-fp32,native-int8,native-bf16"
Outputs = list[tuple[int, ...]]

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Parity:
    """One system against the reference.

    `rouge1_lost` is in points of 100, None where no article has a summary;
    `equal_alone` counts, of the `tried_alone` first articles, those whose
    output is the same alone as in a batch.
    """

    system: str
    articles: int
    equal: int
    equal_tokens: float
    rouge1_lost: tuple[float, float, float] | None
    tried_alone: int
    equal_alone: int


class Words:
    """Texts to ids and back for a checkpoint: its own tokenizer, or news-small's for a shape."""

    def __init__(self, checkpoint: Checkpoint, shape: str) -> None:
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        self._eos = checkpoint.eos_id
        self._most = checkpoint.window or 1024
        self._tokenizer: Any
        if Path(shape).is_dir():
            self._tokenizer = AutoTokenizer.from_pretrained(checkpoint.directory)
        else:
            file = WEIGHTS / NEWS_SMALL / "tokenizer.json"
            self._tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file))

    def encode(self, text: str) -> list[int]:
        """At most the checkpoint's window, the end token included."""
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
                _lost(words, written, exact, references),
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
) -> tuple[float, float, float] | None:
    rouge = Rouge()
    scores = [
        [rouge.score_texts(wanted, words.decode(ids))["rouge1"].fmeasure for ids in pair]
        for wanted, pair in zip(references, zip(exact, written, strict=True), strict=True)
        if wanted
    ]
    if len(scores) < 2:
        return None
    columns = 100 * np.array(scores)
    lost = compare(columns[:, 0], columns[:, 1])
    return lost.difference, lost.low, lost.high


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
) -> None:
    """Compare what engines write with transformers in fp32, greedy, on real articles."""
    if NEWS_SMALL in systems:
        raise EvaluationError(f"{NEWS_SMALL} has no reference to be compared with.")
    found = measure(
        shape,
        systems.split(","),
        str(BUNDLED) if data == "bundled" else data,
        limit,
        GenerationSettings(max_new_tokens=outputs, min_new_tokens=outputs),
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
        "| shape | system | articles | equal outputs | equal tokens | ROUGE-1 lost | equal alone |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        lost = one.rouge1_lost
        shown = f"{lost[0]:.2f} ({lost[1]:.2f} to {lost[2]:.2f})" if lost else ""
        lines.append(
            f"| {shape} | {one.system} | {one.articles} | {one.equal / one.articles:.1%} |"
            f" {one.equal_tokens:.1%} | {shown} | {one.equal_alone} of {one.tried_alone} |"
        )
    return "\n".join([*lines, ""])
