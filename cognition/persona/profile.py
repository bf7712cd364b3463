"""A persona as its profile file describes it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Persona", "PersonaVoice", "ProfileError", "load_persona", "parse_persona"]

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MAX_BYTES = 16_384
_LONG_KEY = re.compile(r"(?<![^\s.=])(?:[^\s.=]++[ \t]*+\.[ \t]*+){100}")
"""Parts of a dotted key: what the parser keeps of one grows with the square of their number."""
_MAX_NAME = 40
_MAX_CHARACTER = 1200
_MAX_EXPERTISE = 32
_PITCH = (0.8, 1.4)


class ProfileError(Exception):
    """A profile file that cannot be used; the message names the file, the field and what is wrong."""


@dataclass(frozen=True, slots=True)
class PersonaVoice:
    """How a persona sounds.

    Attributes:
        engine: the voice engine it was made for.
        pitch: factor on pitch and formants, 0.8 to 1.4, for engines with one voice.
        character: the name of a voice, for engines with several.
    """

    engine: Literal["piper", "kokoro"] = "piper"
    pitch: float = 1.0
    character: str | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """Who a persona is.

    Attributes:
        id: its participant id in every room; the stem of its file.
        name: what people call it.
        voice: how it sounds.
        character: how it is, in the second person ("You are warm …"); goes into the prompt.
        expertise: words for what it knows about; decide who of several personas answers.
    """

    id: str
    name: str
    voice: PersonaVoice
    character: str
    expertise: tuple[str, ...]


def load_persona(path: Path) -> Persona:
    """Reads a profile (TOML: `name`, `character`, `expertise`, and a table `voice`).

    Raises:
        ProfileError: the file cannot be read, or a field is missing, unknown, or of the wrong kind.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse_persona(path.stem.lower(), content, str(path))


def parse_persona(id: str, content: bytes, source: str) -> Persona:
    """Reads what is in a profile.

    Args:
        id: of the persona.
        content: TOML in UTF-8, as in `load_persona`.
        source: where it is from, for messages.

    Raises:
        ProfileError: as `load_persona`.
    """
    if len(content) > _MAX_BYTES:
        raise ProfileError(f"{source}: has more than {_MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
        if _LONG_KEY.search(text):
            raise ProfileError(f"{source}: is no profile: it has a key of a hundred parts")
        fields = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ProfileError(f"{source}: is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        # Of numbers with thousands of digits and brackets thousands deep tomllib says it in its own way.
        raise ProfileError(f"{source}: is not TOML: {error}") from error
    try:
        return _persona(id, fields)
    except _FieldError as error:
        raise ProfileError(f"{source}: {error}") from None


class _FieldError(ValueError):
    """A field is wrong; the message names it."""


def _persona(id: str, fields: Mapping[str, object]) -> Persona:
    _only(fields, {"name", "character", "expertise", "voice"}, "")
    if not _ID.fullmatch(id):
        raise _FieldError(
            f"the file's name {id!r} must be letters, digits and hyphens: it is the persona's id"
        )
    name = _text(fields, "name", _MAX_NAME)
    if not any(character.isalpha() for character in name):
        raise _FieldError("name: has no letter, so nobody could call it")
    expertise = fields.get("expertise", [])
    if not isinstance(expertise, list) or not all(
        isinstance(each, str) and each.strip() for each in expertise
    ):
        raise _FieldError("expertise: must be a list of words")
    if len(expertise) > _MAX_EXPERTISE:
        raise _FieldError(f"expertise: has {len(expertise)} entries, more than {_MAX_EXPERTISE}")
    return Persona(
        id,
        name,
        _voice(fields.get("voice", {})),
        _text(fields, "character", _MAX_CHARACTER),
        tuple(" ".join(each.split()) for each in expertise),
    )


def _voice(table: object) -> PersonaVoice:
    if not isinstance(table, dict):
        raise _FieldError("voice: must be a table with engine, pitch, character")
    _only(table, {"engine", "pitch", "character"}, "voice.")
    engine = table.get("engine", "piper")
    if engine not in ("piper", "kokoro"):
        raise _FieldError(f"voice.engine: is {engine!r}, must be 'piper' or 'kokoro'")
    pitch = table.get("pitch", 1.0)
    if isinstance(pitch, bool) or not isinstance(pitch, int | float):
        raise _FieldError(f"voice.pitch: is {pitch!r}, must be a number")
    if not _PITCH[0] <= pitch <= _PITCH[1]:
        raise _FieldError(f"voice.pitch: is {pitch}, must be from {_PITCH[0]} to {_PITCH[1]}")
    character = table.get("character")
    if character is not None and (not isinstance(character, str) or not character.strip()):
        raise _FieldError("voice.character: must be the name of a voice")
    return PersonaVoice("piper" if engine == "piper" else "kokoro", float(pitch), character)


def _text(fields: Mapping[str, object], field: str, limit: int) -> str:
    value = fields.get(field)
    if value is None:
        raise _FieldError(f"{field}: is missing")
    if not isinstance(value, str):
        raise _FieldError(f"{field}: must be text")
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not text:
        raise _FieldError(f"{field}: is empty")
    if len(text) > limit:
        raise _FieldError(f"{field}: has {len(text)} characters, more than {limit}")
    return text


def _only(fields: Mapping[str, object], known: set[str], prefix: str) -> None:
    if unknown := sorted(set(fields) - known):
        listed = ", ".join(f"{prefix}{field}" for field in unknown)
        raise _FieldError(f"unknown: {listed}; known: {', '.join(sorted(known))}")
