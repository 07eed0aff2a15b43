"""Tiny checkpoints and an article as read, made once a session."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest

from models import documents
from models.checkpoints import Checkpoint, read_checkpoint
from models.contract import Article
from models.documents import Document
from models.networks.kernels import library
from tests.models.pool import TEXT
from tests.models.tiny_checkpoints import save_checkpoint

CheckpointOf = Callable[[str], Checkpoint]


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> CheckpointOf:
    """The tiny checkpoint of an architecture."""
    made: dict[str, Checkpoint] = {}
    folder = tmp_path_factory.mktemp("checkpoints")

    def checkpoint(architecture: str) -> Checkpoint:
        if architecture not in made:
            made[architecture] = read_checkpoint(
                save_checkpoint(folder / architecture, architecture)
            )
        return made[architecture]

    return checkpoint


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def kernels(cache_dir: Path) -> ctypes.CDLL:
    """The compiled kernels, where this machine can make and run them."""
    found, reason = library.load(cache_dir)
    if found is None:
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def document() -> Document:
    """The article on a pool."""
    return documents.read(Article(TEXT, language="en"))
