"""Every case over every summariser that is here, and the judge itself over planted faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from models import loading
from models.baselines import Lead
from models.contract import (
    ModelInfo,
    OnSentence,
    Span,
    Summariser,
    Summary,
    SummaryOptions,
    SummaryRequest,
)
from models.errors import InbriefError, ModelNotFound
from tests.adversarial.cases import OPTIONS, Case, faults, read_cases
from tests.fakes import FakeSummariser

CASES = read_cases()


@pytest.fixture(scope="module", params=["lead-3", "news-small"])
def summariser(request: pytest.FixtureRequest) -> Summariser:
    try:
        return loading.load(request.param)
    except ModelNotFound as error:
        pytest.skip(error.message)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_summary_says_what_it_may(summariser: Summariser, case: Case) -> None:
    found = {
        f"{options.kind} {options.length}": faults(summariser, case, options)
        for options in OPTIONS
        if options.kind in summariser.info.kinds
    }
    assert not {name: wrong for name, wrong in found.items() if wrong}


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 30
    assert len({case.language for case in CASES} - {None}) >= 4
    for case in CASES:
        assert case.error or case.mentions, case.name
        assert bool(case.text) != bool(case.html), case.name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mentions": ("submarine",)}, "mentions none of"),
        ({"never": ("ferry",)}, "says 'ferry'"),
        ({"pairs": (("coast guard", "submarine"),)}, "without"),
        ({"language": "fr"}, "language en instead of fr"),
        ({"error": "NotAnArticle"}, "not refused"),
    ],
)
def test_the_judge_sees_a_broken_expectation(changes: dict[str, object], words: str) -> None:
    (case,) = [case for case in CASES if case.name == "corrected-number"]
    options = SummaryOptions(kind="tldr", length="short")
    assert faults(Lead(3), case, options) == []
    broken = replace(case, **changes)  # type: ignore[arg-type]
    assert any(words in fault for fault in faults(Lead(3), broken, options))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.removesuffix("."), "not a whole sentence"),
        (lambda text: "Forty-one " + text, "'Forty-one' is not in the article"),
        (lambda text: text.replace("Fourteen", "15"), "'15' is not in the article"),
        (lambda text: text[:5] + "\u200b" + text[5:], "holds the character"),
    ],
)
def test_the_judge_sees_a_spoiled_sentence(spoil: Callable[[str], str], words: str) -> None:
    (case,) = [case for case in CASES if case.name == "corrected-number"]
    found = faults(Spoiled(spoil), case, SummaryOptions(kind="tldr", length="short"))
    assert any(words in fault for fault in found), found


def test_the_judge_sees_evidence_out_of_range() -> None:
    (case,) = [case for case in CASES if case.name == "corrected-number"]
    found = faults(Spoiled(str, Span(10, 10**6)), case, SummaryOptions(kind="tldr", length="short"))
    assert any("evidence" in fault for fault in found)


def test_the_judge_sees_a_refusal() -> None:
    case = replace(CASES[0], text="Too short.", html=None, error=None, or_error=())
    found = faults(FakeSummariser(), case, SummaryOptions())
    assert found[0].startswith("refused: ArticleTooShort")


class Spoiled:
    """Lead-3 with its sentences spoiled on purpose."""

    def __init__(self, spoil: Callable[[str], str], span: Span | None = None) -> None:
        self._lead = Lead(3)
        self._spoil = spoil
        self._span = span

    @property
    def info(self) -> ModelInfo:
        return self._lead.info

    def estimate_tokens(self, request: SummaryRequest) -> int:
        return self._lead.estimate_tokens(request)

    def summarise(
        self, requests: Sequence[SummaryRequest], on_sentence: OnSentence | None = None
    ) -> list[Summary | InbriefError]:
        return [self._spoiled(result) for result in self._lead.summarise(requests)]

    def _spoiled(self, result: Summary | InbriefError) -> Summary | InbriefError:
        assert isinstance(result, Summary)
        sentences = tuple(
            replace(
                one,
                text=self._spoil(one.text),
                evidence=(self._span,) if self._span else one.evidence,
            )
            for one in result.sentences
        )
        return replace(result, sentences=sentences, text=" ".join(one.text for one in sentences))
