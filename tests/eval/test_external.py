import json
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pytest

from eval.external import Command, Endpoint, PredictionsFile
from eval.systems import System
from models.contract import Span, SummaryOptions
from models.errors import EvaluationError
from tests.eval import corpus

EXAMPLES = corpus.examples(6)
FIRST_LINES = [one.text.split("\n")[0] for one in EXAMPLES]

ECHO = """
import json, sys
rows = [json.loads(line) for line in sys.stdin]
for row in reversed(rows):
    print(json.dumps({"id": row["id"], "summary": row["text"].split("\\n")[0]}))
"""


def command(tmp_path: Path, source: str) -> Command:
    script = tmp_path / "mine.py"
    script.write_text(source)
    return Command("mine", f"{sys.executable} {script}")


def test_a_command_answers_in_any_order(tmp_path: Path) -> None:
    answers = command(tmp_path, ECHO).summarise(EXAMPLES)
    assert [one.summary for one in answers] == FIRST_LINES
    assert [one.article_digest for one in answers] == [one.digest for one in EXAMPLES]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys; sys.stdin.read(); sys.exit('no model here')", "status 1: no model here"),
        (ECHO.replace("reversed(rows)", "rows[1:]"), "1 of 6 articles have no prediction"),
        (ECHO.replace("reversed(rows)", "rows + rows[:1]"), "'a0' stands more than once"),
        (ECHO.replace('row["id"]', 'row["id"] + "x"'), "6 of 6 articles have no prediction"),
        ("print('hello')", "is damaged. Line 1: the line is not JSON"),
        ("", "6 of 6 articles have no prediction, the first is 'a0'"),
    ],
)
def test_a_command_that_fails_is_named(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=f"mine: .*{message}"):
        command(tmp_path, source).summarise(EXAMPLES)


def test_a_command_that_does_not_exist_or_end(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="'no-such-program' cannot be run"):
        Command("x", "no-such-program --fast").summarise(EXAMPLES)
    with pytest.raises(EvaluationError, match="needs a command"):
        Command("x", " ")
    script = tmp_path / "slow.py"
    script.write_text("import time; time.sleep(60)")
    slow = Command("x", f"{sys.executable} {script}", timeout_seconds=0.2)
    with pytest.raises(EvaluationError, match=r"no end within 0\.2 seconds"):
        slow.summarise(EXAMPLES)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        # What an inbrief service says of its models; another's service has no such page.
        one = {"revision": "r1", "engine": "native", "precision": "int8", "device": "cpu"}
        models = [{"name": "a", "loaded": True, **one}, {"name": "b", "loaded": False, **one}]
        known = self.path == "/here/v1/models"
        self._answer(200 if known else 404, {"models": models} if known else {"detail": "?"})

    # How often a path will still be too busy.
    busy: ClassVar[dict[str, int]] = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/models/a":
            whole = set(body) == {"inputs"} and self.headers["authorization"] == "Bearer secret"
            first_line = str(body.get("inputs")).split("\n")[0]
            self._answer(200 if whole else 400, [{"summary_text": first_line}])
            return
        text = body["text"]
        status, answer = 200, {}
        if self.path == "/inbrief":
            sentence = {"text": text[:20], "evidence": [{"start": 0, "end": 20}], "supported": True}
            answer = {"summary": text[:20], "sentences": [sentence], "kind": body["kind"]}
        elif self.path == "/hub":
            answer = [{"summary_text": text.split("\n")[0]}]  # type: ignore[assignment]
        elif self.path in _Handler.busy:
            _Handler.busy[self.path] -= 1
            if _Handler.busy[self.path] >= 0:
                self._answer(429, {"title": "Too many requests"}, {"retry-after": "7"})
                return
            answer = {"summary": text[:20]}
        elif self.path == "/refuse":
            status, answer = 422, {"detail": "The article is too short."}
        elif self.path == "/broken":
            status, answer = 500, {"title": "Internal error"}
        self._answer(status, answer)

    def _answer(
        self, status: int, answer: object, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def endpoint(url: str) -> System:
    return Endpoint("remote", url, SummaryOptions(kind="tldr"))


def test_our_own_service_and_its_evidence(server: str) -> None:
    (one,) = endpoint(f"{server}/inbrief").summarise(EXAMPLES[:1])
    assert one.summary == EXAMPLES[0].text[:20]
    assert one.sentences[0].evidence == (Span(0, 20),)


def test_an_endpoint_shaped_like_the_hubs(server: str) -> None:
    answers = endpoint(f"{server}/hub").summarise(EXAMPLES)
    assert [one.summary for one in answers] == FIRST_LINES


def test_the_inference_api_is_asked_as_it_wants_to_be(server: str) -> None:
    system = Endpoint(
        "hub", f"{server}/models/a", SummaryOptions(), hugging_face=True, key="secret"
    )
    assert [one.summary for one in system.summarise(EXAMPLES)] == FIRST_LINES


def test_the_signature_of_a_service_names_its_model_and_all_that_was_asked(server: str) -> None:
    options = SummaryOptions(max_words=40)
    asked = {"kind": "key-points", "length": "short", "max_words": 40}
    ours = Endpoint("ours", f"{server}/here/v1/summaries", options).signature
    assert (ours["model"], ours["revision"], ours["precision"]) == ("a", "r1", "int8")
    assert ours["options"] == asked
    url = f"{server}/v1/summaries"
    assert Endpoint("another's", url, options).signature == {"url": url, "options": asked}
    with pytest.raises(EvaluationError, match="/v1/models does not answer"):
        _ = Endpoint("none", "http://127.0.0.1:9/v1/summaries", options).signature


def test_a_refusal_is_of_one_article_and_a_failure_of_the_run(server: str) -> None:
    (one,) = endpoint(f"{server}/refuse").summarise(EXAMPLES[:1])
    assert one.error == "The article is too short."
    with pytest.raises(EvaluationError, match="answered with 500: Internal error"):
        endpoint(f"{server}/broken").summarise(EXAMPLES[:1])
    with pytest.raises(EvaluationError, match="sent no summary"):
        endpoint(f"{server}/other").summarise(EXAMPLES[:1])
    with pytest.raises(EvaluationError, match="does not answer"):
        endpoint("http://127.0.0.1:9").summarise(EXAMPLES[:1])


def test_a_service_that_asks_to_wait_is_asked_again(server: str) -> None:
    slept: list[float] = []
    system = Endpoint("busy", f"{server}/busy", SummaryOptions(), sleep=slept.append)
    _Handler.busy["/busy"] = 3
    (one,) = system.summarise(EXAMPLES[:1])
    assert one.summary == EXAMPLES[0].text[:20]
    assert slept == [7.0, 7.0, 7.0]
    _Handler.busy["/busy"] = 1000
    with pytest.raises(EvaluationError, match="answered with 429: Too many requests"):
        system.summarise(EXAMPLES[:1])


def test_a_file_of_predictions(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    lines = [f'{one.id},"{line}"' for one, line in zip(EXAMPLES, FIRST_LINES, strict=True)]
    path.write_text("\n".join(["id,summary", *lines]) + "\n")
    system = PredictionsFile("theirs", path)
    assert [one.summary for one in system.summarise(EXAMPLES)] == FIRST_LINES
    assert system.signature["file"] == "theirs.csv"
    with pytest.raises(EvaluationError, match="1 predictions are for no article, one is 'a5'"):
        system.summarise(EXAMPLES[:5])
    with pytest.raises(EvaluationError, match="does not exist"):
        PredictionsFile("x", tmp_path / "none.jsonl")
