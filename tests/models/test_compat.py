"""What transformers 4 documented about its summarization pipeline."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from models import pipeline
from models.compat import SummarizationPipeline
from models.errors import InputError, ModelNotFound
from tests.models.conftest import CheckpointOf
from tests.models.tiny_checkpoints import TEXT


@pytest.fixture(scope="module")
def summarizer(checkpoint_of: CheckpointOf) -> SummarizationPipeline:
    return pipeline("summarization", model=str(checkpoint_of("bart").directory))


def test_a_string_gives_a_list_of_one_record(summarizer: SummarizationPipeline) -> None:
    found = summarizer(TEXT, max_length=20, min_length=5, do_sample=False)
    assert len(found) == 1
    assert set(found[0]) == {"summary_text"}
    assert isinstance(found[0]["summary_text"], str)


def test_a_list_gives_a_record_for_each(summarizer: SummarizationPipeline) -> None:
    lines = TEXT.splitlines()[:3]
    found = summarizer(lines, max_length=15)
    assert found == [summarizer(line, max_length=15)[0] for line in lines]
    assert summarizer([], max_length=15) == []


def test_an_iterator_is_answered_one_by_one(summarizer: SummarizationPipeline) -> None:
    lines = TEXT.splitlines()[:2]
    answers = summarizer((line for line in lines), max_length=10)
    assert next(answers) == summarizer(lines[0], max_length=10)
    assert len(list(answers)) == 1


def test_several_sequences_give_a_list_for_each_text(summarizer: SummarizationPipeline) -> None:
    found = summarizer([TEXT, TEXT], max_length=12, num_beams=3, num_return_sequences=2)
    assert [len(records) for records in found] == [2, 2]
    single = summarizer(TEXT, max_length=12, num_beams=3, num_return_sequences=2)
    assert single == found[0]


def test_lengths_bound_the_tokens(summarizer: SummarizationPipeline) -> None:
    found = summarizer(TEXT, max_length=12, min_length=12, return_tensors=True)
    assert set(found[0]) == {"summary_token_ids"}
    assert len(found[0]["summary_token_ids"]) <= 11
    both = summarizer(TEXT, max_new_tokens=8, return_tensors=True, return_text=True)
    assert set(both[0]) == {"summary_token_ids", "summary_text"}
    assert len(both[0]["summary_token_ids"]) <= 8


@pytest.mark.parametrize("truncation", [True, "longest_first", False])
def test_text_longer_than_the_window_is_answered_either_way(
    summarizer: SummarizationPipeline, truncation: bool | str
) -> None:
    assert summarizer(TEXT * 5, max_length=10, truncation=truncation)[0]["summary_text"] is not None


def test_defaults_of_the_pipeline_and_old_keywords_are_accepted(
    checkpoint_of: CheckpointOf,
) -> None:
    directory = str(checkpoint_of("t5").directory)
    made = pipeline(
        "summarization",
        model=directory,
        tokenizer=directory,
        framework="pt",
        device=-1,
        batch_size=4,
        max_length=9,
    )
    found = made(TEXT, clean_up_tokenization_spaces=True, return_tensors=True)
    assert len(found[0]["summary_token_ids"]) <= 8


def test_the_documented_short_example_runs_with_a_shipped_model() -> None:
    summarizer = pipeline("summarization", model="lead-3")
    text = "An apple a day, keeps the doctor away"
    with pytest.warns(UserWarning, match="Returned as it is"):
        assert summarizer(text, min_length=5, max_length=20) == [{"summary_text": text}]


def test_a_shipped_model_keeps_to_the_length() -> None:
    found = pipeline("summarization", model="lead-3")(TEXT, max_length=41, min_length=5)
    assert 0 < len(found[0]["summary_text"].split()) <= 30


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"do_sample": True}, "deterministic"),
        ({"max_length": 10, "min_length": 20}, r"min_length \(20\) must not be larger"),
        ({"temperature": 0.7}, "Unknown option 'temperature'"),
        ({"max_length": 1}, "at least 2"),
        ({"max_length": "long"}, "whole number"),
        ({"num_beams": 2, "num_return_sequences": 3}, "do not fit together"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    summarizer: SummarizationPipeline, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        summarizer(TEXT, **options)


@pytest.mark.parametrize("inputs", [5, None, [TEXT, 5]])
def test_other_inputs_are_refused(summarizer: SummarizationPipeline, inputs: Any) -> None:
    with pytest.raises(ValueError, match="must be of type `str` or `list`"):
        summarizer(inputs)


def test_other_tasks_models_and_tokenizers_are_refused() -> None:
    with pytest.raises(KeyError, match="Unknown task translation"):
        pipeline("translation")
    with pytest.raises(ModelNotFound):
        pipeline("summarization", model="some-org/some-model")
    with pytest.raises(InputError, match="own tokenizer"):
        pipeline("summarization", model="lead-3", tokenizer="other")


def test_importing_the_package_loads_no_torch() -> None:
    code = "import models, models.compat, sys; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
