"""Fields of what the mind tells, checked one by one. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from signaling.server.names import MAX_ID_CHARACTERS

__all__ = ["count", "flag", "items", "moment", "objects", "optional", "share", "text"]

MAX_COUNT = 1 << 53


def objects(value: Any, what: str) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what} is an object")
    return value


def items(fields: Mapping[str, Any], name: str, most: int) -> list[Any]:
    """A list of at most so many.

    Raises:
        ValueError: it is none.
    """
    value = fields.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{name} is a list of at most {most}")
    return value


def text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    """A text of at most so many characters.

    Raises:
        ValueError: it is none.
    """
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name} is a text of at most {longest} characters")
    return value


def optional(fields: Mapping[str, Any], name: str, longest: int) -> str | None:
    """The same, or null.

    Raises:
        ValueError: it is none.
    """
    return None if fields.get(name) is None else text(fields, name, longest)


def share(fields: Mapping[str, Any], name: str) -> float:
    """A number from 0 to 1.

    Raises:
        ValueError: it is none.
    """
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"{name} is a number from 0 to 1")
    return round(float(value), 3)


def count(fields: Mapping[str, Any], name: str) -> int:
    """A whole number, not below 0.

    Raises:
        ValueError: it is none.
    """
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name} is a count")
    return value


def flag(fields: Mapping[str, Any], name: str) -> bool:
    """True or false.

    Raises:
        ValueError: it is none.
    """
    value = fields.get(name)
    if type(value) is not bool:
        raise ValueError(f"{name} is true or false")
    return value


def moment(fields: Mapping[str, Any]) -> str:
    """The time `at`, with a time zone, in UTC.

    Raises:
        ValueError: it is none.
    """
    instant = datetime.fromisoformat(text(fields, "at", MAX_ID_CHARACTERS))
    if instant.tzinfo is None:
        raise ValueError("a time has a time zone")
    try:
        return instant.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise ValueError("a time lies within the years 1 to 9999 of UTC") from error
