from __future__ import annotations

import json
import logging
import sys

import pytest

from service.logs import FIELDS, JsonFormatter, TextFormatter, request_id


def record(**more: object) -> logging.LogRecord:
    one = logging.LogRecord("inbrief.access", logging.INFO, "x.py", 1, "POST %s", ("/v1",), None)
    vars(one).update(more)
    return one


def test_a_line_is_one_json_object_with_the_requests_id() -> None:
    token = request_id.set("abc")
    try:
        entry = json.loads(JsonFormatter().format(record(**{FIELDS: {"status": 200}})))
    finally:
        request_id.reset(token)
    assert entry["request_id"] == "abc"
    assert entry["message"] == "POST /v1"
    assert entry["status"] == 200
    assert entry["level"] == "info"
    assert entry["time"].endswith("+00:00")
    assert "request_id" not in json.loads(JsonFormatter().format(record()))


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_an_errors_text_stays_out_and_its_place_is_told(formatter: logging.Formatter) -> None:
    text = "the article said so"
    try:
        raise ValueError(text)
    except ValueError:
        line = formatter.format(record(exc_info=sys.exc_info()))
    assert text not in line
    assert "ValueError" in line
    assert "test_logs.py" in line


def test_on_a_terminal_fields_follow_the_message() -> None:
    assert (
        TextFormatter()
        .format(record(**{FIELDS: {"status": 200}}))
        .endswith("info POST /v1 status=200")
    )
