"""A training loop that knows no task: steps, schedule, checkpoints, resuming.

The learning rate warms up over some steps and then falls linearly with the
share of the budget (time or steps) that is spent, so that a run on a machine
of unknown speed ends well annealed. A run bounded by steps resumes to
bit-equal results on the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from models.training.config import TrainingConfig

B = TypeVar("B")


class Trainer(Generic[B]):
    """Trains `model` on batches of any kind.

    `loss` gives the mean loss of a batch; `epochs(n)` the batches of pass n,
    in an order that n fixes; `validate` returns figures to print. Parameters
    whose names `is_pretrained` accepts take the lower learning rate.
    """

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        *,
        loss: Callable[[B], Tensor],
        epochs: Callable[[int], Iterator[B]],
        validate: Callable[[], dict[str, float]],
        is_pretrained: Callable[[str], bool],
        out: Path,
    ) -> None:
        self.model, self.config, self.out = model, config, out
        self._loss, self._epochs, self._validate = loss, epochs, validate
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        self._groups = [
            {
                "params": [p for n, p in named if is_pretrained(n)],
                "peak": config.pretrained_learning_rate,
            },
            {"params": [p for n, p in named if not is_pretrained(n)], "peak": config.learning_rate},
        ]
        self.optimizer = torch.optim.AdamW(
            [group for group in self._groups if group["params"]],
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        )
        self.step = self.epoch = self.position = 0
        self.elapsed_seconds = 0.0

    @property
    def checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"

    def progress(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        shares = [0.0]
        if self.config.minutes is not None:
            shares.append(self.elapsed_seconds / (60 * self.config.minutes))
        if self.config.max_steps is not None:
            shares.append(self.step / self.config.max_steps)
        return min(1.0, max(shares))

    def fit(self) -> None:
        """Train to the end of the budget, from the last checkpoint if `resume` found one."""
        torch.manual_seed(self.config.seed + self.step)
        begun = time.monotonic() - self.elapsed_seconds
        saved = validated = self.elapsed_seconds
        running: float | None = None
        bar = tqdm(desc="training", unit="step", initial=self.step, mininterval=10)
        while self.progress() < 1:
            for index, batch in enumerate(self._epochs(self.epoch)):
                if index < self.position:
                    continue
                value = self._train_step(batch)
                self.position = index + 1
                self.elapsed_seconds = time.monotonic() - begun
                running = value if running is None else 0.98 * running + 0.02 * value
                bar.update()
                bar.set_postfix(loss=f"{running:.3f}", epoch=self.epoch, refresh=False)
                if self.elapsed_seconds - saved > 60 * self.config.checkpoint_minutes:
                    saved = self.elapsed_seconds
                    self.save()
                if self.elapsed_seconds - validated > 60 * self.config.validation_minutes:
                    validated = self.elapsed_seconds
                    self.report()
                if self.progress() >= 1:
                    break
            else:
                self.epoch, self.position = self.epoch + 1, 0
        bar.close()
        self.save()
        self.report()

    def _train_step(self, batch: B) -> float:
        self.model.train()
        factor = min(1.0, (self.step + 1) / self.config.warmup_steps) * (1 - self.progress())
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        with self.precision():
            loss = self._loss(batch)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())

    def precision(self) -> AbstractContextManager[Any]:
        """bfloat16 autocast where the configuration asks for it."""
        if not self.config.bfloat16:
            return nullcontext()
        return torch.autocast(self.config.device.partition(":")[0], torch.bfloat16)

    def report(self) -> None:
        """Validate and print the figures in one line."""
        self.model.eval()
        figures = self._validate()
        line = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        tqdm.write(f"step {self.step} minutes {self.elapsed_seconds / 60:.1f} {line}")

    def save(self) -> None:
        """Write the whole state, atomically."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "epoch": self.epoch,
            "position": self.position,
            "elapsed_seconds": self.elapsed_seconds,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def resume(self) -> bool:
        """Load the last checkpoint; False if there is none."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, map_location=self.config.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.epoch = state["step"], state["epoch"]
        self.position = state["position"]
        self.elapsed_seconds = state["elapsed_seconds"]
        return True
