"""Systems that run elsewhere: a command, an HTTP endpoint, a file of predictions."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from eval.connections import retry_after_seconds
from eval.datasets import Example
from eval.predictions import Prediction, from_row, parse
from models.articles import json_line
from models.contract import SummaryOptions
from models.errors import EvaluationError

_SUMMARIES: Final = "/v1/summaries"
# What a service that is asked too often may ask for: so many times, so long.
_MOST_WAITS: Final = 20
_LONGEST_WAIT_SECONDS: Final = 600


class Command:
    """A command that reads articles and writes summaries, JSONL on standard input and output.

    In: `id`, `text`, `title`; out: `id`, `summary`, and `sentences` where it
    has them. It is started once, without a shell, and given all articles.
    """

    batch_size: int | None = None
    timed = True

    def __init__(self, name: str, command: str, *, timeout_seconds: float = 24 * 3600) -> None:
        self.name = name
        self.signature: Mapping[str, object] = {"command": command}
        self._arguments = shlex.split(command)
        self._timeout_seconds = timeout_seconds
        if not self._arguments:
            raise EvaluationError("cmd: needs a command, as in 'cmd:python my_summariser.py'.")

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        lines = "".join(
            json_line({"id": one.id, "text": one.text, "title": one.title}) for one in examples
        )
        try:
            done = subprocess.run(
                self._arguments,
                input=lines.encode(),
                capture_output=True,
                timeout=self._timeout_seconds,
                check=False,
            )
        except OSError as error:
            raise EvaluationError(
                f"{self.name}: {self._arguments[0]!r} cannot be run ({error.strerror})."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise EvaluationError(
                f"{self.name}: no end within {self._timeout_seconds:g} seconds."
            ) from error
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1][:200]
            raise EvaluationError(
                f"{self.name}: the command ended with status {done.returncode}"
                + (f": {last}" if last else ".")
            )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "output.jsonl"
            path.write_bytes(done.stdout)
            answers = parse(path, self.name)
        return matched(self.name, examples, answers)


class Endpoint:
    """An HTTP endpoint: inbrief's, or one of the shape of Hugging Face's inference API.

    inbrief's takes `{"text", "title"?, "kind", "length", "max_words"?}` and
    answers with `summary`; with `hugging_face` it takes `{"inputs"}` and
    answers with `[{"summary_text": …}]`. A refusal (413 or 422) is a refused
    article. Where a service says when to come back (429 or 503 with
    Retry-After) it is asked again then; anything else ends the run.
    `waited_seconds` is how long that was in all.
    """

    batch_size: int | None = 1
    timed = True

    def __init__(
        self,
        name: str,
        url: str,
        options: SummaryOptions,
        *,
        hugging_face: bool = False,
        key: str | None = None,
        timeout_seconds: float = 120,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.waited_seconds = 0.0
        self._sleep = sleep
        self._url = url
        self._options = options
        self._hugging_face = hugging_face
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(timeout=timeout_seconds, headers=headers)

    @cached_property
    def signature(self) -> Mapping[str, object]:
        """The address and what was asked for; of an inbrief service also which model it runs.

        Raises:
            EvaluationError: an inbrief service does not answer.
        """
        if self._hugging_face:
            return {"url": self._url}
        options = self._options
        asked = {"kind": options.kind, "length": options.length, "max_words": options.max_words}
        return {"url": self._url, **self._model(), "options": asked}

    def _model(self) -> dict[str, object]:
        if not self._url.endswith(_SUMMARIES):
            return {}
        response = self._patiently("GET", self._url.removesuffix(_SUMMARIES) + "/v1/models")
        try:
            (model,) = (one for one in response.json()["models"] if one["loaded"])
            return {
                "model": model["name"],
                **{name: model[name] for name in ("revision", "engine", "precision", "device")},
            }
        except (ValueError, LookupError, TypeError):
            # Another's service of the same address says nothing about itself.
            return {}

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        return [self._ask(one) for one in examples]

    def _ask(self, example: Example) -> Prediction:
        response = self._patiently("POST", self._url, json=self._body(example))
        if response.status_code in (413, 422):
            return Prediction(example.id, example.digest, "", error=_problem(response))
        if response.status_code != 200:
            raise EvaluationError(
                f"{self.name}: {self._url} answered with {response.status_code}:"
                f" {_problem(response)}"
            )
        try:
            answer = response.json()
            row = {"summary": answer[0]["summary_text"]} if isinstance(answer, list) else answer
            return _of_row(example, row, self.name)
        except (ValueError, LookupError, TypeError) as error:
            raise EvaluationError(f"{self.name}: {self._url} sent no summary.") from error

    def _body(self, example: Example) -> dict[str, object]:
        if self._hugging_face:
            return {"inputs": example.text}
        body: dict[str, object] = {
            "text": example.text,
            "kind": self._options.kind,
            "length": self._options.length,
        }
        if example.title:
            body["title"] = example.title
        if self._options.max_words is not None:
            body["max_words"] = self._options.max_words
        return body

    def _patiently(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        response = self._send(method, url, **arguments)
        for _ in range(_MOST_WAITS):
            seconds = _retry_seconds(response)
            if seconds is None:
                break
            started = time.perf_counter()
            self._sleep(seconds)
            self.waited_seconds += time.perf_counter() - started
            response = self._send(method, url, **arguments)
        return response

    def _send(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        try:
            return self._client.request(method, url, **arguments)
        except httpx.HTTPError as error:
            raise EvaluationError(
                f"{self.name}: {url} does not answer ({type(error).__name__})."
            ) from error


def _retry_seconds(response: httpx.Response) -> float | None:
    """How long a service that has too much to do asks to wait; None where it does not ask."""
    seconds = retry_after_seconds(response.headers)
    if response.status_code not in (429, 503) or seconds is None:
        return None
    return seconds if seconds <= _LONGEST_WAIT_SECONDS else None


def _of_row(example: Example, row: Mapping[str, object], name: str) -> Prediction:
    summary = row["summary"]
    if not isinstance(summary, str):
        raise TypeError
    kept = {"id": example.id, "sentences": row.get("sentences"), "truncated": row.get("truncated")}
    return _with_digest(example, from_row(1, summary, kept, name))


def _problem(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except json.JSONDecodeError:
        return f"status {response.status_code}"
    if isinstance(problem, dict):
        for name in ("detail", "title", "error"):
            if isinstance(problem.get(name), str):
                return str(problem[name])
    return f"status {response.status_code}"


class PredictionsFile:
    """Summaries that another tool has made: JSONL, CSV or Parquet with `id` and `summary`."""

    batch_size: int | None = None
    timed = False

    def __init__(self, name: str, path: Path) -> None:
        if not path.is_file():
            raise EvaluationError(f"{name}: {path} does not exist.")
        self.name = name
        self._path = path
        digest = sha256(path.read_bytes()).hexdigest()[:16]
        self.signature: Mapping[str, object] = {"file": path.name, "file_digest": digest}

    def summarise(self, examples: Sequence[Example]) -> list[Prediction]:
        return matched(self.name, examples, parse(self._path, self.name))


def matched(
    name: str, examples: Sequence[Example], answers: Sequence[Prediction]
) -> list[Prediction]:
    """Answers in the order of the examples.

    Raises:
        EvaluationError: an id stands twice or is missing.
    """
    by_id: dict[str, Prediction] = {}
    for one in answers:
        if one.id in by_id:
            raise EvaluationError(f"{name}: the id {one.id!r} stands more than once.")
        by_id[one.id] = one
    missing = [one.id for one in examples if one.id not in by_id]
    if missing:
        raise EvaluationError(
            f"{name}: {len(missing)} of {len(examples)} articles have no prediction, the first"
            f" is {missing[0]!r}."
        )
    unknown = set(by_id) - {one.id for one in examples}
    if unknown:
        raise EvaluationError(
            f"{name}: {len(unknown)} predictions are for no article, one is {min(unknown)!r}."
        )
    return [_with_digest(one, by_id[one.id]) for one in examples]


def _with_digest(example: Example, one: Prediction) -> Prediction:
    # A digest that the file itself names is kept: it is checked later.
    return Prediction(
        id=example.id,
        article_digest=one.article_digest or example.digest,
        summary=one.summary,
        sentences=one.sentences,
        error=one.error,
        truncated=one.truncated,
    )
