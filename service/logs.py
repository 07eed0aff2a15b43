"""Structured logs: a JSON object a line with the request's id; no text, keys or addresses."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, Literal

LogFormat = Literal["auto", "json", "text"]

# Set for the time of one request; what is logged meanwhile carries it.
request_id: ContextVar[str | None] = ContextVar("inbrief_request_id", default=None)

# The extra members of a record that are ours.
FIELDS: Final = "fields"


class JsonFormatter(logging.Formatter):
    """`{"time": …, "level": …, "logger": …, "message": …, "request_id": …, …fields}`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        identity = request_id.get()
        if identity is not None:
            entry["request_id"] = identity
        fields = getattr(record, FIELDS, None)
        if isinstance(fields, Mapping):
            entry.update(fields)
        if record.exc_info and record.exc_info[0] is not None:
            # The place, not the message: an error's text may quote what it failed on.
            entry["error"] = record.exc_info[0].__name__
            entry["trace"] = "".join(traceback.format_tb(record.exc_info[2]))
        return json.dumps(entry, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """The same for a terminal: time, level, message, fields."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        fields = getattr(record, FIELDS, None)
        rest = ""
        if isinstance(fields, Mapping):
            rest = " " + " ".join(f"{name}={value}" for name, value in fields.items())
        line = f"{moment} {record.levelname.lower()} {record.getMessage()}{rest}"
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_tb(record.exc_info[2]))
            line += f"\n{record.exc_info[0].__name__}\n{trace}"
        return line


def configure(level: str, log_format: LogFormat) -> None:
    """Send every logger's records to standard error in one format."""
    handler = logging.StreamHandler(sys.stderr)
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Chatty at info, and its lines hold addresses.
    for name in ("httpx", "httpcore", "filelock"):
        logging.getLogger(name).setLevel(logging.WARNING)
