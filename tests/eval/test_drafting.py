from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from eval.drafting import app
from eval.shapes import SMALL_COPIER


def test_drafts_change_no_token_and_spare_steps_where_the_network_copies(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--shape", SMALL_COPIER, "--limit", "3"]
    arguments += ["--batches", "1,3", "--rounds", "2", "--precision", "fp32", "--outputs", "40"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    alone, together = json.loads((tmp_path / "drafting.json").read_text())["rows"]
    for row in (alone, together):
        assert (row["articles"], row["equal"]) == (3, 3)
        assert row["tokens"] == 3 * 39  # the fortieth is the end
        assert 0 < row["accepted"] <= row["drafted"]
        median, least, most = row["times"]
        assert 0 < least <= median <= most
    assert alone["plain_steps"] == 3 * 40
    assert together["plain_steps"] == 40
    assert alone["steps"] < alone["plain_steps"] / 2
    assert "| 1 | 3 | 3 of 3 | 117 | 120 |" in (tmp_path / "drafting.md").read_text()
