"""Settings of a training run; frozen, saved beside its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """`minutes` or `max_steps` bounds the run; the learning rate falls to zero at that bound."""

    minutes: float | None = 75.0
    max_steps: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    pretrained_learning_rate: float = 2e-4
    warmup_steps: int = 150
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    gradient_norm: float = 1.0
    checkpoint_minutes: float = 3.0
    validation_minutes: float = 10.0
    seed: int = 1
    device: str = "cpu"
    bfloat16: bool = True

    def __post_init__(self) -> None:
        if self.minutes is None and self.max_steps is None:
            raise ValueError("a run needs minutes or max_steps")
