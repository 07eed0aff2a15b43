"""What systems are judged on: articles with references, cleaned, checked and digested."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from models.articles import ArticleRecord, FieldNames, read_records, record_of
from models.errors import EvaluationError, InvalidRecord, MissingDependency

Preset = Literal["none", "cnndm", "xsum"]
ReferenceKind = Literal["paragraph", "key_points", "headline"]

HUB_PREFIX: Final = "hf:"
# References of a directory of .txt files, one JSON object a line.
REFERENCES: Final = "references.jsonl"
BUNDLED: Final = Path(__file__).parent / "data" / "articles.jsonl"
SEEDS: Final = Path(__file__).parent.parent / "seeds"
# Ids named in an error; more would hide its first words.
_NAMED: Final = 3
_DIGEST_CHARACTERS: Final = 16
_MISSING: Final = frozenset({"", "nan", "none", "null", "<na>"})


@dataclass(frozen=True, slots=True)
class Example:
    """An article with its references; each reference has its sentences one a line.

    `fields` holds what else the record says (section, date), for slices.
    """

    id: str
    text: str
    title: str | None
    references: tuple[str, ...]
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of the article alone: a prediction names what it summarises."""
        return sha256(json.dumps([self.title, self.text]).encode()).hexdigest()[:_DIGEST_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Checked examples: unique ids, an article and at least one reference each.

    `digest` covers ids, articles and references after cleaning, in order: it
    names exactly what was scored. `reference_sentences` says where sentence
    boundaries in the references come from: their lines, or our splitter.
    """

    name: str
    examples: tuple[Example, ...]
    preset: Preset
    digest: str
    reference_sentences: Literal["lines", "split"]


def load(
    source: str,
    *,
    fields: FieldNames | None = None,
    preset: Preset = "none",
    reference: ReferenceKind = "paragraph",
    limit: int | None = None,
) -> Dataset:
    """Read, clean and check a data set.

    `source` is a file or directory that `models.articles` reads, or
    `hf:OWNER/NAME[/CONFIG]:SPLIT` for the `datasets` library. `reference` chooses
    among several kinds where a record's `references` is an object.

    Raises:
        InputError: the file cannot be read at all.
        EvaluationError: a bad record, a doubled id, an empty article, a
            missing reference, or nothing to score.
        MissingDependency: `hf:` without the `datasets` library.
    """
    if preset not in _CLEANERS:
        raise EvaluationError(f"Unknown preset {preset!r}; known are {', '.join(_CLEANERS)}.")
    if limit is not None and limit < 1:
        raise EvaluationError("The limit of articles is at least 1.")
    names = _known_names(fields or FieldNames(), preset)
    clean = _CLEANERS[preset]
    examples: list[Example] = []
    bad: list[InvalidRecord] = []
    if not (source := source.strip()):
        raise EvaluationError("The data set needs a name.")
    for record in _records(source, names):
        if limit is not None and len(examples) + len(bad) == limit:
            break
        if isinstance(record, InvalidRecord):
            bad.append(record)
        else:
            examples.append(clean(_example(record, reference)))
    if examples and not any(one.references for one in examples):
        raise EvaluationError(
            f"{source}: no record has a reference in {' or '.join(map(repr, names.summary))} or"
            f" 'references' (for {reference.replace('_', ' ')}); name its field with"
            " --summary-field."
        )
    if bad:
        raise EvaluationError(
            f"{source}: {len(bad)} bad record{'s' * (len(bad) > 1)}: "
            + " ".join(error.message for error in bad[:_NAMED])
        )
    return build(Path(source).name, examples, preset=preset)


def is_missing(text: str) -> bool:
    """Whether a text is empty, or what tools write where a value is missing."""
    return text.strip().casefold() in _MISSING


def join(first: Dataset, second: Dataset) -> Dataset:
    """Both, one after the other; ids must differ."""
    return build(
        f"{first.name}+{second.name}",
        [*first.examples, *second.examples],
        preset=first.preset,
    )


def build(name: str, examples: Sequence[Example], *, preset: Preset = "none") -> Dataset:
    """Check examples and digest them.

    Raises:
        EvaluationError: see `load`.
    """
    if not examples:
        raise EvaluationError(f"{name} holds no article.")
    ids = [example.id for example in examples]
    _refuse(name, "the same id twice", _doubled(ids))
    _refuse(name, "no article text", [one.id for one in examples if is_missing(one.text)])
    _refuse(
        name,
        "a missing or empty reference",
        [one.id for one in examples if not one.references or any(map(is_missing, one.references))],
    )
    hasher = sha256()
    for one in examples:
        row = [one.id, one.title, one.text, list(one.references)]
        hasher.update(json.dumps(row).encode())
    lines = any("\n" in text for one in examples for text in one.references)
    return Dataset(
        name,
        tuple(examples),
        preset,
        hasher.hexdigest()[:_DIGEST_CHARACTERS],
        "lines" if lines else "split",
    )


def _doubled(ids: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return [one for one in ids if one in seen or seen.add(one)]  # type: ignore[func-returns-value]


def _refuse(name: str, fault: str, ids: Sequence[str]) -> None:
    if ids:
        named = ", ".join(map(repr, ids[:_NAMED])) + (", …" if len(ids) > _NAMED else "")
        raise EvaluationError(f"{name}: {len(ids)} of the records have {fault}: {named}.")


def _records(source: str, names: FieldNames) -> Iterator[ArticleRecord | InvalidRecord]:
    if source.startswith(HUB_PREFIX):
        return _hub_records(source.removeprefix(HUB_PREFIX), names)
    path = Path(source)
    if (path / REFERENCES).is_file():
        return _text_files(path, names)
    return read_records(path, names)


def _text_files(path: Path, names: FieldNames) -> Iterator[ArticleRecord | InvalidRecord]:
    """A directory of .txt files whose references stand in REFERENCES, matched by `id`."""
    references: dict[str, Mapping[str, object]] = {}
    # A row of references has no text of its own: its id stands in.
    for row in read_records(path / REFERENCES, FieldNames(id=names.id, text=(names.id,))):
        if isinstance(row, InvalidRecord):
            raise EvaluationError(f"{path / REFERENCES}: {row.message}")
        references[row.id] = {**row.fields, "title": row.title, "summaries": list(row.summaries)}
    for record in read_records(path, names):
        if isinstance(record, InvalidRecord) or record.id not in references:
            yield record
            continue
        found = record_of(
            record.line,
            {names.id: record.id, names.text[0]: record.text, **references[record.id]},
            replace(names, title="title", summary=("summaries",)),
        )
        yield found


def _hub_records(source: str, names: FieldNames) -> Iterator[ArticleRecord | InvalidRecord]:
    path, colon, split = source.rpartition(":")
    if not colon or not path or not split:
        raise EvaluationError(
            f"hf:{source}: name the split, as in hf:abisee/cnn_dailymail/3.0.0:test."
        )
    try:
        import datasets  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise MissingDependency(
            "Data sets of the hub need the datasets library: pip install datasets."
        ) from None
    for name, config in (meanings := hub_names(path)):
        try:
            rows = datasets.load_dataset(name, config, split=split)
            break
        except Exception as error:
            if (name, config) == meanings[-1]:
                raise EvaluationError(
                    f"hf:{source} could not be loaded ({type(error).__name__}); are you online?"
                ) from error
    return _hub_rows(rows, _published_names(names))


def _known_names(names: FieldNames, preset: Preset) -> FieldNames:
    return names if preset == "none" else _published_names(names)


def _published_names(names: FieldNames) -> FieldNames:
    """CNN/DailyMail calls them article and highlights, XSum document and summary."""
    return replace(
        names,
        text=tuple(dict.fromkeys([*names.text, "document"])),
        summary=tuple(dict.fromkeys([*names.summary, "highlights"])),
    )


def hub_names(path: str) -> list[tuple[str, str | None]]:
    """What OWNER/NAME/CONFIG may mean: names with their configuration, the likelier first.

    The oldest data sets have no owner, so that two parts are read either way.
    """
    parts = path.split("/", 2)
    if len(parts) == 3:
        return [(f"{parts[0]}/{parts[1]}", parts[2])]
    return [(path, None)] if len(parts) == 1 else [(path, None), (parts[0], parts[1])]


def _hub_rows(
    rows: Iterator[Mapping[str, object]], names: FieldNames
) -> Iterator[ArticleRecord | InvalidRecord]:
    return (record_of(number, row, names) for number, row in enumerate(rows, start=1))


def _example(record: ArticleRecord, reference: ReferenceKind) -> Example:
    references = record.summaries
    kinds = record.fields.get("references")
    rest = {name: value for name, value in record.fields.items() if name != "references"}
    if not references and isinstance(kinds, Mapping):
        chosen = kinds.get(reference)
        if isinstance(chosen, list) and all(isinstance(one, str) for one in chosen):
            # Key points are one reference, a point a line.
            references = ("\n".join(chosen),)
        elif isinstance(chosen, str):
            references = (chosen,)
    elif not references and isinstance(kinds, list):
        references = tuple(one for one in kinds if isinstance(one, str))
        if len(references) < len(kinds):
            references = ()
    return Example(record.id, record.text, record.title, references, rest)


# --- known clean-ups -----------------------------------------------------

# PEGASUS and others write the line ends of CNN/DM references so.
LINE_MARK: Final = re.compile(r"\s*(?:<n>|<q>|<S_SEP>)\s*")
# "(CNN) -- ", "LONDON, England (CNN)", "New Delhi (CNN) "
_CNN_DATELINE: Final = re.compile(
    r"^(?:[A-Z][\w.'-]*,?\s+){0,6}\(CNN(?:\.com|Money)?\)\s*(?:--|-|—)?\s*"
)
# "By . A. Name . PUBLISHED: . 10:21 EST, 1 May 2013 . | . UPDATED: . 11:00 EST, 1 May 2013 ."
_DAILY_MAIL_HEAD: Final = re.compile(
    r"^By\s*\.\s.{2,80}?PUBLISHED:[^|]{5,60}?\b\d{4}\b[\s.]*"
    r"(?:\|[\s.]*UPDATED:.{5,60}?\b\d{4}\b[\s.]*)?",
    re.DOTALL,
)
_BBC_FURNITURE: Final = re.compile(
    r"^(?:Media playback is (?:un|not )supported on (?:this|your) device|"
    r"This video can ?not be played|To play this video you need to enable JavaScript.*|"
    r"Share this with|Image copyright.*|Image caption.*|"
    r"Last updated at [\d.:]+(?: [A-Z]{2,4})?(?: on .*)?|"
    r"Jump to media player.*|Media player help.*|"
    r"These are external links and will open in a new window)\s*$"
)


def _clean_nothing(example: Example) -> Example:
    return example


def _clean_cnndm(example: Example) -> Example:
    text = _CNN_DATELINE.sub("", _DAILY_MAIL_HEAD.sub("", example.text.strip())).strip()
    references = tuple(LINE_MARK.sub("\n", one).strip() for one in example.references)
    return replace(example, text=text or example.text, references=references)


def _clean_xsum(example: Example) -> Example:
    lines = [line for line in example.text.split("\n") if not _BBC_FURNITURE.match(line.strip())]
    text = "\n".join(lines).strip()
    references = tuple(LINE_MARK.sub("\n", one).strip() for one in example.references)
    return replace(example, text=text or example.text, references=references)


_CLEANERS: Final[dict[Preset, Callable[[Example], Example]]] = {
    "none": _clean_nothing,
    "cnndm": _clean_cnndm,
    "xsum": _clean_xsum,
}
