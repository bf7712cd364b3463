"""How much of a transcript goes into one message."""

import json
from collections.abc import Sequence

from signaling.ipc.jsonrpc import JsonObject

__all__ = ["MAX_TRANSCRIPT_BYTES", "latest"]

MAX_TRANSCRIPT_BYTES = 512 << 10


def latest(lines: Sequence[JsonObject], max_bytes: int = MAX_TRANSCRIPT_BYTES) -> list[JsonObject]:
    """The newest lines that fit.

    Args:
        lines: oldest first.
        max_bytes: what they may have together as JSON in UTF-8.

    Returns:
        The longest end of `lines` of at most that size, oldest first.
    """
    left = max_bytes
    first = len(lines)
    for line in reversed(lines):
        left -= len(json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace")) + 1
        if left < 0:
            break
        first -= 1
    return list(lines[first:])
