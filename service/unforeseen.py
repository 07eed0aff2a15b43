"""Errors that nobody foresaw, in the log: their type and place, never their text.

The text of a library's error may quote the article that caused it.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

logger: Final = logging.getLogger(__name__)


def log_unforeseen(error: BaseException, where: str) -> None:
    """Log that `where` raised `error`, with the lines of code that it came through."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s raised %s\n%s", where, type(error).__name__, place)
