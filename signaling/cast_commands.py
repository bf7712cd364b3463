"""What `continuum persona …` and `continuum discuss` do: they ask the server that runs here."""

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from cognition.persona.profile import ProfileError, parse_persona
from signaling.errors import UserError
from signaling.settings import Settings, signing_key

__all__ = ["ask", "discuss", "order", "profile_of", "roll"]

PERSONAS = "/api/personas"
TIMEOUT_S = 30.0


def profile_of(path: Path) -> tuple[str, str]:
    """A profile's id and text, read once here so that what is wrong with it is said with its place.

    Raises:
        UserError: it cannot be read or used.
    """
    try:
        content = path.read_bytes()
        parse_persona(path.stem.lower(), content, str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ProfileError as error:
        raise UserError(str(error)) from error
    return path.stem.lower(), content.decode("utf-8")


def order(settings: Settings, action: str, id: str, why: str, **details: object) -> list[str]:
    """Has the running server follow an order; the personas there are then, as `roll` tells them.

    Raises:
        UserError: no server runs here, or it refuses.
    """
    body = {"action": action, "id": id, "by": getpass.getuser(), "why": why} | details
    return _lines(ask(settings, "POST", PERSONAS, body))


def roll(settings: Settings) -> list[str]:
    """The personas of the running server, a line each, and below it what was ordered of it, the latest first.

    Raises:
        UserError: no server runs here, or it refuses.
    """
    return _lines(ask(settings, "GET", PERSONAS, None))


def discuss(settings: Settings, room: str, personas: str, topic: str) -> list[str]:
    """Has personas of the running server discuss something among themselves; what to tell of it.

    Args:
        settings: whose server.
        room: where; a valid name.
        personas: ids or names, with commas.
        topic: what.

    Raises:
        UserError: no server runs here, or it refuses.
    """
    named = [each.strip() for each in personas.split(",") if each.strip()]
    body = {"personas": named, "topic": topic, "by": getpass.getuser()}
    begun = ask(settings, "POST", f"/api/rooms/{room}/discussion", body)
    return [
        f"{' and '.join(begun['personas'])} discuss it in {begun['room']}, until they are done or somebody comes",
        f"what they say: continuum timeline export --room {begun['room']} --kind said",
    ]


def ask(settings: Settings, method: str, path: str, body: Mapping[str, object] | None) -> Any:
    """What the running server answers an operator.

    Raises:
        UserError: no server runs here, or it refuses.
    """
    host = "127.0.0.1" if settings.lan or settings.host == "0.0.0.0" else settings.host
    host = f"[{host}]" if ":" in host else host
    url = f"{'https' if settings.lan else 'http'}://{host}:{settings.port}{path}"
    key = signing_key(settings).decode("ascii")
    try:
        # The certificate of a server in a local network is its own, and this is the machine it runs on.
        with httpx.Client(verify=not settings.lan, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.request(method, url, json=body, headers={"Authorization": f"Bearer {key}"})
    except httpx.HTTPError as error:
        raise UserError(f"no server answers at {url}: start it with `continuum serve` ({error})") from error
    try:
        told = answer.json()
    except ValueError as error:
        raise UserError(f"what answers at {url} is no server of this kind") from error
    if answer.status_code != httpx.codes.OK:
        raise UserError(str(told.get("message", told)) if isinstance(told, dict) else str(told))
    return told


def _lines(told: Any) -> list[str]:
    lines: list[str] = []
    for each in told["personas"]:
        lines.append(
            f"{each['id']:16} {each['name']:16} {each['status']:8} energy {each['energy']:.2f}  "
            f"{', '.join(each['expertise'])}".rstrip()
        )
        lines += [_order(order) for order in each["orders"]]
    return lines


def _order(order: Mapping[str, Any]) -> str:
    until = f" until {order['until']}" if order["until"] is not None else ""
    why = f": {order['why']}" if order["why"] else ""
    return f"    {order['at']} {order['action']}{until}, by {order['by']}{why}"
