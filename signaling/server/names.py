"""How a room may be called, and how long the names and ids of participants may be."""

import re
from typing import Any

__all__ = ["FRONT_ROOM", "MAX_ID_CHARACTERS", "MAX_NAME_CHARACTERS", "valid_room"]

FRONT_ROOM = "lobby"
"""To which the page leads; the other rooms are there once somebody was in them."""
MAX_NAME_CHARACTERS = 40
MAX_ID_CHARACTERS = 64

_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def valid_room(value: Any) -> bool:
    """Whether it is a room's name: 1 to 64 ASCII letters, digits, dots, underscores, hyphens."""
    return isinstance(value, str) and _ROOM.fullmatch(value) is not None
