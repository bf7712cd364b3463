"""What has to be there before a server starts depends on who will speak."""

from pathlib import Path
from typing import Literal

import pytest

from signaling.errors import UserError
from signaling.serve import needed
from signaling.settings import Settings, SpeechSettings, WeightSettings


def profile(directory: Path, name: str, engine: str) -> Path:
    path = directory / f"{name.lower()}.toml"
    path.write_text(
        f'name = "{name}"\ncharacter = "You are brief."\nexpertise = ["stars"]\n[voice]\nengine = "{engine}"\n'
    )
    return path


def voices(settings: Settings) -> set[str]:
    return {entry.role for entry in needed(settings) if entry.role in ("voice", "voice-kokoro")}


@pytest.mark.parametrize(
    ("engines", "setting", "wanted"),
    [
        (["piper"], "piper", {"voice"}),
        (["kokoro"], "piper", {"voice-kokoro"}),
        (["piper", "kokoro"], "piper", {"voice", "voice-kokoro"}),
        (["piper", "kokoro"], "kokoro", {"voice-kokoro"}),
    ],
)
def test_the_voices_of_all_personas_are_needed_and_no_others(
    tmp_path: Path, engines: list[str], setting: Literal["piper", "kokoro"], wanted: set[str]
) -> None:
    for number, engine in enumerate(engines):
        profile(tmp_path, f"Nova{'abc'[number]}", engine)
    settings = Settings(personas=(tmp_path,), speech=SpeechSettings(voice=setting))
    assert voices(settings) == wanted
    given = settings.model_copy(update={"weights": WeightSettings(voice_kokoro=tmp_path)})
    assert voices(given) == wanted - {"voice-kokoro"}


def test_the_personas_that_are_shipped_need_what_a_call_needs() -> None:
    assert voices(Settings()) == {"voice"}


def test_a_profile_that_cannot_be_used_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"eve\.toml"):
        needed(Settings(personas=(profile(tmp_path, "Eve", "harp"),)))
