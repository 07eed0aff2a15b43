"""What the verifier and the aligner are worth, measured: the tables of `docs/verification.md`.

    python -m eval.verifier judged qags_cnn.jsonl.xz summeval.jsonl.xz
    python -m eval.verifier altered cnndm_val.jsonl.xz --limit 300
    python -m eval.verifier aligned cnndm_val.jsonl.xz --limit 300

`judged` compares verdict and support with human labels, beside ROUGE-2 precision and entity
overlap; one half of the articles is for tuning, the other for reporting. `altered` changes one
fact of a true sentence and counts what is found. `aligned` shortens and joins sentences of the
article and counts which come back to where they came from.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, cast

import numpy as np
import typer

from eval.alterations import CHANGES, alterations, happens_to_hold, person_names
from eval.meta import area_under_curve, entity_overlap
from models.articles import ArticleRecord, read_records
from models.contract import Article
from models.documents import Document, read
from models.errors import InputError
from models.evidence import EvidenceIndex, align
from models.facts import SourceFacts
from models.sentences import split
from models.verification import verify

SEED: Final = 20_260_101
# Half of the articles are for choosing the formula, half for the table; by id, so for ever.
HALVES: Final = ("tuned on", "held out")

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Files = Annotated[list[Path], typer.Argument(help="JSONL files, compressed or not")]
Limit = Annotated[int, typer.Option(help="articles read of each file")]


@app.command()
def judged(files: Files) -> None:
    """Area under the ROC curve against human labels, and its standard error."""
    typer.echo("| set | half | summaries | verdict | support | ROUGE-2 precision | entities |")
    typer.echo("| --- | --- | --- | --- | --- | --- | --- |")
    for path in files:
        for half in HALVES:
            rows = [
                row
                for record in _records(path)
                if _half(record.id) == half
                for row in _judged_rows(record)
            ]
            table = np.array([row[1:] for row in rows], dtype=np.float64)
            consistent = np.array([row[0] for row in rows], dtype=np.bool_)
            areas = " | ".join(
                "{:.3f} ± {:.3f}".format(*area_under_curve(column, consistent))
                for column in table.T
            )
            typer.echo(f"| {path.name.split('.')[0]} | {half} | {len(rows)} | {areas} |")


@app.command()
def altered(files: Files, limit: Limit = 300) -> None:
    """Share of altered facts found, and of untouched sentences flagged."""
    documents = [document for path in files for document in _documents(path, limit)]
    names = person_names(documents)
    rng = random.Random(SEED)
    found: dict[str, list[bool]] = {}
    for document in documents:
        facts = SourceFacts.of(document)
        index = EvidenceIndex.of(document)
        for sentence in document.sentences:
            changed = {kind: change(sentence.text, rng, names) for kind, change in CHANGES.items()}
            for kind, text in {"nothing": sentence.text, **changed}.items():
                if text is None or (kind != "nothing" and happens_to_hold(kind, text, facts)):
                    continue
                verdict = verify(text, document, align(text, document, index), facts)
                found.setdefault(kind, []).append(not verdict.supported)
    typer.echo("| changed | sentences | flagged |")
    typer.echo("| --- | --- | --- |")
    for kind, flags in found.items():
        typer.echo(f"| {kind} | {len(flags)} | {100 * sum(flags) / len(flags):.1f} % |")


@app.command()
def aligned(files: Files, limit: Limit = 300) -> None:
    """Share of shortened and joined sentences whose evidence is where they came from."""
    rng = random.Random(SEED)
    hits: dict[str, list[bool]] = {}
    for path in files:
        for document in _documents(path, limit):
            index = EvidenceIndex.of(document)
            for kind, text, sources in alterations(document, rng):
                places = align(text, document, index)
                best = document.sentences[places[0]].text
                if len(sources) == 1:
                    hits.setdefault(f"{kind}: first", []).append(best == sources[0])
                got = {document.sentences[place].text for place in places}
                hits.setdefault(f"{kind}: all among them", []).append(set(sources) <= got)
                hits.setdefault(f"{kind}: nothing else", []).append(got <= set(sources))
    typer.echo("| altered | sentences | right |")
    typer.echo("| --- | --- | --- |")
    for kind, right in hits.items():
        typer.echo(f"| {kind} | {len(right)} | {100 * sum(right) / len(right):.1f} % |")


@dataclass(frozen=True, slots=True)
class _Judged:
    text: str
    consistent: bool


def _records(path: Path) -> Iterator[ArticleRecord]:
    for record in read_records(path):
        if isinstance(record, ArticleRecord):
            yield record
        else:
            raise typer.BadParameter(f"{path}: {record.message}")


def _documents(path: Path, limit: int) -> Iterator[Document]:
    for number, record in enumerate(_records(path)):
        if number == limit:
            return
        try:
            yield read(Article(record.text, title=record.title))
        except InputError:
            # Too short to be summarised: nothing to verify against.
            continue


def _half(identifier: str) -> str:
    return HALVES[int(hashlib.sha256(identifier.encode()).hexdigest(), 16) % 2]


def _judged_rows(record: ArticleRecord) -> Iterator[tuple[float, ...]]:
    """Label, verdict, support, ROUGE-2 precision and entity overlap of each judged summary."""
    document = read(Article(record.text))
    facts, index = SourceFacts.of(document), EvidenceIndex.of(document)
    source = _pairs(record.text)
    for judged_summary in _summaries(record):
        text = judged_summary.text
        verdicts = [
            verify(text[start:end], document, align(text[start:end], document, index), facts)
            for start, end in split(text)
        ]
        if not verdicts:
            continue
        pairs = _pairs(text)
        yield (
            float(judged_summary.consistent),
            float(np.mean([verdict.supported for verdict in verdicts])),
            float(np.mean([verdict.support for verdict in verdicts])),
            sum(pair in source for pair in pairs) / max(1, len(pairs)),
            entity_overlap(text, record.text),
        )


def _summaries(record: ArticleRecord) -> Iterator[_Judged]:
    """Each system's summary, consistent when all who judged it gave it the full mark."""
    systems = cast(dict[str, dict[str, object]], record.fields["system_summaries"])
    for system in systems.values():
        scores = cast(dict[str, float], system["scores"])
        full = scores["fact"] >= 1 if "fact" in scores else scores["consistency"] >= 5
        yield _Judged(cast(str, system["text"]), full)


def _pairs(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return set(pairwise(words))


if __name__ == "__main__":
    app()
