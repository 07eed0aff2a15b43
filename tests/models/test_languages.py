from __future__ import annotations

import subprocess
import sys

import pytest

from models.languages import UNDETERMINED, detect, normalise


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The minister said on Monday that the bridge would be closed.", "en"),
        ("THE MINISTER SAID ON MONDAY THAT THE BRIDGE WOULD BE CLOSED.", "en"),
        ("Der Minister sagte am Montag, die Brücke werde geschlossen.", "de"),
        ("Le ministre a déclaré lundi que le pont serait fermé.", "fr"),
        ("El ministro dijo el lunes que el puente se cerrará.", "es"),
        ("O ministro disse na segunda-feira que a ponte será fechada.", "pt"),
        ("Министр заявил в понедельник, что мост закроют.", "ru"),
        ("Міністр заявив у понеділок, що міст закриють.", "uk"),
        ("大臣は月曜日に橋を閉鎖すると述べた。", "ja"),
        ("部长周一表示，这座桥将关闭。", "zh"),
        ("قال الوزير يوم الاثنين إن الجسر سيغلق.", "ar"),
        ("मंत्री ने सोमवार को कहा कि पुल बंद रहेगा।", "hi"),
    ],
)
def test_detection(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "   ", "12345 !?", "\U0001f600", "x"])
def test_nothing_to_tell_it_by(text: str) -> None:
    assert detect(text) == UNDETERMINED


@pytest.mark.parametrize(
    ("tag", "primary"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("zh-Hant-TW", "zh"),
        ("nb", "no"),
        ("eng", "en"),
    ],
)
def test_primary_tag(tag: str, primary: str) -> None:
    assert normalise(tag) == primary


@pytest.mark.parametrize("tag", ["", "e", "english language", "12", "en--", "<b>"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="language tag"):
        normalise(tag)


def test_import_loads_no_model() -> None:
    code = (
        "import models.languages as m; "
        "assert m._identifier.cache_info().currsize == 0; m.detect('Hello there, world'); "
        "assert m._identifier.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
