"""What a summary is and how one is made.

`from models import pipeline` gives transformers 4's summarization pipeline
(see `models.compat`); it is looked up on first use, so that importing this
package loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.compat import pipeline

__all__ = ["pipeline"]


def __getattr__(name: str) -> Any:
    if name == "pipeline":
        from models.compat import pipeline

        return pipeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
