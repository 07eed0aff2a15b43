"""An answer from the cache is the first one, but for how it came about."""

from __future__ import annotations

from fastapi.testclient import TestClient

from service.app import create_app
from service.schemas import SummaryResponse
from service.settings import Settings
from tests.fakes import FakeSummariser

# What the splice looks for, as a nasty article would say it.
NASTY = (
    'The file said "cached":false,"timings":{"queue_seconds":9} and no more. '
    "It was read on Monday by two people. Nobody was hurt by it."
)


def test_a_cached_answer_differs_in_nothing_else() -> None:
    with TestClient(create_app(Settings(), FakeSummariser())) as client:
        first = client.post("/v1/summaries", json={"text": NASTY})
        second = client.post("/v1/summaries", json={"text": NASTY})
        third = client.get(f"/v1/summaries/{first.json()['id']}")
        with_text = client.post("/v1/summaries", json={"text": NASTY, "include_text": True})
    made, *kept = [
        SummaryResponse.model_validate_json(one.content)
        for one in (first, second, third, with_text)
    ]
    assert made.cached is False
    assert made.timings.total_seconds > 0
    assert made.sentences[0].text.startswith('The file said "cached":false,"timings":{')
    for answer in kept:
        assert answer.cached is True
        assert answer.timings.queue_seconds == answer.timings.inference_seconds == 0.0
        same = {"cached": False, "timings": made.timings, "text": None}
        assert answer.model_copy(update=same) == made
    assert kept[2].text == NASTY
