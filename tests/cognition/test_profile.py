"""Profiles of personas: those that are shipped, and everything that can be wrong with one."""

import tracemalloc
from importlib.resources import files
from itertools import combinations
from pathlib import Path

import pytest

from cognition.conversation.names import sounds_like
from cognition.persona.profile import Persona, PersonaVoice, ProfileError, load_persona

SHIPPED = Path(str(files("cognition.persona") / "profiles"))


def profile(tmp_path: Path, text: str, name: str = "iris.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("key", [".", " . ", '".\t"', "-."])
def test_a_key_of_thousands_of_parts_is_refused_before_it_eats_memory(tmp_path: Path, key: str) -> None:
    text = key.join(["a"] * (16_000 // (len(key) + 1)))
    path = profile(tmp_path, f'name = "Iris"\ncharacter = "c"\n{text} = 1\n[{text}]\n')
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match=r"a key of a hundred parts|more than 16384 bytes"):
            load_persona(path)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_profile_of_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = profile(tmp_path, "# " + "x" * (64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match="has more than 16384 bytes"):
            load_persona(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_character_in_short_sentences_and_any_script_has_room(tmp_path: Path) -> None:
    character = "Calm. Warm. Dry. " * 20 + "🦉" * 500 + "e.g. 1.2.3.4"
    path = profile(tmp_path, f'name = "Iris"\r\ncharacter = "{character}"\r\n')
    assert load_persona(path).character == character


def test_the_shipped_persona_loads() -> None:
    (path,) = SHIPPED.glob("*.toml")
    persona = load_persona(path)
    assert persona.id == path.stem == persona.name.lower()
    assert persona.character
    assert persona.expertise


def test_the_optional_persona_has_another_voice() -> None:
    (active,) = SHIPPED.glob("*.toml")
    (optional,) = (SHIPPED / "optional").glob("*.toml")
    one, other = load_persona(active), load_persona(optional)
    assert one.id != other.id
    assert one.voice.pitch != other.voice.pitch
    assert one.voice.character != other.voice.character


def test_a_profile_is_read_as_written(tmp_path: Path) -> None:
    path = profile(
        tmp_path,
        'name = " Iris "\ncharacter = """You are\n calm."""\nexpertise = ["art  history"]\n'
        '[voice]\nengine = "kokoro"\npitch = 1\ncharacter = "af_heart"\n',
    )
    voice = PersonaVoice("kokoro", 1.0, "af_heart")
    assert load_persona(path) == Persona("iris", "Iris", voice, "You are calm.", ("art history",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "is not TOML"),
        ('character = "You are calm."', "name: is missing"),
        ('name = ""\ncharacter = "c"', "name: is empty"),
        ('name = "42"\ncharacter = "c"', "name: has no letter"),
        ('name = 3\ncharacter = "c"', "name: must be text"),
        (f'name = "{"x" * 41}"\ncharacter = "c"', "name: has 41 characters"),
        ('name = "Iris"', "character: is missing"),
        ('name = "Iris"\ncharacter = "c"\nexpertise = "art"', "expertise: must be a list"),
        ('name = "Iris"\ncharacter = "c"\nexpertise = [1]', "expertise: must be a list"),
        ('name = "Iris"\ncharacter = "c"\nmood = "good"', "unknown: mood"),
        ('name = "Iris"\ncharacter = "c"\nvoice = "joe"', "voice: must be a table"),
        ('name = "Iris"\ncharacter = "c"\nvoice.pitch = 3', "voice.pitch: is 3"),
        ('name = "Iris"\ncharacter = "c"\nvoice.pitch = true', "voice.pitch: is True"),
        ('name = "Iris"\ncharacter = "c"\nvoice.pitch = nan', "voice.pitch: is nan"),
        ('name = "Iris"\ncharacter = "c"\nvoice.engine = "vosk"', "voice.engine: is 'vosk'"),
        ('name = "Iris"\ncharacter = "c"\nvoice.colour = "red"', "unknown: voice.colour"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong_and_where(tmp_path: Path, text: str, complaint: str) -> None:
    path = profile(tmp_path, text)
    with pytest.raises(ProfileError, match=r"iris\.toml") as error:
        load_persona(path)
    assert complaint in str(error.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_persona(tmp_path / "nobody.toml")
    path = tmp_path / "noise.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="UTF-8"):
        load_persona(path)


def test_a_file_name_that_is_no_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="letters, digits and hyphens"):
        load_persona(profile(tmp_path, 'name = "Iris"\ncharacter = "c"', "i ris.toml"))


def test_the_personas_that_are_shipped_can_be_told_apart_by_name_and_by_voice() -> None:
    folder = Path(str(files("cognition.persona")))
    paths = [*folder.glob("profiles/*.toml"), *folder.glob("cast/*.toml")]
    personas = [load_persona(path) for path in paths]
    assert len({persona.id for persona in personas}) == len(paths) >= 14
    assert len({persona.voice.pitch for persona in personas}) == len(personas)
    for one, other in combinations(personas, 2):
        assert not sounds_like(one.name.lower(), other.name.lower())
