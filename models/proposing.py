"""What may stand for a sentence: rewrites and cuts, with what speaks for each.

Rewrites come first; cuts made by rule are proposed where no rewrite can be
trusted. Both are judged (`models.acceptability`), all of a batch together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from models.rewriter_input import RewriteInput
from models.rewriting import Hypothesis
from models.shortening import Shortening
from models.soundness import is_sound
from models.summarising import is_complete
from models.trimming import text_of, tidied, trims


@dataclass(frozen=True, slots=True)
class Choice:
    """What is trusted; fitted on validation articles.

    A rewrite is used when its log-probabilities, mean and least, and the
    judge's probability that it is sound reach these, and it is not longer than
    its source; a cut by rule and a headline when the judge is surer still.
    """

    beams: int = 1
    headline_beams: int = 4
    min_mean_log_probability: float = -0.4
    min_log_probability: float = -2.2
    min_copied_share: float = 1.0
    min_words: int = 6
    min_acceptability: float = 0.75
    min_cut_acceptability: float = 0.9
    min_headline_acceptability: float = 0.9


class Judging(Protocol):
    """Whatever gives each shortening the probability that it is sound."""

    def score(self, items: Sequence[Shortening]) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text for a sentence. `hypothesis` is None for a cut by rule.

    `is_sound` is the verdict of the rules, `acceptability` that of the judge
    (None: nobody judged).
    """

    text: str
    shortening: Shortening
    is_sound: bool
    hypothesis: Hypothesis | None = None
    acceptability: float | None = None

    @classmethod
    def of(cls, hypothesis: Hypothesis, item: RewriteInput) -> Proposal:
        shortening = Shortening(item.sentence, hypothesis.keys, hypothesis.places, item.task)
        text = tidied(hypothesis.text)
        return cls(text, shortening, is_sound(shortening, text), hypothesis)

    @classmethod
    def cut(cls, shortening: Shortening) -> Proposal:
        text = tidied(text_of(shortening))
        return cls(text, shortening, is_sound(shortening, text))

    def is_accepted(self, choice: Choice) -> bool:
        """Whether rules and judge find it sound."""
        if self.hypothesis is None:
            bound = choice.min_cut_acceptability
            return self.is_sound and (self.acceptability or 0.0) >= bound
        judged = self.acceptability is None or self.acceptability >= choice.min_acceptability
        return self.is_sound and judged

    def is_trusted(self, choice: Choice) -> bool:
        """Whether it may stand for its sentence in a summary."""
        words = len(self.text.split())
        if not is_complete(self.text) or not self.is_accepted(choice):
            return False
        if not choice.min_words <= words <= len(self.shortening.sentence.split()):
            return False
        found = self.hypothesis
        return found is None or (
            found.copied_share >= choice.min_copied_share
            and found.mean_log_probability >= choice.min_mean_log_probability
            and found.min_log_probability >= choice.min_log_probability
        )


def judged(groups: Sequence[Sequence[Proposal]], judge: Judging) -> list[tuple[Proposal, ...]]:
    """The proposals of every group with the judge's verdicts; those unsound by rule stay as is."""
    items = [one.shortening for group in groups for one in group if one.is_sound]
    scores = iter(judge.score(items))
    return [
        tuple(replace(one, acceptability=next(scores) if one.is_sound else 0.0) for one in group)
        for group in groups
    ]


def cuts(sentence: str, wanted_words: int, most_words: int, *, least_words: int) -> list[Proposal]:
    """Cuts of the sentence that the rules find sound, in the order of `trims`."""
    proposed = trims(sentence, wanted_words, most_words, least_words=least_words)
    found = [Proposal.cut(one) for one in proposed]
    return [one for one in found if one.is_sound]
