"""How fast a model reads, learnt from the batches of late."""

from __future__ import annotations

from typing import Final

# What is left of all that was learnt before, once another batch has run.
_KEPT: Final = 0.5


class Pace:
    """Seconds that tokens take. A large batch says more than a small one, a late one than an old.

    An article alone takes longer than in a batch, so of an idle service too
    much is expected rather than too little, until its first batch has run.
    """

    def __init__(self) -> None:
        self._tokens = 0.0
        self._seconds = 0.0

    def note(self, tokens: int, seconds: float) -> None:
        """A batch of so many tokens took so long."""
        self._tokens = _KEPT * self._tokens + tokens
        self._seconds = _KEPT * self._seconds + seconds

    def seconds_for(self, tokens: int) -> float:
        """How long so many will take; 0 while no batch has run."""
        return tokens * self._seconds / self._tokens if self._tokens else 0.0
