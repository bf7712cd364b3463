"""A persona's card as people see it, read from what the mind tells: only these fields ever reach a client. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cognition.persona.reputation import LEVELS
from signaling.server.names import MAX_ID_CHARACTERS, MAX_NAME_CHARACTERS
from signaling.server.text import clean_line, clean_name

__all__ = ["parse_card"]

MAX_ITEMS = 200
MAX_TEXT = 2000
MAX_CURSOR_CHARACTERS = 18
MAX_COUNT = 1 << 53
KINDS = ("feedback", "task", "level")


def parse_card(body: Any) -> dict[str, Any]:
    """Reads a *card* (docs/protocol.md), field by field; whatever else is there is left behind.

    Raises:
        ValueError: when it is none.
    """
    fields = _object(body, "a card")
    return {
        "persona": _text(fields, "persona", MAX_ID_CHARACTERS),
        "level": _level(fields, "level"),
        "standing": _standing(_object(fields.get("standing"), "standing")),
        "expertise": [_domain(item) for item in _items(fields, "expertise")],
        "actions": [_action(item) for item in _items(fields, "actions")],
        "history": [_event(item) for item in _items(fields, "history")],
        "journal": [_entry(item) for item in _items(fields, "journal")],
        "before": _optional(fields, "before", MAX_CURSOR_CHARACTERS),
    }


def _standing(fields: Mapping[str, Any]) -> dict[str, Any]:
    counts = ("completed", "succeeded", "failed", "praised", "criticised", "givers")
    return {"quality": _share(fields, "quality")} | {name: _count(fields, name) for name in counts}


def _domain(item: Any) -> dict[str, Any]:
    fields = _object(item, "a domain")
    return {
        "domain": clean_name(_text(fields, "domain", MAX_ID_CHARACTERS)),
        "quality": _share(fields, "quality"),
        "count": _count(fields, "count"),
    }


def _action(item: Any) -> dict[str, Any]:
    fields = _object(item, "an action")
    return {
        "action": _text(fields, "action", MAX_ID_CHARACTERS),
        "words": clean_line(_text(fields, "words", MAX_TEXT)),
        "needed": _level(fields, "needed"),
        "allowed": _flag(fields, "allowed"),
    }


def _event(item: Any) -> dict[str, Any]:
    fields = _object(item, "an event")
    kind, value, by = fields.get("kind"), fields.get("value"), fields.get("by")
    if kind not in KINDS:
        raise ValueError(f"the kind of an event is one of {', '.join(KINDS)}")
    if type(value) is not int or not -1 <= value <= 1:
        raise ValueError("the value of an event is -1, 0 or 1")
    if by is not None and not isinstance(by, str):
        raise ValueError("by is a name, or null")
    return {
        "id": _text(fields, "id", MAX_ID_CHARACTERS),
        "at": _moment(fields),
        "kind": kind,
        "value": value,
        "domain": _optional(fields, "domain", MAX_ID_CHARACTERS),
        "level": None if fields.get("level") is None else _level(fields, "level"),
        "by": None if by is None else clean_name(by)[:MAX_NAME_CHARACTERS],
        "mine": _flag(fields, "mine"),
        "line": _optional(fields, "line", MAX_ID_CHARACTERS),
    }


def _entry(item: Any) -> dict[str, Any]:
    fields = _object(item, "a journal's entry")
    return {
        "id": _text(fields, "id", MAX_ID_CHARACTERS),
        "at": _moment(fields),
        "text": clean_line(_text(fields, "text", MAX_TEXT)),
    }


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is an object")
    return value


def _items(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise ValueError(f"{name} is a list of at most {MAX_ITEMS}")
    return value


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name} is a text of at most {longest} characters")
    return value


def _optional(fields: Mapping[str, Any], name: str, longest: int) -> str | None:
    return None if fields.get(name) is None else _text(fields, name, longest)


def _level(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value not in LEVELS:
        raise ValueError(f"{name} is one of {', '.join(LEVELS)}")
    return str(value)


def _share(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"{name} is a number from 0 to 1")
    return round(float(value), 3)


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name} is a count")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name)
    if type(value) is not bool:
        raise ValueError(f"{name} is true or false")
    return value


def _moment(fields: Mapping[str, Any]) -> str:
    moment = datetime.fromisoformat(_text(fields, "at", MAX_ID_CHARACTERS))
    if moment.tzinfo is None:
        raise ValueError("a time has a time zone")
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise ValueError("a time lies within the years 1 to 9999 of UTC") from error
