import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rouge_score.rouge_scorer import RougeScorer

from eval.__main__ import main
from eval.datasets import load
from tests.eval import corpus

VALIDATION = Path(__file__).parents[3] / "shared" / "data" / "val" / "cnndm_val_recased.jsonl.xz"


class Terminal:
    """Runs the command as a person does; gives status, output and complaints."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["inbrief-eval", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 0
        output = self._capsys.readouterr()
        return status, output.out, output.err


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(capsys, monkeypatch)


def results_of(out: Path) -> Any:
    return json.loads((out / "results.json").read_text())


def test_run_writes_everything_and_twice_the_same(tmp_path: Path, terminal: Terminal) -> None:
    data = corpus.write(tmp_path / "towns.jsonl.xz")
    for name in ("a", "b"):
        status, output, _ = terminal(
            *("run", "--data", data, "--systems", "lead-1,textrank-2", "--system", "o=oracle-2"),
            *("--out", tmp_path / name, "--processes", 1),
        )
        assert status == 0
        assert "n:10|articles:10|data:" in output
        assert "textrank-2" in output
    names = {str(one.relative_to(tmp_path / "a")) for one in (tmp_path / "a").rglob("*.*")}
    assert {"results.json", "results.md", "results.csv", "scores.jsonl", "report.html"} <= names
    timed = {"timings.json", "results.md", "report.html"}
    for name in names:
        if name not in timed and not name.endswith(".timings.jsonl"):
            first, second = (tmp_path / one / name for one in "ab")
            assert first.read_bytes() == second.read_bytes(), name
    assert [one["name"] for one in results_of(tmp_path / "a")["systems"]] == [
        "lead-1",
        "textrank-2",
        "o",
    ]


def test_score_again_with_another_ruler(tmp_path: Path, terminal: Terminal) -> None:
    data, out = corpus.write(tmp_path / "towns.jsonl"), tmp_path / "run"
    terminal("run", "--data", data, "--systems", "lead-1", "--out", out, "--processes", 1)
    before = results_of(out)["scoring"]["rouge"]
    status, _, _ = terminal("score", out, "--tokenizer", "unicode", "--processes", 1)
    assert status == 0
    assert before["tokenizer"] == "ascii"
    assert results_of(out)["scoring"]["rouge"]["tokenizer"] == "unicode"
    data.write_text(data.read_text().replace("Larne", "Larnes"))
    status, _, complaint = terminal("score", out)
    assert status == 2
    assert "made from other data" in complaint


@pytest.mark.parametrize("asked", ["[]", '{"data": "towns.jsonl"}', "{"])
def test_a_damaged_run_is_not_scored(tmp_path: Path, terminal: Terminal, asked: str) -> None:
    (tmp_path / "run.json").write_text(asked)
    status, _, complaint = terminal("score", tmp_path)
    assert status == 2
    assert "run.json is damaged" in complaint


def test_fields_presets_and_limits(tmp_path: Path, terminal: Terminal) -> None:
    data, out = tmp_path / "d.csv", tmp_path / "run"
    rows = [
        f'k{n},"(CNN) -- {one.text}",{one.references[0].splitlines()[0]}'
        for n, one in enumerate(corpus.examples(5))
    ]
    data.write_text("key,body,abstract\n" + "\n".join(rows) + "\n")
    status, _, complaint = terminal(
        *("run", "--data", data, "--systems", "lead-1", "--out", out, "--preset", "cnndm"),
        *("--id-field", "key", "--article-field", "body", "--summary-field", "abstract"),
        *("--limit", 4, "--processes", 1),
    )
    assert (status, complaint) == (0, "lead-1: 4 articles\nscores: 4 articles\n")
    found = results_of(out)["data"]
    assert (found["articles"], found["preset"]) == (4, "cnndm")
    first = json.loads((out / "predictions/lead-1.jsonl").read_text().splitlines()[0])
    assert first["id"] == "k0"
    assert first["summary"].startswith("The council of Larne")


def test_compare_and_gate(tmp_path: Path, terminal: Terminal) -> None:
    data = corpus.write(tmp_path / "towns.jsonl")
    for name in ("lead-2", "random-2"):
        terminal("run", "--data", data, "--systems", f"mine={name}", "--out", tmp_path / name)
    status, output, _ = terminal(
        "compare", tmp_path / "random-2", tmp_path / "lead-2", "--out", tmp_path / "compared"
    )
    assert status == 0
    assert "| mine | ROUGE-2 F |" in output
    assert (tmp_path / "compared/comparison.md").read_text() == output
    baseline = tmp_path / "baseline.json"
    gate = ("gate", "--data", data, "--baseline", baseline, "--processes", 1)
    assert terminal(*gate, "--update", "--systems", "mine=lead-2")[0] == 0
    status, output, _ = terminal(*gate, "--systems", "mine=lead-2")
    assert (status, output) == (0, "mine hold their floors (n 10).\n")
    status, output, _ = terminal(*gate, "--systems", "mine=random-2")
    assert status == 1
    assert "mine: ROUGE-2 F" in output
    assert output.count("\nn:10|articles:10|data:") == 1
    status, _, complaint = terminal(*gate, "--update", "--systems", "mine=random-2")
    assert status == 2
    assert "--allow-regression" in complaint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--data", "none.jsonl", "--out", "o"), "none.jsonl does not exist."),
        (("run", "--data", "none.xlsx", "--out", "o"), "none.xlsx does not exist."),
        (("score", "none"), "is this the directory of a run?"),
        (("compare", "none", "none"), "is this the directory of a run?"),
        (("compare", "a", "b", "--pair", "x"), "--pair is FIRST=SECOND, not 'x'."),
        (("meta",), "Name --summeval or --qags."),
        (("run", "--data", "x.jsonl", "--out", "o", "--kind", "poem"), "--kind is one of"),
    ],
)
def test_errors_are_one_sentence_and_status_2(
    tmp_path: Path,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, output, complaint = terminal(*arguments)
    assert status == 2
    assert output == ""
    assert message in complaint
    assert complaint.count("\n") == 1
    assert complaint.startswith("inbrief-eval: ")


def test_a_model_that_is_not_there_stops_the_run_before_it_starts(
    tmp_path: Path, terminal: Terminal
) -> None:
    data = corpus.write(tmp_path / "towns.jsonl")
    status, _, complaint = terminal(
        "run", "--data", data, "--systems", "lead-1,no-such-model", "--out", tmp_path / "run"
    )
    assert status == 2
    assert "no model 'no-such-model'" in complaint
    assert not (tmp_path / "run").exists()


def test_a_ruler_that_is_not_there_stops_the_run_before_it_starts(
    tmp_path: Path, terminal: Terminal
) -> None:
    data, out = corpus.write(tmp_path / "towns.jsonl"), tmp_path / "run"
    status, _, complaint = terminal("run", "--data", data, "--out", out, "--tokenizer", "utf")
    assert status == 2
    assert "Unknown tokenizer 'utf'" in complaint
    assert not out.exists()


@pytest.mark.parametrize("command", ["run", "score", "compare", "gate", "meta", "speed", "load"])
def test_help_has_examples(terminal: Terminal, command: str) -> None:
    status, output, _ = terminal(command, "--help")
    assert status == 0
    assert "Example" in output
    assert f"inbrief-eval {command}" in output


def test_systems_are_listed(terminal: Terminal) -> None:
    status, output, _ = terminal("systems")
    assert status == 0
    assert "oracle-3" in output


@pytest.mark.slow
@pytest.mark.skipif(not VALIDATION.is_file(), reason="the validation articles are not shipped")
def test_a_run_gives_the_numbers_of_rouge_score_called_directly(
    tmp_path: Path, terminal: Terminal
) -> None:
    out = tmp_path / "run"
    terminal("run", "--data", VALIDATION, "--limit", 200, "--systems", "lead-3", "--out", out)
    (system,) = results_of(out)["systems"]
    run = json.loads((out / "run.json").read_text())
    examples = load(run["data"], limit=200).examples
    scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True)
    rows = [
        json.loads(line) for line in (out / "predictions/lead-3.jsonl").read_text().splitlines()
    ]
    scores = [
        scorer.score_multi(list(example.references), row["summary"])
        for example, row in zip(examples, rows, strict=True)
    ]
    for name in ("rouge1", "rouge2", "rougeLsum"):
        mean = sum(one[name].fmeasure for one in scores) / 200
        assert system["metrics"][f"{name}_fmeasure"]["mean"] == pytest.approx(mean, abs=1e-6)
