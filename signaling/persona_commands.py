"""What `continuum persona card` does: a persona's standing and history from the store, in words for people."""

import contextlib
import sqlite3
import time
from pathlib import Path

from cognition.persona.profile import Persona, ProfileError
from cognition.store.backup import inspect
from cognition.store.connection import open_reader
from cognition.store.errors import StoreError, explained
from cognition.store.reputation import count, history, judge
from signaling.errors import UserError
from signaling.ipc.jsonrpc import JsonObject
from signaling.persona_card import card_of
from signaling.profiles import Profiles

__all__ = ["card_lines", "find_persona", "read_card"]

ENTRIES = 20


def find_persona(profiles: Profiles, name: str) -> Persona:
    """The persona of that id or name, of the settings or added since.

    Raises:
        UserError: there is none, or its profile cannot be read.
    """
    try:
        personas = profiles.load()
    except ProfileError as error:
        raise UserError(str(error)) from error
    for persona in personas:
        if name.lower() in (persona.id, persona.name.lower()):
            return persona
    known = ", ".join(persona.id for persona in personas)
    raise UserError(f"there is no persona {name!r}; there are {known}")


def read_card(store: Path, persona: Persona) -> JsonObject:
    """A persona's *card* of the room protocol, as an operator sees it; a server may run with the store.

    Raises:
        UserError: there is no such store, or it is damaged or newer.
    """
    try:
        inspect(store)
        try:
            with contextlib.closing(open_reader(store)) as connection:
                # One transaction: what is shown is of one moment.
                connection.execute("BEGIN")
                now = time.time()
                tally = count(connection, persona.id, now)
                standing = judge(connection, persona.id, now, tally).standing
                return card_of(persona.id, standing, history(connection, persona.id, limit=ENTRIES), (), "")
        except sqlite3.Error as error:
            raise explained(error, store) from error
    except StoreError as error:
        raise UserError(str(error)) from error


def card_lines(name: str, card: JsonObject) -> list[str]:
    """A card as lines of text."""
    standing = card["standing"]
    lines = [
        f"{name}: {card['level']}, quality {standing['quality']:.2f}",
        f"  voices: {standing['praised']} for, {standing['criticised']} against, of {standing['givers']} people",
        f"  tasks: {standing['completed']} done, {standing['succeeded']} of them well, {standing['failed']} not",
    ]
    lines += [
        f"  knows {one['domain']}: quality {one['quality']:.2f} by {one['count']} voices"
        for one in card["expertise"]
    ]
    waits = [f"{one['words']} ({one['needed']})" for one in card["actions"] if not one["allowed"]]
    if waits:
        lines.append(f"  may not yet: {', '.join(waits)}")
    return lines + [f"  {_words(event)}" for event in card["history"]]


def _words(event: JsonObject) -> str:
    day = event["at"][:10]
    if event["kind"] == "level":
        return f"{day} {'rose to' if event['value'] > 0 else 'fell to'} {event['level']}"
    if event["kind"] == "task":
        said = {1: "a task done well", 0: "a task done", -1: "a task not done well"}[event["value"]]
    else:
        said = "praised" if event["value"] > 0 else "criticised"
    by = f" by {event['by']}" if event["by"] else ""
    about = f" ({event['domain']})" if event["domain"] else ""
    return f"{day} {said}{by}{about}"
