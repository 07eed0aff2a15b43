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


@dataclass(frozen=True, slots=True)
class FinetuneConfig:
    """How a checkpoint is fine-tuned. `validation_share` of the records decide when to stop.

    `evaluation_steps` is both how often validation ROUGE is measured and how
    often a checkpoint is written; after `patience` measurements without a
    better one training stops, and the best checkpoint is what is kept.
    """

    learning_rate: float = 3e-5
    batch_size: int = 4
    accumulation: int = 4
    epochs: float = 3.0
    max_steps: int = -1
    evaluation_steps: int = 200
    patience: int = 3
    validation_share: float = 0.1
    max_source_tokens: int = 1024
    max_summary_tokens: int = 160
    warmup_share: float = 0.05
    seed: int = 1
