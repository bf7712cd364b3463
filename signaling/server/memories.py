"""What personas know of a person, and what went into a reply, as people see it: read from what the mind tells. Pure."""

from collections.abc import Mapping
from typing import Any

from signaling.server.names import MAX_ID_CHARACTERS
from signaling.server.reading import (
    count,
    flag,
    items,
    moment,
    objects,
    optional,
    share,
    text,
)
from signaling.server.text import clean_line, clean_name

__all__ = ["parse_explanation", "parse_memories"]

MAX_TEXT = 2000
MAX_CURSOR_CHARACTERS = 64
MAX_ITEMS = 100
OPENNESS = ("present", "open")
STATES = ("loaded", "late", "failed")
PARTS = ("stable", "fresh")


def parse_memories(body: Any) -> dict[str, Any]:
    """Reads *memories* (docs/protocol.md), field by field; whatever else is there is left behind.

    Raises:
        ValueError: when it is none.
    """
    fields = objects(body, "what is known")
    return {
        "persona": text(fields, "persona", MAX_ID_CHARACTERS),
        "openness": _one_of(fields, "openness", OPENNESS),
        "known": [_memory(item) for item in items(fields, "known", MAX_ITEMS)],
        "before": optional(fields, "before", MAX_CURSOR_CHARACTERS),
    }


def _memory(item: Any) -> dict[str, Any]:
    fields = objects(item, "a memory")
    return {
        "id": text(fields, "id", MAX_ID_CHARACTERS),
        "text": _words(fields, "text"),
        "quote": _words(fields, "quote"),
        "at": moment(fields),
        "kind": clean_name(text(fields, "kind", MAX_ID_CHARACTERS)),
        "where": clean_name(text(fields, "where", MAX_ID_CHARACTERS)),
        "current": flag(fields, "current"),
    }


def parse_explanation(body: Any) -> dict[str, Any]:
    """Reads an *explanation* (docs/protocol.md), as `parse_memories` does.

    Raises:
        ValueError: when it is none.
    """
    fields = objects(body, "an explanation")
    return {
        "persona": text(fields, "persona", MAX_ID_CHARACTERS),
        "line": text(fields, "line", MAX_ID_CHARACTERS),
        "parts": [_part(item) for item in items(fields, "parts", MAX_ITEMS)],
    }


def _part(item: Any) -> dict[str, Any]:
    fields = objects(item, "a part")
    return {
        "words": _words(fields, "words"),
        "budget": count(fields, "budget"),
        "tokens": count(fields, "tokens"),
        "ms": _number(fields, "ms"),
        "deadlineMs": _number(fields, "deadlineMs"),
        "sources": [_source(one) for one in items(fields, "sources", MAX_ITEMS)],
        "used": [_used(one) for one in items(fields, "used", MAX_ITEMS)],
        "leftOut": count(fields, "leftOut"),
    }


def _source(item: Any) -> dict[str, Any]:
    fields = objects(item, "a source")
    return {
        "source": clean_name(text(fields, "source", MAX_ID_CHARACTERS)),
        "state": _one_of(fields, "state", STATES),
        "ms": _number(fields, "ms"),
        "pieces": count(fields, "pieces"),
        "tokens": count(fields, "tokens"),
    }


def _used(item: Any) -> dict[str, Any]:
    fields = objects(item, "a piece")
    return {
        "source": clean_name(text(fields, "source", MAX_ID_CHARACTERS)),
        "part": _one_of(fields, "part", PARTS),
        "tokens": count(fields, "tokens"),
        "score": share(fields, "score"),
        "text": _words(fields, "text"),
        "origin": _words(fields, "origin"),
    }


def _words(fields: Mapping[str, Any], name: str) -> str:
    return clean_line(text(fields, name, MAX_TEXT))


def _one_of(fields: Mapping[str, Any], name: str, values: tuple[str, ...]) -> str:
    value = fields.get(name)
    if value not in values:
        raise ValueError(f"{name} is one of {', '.join(values)}")
    return str(value)


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e9:
        raise ValueError(f"{name} is a number, not below 0")
    return round(float(value), 1)
