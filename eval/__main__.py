"""The command `inbrief-eval`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, cast, get_args

import typer
from tqdm import tqdm

from eval import compare as compare_
from eval import gate as gate_
from eval import meta as meta_
from eval import peers, results, runs, tables
from eval.datasets import BUNDLED, SEEDS, Dataset, Preset, ReferenceKind, join, load
from eval.drafting import drafting
from eval.generate import generate
from eval.load import load as load_service
from eval.memory import memory
from eval.parity import parity
from eval.predictions import PredictionSet, file_name, read_run
from eval.rouge import Rouge
from eval.scoring import score as score_table
from eval.similarity import Encoder, default_directory, with_similarity
from eval.speed_http import http
from eval.speed_report import speed as measure_speed
from eval.tokens import TokenizerName
from models.articles import FieldNames
from models.contract import KINDS, LENGTHS, Kind, SummaryOptions
from models.errors import EvaluationError, InbriefError
from models.loading import ENGINES

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Judge news summarisers: generate, score, compare, report.",
)

_REFERENCES: dict[Kind, ReferenceKind] = {
    "key-points": "key_points",
    "tldr": "paragraph",
    "teaser": "paragraph",
    "headline": "headline",
}

Data = Annotated[
    str,
    typer.Option(
        help="Articles with references: .jsonl or .csv (.gz, .xz, .zst), .parquet, or"
        " hf:NAME/CONFIG:SPLIT; 'bundled' is the set that comes with inbrief.",
    ),
]
Out = Annotated[Path, typer.Option(help="Directory of the run; a started run is continued.")]
PresetOption = Annotated[str, typer.Option(help=f"Known clean-ups: {', '.join(get_args(Preset))}.")]
Limit = Annotated[int | None, typer.Option(help="Only the first N articles.")]
Field = Annotated[str | None, typer.Option(help="Field or column, where it has another name.")]
Tokenizer = Annotated[
    str, typer.Option(help="ascii (rouge-score's) or unicode (any language, no stemmer).")
]
Stemmer = Annotated[bool, typer.Option(help="Porter stemmer, as papers report ROUGE.")]
Similarity = Annotated[
    bool, typer.Option(help="Also score closeness in meaning with a sentence encoder (slower).")
]
Processes = Annotated[int, typer.Option(min=1, help="Processes that score.")]


def main() -> None:
    """Run the command; an error of inbrief is one sentence and exit status 2."""
    try:
        app()
    except InbriefError as error:
        print(f"inbrief-eval: {error.message}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@app.command(
    epilog="Examples:  inbrief-eval run --data test.jsonl --systems news-small,lead-3 --out runs/a"
    "  |  inbrief-eval run --data test.jsonl.xz --preset cnndm --systems news-small@tldr/long,"
    "textrank-3 --system 'mine=cmd:python mine.py' --out runs/b"
)
def run(
    data: Data,
    out: Out,
    systems: Annotated[
        str, typer.Option(help="Comma-separated systems; see `inbrief-eval systems`.")
    ] = "news-small,lead-3",
    system: Annotated[
        list[str] | None, typer.Option(help="One more system, which may hold commas; repeatable.")
    ] = None,
    kind: Annotated[str, typer.Option(help=f"{', '.join(KINDS)}.")] = "key-points",
    length: Annotated[str, typer.Option(help=f"{', '.join(LENGTHS)}.")] = "short",
    max_words: Annotated[int | None, typer.Option(min=1, help="Hard bound on words.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    engine: Annotated[str, typer.Option(help=f"{', '.join(ENGINES)}.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16, fp16 or int8.")] = "auto",
    allow_download: Annotated[bool, typer.Option(help="Let hub ids be fetched.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Articles a model is given at once.")] = 8,
    preset: PresetOption = "none",
    limit: Limit = None,
    id_field: Field = None,
    article_field: Field = None,
    title_field: Field = None,
    summary_field: Field = None,
    tokenizer: Tokenizer = "ascii",
    stemmer: Stemmer = True,
    similarity: Similarity = False,
    processes: Processes = 2,
    key: Annotated[
        str | None, typer.Option(envvar="INBRIEF_KEY", help="The key of endpoints that need one.")
    ] = None,
) -> None:
    """Generate summaries, score them and write the report. Continues where it was stopped."""
    options = _options(kind, length, max_words)
    asked = {
        "data": _data_path(data),
        "preset": preset,
        "limit": limit,
        "reference": _REFERENCES[options.kind],
        "fields": {
            "id": id_field,
            "text": article_field,
            "title": title_field,
            "summary": summary_field,
        },
        "tokenizer": tokenizer,
        "stemmer": stemmer,
        "similarity": similarity,
    }
    _require_ruler(asked)
    dataset = _dataset(asked)
    specs = peers.split_list(systems) + (system or [])
    if not specs:
        raise EvaluationError("Name at least one system.")
    judged = [
        peers.parse(
            one,
            options,
            device=device,
            engine=engine,
            precision=precision,
            allow_download=allow_download,
            batch_size=batch_size,
            tokenizer=cast(TokenizerName, tokenizer),
            key=key,
        )
        for one in specs
    ]
    names = [one.name for one in judged]
    if len(set(names)) != len(names):
        raise EvaluationError("Two systems have the same name; label one, as in NAME=SYSTEM.")
    runs.write_json(out / "run.json", {**asked, "systems": names})
    predictions = [generate(one, dataset, out, _Bar()) for one in judged]
    _score_and_report(out, asked, dataset, predictions, processes)


@app.command(epilog="Example:  inbrief-eval score runs/a --tokenizer unicode")
def score(
    directory: Annotated[Path, typer.Argument(help="Directory of a run.")],
    data: Annotated[str | None, typer.Option(help="The data, if it has moved.")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="ascii or unicode.")] = None,
    stemmer: Annotated[bool | None, typer.Option(help="Porter stemmer.")] = None,
    similarity: Annotated[
        bool | None, typer.Option(help="Closeness in meaning by a sentence encoder.")
    ] = None,
    processes: Processes = 2,
) -> None:
    """Score the predictions of a run again, without generating."""
    asked = runs.read_asked(directory)
    for name, value in (
        ("data", data),
        ("tokenizer", tokenizer),
        ("stemmer", stemmer),
        ("similarity", similarity),
    ):
        if value is not None:
            asked[name] = value
    dataset = _dataset(asked)
    predictions = [read_run(directory, file_name(one), dataset) for one in asked["systems"]]
    _score_and_report(directory, asked, dataset, predictions, processes)


@app.command(
    epilog="Examples:  inbrief-eval compare runs/old runs/new  |  "
    "inbrief-eval compare runs/old runs/new --pair lead-3=news-small"
)
def compare(
    first: Annotated[Path, typer.Argument(help="Run to compare with.")],
    second: Annotated[Path, typer.Argument(help="Run that is compared.")],
    pair: Annotated[
        list[str] | None,
        typer.Option(help="FIRST=SECOND: systems to pair; default: those of equal name."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write comparison.json and .md there.")] = None,
) -> None:
    """Compare two runs over the same data: second minus first, with tests."""
    pairs = []
    for one in pair or []:
        left, equals, right = one.partition("=")
        if not (left and equals and right):
            raise EvaluationError(f"--pair is FIRST=SECOND, not {one!r}.")
        pairs.append((left, right))
    found = compare_.compare(first, second, systems=pairs)
    text = compare_.markdown(found)
    if out is not None:
        runs.write_json(out / "comparison.json", found)
        (out / "comparison.md").write_text(text, encoding="utf-8")
    print(text, end="")


@app.command(
    epilog="Examples:  inbrief-eval gate  |  "
    "inbrief-eval gate --update --systems news-small,lead-3,textrank-3"
)
def gate(
    update: Annotated[bool, typer.Option(help="Write the floors from today's scores.")] = False,
    allow_regression: Annotated[
        bool, typer.Option(help="Let --update lower floors or change the data.")
    ] = False,
    systems: Annotated[
        str | None, typer.Option(help="Systems; default: those of the baseline.")
    ] = None,
    baseline: Annotated[Path, typer.Option(help="File of the floors.")] = gate_.BASELINE,
    data: Annotated[
        str | None, typer.Option(help="Other data than the bundled set and the seed articles.")
    ] = None,
    processes: Processes = 2,
) -> None:
    """Refuse scores below the floors of the baseline (exit status 1)."""
    dataset = load(data, reference="key_points") if data else _gate_data()
    names = peers.split_list(systems) if systems else list(gate_.read(baseline)["floors"])
    predictions = []
    with TemporaryDirectory() as folder:
        predictions = [generate(peers.parse(one), dataset, Path(folder)) for one in names]
    table = score_table(dataset, predictions, processes=processes)
    if update:
        written = gate_.update(baseline, table, allow_regression=allow_regression)
        print(f"{baseline}: floors of {', '.join(written['floors'])}")
        return
    breaches = gate_.check(table, gate_.read(baseline))
    for breach in breaches:
        print(breach)
    for name in dict.fromkeys(breach.system for breach in breaches):
        print(results.signature_line(table, name))
    if breaches:
        raise SystemExit(1)
    shown = ", ".join(one.system for one in predictions)
    print(f"{shown} hold their floors (n {len(dataset.examples)}).")


@app.command(
    epilog="Example:  inbrief-eval meta --summeval summeval.jsonl.xz --qags qags.jsonl.xz"
    " --out runs/meta"
)
def meta(
    summeval: Annotated[
        Path | None, typer.Option(help="Records of several judged systems, with references.")
    ] = None,
    qags: Annotated[
        Path | None, typer.Option(help="Records with factuality labels; no references needed.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write meta.json and meta.md there.")] = None,
    similarity: Similarity = False,
    processes: Processes = 2,
) -> None:
    """Correlate every metric with human judgements, to know what the numbers are worth."""
    if summeval is None and qags is None:
        raise EvaluationError("Name --summeval or --qags.")
    encoder = Encoder(default_directory()) if similarity else None
    found, parts = {}, ["# What the metrics are worth\n"]
    for name, path, against_article in (("summeval", summeval, False), ("qags", qags, True)):
        if path is not None:
            judged = meta_.load_judged(path, against_article=against_article)
            # An article is longer than an encoder reads: summaries are close to references.
            by = None if against_article else encoder
            found[name] = meta_.evaluate(judged, processes=processes, encoder=by)
            parts.append(meta_.markdown(found[name]))
    if out is not None:
        runs.write_json(out / "meta.json", found)
        (out / "meta.md").write_text("\n".join(parts), encoding="utf-8")
    print("\n".join(parts), end="")


app.command(
    "speed",
    epilog="Example:  inbrief-eval speed --out runs/speed --shapes bart-base,t5-small --batches 8",
)(measure_speed)


app.command(
    epilog="Example:  inbrief-eval parity --data articles.jsonl --limit 200 --out runs/parity"
)(parity)
app.command(
    epilog="Example:  inbrief-eval drafting --shape DIR --data articles.jsonl --out runs/drafting"
)(drafting)


app.command(epilog="Example:  inbrief-eval memory --articles 30000 --out runs/memory")(memory)


app.command(
    epilog="Example:  inbrief-eval http --url http://127.0.0.1:8000 --clients 16 --out runs/http"
)(http)


app.command(
    "load",
    epilog="Example:  inbrief-eval load --url http://127.0.0.1:8000 --clients 200 --seconds 300",
)(load_service)


@app.command()
def systems() -> None:
    """List what can be judged and how it is written."""
    print(peers.__doc__)


def _gate_data() -> Dataset:
    bundled = load(str(BUNDLED), reference="key_points")
    # An installed package has no seed articles; its floors are its own matter.
    return join(bundled, load(str(SEEDS), reference="key_points")) if SEEDS.is_dir() else bundled


class _Bar:
    """A progress bar a system on a terminal, a line a system otherwise."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, system: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=total, desc=system, unit="article", disable=not sys.stderr.isatty()
            )
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.close()
            if not sys.stderr.isatty():
                print(f"{system}: {total} articles", file=sys.stderr)


