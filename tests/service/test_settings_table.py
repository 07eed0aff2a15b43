from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from service.settings import Settings
from service.settings_loading import load_settings
from service.settings_table import markdown_table, shown_values, toml_lines

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documented_table_is_the_codes() -> None:
    documented = DOCUMENT.read_text(encoding="utf-8").partition("-->")[2].strip()
    assert documented == markdown_table().strip(), (
        "docs/settings.md is behind the code: replace its table by what"
        " `python -m service.settings_table` prints"
    )


def test_every_setting_says_what_it_means() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_passwords_are_not_shown() -> None:
    settings = Settings(cache_url="rediss://user:hunter2@cache:6379/0", rate_url="redis://:x@h/1")
    text = toml_lines(settings)
    assert "hunter2" not in text
    assert shown_values(settings)["cache_url"] == "rediss://user:***@cache:6379/0"
    assert shown_values(settings)["rate_url"] == "redis://:***@h/1"


def test_what_is_shown_is_a_settings_file_that_says_the_same(tmp_path: Path) -> None:
    settings = Settings(
        cors_origins=("https://a.example",), port=9000, key_rate="off", metrics_open=True
    )
    file = tmp_path / "inbrief.toml"
    file.write_text(toml_lines(settings), encoding="utf-8")
    assert tomllib.loads(file.read_text())["port"] == 9000
    assert load_settings(config=file, environ={}).model_dump() == settings.model_dump()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cache_url", "http://x", "redis"),
        ("key_rate", "lots", "600/minute"),
        ("trusted_proxies", "10.0.0.0/40", "10.0.0.0/40"),
        ("cors_origins", "news.example", "https://news.example"),
        ("tls_keyfile", "key.pem", "tls_certfile"),
        ("forwarded_header", "x-real-ip", "forwarded"),
    ],
)
def test_faults_are_named(name: str, value: str, message: str) -> None:
    with pytest.raises(Exception, match="(?s)" + message):
        load_settings({name: value}, environ={})
