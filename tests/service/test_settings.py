"""Settings: four places, one order, and every fault said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from models.errors import SettingsError
from service.settings import ENV_PREFIX, Settings
from service.settings_loading import CONFIG_VARIABLE, load_settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "inbrief.toml"
    path.write_text('model = "from-file"\nport = 1111\nurl_hosts = ["a.example"]\n')
    return path


def test_flag_then_environment_then_file_then_default(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBRIEF_MODEL", "from-environment")
    monkeypatch.setenv("INBRIEF_PORT", "2222")
    settings = load_settings({"port": "3333", "host": None}, config=config)
    assert (settings.port, settings.model) == (3333, "from-environment")
    assert settings.url_hosts == ("a.example",)
    assert settings.host == "127.0.0.1"
    monkeypatch.delenv("INBRIEF_MODEL")
    assert load_settings(config=config).model == "from-file"
    assert load_settings().model == "news-small"


def test_the_file_may_be_named_by_the_environment(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    assert load_settings().model == "from-file"


def test_every_fault_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inbrief.toml"
    path.write_text('quue_max_articles = 5\ndrain_seconds = "soon"\n')
    monkeypatch.setenv("INBRIEF_MODLE", "x")
    monkeypatch.setenv("INBRIEF_DEADLINE_SECONDS", "-1")
    with pytest.raises(SettingsError) as caught:
        load_settings({"port": 99999}, config=path)
    faults = caught.value.message.splitlines()
    assert len(faults) == 5
    for start in (
        "Unknown environment variable INBRIEF_MODLE; did you mean INBRIEF_MODEL?",
        f"Unknown setting quue_max_articles in {path}; did you mean queue_max_articles?",
        "INBRIEF_DEADLINE_SECONDS: ",
        "--port: ",
        f"drain_seconds in {path}: ",
    ):
        assert any(fault.startswith(start) for fault in faults), (start, faults)


@pytest.mark.parametrize("content", ["port = = 1", 'model = "\xff', "port: 1"])
def test_a_file_that_is_not_toml(tmp_path: Path, content: str) -> None:
    path = tmp_path / "inbrief.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError, match="is not valid TOML"):
        load_settings(config=path)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
        load_settings(config=tmp_path / "none.toml")


def test_settings_that_do_not_fit_together() -> None:
    with pytest.raises(SettingsError, match="url_hosts names no host"):
        load_settings({"url_fetching": "listed"})


def test_lists_are_separated_by_commas_outside_the_file() -> None:
    settings = load_settings({"url_hosts": "a.example, b.example,"})
    assert settings.url_hosts == ("a.example", "b.example")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBRIEF_PORT", "")
    assert load_settings().port == 8000


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith((".", "`")), name
        assert name == name.lower()
        assert not name.startswith(ENV_PREFIX.lower())
