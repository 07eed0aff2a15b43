"""The loop: it learns, it keeps to its budget, and resuming changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.training.config import TrainingConfig
from models.training.loop import Trainer

BATCHES = [torch.randn(8, 4, generator=torch.Generator().manual_seed(i)) for i in range(5)]
TARGET = torch.tensor([1.0, -2.0, 0.5, 3.0])


def make_trainer(out: Path, config: TrainingConfig) -> tuple[nn.Linear, Trainer[Tensor]]:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)

    def loss(batch: Tensor) -> Tensor:
        error: Tensor = model(batch).squeeze(-1) - batch @ TARGET
        return (error**2).mean()

    def epochs(number: int) -> Iterator[Tensor]:
        return iter(BATCHES[number % 5 :] + BATCHES[: number % 5])

    def validate() -> dict[str, float]:
        return {"error": float((model.weight[0] - TARGET).abs().max().detach())}

    trainer = Trainer[Tensor](
        model,
        config,
        loss=loss,
        epochs=epochs,
        validate=validate,
        is_pretrained=lambda name: name == "bias",
        out=out,
    )
    return model, trainer


def config(**changes: Any) -> TrainingConfig:
    base = TrainingConfig(
        minutes=None, max_steps=60, learning_rate=0.1, warmup_steps=5, bfloat16=False
    )
    return replace(base, **changes)


def test_it_learns(tmp_path: Path) -> None:
    model, trainer = make_trainer(tmp_path, config(max_steps=300))
    trainer.fit()
    assert trainer.step == 300
    assert (model.weight[0] - TARGET).abs().max() < 0.1


def test_the_rate_warms_up_and_falls_to_zero(tmp_path: Path) -> None:
    _, trainer = make_trainer(tmp_path, config())
    rates = []
    for _ in range(60):
        trainer._train_step(BATCHES[0])
        rates.append(trainer.optimizer.param_groups[1]["lr"])
    assert rates.index(max(rates)) == 4
    assert rates[0] < 0.03
    assert rates[-1] < 0.01
    assert trainer.progress() == 1


def test_pretrained_parameters_take_the_lower_rate(tmp_path: Path) -> None:
    _, trainer = make_trainer(tmp_path, config(pretrained_learning_rate=0.01))
    trainer._train_step(BATCHES[0])
    slow, fast = (group["lr"] for group in trainer.optimizer.param_groups)
    assert fast == pytest.approx(10 * slow)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    whole, trainer = make_trainer(tmp_path / "whole", config())
    trainer.fit()

    _, broken = make_trainer(tmp_path / "broken", config())
    for batch in [*BATCHES, *BATCHES[1:3]]:  # one pass and a part of the next
        broken._train_step(batch)
    broken.epoch, broken.position = 1, 2
    broken.save()
    resumed, trainer = make_trainer(tmp_path / "broken", config())
    assert trainer.resume()
    trainer.fit()
    assert trainer.step == 60
    assert torch.equal(resumed.weight, whole.weight)
    assert torch.equal(resumed.bias, whole.bias)


def test_nothing_to_resume_is_said(tmp_path: Path) -> None:
    _, trainer = make_trainer(tmp_path, config())
    assert not trainer.resume()


def test_time_bounds_a_run(tmp_path: Path) -> None:
    _, trainer = make_trainer(tmp_path, config(minutes=0.005, max_steps=10**9))
    trainer.fit()
    assert trainer.elapsed_seconds >= 0.3
    assert trainer.checkpoint.exists()


def test_a_run_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="max_steps"):
        TrainingConfig(minutes=None)
