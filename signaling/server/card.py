"""A persona's card as people see it, read from what the mind tells: only these fields ever reach a client. Pure."""

from collections.abc import Mapping
from typing import Any

from cognition.persona.reputation import LEVELS
from signaling.server.names import MAX_ID_CHARACTERS, MAX_NAME_CHARACTERS
from signaling.server.reading import count, flag, items, moment, objects, optional, share, text
from signaling.server.text import clean_line, clean_name

__all__ = ["parse_card"]

MAX_ITEMS = 200
MAX_TEXT = 2000
MAX_CURSOR_CHARACTERS = 18
KINDS = ("feedback", "task", "level")


def parse_card(body: Any) -> dict[str, Any]:
    """Reads a *card* (docs/protocol.md), field by field; whatever else is there is left behind.

    Raises:
        ValueError: when it is none.
    """
    fields = objects(body, "a card")
    return {
        "persona": text(fields, "persona", MAX_ID_CHARACTERS),
        "level": _level(fields, "level"),
        "standing": _standing(objects(fields.get("standing"), "standing")),
        "expertise": [_domain(item) for item in items(fields, "expertise", MAX_ITEMS)],
        "actions": [_action(item) for item in items(fields, "actions", MAX_ITEMS)],
        "history": [_event(item) for item in items(fields, "history", MAX_ITEMS)],
        "journal": [_entry(item) for item in items(fields, "journal", MAX_ITEMS)],
        "before": optional(fields, "before", MAX_CURSOR_CHARACTERS),
    }


def _standing(fields: Mapping[str, Any]) -> dict[str, Any]:
    counts = ("completed", "succeeded", "failed", "praised", "criticised", "givers")
    return {"quality": share(fields, "quality")} | {name: count(fields, name) for name in counts}


def _domain(item: Any) -> dict[str, Any]:
    fields = objects(item, "a domain")
    return {
        "domain": clean_name(text(fields, "domain", MAX_ID_CHARACTERS)),
        "quality": share(fields, "quality"),
        "count": count(fields, "count"),
    }


def _action(item: Any) -> dict[str, Any]:
    fields = objects(item, "an action")
    return {
        "action": text(fields, "action", MAX_ID_CHARACTERS),
        "words": clean_line(text(fields, "words", MAX_TEXT)),
        "needed": _level(fields, "needed"),
        "allowed": flag(fields, "allowed"),
    }


def _event(item: Any) -> dict[str, Any]:
    fields = objects(item, "an event")
    kind, value, by = fields.get("kind"), fields.get("value"), fields.get("by")
    if kind not in KINDS:
        raise ValueError(f"the kind of an event is one of {', '.join(KINDS)}")
    if type(value) is not int or not -1 <= value <= 1:
        raise ValueError("the value of an event is -1, 0 or 1")
    if by is not None and not isinstance(by, str):
        raise ValueError("by is a name, or null")
    return {
        "id": text(fields, "id", MAX_ID_CHARACTERS),
        "at": moment(fields),
        "kind": kind,
        "value": value,
        "domain": optional(fields, "domain", MAX_ID_CHARACTERS),
        "level": None if fields.get("level") is None else _level(fields, "level"),
        "by": None if by is None else clean_name(by)[:MAX_NAME_CHARACTERS],
        "mine": flag(fields, "mine"),
        "line": optional(fields, "line", MAX_ID_CHARACTERS),
    }


def _entry(item: Any) -> dict[str, Any]:
    fields = objects(item, "a journal's entry")
    return {
        "id": text(fields, "id", MAX_ID_CHARACTERS),
        "at": moment(fields),
        "text": clean_line(text(fields, "text", MAX_TEXT)),
    }


def _level(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value not in LEVELS:
        raise ValueError(f"{name} is one of {', '.join(LEVELS)}")
    return str(value)
