"""news-small, the shipped model: select the sentences that matter, rewrite each one.

The salience network chooses, the rewriter writes all chosen sentences of all
articles in one batch, and what cannot be trusted gives way: to the next
hypothesis, then to the source sentence as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch

from models import acceptability, capitals, documents, workers
from models.acceptability import Judge
from models.candidates import Candidate, candidates_of, headline_words
from models.choosing import Reading, choose, settled
from models.contract import (
    KINDS,
    LENGTHS,
    ModelInfo,
    OnSentence,
    Summary,
    SummaryOptions,
    SummaryRequest,
    SummarySentence,
)
from models.errors import CorruptModel, InbriefError, InferenceFailed, ModelNotFound
from models.headlines import lacks_headline
from models.proposing import Choice
from models.rewriting import Rewriter
from models.selection import Floats, Selector
from models.stages import stage
from models.summarising import Draft, finish, require_supported
from models.workers import Workers

CONFIG: Final = "model.json"
_CHARACTERS_A_TOKEN: Final = 4
# Of an article only the chosen sentences pass the rewriter; the rest costs a fraction.
_READING_SHARE: Final = 0.2
# Articles that pass the networks together: more are no faster, and take more memory.
_MAX_ARTICLES: Final = 10
# Fewer are not worth sharing out between threads.
_MIN_ARTICLES: Final = 4


@dataclass(frozen=True, slots=True)
class _Job:
    """One article on its way; `capitals`: it came in these and goes back in them."""

    index: int
    request: SummaryRequest
    reading: Reading
    capitals: bool = False


class NewsSummariser:
    """Salience network and rewriter behind the one seam; calls come from one thread at a time."""

    def __init__(
        self,
        selector: Selector,
        rewriter: Rewriter,
        choice: Choice,
        info: ModelInfo,
        judge: Judge | None = None,
    ) -> None:
        """Without a `judge` only the rules decide what is used."""
        self._selector = selector
        self._rewriter = rewriter
        self._judge = judge
        self._choice = choice
        self._info = info
        self._workers = Workers()

    @property
    def info(self) -> ModelInfo:
        return self._info

    def estimate_tokens(self, request: SummaryRequest) -> int:
        return int(len(request.article.text) / _CHARACTERS_A_TOKEN * _READING_SHARE) + 64

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        results: dict[int, Summary | InbriefError] = {}
        rounds = -(-len(requests) // (_MAX_ARTICLES * workers.MOST))
        size = max(_MIN_ARTICLES, -(-len(requests) // (max(1, rounds) * workers.MOST)))
        places = range(len(requests))
        parts = [
            {place: requests[place] for place in places[begin : begin + size]}
            for begin in places[::size]
        ]
        for found in self._workers.each(partial(self._summarise, on_sentence=on_sentence), parts):
            results |= found
        return [results[place] for place in places]

    def _summarise(
        self, requests: Mapping[int, SummaryRequest], on_sentence: OnSentence | None
    ) -> dict[int, Summary | InbriefError]:
        results: dict[int, Summary | InbriefError] = {}
        jobs: list[_Job] = []
        with stage("read"):
            for index, request in requests.items():
                try:
                    jobs.append(self._read(index, request))
                except InbriefError as error:
                    results[index] = error
        written = self._write(jobs)
        with stage("verify"):
            for job, found in zip(jobs, written, strict=True):
                if isinstance(found, InbriefError):
                    results[job.index] = found
                else:
                    results[job.index] = self._finish(job, found, on_sentence)
        return results

    def _read(self, index: int, request: SummaryRequest) -> _Job:
        document = documents.read(request.article)
        require_supported(self._info, request.options, document.language)
        if capitals.is_capitals(document):
            return _Job(index, request, Reading.of(capitals.lowered(document)), capitals=True)
        return _Job(index, request, Reading.of(document))

    def _write(self, jobs: Sequence[_Job]) -> list[list[Candidate] | InbriefError]:
        """For each article its candidates, best first, each with what the rewriter makes of it."""
        texts = [[sentence.text for sentence in job.reading.document.sentences] for job in jobs]
        try:
            with stage("encode"):
                scores = self._selector.score(texts)
            planned = [
                candidates_of(job.reading.document, found, job.request.options)
                for job, found in zip(jobs, scores, strict=True)
            ]
            wanted = [job.request.options for job in jobs]
            with stage("decode"):
                written = self._settled(planned, wanted)
                written = self._with_more_headlines(jobs, scores, written)
            return [*written]
        except (RuntimeError, ValueError) as error:
            if len(jobs) > 1:  # one article must not cost the others their summaries
                return [answer for job in jobs for answer in self._write([job])]
            return [InferenceFailed(f"The model failed on this article: {type(error).__name__}.")]

    def _settled(
        self, plans: Sequence[list[Candidate]], options: Sequence[SummaryOptions]
    ) -> list[list[Candidate]]:
        written = self._rewritten(plans, options)
        if self._judge is None:
            return written
        return settled(written, options, self._judge, self._choice)

    def _with_more_headlines(
        self, jobs: Sequence[_Job], scores: Sequence[Floats], written: list[list[Candidate]]
    ) -> list[list[Candidate]]:
        """`written` with headlines of further sentences where the first ones gave none."""
        lacking = [
            row
            for row, (job, plan) in enumerate(zip(jobs, written, strict=True))
            if job.request.options.kind == "headline"
            and lacks_headline(
                plan,
                job.reading.document.title,
                headline_words(job.request.options),
                self._choice,
            )
        ]
        options = [jobs[row].request.options for row in lacking]
        further = [
            candidates_of(
                jobs[row].reading.document, scores[row], wish, {one.index for one in written[row]}
            )
            for row, wish in zip(lacking, options, strict=True)
        ]
        for row, plan in zip(lacking, self._settled(further, options), strict=True):
            written[row] += plan
        return written

    def _rewritten(
        self, plans: Sequence[list[Candidate]], options: Sequence[SummaryOptions]
    ) -> list[list[Candidate]]:
        """The plans with what the rewriter makes of their inputs, headlines with more beams."""
        choice, found = self._choice, [list(plan) for plan in plans]
        for beams in sorted({choice.beams, choice.headline_beams}):
            places = [
                (row, column)
                for row, (plan, one) in enumerate(zip(plans, options, strict=True))
                for column, candidate in enumerate(plan)
                if beams == (choice.headline_beams if one.kind == "headline" else choice.beams)
                and candidate.input is not None
            ]
            inputs = [plans[row][column].input for row, column in places]
            written = self._rewriter.rewrite([one for one in inputs if one is not None], beams)
            for (row, column), hypotheses in zip(places, written, strict=True):
                found[row][column] = plans[row][column].written(hypotheses)
        return found

    def _finish(
        self, job: _Job, candidates: list[Candidate], on_sentence: OnSentence | None
    ) -> Summary | InbriefError:
        emit = None if on_sentence is None else partial(_tell, on_sentence, job)
        document, options = job.reading.document, job.request.options
        chosen = choose(candidates, job.reading, options, self._choice)
        try:
            summary = finish(
                [Draft(one.text, one.alternatives, one.evidence) for one in chosen],
                document,
                options,
                self._info,
                read_sentences=len(document.sentences),
                fallback=[candidate.index for candidate in candidates],
                facts=job.reading.facts,
                index=job.reading.index,
                emit=emit,
            )
        except InbriefError as error:
            return error
        return capitals.raised(summary) if job.capitals else summary


def _tell(on_sentence: OnSentence, job: _Job, sentence: SummarySentence) -> None:
    on_sentence(job.index, capitals.raised_sentence(sentence) if job.capitals else sentence)


def load_news(
    directory: Path, *, device: str = "auto", threads: int | None = None
) -> NewsSummariser:
    """Load the model from its directory, every file checked against the digests in `model.json`.

    Raises ModelNotFound if a file is missing, CorruptModel if one is damaged,
    not the one that belongs to this model, or not listed at all.
    """
    config = _read_config(directory)
    found = digests(directory)
    for name, expected in config["sha256"].items():
        if name not in found:
            raise ModelNotFound(f"The model's directory {directory.name} has no {name}.")
        if found[name] != expected:
            raise CorruptModel(f"{name} of {directory.name} is not the file that belongs to it.")
    if extra := found.keys() - config["sha256"].keys():
        raise CorruptModel(
            f"{CONFIG} of {directory.name} does not list {', '.join(sorted(extra))}."
        )
    if threads is not None:
        torch.set_num_threads(threads)
    chosen = _device(device)
    selector = Selector.load(directory)
    rewriter = Rewriter.load(directory, device=chosen)
    judge = _judge(directory, rewriter, chosen)
    info = ModelInfo(
        name=config["name"],
        revision=revision_of(config),
        engine="news",
        precision=rewriter.precision,
        device=chosen,
        kinds=KINDS,
        lengths=LENGTHS,
        languages=tuple(config["languages"]),
        max_input_tokens=None,
        parameters=selector.parameters
        + rewriter.parameters
        + (0 if judge is None else judge.parameters),
        size_bytes=sum((directory / name).stat().st_size for name in found),
        choice=f"inbrief's own networks in {rewriter.precision} on {chosen}: made for each other.",
    )
    return NewsSummariser(selector, rewriter, Choice(**config["choice"]), info, judge)


def _judge(directory: Path, rewriter: Rewriter, device: str) -> Judge | None:
    """The judge of a model that has one."""
    if not (directory / acceptability.WEIGHTS).is_file():
        return None
    return Judge.load(
        directory,
        rewriter.network,
        rewriter.tokenizer,
        device=device,
        bfloat16=rewriter.precision == "bf16",
    )


def digests(directory: Path) -> dict[str, str]:
    """The SHA-256 of every file of a model but its `model.json`, by name."""
    return {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
        if path.is_file() and path.suffix in {".safetensors", ".json"} and path.name != CONFIG
    }


def revision_of(config: Mapping[str, Any], package: Path = Path(__file__).parent) -> str:
    """A digest of the weights, by their digests, of the configuration and of the rules.

    The rules are code: without it, summaries of two versions would pass for the same.
    """
    digest = sha256(json.dumps(config, sort_keys=True).encode())
    for path in sorted([*package.glob("*.py"), *package.glob("networks/*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _read_config(directory: Path) -> dict[str, Any]:
    path = directory / CONFIG
    if not path.is_file():
        raise ModelNotFound(f"The model's directory {directory.name} has no {CONFIG}.")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key in ("name", "languages", "sha256", "choice"):
            config[key]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptModel(f"{CONFIG} of {directory.name} cannot be read.") from error
    return config


def _device(wanted: str) -> str:
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted
