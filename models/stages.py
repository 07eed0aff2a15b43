"""Where the time of a batch goes: each stage reports its seconds to whoever listens.

Nobody listens unless a service traces; then a stage costs one look at a
context variable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Name = Literal["queue", "inference", "read", "tokenise", "encode", "decode", "verify"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that ended; `began` is a time of `time.monotonic`."""

    name: Name
    began: float
    seconds: float


Listener = Callable[[Stage], None]
_listener: ContextVar[Listener | None] = ContextVar("inbrief_stage_listener", default=None)


@contextmanager
def stage(name: Name) -> Iterator[None]:
    """The time inside is the stage's."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    began = time.monotonic()
    try:
        yield
    finally:
        listener(Stage(name, began, time.monotonic() - began))


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Stages that end inside, in this thread or task, are told to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
