from __future__ import annotations

from pathlib import Path

import pytest

from models.contract import Article, Summary, SummaryOptions, SummaryRequest
from models.errors import ModelNotFound
from models.news import load_news
from models.training.packaging import package
from tests.models.tiny_judge import save_tiny_judge
from tests.models.tiny_rewriter import save_tiny_rewriter
from tests.models.tiny_salience import save_tiny_salience


def test_the_parts_become_a_model_with_digests(tmp_path: Path) -> None:
    salience = save_tiny_salience(tmp_path / "salience")
    rewriter = save_tiny_rewriter(tmp_path / "rewriter")

    package(salience, rewriter, tmp_path / "out", name="ours", choice={"min_words": 4})

    assert load_news(tmp_path / "out", device="cpu").info.name == "ours"


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    salience = save_tiny_salience(tmp_path / "salience")
    (tmp_path / "rewriter").mkdir()

    with pytest.raises(ModelNotFound, match=r"rewriter\.safetensors"):
        package(salience, tmp_path / "rewriter", tmp_path / "out", name="ours", choice={})


def test_parts_of_different_tokenizers_are_refused(tmp_path: Path) -> None:
    salience = save_tiny_salience(tmp_path / "salience")
    rewriter = save_tiny_rewriter(tmp_path / "rewriter")
    (rewriter / "tokenizer.json").write_text("{}")

    with pytest.raises(ValueError, match="tokenizers"):
        package(salience, rewriter, tmp_path / "out", name="ours", choice={})


def test_a_judge_comes_along(tmp_path: Path) -> None:
    salience = save_tiny_salience(tmp_path / "salience")
    rewriter = save_tiny_rewriter(tmp_path / "rewriter")
    judge = save_tiny_judge(tmp_path / "judge")
    article = Article(
        "The council of Milton voted on Tuesday to close the old swimming pool in June. A petition"
        " against the closure, which the council had not expected, has 5,000 names and is growing."
    )

    for name, part in (("without", None), ("with", judge)):
        package(salience, rewriter, tmp_path / name, name="ours", choice={}, judge=part)
    alone, together = (load_news(tmp_path / name, device="cpu") for name in ("without", "with"))

    assert together.info.parameters > alone.info.parameters
    assert together.info.revision != alone.info.revision
    for options in (SummaryOptions(), SummaryOptions(kind="headline")):
        (summary,) = together.summarise([SummaryRequest(article, options)])
        assert isinstance(summary, Summary), summary
        assert summary.text
