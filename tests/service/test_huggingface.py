"""The Hugging Face inference shape, asked by the real huggingface_hub client over a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from models.errors import InferenceFailed
from service.app import create_app
from service.keys import KeyFile
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from tests.fakes import FakeSummariser
from tests.live import live

SUMMARISER = FakeSummariser(errors={"POISON": InferenceFailed("The model failed on this.")})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with live(create_app(Settings(), SUMMARISER)) as url:
        yield url


@pytest.fixture(params=["/models/fake", "/models/news-small", "", "/"])
def endpoint(request: pytest.FixtureRequest, url: str) -> str:
    return f"{url}{request.param}"


def test_the_real_client(endpoint: str) -> None:
    output = InferenceClient(base_url=endpoint).summarization(EXAMPLE_TEXT)
    assert output.summary_text
    assert output.summary_text.split("\n")[0] in EXAMPLE_TEXT


def test_the_real_client_with_parameters(url: str) -> None:
    client = InferenceClient(model=f"{url}/models/fake")
    output = client.summarization(
        EXAMPLE_TEXT,
        truncation="longest_first",
        clean_up_tokenization_spaces=True,
        generate_parameters={"max_length": 40, "num_beams": 4, "do_sample": False},
    )
    assert 0 < len(output.summary_text.split()) <= 30
    options = SUMMARISER.calls[-1][0].options
    assert (options.kind, options.length, options.max_words) == ("tldr", "short", 30)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [("", 422, "empty"), ("Too short.", 422, "words"), (EXAMPLE_TEXT + "POISON", 500, "failed")],
)
def test_the_real_client_is_told_what_is_wrong(
    endpoint: str, text: str, status: int, words: str
) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        InferenceClient(base_url=endpoint).summarization(text)
    assert caught.value.response.status_code == status
    assert words in caught.value.response.json()["error"]


def ask(url: str, body: Any, path: str = "/models/fake", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(
        url + path, content=content, headers={"content-type": "application/json", **headers}
    )


def refused(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    error: dict[str, Any] = response.json()
    assert error["error_type"] == kind
    assert isinstance(error["error"], str)
    return error


def test_one_or_several_inputs(url: str) -> None:
    (one,) = ask(url, {"inputs": EXAMPLE_TEXT}).json()
    assert list(one) == ["summary_text"]
    other = "Another article says that it is raining here. And there is more of it."
    several = ask(url, {"inputs": [EXAMPLE_TEXT, other], "options": {"use_cache": True}}).json()
    assert several[0] == one
    assert several[1]["summary_text"].startswith("Another article")


@pytest.mark.parametrize(
    ("parameters", "length", "max_words"),
    [
        ({}, "medium", None),
        ({"max_length": 20}, "short", 15),
        ({"max_length": 142, "min_length": 56}, "medium", 106),
        ({"max_new_tokens": 400, "min_new_tokens": 100}, "long", 300),
        ({"min_length": 300}, "long", None),
        ({"max_length": 1}, "short", 5),
        ({"max_length": 142, "generate_parameters": {"max_length": 20}}, "short", 15),
        ({"length": "long", "max_words": 50}, "long", 50),
        (
            {"length_penalty": 2.0, "no_repeat_ngram_size": 3, "early_stopping": True},
            "medium",
            None,
        ),
        ({"do_sample": False, "truncation": True, "num_return_sequences": 1}, "medium", None),
    ],
)
def test_bounds_in_tokens_choose_the_length(
    url: str, parameters: dict[str, Any], length: str, max_words: int | None
) -> None:
    text = f"{EXAMPLE_TEXT} Asked with {json.dumps(parameters)} this time."
    assert ask(url, {"inputs": text, "parameters": parameters}).status_code == 200
    options = SUMMARISER.calls[-1][0].options
    assert (options.kind, options.length, options.max_words) == ("tldr", length, max_words)


def test_our_own_options(url: str) -> None:
    parameters = {"kind": "key-points", "length": "short", "format": "markdown", "strict": True}
    (output,) = ask(url, {"inputs": EXAMPLE_TEXT, "parameters": parameters}).json()
    assert output["summary_text"].startswith("- ")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "missing-field"),
        ({"inputs": 5}, "invalid-field"),
        ({"inputs": []}, "invalid-field"),
        ({"inputs": [EXAMPLE_TEXT] * 65}, "invalid-field"),
        ({"inputs": EXAMPLE_TEXT, "colour": 1}, "unknown-field"),
        ({"inputs": EXAMPLE_TEXT, "parameters": {"temprature": 1}}, "unknown-field"),
        ({"inputs": EXAMPLE_TEXT, "parameters": {"do_sample": True}}, "invalid-field"),
        ({"inputs": EXAMPLE_TEXT, "parameters": {"temperature": 0.7}}, "unknown-field"),
        ({"inputs": EXAMPLE_TEXT, "parameters": {"max_length": -1}}, "invalid-field"),
        ({"inputs": EXAMPLE_TEXT, "parameters": {"min_length": 9, "max_length": 8}},
         "invalid-field"),
        ({"inputs": [EXAMPLE_TEXT, "Short."]}, "article-too-short"),
        (b"{", "invalid-json"),
        (b'{"inputs": "\xff"}', "invalid-utf-8"),
    ],
)  # fmt: skip
def test_errors_have_its_shape(url: str, body: Any, kind: str) -> None:
    refused(ask(url, body), 400 if isinstance(body, bytes) else 422, kind)


def test_an_error_names_the_input(url: str) -> None:
    error = refused(ask(url, {"inputs": [EXAMPLE_TEXT, "Short."]}), 422, "article-too-short")
    assert error["error"].startswith("inputs.1: ")


def test_another_model(url: str) -> None:
    error = refused(
        ask(url, {"inputs": EXAMPLE_TEXT}, "/models/facebook/bart-large-cnn"),
        404,
        "model-not-found",
    )
    assert "facebook/bart-large-cnn" in error["error"]


def test_not_declared_as_json(url: str) -> None:
    response = ask(url, {"inputs": EXAMPLE_TEXT}, **{"content-type": "text/plain"})
    refused(response, 415, "unsupported-media-type")


def test_a_model_that_is_still_loading() -> None:
    app = create_app(Settings(), SUMMARISER)
    with live(app) as url:
        app.state.desk._state = "loading"
        error = refused(ask(url, {"inputs": EXAMPLE_TEXT}), 503, "not-ready")
        assert error["estimated_time"] == 1.0


@pytest.mark.parametrize("path", ["/", "/models/fake"])
def test_a_key_is_needed_where_keys_are_needed(path: str, tmp_path: Path) -> None:
    _, key = KeyFile(tmp_path / "keys.json").create("test", ["summarise"])
    settings = Settings(keys_file=tmp_path / "keys.json")
    with live(create_app(settings, SUMMARISER)) as url:
        assert ask(url, {"inputs": EXAMPLE_TEXT}, path).status_code == 401
        client = InferenceClient(base_url=url + path, token=key)
        assert client.summarization(EXAMPLE_TEXT).summary_text


def test_the_start_page_is_still_there(url: str) -> None:
    assert httpx.get(url + "/").headers["content-type"].startswith("text/html")
