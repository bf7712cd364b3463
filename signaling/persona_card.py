"""A persona's card as the room protocol says it: standing, rights, history, journal. Pure."""

from collections.abc import Sequence

from cognition.persona.actions import ACTIONS, NEEDED, WORDS, Allowed, may
from cognition.persona.journal import Entry as JournalEntry
from cognition.persona.reputation import Standing
from cognition.store.reputation import Entry, Page
from signaling.ipc.jsonrpc import JsonObject

__all__ = ["card_of"]

MAX_EXPERTISE = 20


def card_of(
    persona: str, standing: Standing, page: Page, journal: Sequence[JournalEntry], giver: str
) -> JsonObject:
    """A *card* of the room protocol.

    Args:
        persona: whose.
        standing: as it is now.
        page: of its history.
        journal: what it wrote of the room in which the card is asked for.
        giver: key of the person who asks; they are shown which voices are theirs.
    """
    return {
        "persona": persona,
        "level": standing.level,
        "standing": {
            "quality": standing.quality,
            "completed": standing.completed,
            "succeeded": standing.succeeded,
            "failed": standing.failed,
            "praised": standing.praised,
            "criticised": standing.criticised,
            "givers": standing.givers,
        },
        "expertise": [
            {"domain": one.domain, "quality": one.quality, "count": one.count}
            for one in standing.expertise[:MAX_EXPERTISE]
        ],
        "actions": [
            {
                "action": action,
                "words": WORDS[action],
                "needed": NEEDED[action],
                "allowed": isinstance(may(action, standing.level), Allowed),
            }
            for action in ACTIONS
        ],
        "history": [_event(entry, giver) for entry in page.entries],
        "journal": [
            {"id": entry.id, "at": entry.work.at.isoformat(), "text": entry.work.text} for entry in journal
        ],
        "before": None if page.before is None else str(page.before),
    }


def _event(entry: Entry, giver: str) -> JsonObject:
    mine = entry.giver == giver
    # A time to the second, in a room of three, would be a signature.
    exact = mine or entry.name is not None
    at = entry.at if exact else entry.at.replace(hour=0, minute=0, second=0, microsecond=0)
    line = entry.subject.rpartition("/")[2] if mine and entry.subject.startswith("line:") else None
    return {
        "id": str(entry.seq),
        "at": at.isoformat(),
        "kind": entry.kind,
        "value": entry.value,
        "domain": entry.domain or None,
        "level": entry.level,
        "by": entry.name,
        "mine": mine,
        "line": line,
    }
