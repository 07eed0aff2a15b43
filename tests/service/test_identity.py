from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from models.baselines import Lead
from models.contract import Article, ModelInfo, SummaryOptions, SummaryRequest
from service.identity import summary_id
from service.version import installed_version

REQUEST = SummaryRequest(Article("The ferry was late.", "Late", "en"), SummaryOptions())
INFO = Lead(3).info


def test_the_same_request_has_the_same_id() -> None:
    again = SummaryRequest(Article("The ferry was late.", "Late", "en"), SummaryOptions())

    assert summary_id(REQUEST, INFO) == summary_id(again, INFO)
    assert len(summary_id(REQUEST, INFO)) == 64


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, article=Article("The ferry was late!", "Late", "en")),
        replace(REQUEST, article=Article("The ferry was late.", None, "en")),
        replace(REQUEST, article=Article("The ferry was late.", "Late", "de")),
        replace(REQUEST, options=SummaryOptions(kind="tldr")),
        replace(REQUEST, options=SummaryOptions(length="long")),
        replace(REQUEST, options=SummaryOptions(max_words=20)),
        replace(REQUEST, options=SummaryOptions(format="markdown")),
        replace(REQUEST, options=SummaryOptions(strict=True)),
    ],
)
def test_another_request_has_another_id(other: SummaryRequest) -> None:
    assert summary_id(other, INFO) != summary_id(REQUEST, INFO)


@pytest.mark.parametrize(
    "other",
    [
        replace(INFO, name="another"),
        replace(INFO, revision="another"),
        replace(INFO, engine="another"),
        replace(INFO, precision="another"),
    ],
)
def test_another_model_has_another_id(other: ModelInfo) -> None:
    assert summary_id(REQUEST, other) != summary_id(REQUEST, INFO)


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another version is found installed before ours."""
    directory = tmp_path / "inbrief-99.0.dist-info"
    directory.mkdir()
    (directory / "METADATA").write_text("Metadata-Version: 2.1\nName: inbrief\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    metadata.MetadataPathFinder.invalidate_caches()
    installed_version.cache_clear()
    yield
    installed_version.cache_clear()


def test_another_version_of_inbrief_has_other_ids(request: pytest.FixtureRequest) -> None:
    installed_version.cache_clear()
    before = summary_id(REQUEST, INFO)

    request.getfixturevalue("upgraded")

    assert installed_version() == "99.0"
    assert summary_id(REQUEST, INFO) != before
