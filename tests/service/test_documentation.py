"""What the service says of itself is exact, and its pages load nothing from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.problem_types import PROBLEM_TYPES
from service.schemas import EXAMPLE_TEXT, SummariseRequest
from service.settings import Settings
from tests.fakes import FakeSummariser


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(), FakeSummariser())) as client:
        yield client


@pytest.fixture(scope="module")
def description(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def validator(description: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
    )


def test_every_reference_resolves_and_no_foreign_error_is_described(
    description: dict[str, Any],
) -> None:
    text = json.dumps(description)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in description["components"]["schemas"]
    assert "HTTPValidationError" not in text


def test_every_documented_problem_is_one_of_the_table(description: dict[str, Any]) -> None:
    seen = set()
    for operations in description["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if "application/problem+json" not in response.get("content", {}):
                    continue
                for slug in re.findall(r"`([a-z0-9-]+)`", response["description"]):
                    assert PROBLEM_TYPES[slug].status == int(status)
                    seen.add(slug)
    assert {"queue-full", "deadline-exceeded", "article-too-long", "invalid-json"} <= seen


def test_the_examples_are_valid_and_work(client: TestClient, description: dict[str, Any]) -> None:
    check = validator(description, "SummariseRequest")
    examples = description["components"]["schemas"]["SummariseRequest"]["examples"]
    assert len(examples) >= 3
    for example in examples:
        check.validate(example)
        SummariseRequest.model_validate(example)
    assert client.post("/v1/summaries", json=examples[0]).status_code == 200
    (batch,) = description["components"]["schemas"]["SummariseBatchRequest"]["examples"]
    assert client.post("/v1/summaries:batch", json=batch).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "a", "html": "b"},
        {"text": "a", "colour": 1},
        {"text": "a", "kind": "poem"},
        {"text": "a", "max_words": 4},
        {"text": 1},
        {"text": None},
        {"text": "a", "language": "English!"},
    ],
)
def test_what_the_schema_forbids_is_refused_and_the_reverse(
    client: TestClient, description: dict[str, Any], body: dict[str, Any]
) -> None:
    assert not validator(description, "SummariseRequest").is_valid(body)
    assert client.post("/v1/summaries", json=body).status_code == 422


def test_answers_match_their_schemas(client: TestClient, description: dict[str, Any]) -> None:
    answer = client.post("/v1/summaries", json={"text": EXAMPLE_TEXT, "include_text": True}).json()
    validator(description, "SummaryResponse").validate(answer)
    body = {"articles": [{"text": EXAMPLE_TEXT}, {"text": "Too short."}, 5]}
    answer = client.post("/v1/summaries:batch", json=body).json()
    validator(description, "SummaryBatchResponse").validate(answer)
    validator(description, "ModelsResponse").validate(client.get("/v1/models").json())
    validator(description, "Problem").validate(client.post("/v1/summaries", json={}).json())


@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/queue-full"])
def test_pages_load_nothing_and_run_nothing(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<(script|link|img|iframe)|src=|https?://(?!\S*\$INBRIEF)", response.text)


def test_the_reference_names_every_field_and_address(
    client: TestClient, description: dict[str, Any]
) -> None:
    page = client.get("/docs").text
    for path in description["paths"]:
        assert f"<code>{path}</code>" in page
    for name in description["components"]["schemas"]["SummariseRequest"]["properties"]:
        assert f"<code>{name}</code>" in page
    assert "curl" in page


def test_every_problem_type_is_explained_at_its_address(client: TestClient) -> None:
    listing = client.get("/problems").text
    for slug, row in PROBLEM_TYPES.items():
        assert f"problems/{slug}" in listing
        page = client.get(f"/problems/{slug}")
        assert page.status_code == 200
        assert f"<h1>{row.title}</h1>".replace("'", "&#x27;") in page.text
