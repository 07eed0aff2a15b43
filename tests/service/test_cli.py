"""The command: what it prints, what it refuses in a sentence, and with which status it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.cli import main
from service.schemas import EXAMPLE_TEXT, SummaryResponse
from tests.processes import ROOT

SEEDS = sorted((ROOT / "seeds").glob("*.txt"))


@dataclass(frozen=True)
class Done:
    """A command that ended: its status and what it printed."""

    status: int
    out: str
    err: str


@pytest.fixture
def inbrief(capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run


Command = Callable[..., Done]


def test_the_summary_of_a_file_is_printed(inbrief: Command, tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    path.write_text(EXAMPLE_TEXT)
    done = inbrief("summarise", str(path), "--model", "lead-3", "--format", "markdown")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].startswith("- The Harbour Commission voted on Tuesday")
    assert len(lines) == 3
    assert done.err == ""


def test_standard_input_and_html_and_the_model_of_the_environment() -> None:
    paragraphs = "".join(f"<p>{part}.</p>" for part in EXAMPLE_TEXT.rstrip(".").split(". "))
    page = f"<html><body><article><h1>Bridge</h1>{paragraphs}</article></body></html>"
    # As a program: this is the only way to its real standard input.
    done = subprocess.run(
        [sys.executable, "-m", "service", "summarise", "--html", "--json", "-"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "INBRIEF_MODEL": "lead-3"},
        input=page.encode(),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row.pop("file") == "-"
    answer = SummaryResponse.model_validate_json(json.dumps(row))
    assert answer.model.name == "lead-3"
    assert "<p>" not in answer.summary


def test_standard_input_that_is_empty_is_called_by_its_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "summarise", "--model", "lead-3", "-"],
        cwd=ROOT,
        input=b" \n",
        capture_output=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (2, b"inbrief: Standard input is empty.\n")


def test_several_files_of_which_one_is_too_short(inbrief: Command, tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("Too short.")
    done = inbrief("summarise", "--model", "lead-3", str(SEEDS[0]), str(short), str(SEEDS[1]))
    assert done.status == 1
    assert done.err.startswith(f"inbrief: {short}: ")
    assert len(done.err.splitlines()) == 1
    for seed in SEEDS[:2]:
        assert f"{seed}:\n" in done.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["summarise", "no-such-file.txt"], "no-such-file.txt: No such file or directory."),
        (["summarise", str(SEEDS[0]), "--model", "nope"], "There is no model 'nope'"),
        (["summarise", str(SEEDS[0]), "--model", "seeds"], "seeds"),
        (["summarise", str(SEEDS[0]), "--kind", "poem"], "'poem' is not one of"),
        (["summarise", str(SEEDS[0]), "--max-words", "1"], "--max-words"),
        (["summarise", os.devnull], f"{os.devnull} is empty."),
        (["models", "nope"], "There is no model 'nope'"),
        (["batch", "no-such-file.jsonl", "out.jsonl"], "no-such-file.jsonl does not exist."),
        (["serve", "--config", "no-such-file.toml"], "no-such-file.toml cannot be read"),
        (["no-such-command"], "No such command"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_two(
    inbrief: Command, arguments: list[str], expected: str
) -> None:
    done = inbrief(*arguments)
    assert done.status == 2
    assert expected in done.err


def test_a_file_that_is_not_utf_8(inbrief: Command, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 " * 100)
    done = inbrief("summarise", str(path), "--model", "lead-3")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"inbrief: {path} is not UTF-8 at byte 3.\n"


def test_the_models_are_listed(inbrief: Command) -> None:
    done = inbrief("models")
    assert done.status == 0
    for word in ("lead-3", "kinds", "languages", "engine", "parameters"):
        assert word in done.out
    rows = [json.loads(line) for line in inbrief("models", "--json").out.splitlines()]
    assert "lead-3" in [row["name"] for row in rows]
    assert json.loads(inbrief("models", "lead-2", "--json").out)["name"] == "lead-2"


def test_a_hub_id_that_is_not_here_says_how_it_is_fetched(
    inbrief: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INBRIEF_ALLOW_DOWNLOAD", raising=False)
    done = inbrief("models", "no-such-organisation/no-such-model")
    assert done.status == 2
    assert "with --allow-download or INBRIEF_ALLOW_DOWNLOAD=true" in done.err
    assert "--allow-download" in inbrief("models", "--help").out


@pytest.mark.parametrize("command", ["serve", "summarise", "batch", "models"])
def test_help_has_examples(inbrief: Command, command: str) -> None:
    done = inbrief(command, "--help")
    assert done.status == 0
    assert "Examples:" in done.out
    assert f"inbrief {command} " in done.out


def test_the_version_is_printed(inbrief: Command) -> None:
    assert inbrief("--version").out.startswith("inbrief ")


def test_a_batch_that_is_not_whole_ends_with_one(inbrief: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps({"id": "a", "text": EXAMPLE_TEXT}) + "\n{not json\n")
    done = inbrief("batch", str(source), str(output), "--model", "lead-3")
    assert (done.status, done.err) == (1, "2 articles, 1 with errors\n")
    done = inbrief("batch", str(source), str(output), "--model", "lead-3")
    assert (done.status, done.err) == (1, "2 articles (2 of them before), 1 with errors\n")
    done = inbrief("batch", str(source), str(source), "--model", "lead-3")
    assert done.status == 2
    assert "was not written by this command" in done.err