def _options(kind: str, length: str, max_words: int | None) -> SummaryOptions:
    if kind not in KINDS:
        raise EvaluationError(f"--kind is one of {', '.join(KINDS)}, not {kind!r}.")
    if length not in LENGTHS:
        raise EvaluationError(f"--length is one of {', '.join(LENGTHS)}, not {length!r}.")
    return SummaryOptions(kind=kind, length=length, max_words=max_words)


def _data_path(data: str) -> str:
    return str(BUNDLED) if data == "bundled" else data


def _dataset(asked: dict[str, Any]) -> Dataset:
    names = asked["fields"]
    standard = FieldNames()
    fields = FieldNames(
        id=names["id"] or standard.id,
        text=(names["text"],) if names["text"] else standard.text,
        title=names["title"] or standard.title,
        summary=(names["summary"],) if names["summary"] else standard.summary,
    )
    return load(
        asked["data"],
        fields=fields,
        preset=asked["preset"],
        reference=asked["reference"],
        limit=asked["limit"],
    )


def _require_ruler(asked: dict[str, Any]) -> None:
    """What scoring needs is asked for before hours are spent on generating."""
    Rouge(stemmer=asked["stemmer"], tokenizer=cast(TokenizerName, asked["tokenizer"]))
    if asked["similarity"]:
        default_directory()


def _score_and_report(
    directory: Path,
    asked: dict[str, Any],
    dataset: Dataset,
    predictions: list[PredictionSet],
    processes: int,
) -> None:
    bar = _Bar()
    table = score_table(
        dataset,
        predictions,
        stemmer=asked["stemmer"],
        tokenizer=cast(TokenizerName, asked["tokenizer"]),
        processes=processes,
        progress=lambda done: bar("scores", done, len(dataset.examples)),
    )
    if asked.get("similarity"):
        table = with_similarity(table, Encoder(default_directory()))
    found = results.build(table)
    runs.finish(directory, table, found)
    print("\n".join(tables.summary(found)))
    print(f"\n{directory / 'report.html'}")


if __name__ == "__main__":
    main()
