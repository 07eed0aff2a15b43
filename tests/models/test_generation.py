from __future__ import annotations

from typing import Any

import pytest

from models.generation import DEFAULT_MAX_NEW_TOKENS, GenerationSettings, declared_settings


def test_later_layers_override_and_lengths_lose_the_start_token() -> None:
    base = {"num_beams": 2, "max_length": 142, "min_length": 56, "no_repeat_ngram_size": 3}
    task = {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True, "max_length": None}
    assert declared_settings(base, task) == GenerationSettings(
        beams=4,
        length_penalty=2.0,
        no_repeat_ngram=3,
        min_new_tokens=55,
        max_new_tokens=141,
        early_stopping=True,
    )


def test_nothing_declared_is_greedy_with_the_default_length() -> None:
    assert declared_settings({}) == GenerationSettings(max_new_tokens=DEFAULT_MAX_NEW_TOKENS)


def test_a_minimum_above_the_maximum_is_lowered() -> None:
    assert declared_settings({"max_length": 21, "min_length": 50}).min_new_tokens == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"beams": 0},
        {"no_repeat_ngram": -1},
        {"max_new_tokens": 0},
        {"min_new_tokens": 30, "max_new_tokens": 20},
        {"beams": 2, "hypotheses": 3},
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GenerationSettings(**wrong)


def test_within_lowers_both_ends() -> None:
    settings = GenerationSettings(min_new_tokens=30, max_new_tokens=100).within(20)
    assert (settings.min_new_tokens, settings.max_new_tokens) == (20, 20)
