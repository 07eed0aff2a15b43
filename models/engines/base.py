"""The seam between a summariser and what runs its network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.generation import GenerationSettings, Hypothesis

TokenIds = Sequence[int]


class Engine(Protocol):
    """Runs one encoder-decoder checkpoint; who calls never knows which engine ran.

    `name`, `precision` and `device` stand in every summary's stamp.
    """

    @property
    def name(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def device(self) -> str: ...

    def generate(
        self, batch: Sequence[TokenIds], settings: GenerationSettings
    ) -> list[list[Hypothesis]]:
        """Hypotheses for each input, best first, in the order of `batch`.

        An input is the encoder's token ids, special tokens included and no
        padding, at most the checkpoint's window. Raises InferenceFailed.
        """
        ...
