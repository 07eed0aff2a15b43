"""Answers as JSON: as they are made, and as they lie in the cache."""

from __future__ import annotations

import re
from typing import Final

from service.schemas import SummaryResponse, TimingsResponse

# The members of an answer that say how it came about; pydantic keeps the schema's order.
_HOW_MADE: Final = re.compile(rb'"cached":false,"timings":\{[^}]*\}')


def to_json(response: SummaryResponse) -> bytes:
    """The answer as it goes over the wire: members without a value are left out."""
    return response.model_dump_json(exclude_none=True).encode()


def kept_json(value: bytes, total_seconds: float) -> bytes:
    """As `kept`, with those members replaced in the JSON itself.

    Inside a string the quotes around a name would be escaped, so the pattern
    finds the members and nothing else.
    """
    how_kept = (
        b'"cached":true,"timings":{"queue_seconds":0.0,"inference_seconds":0.0,'
        b'"total_seconds":%.6f}' % total_seconds
    )
    spliced, count = _HOW_MADE.subn(lambda _: how_kept, value, count=1)
    return spliced if count else to_json(kept(value, total_seconds))


def kept(value: bytes, total_seconds: float) -> SummaryResponse:
    """A summary that was there: it cost this request no queue and no inference."""
    response = SummaryResponse.model_validate_json(value)
    response.cached = True
    response.timings = TimingsResponse(
        queue_seconds=0.0, inference_seconds=0.0, total_seconds=round(total_seconds, 6)
    )
    return response


def made(value: bytes, total_seconds: float) -> SummaryResponse:
    """A summary that this request waited for, whoever asked for it first."""
    response = SummaryResponse.model_validate_json(value)
    response.timings.total_seconds = round(total_seconds, 6)
    return response
