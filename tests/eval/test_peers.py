import sys
from pathlib import Path

import pytest

from eval.external import Command, Endpoint, PredictionsFile
from eval.peers import parse, split_list
from eval.systems import ModelSystem
from models.contract import SummaryOptions
from models.errors import EvaluationError, InbriefError, ModelNotFound
from tests.eval import corpus


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("lead-2", "lead-2"),
        ("lead", "lead-3"),
        (" textrank ", "textrank-3"),
        ("random-1", "random-1"),
        ("oracle-4", "oracle-4"),
        ("mine=lead-1", "mine"),
    ],
)
def test_sentences_of_the_article(spec: str, name: str) -> None:
    assert parse(spec).name == name


def test_what_runs_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text("")
    command = parse(f"mine=cmd:{sys.executable} a.py --x=1")
    assert isinstance(command, Command)
    assert (command.name, command.signature["command"]) == ("mine", f"{sys.executable} a.py --x=1")
    assert parse("cmd:run --key=value").name == "cmd:run --key=value"
    endpoint = parse("http://127.0.0.1:8000/v1/summaries?a=b")
    assert isinstance(endpoint, Endpoint)
    assert endpoint.name == "http://127.0.0.1:8000/v1/summaries?a=b"
    hugging_face = parse("theirs=hf:http://127.0.0.1:8000/models/a", key="k")
    assert isinstance(hugging_face, Endpoint)
    assert hugging_face.signature == {"url": "http://127.0.0.1:8000/models/a"}
    assert isinstance(parse(f"file:{path}"), PredictionsFile)
    assert parse(f"theirs=file:{path}").name == "theirs"


def test_a_model_with_its_own_options() -> None:
    example = corpus.example(0)
    first = example.text.split("\n\n")
    # lead-3 with options is the model of that name, which kind and length bound.
    system = parse("lead-3@tldr/short", SummaryOptions(kind="key-points"))
    assert isinstance(system, ModelSystem)
    assert system.name == "lead-3@tldr/short"
    assert system.signature["options"] == {
        "kind": "tldr",
        "length": "short",
        "max_words": None,
        "format": "plain",
        "strict": False,
    }
    (one,) = system.summarise([example])
    assert one.summary == first[0]
    assert not one.refused
    (bounded,) = parse("lead-3@key-points/short/5").summarise([example])
    assert bounded.error is not None
    assert "5 words" in bounded.error


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "needs a name"),
        ("lead-0", "at least one sentence"),
        ("lead-3@poem/short", "a kind of key-points, tldr"),
        ("lead-3@tldr/short/many", "a whole number"),
        ("lead-3@tldr/short/5/6", "write NAME@KIND"),
        ("cmd:", "needs a command"),
        ("file:none.jsonl", "does not exist"),
        ("gguf:none.gguf", "does not exist"),
        ("transformers:none", "is not a directory"),
        ("no-such-model", "no model 'no-such-model'"),
    ],
)
def test_what_cannot_be_judged(spec: str, message: str) -> None:
    with pytest.raises(InbriefError, match=message):
        parse(spec)


def test_errors_are_of_the_right_kind() -> None:
    with pytest.raises(ModelNotFound):
        parse("no-such-model")
    with pytest.raises(EvaluationError):
        parse("lead-0")


def test_lists_of_systems() -> None:
    assert split_list("a, b,,c@tldr/long") == ["a", "b", "c@tldr/long"]
    assert split_list("cmd:x --a,b") == ["cmd:x --a,b"]
    assert split_list("mine=cmd:x,y") == ["mine=cmd:x,y"]
    assert split_list("lead-1,mine=cmd:x y") == ["lead-1", "mine=cmd:x y"]
