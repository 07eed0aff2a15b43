"""How a sequence is generated: the field's options under the field's names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

EarlyStopping = bool | Literal["never"]

DEFAULT_MAX_NEW_TOKENS: Final = 142


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """Options of one decoding run, with the meanings of transformers' `generate`.

    `beams` 1 is greedy search. `max_new_tokens` and `min_new_tokens` count what
    is generated after the decoder's start token, the end token included.
    `length_penalty` divides a finished beam's summed log probability by its
    length to that power. `no_repeat_ngram` forbids any n-gram of that size to
    occur twice (0: off). `hypotheses` is how many are returned, best first.
    `forced_bos_id` and `decoder_start_id` replace the checkpoint's own
    (multilingual checkpoints name the output language there).
    """

    beams: int = 1
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0
    min_new_tokens: int = 0
    max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS
    early_stopping: EarlyStopping = False
    hypotheses: int = 1
    forced_bos_id: int | None = None
    decoder_start_id: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("beams", 1), ("no_repeat_ngram", 0), ("min_new_tokens", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.max_new_tokens < max(1, self.min_new_tokens):
            raise ValueError(
                f"max_new_tokens ({self.max_new_tokens}) must be at least 1 and at least "
                f"min_new_tokens ({self.min_new_tokens})"
            )
        if not 1 <= self.hypotheses <= self.beams:
            raise ValueError(
                f"hypotheses ({self.hypotheses}) must lie between 1 and beams ({self.beams})"
            )

    def within(self, max_new_tokens: int) -> GenerationSettings:
        """The same settings with room for at most `max_new_tokens`."""
        most = min(self.max_new_tokens, max_new_tokens)
        return replace(self, max_new_tokens=most, min_new_tokens=min(self.min_new_tokens, most))


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One generated sequence.

    `tokens` holds what follows the decoder's start token, without the end
    token and padding. `score` is the summed log probability divided by
    length ** length_penalty (None: the engine did not compute it, greedy
    only). `finished` is false when the token limit cut it off.
    """

    tokens: tuple[int, ...]
    score: float | None
    finished: bool


def declared_settings(*layers: dict[str, Any]) -> GenerationSettings:
    """Settings that a checkpoint's files declare; later layers override earlier ones.

    The keys are those of `generation_config.json`. Lengths there include the
    decoder's start token, so one is taken off; sampling keys are not read,
    because every summary here is deterministic.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update({key: value for key, value in layer.items() if value is not None})
    most = int(merged.get("max_new_tokens") or merged.get("max_length", 0) - 1)
    if most < 2:  # absent, or transformers' placeholder
        most = DEFAULT_MAX_NEW_TOKENS
    least = int(merged.get("min_new_tokens") or max(0, merged.get("min_length", 0) - 1))
    stopping = merged.get("early_stopping", False)
    return GenerationSettings(
        beams=max(1, int(merged.get("num_beams", 1))),
        length_penalty=float(merged.get("length_penalty", 1.0)),
        no_repeat_ngram=max(0, int(merged.get("no_repeat_ngram_size", 0))),
        min_new_tokens=min(least, most),
        max_new_tokens=most,
        early_stopping="never" if stopping == "never" else bool(stopping),
    )
