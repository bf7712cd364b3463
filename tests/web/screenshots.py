"""Pictures of the page for the README: a scripted room, drawn by a real Chromium.

`python -m tests.web.screenshots [FOLDER]` after `npm run build` in web/. The room's messages are played to
the page by the browser's own WebSocket interception: the pictures are the same each time, and need no server.
The page is served with the server's own headers; whatever breaks them makes the command fail.
"""

import asyncio
import json
import mimetypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import BrowserContext, Page, Route, WebSocketRoute

from signaling.server.page import security_headers
from tests.web.chromium import GRANT, chromium

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "web" / "dist"
ORIGIN = "http://127.0.0.1:8080"
Message = dict[str, Any]


def participant(id: str, name: str, kind: str = "person", **changes: Any) -> Message:
    status = "listening" if kind == "persona" else "connected"
    shown = {"id": id, "name": name, "kind": kind, "muted": False, "camera": False, "speaking": False}
    return shown | {"status": status} | changes


def caption(id: str, utterance: str, text: str, *, final: bool = True, interrupted: bool = False) -> Message:
    return {
        "type": "caption",
        "id": id,
        "utterance": utterance,
        "text": text,
        "final": final,
        "interrupted": interrupted,
    }


def chat(id: str, sender: str, name: str, text: str) -> Message:
    return {
        "type": "chat",
        "id": id,
        "from": sender,
        "name": name,
        "text": text,
        "at": "2025-11-22T19:04:00Z",
    }


JOINED: Message = {
    "type": "joined",
    "version": 1,
    "room": "lobby",
    "you": "p1",
    "participants": [
        participant("joe", "Joe", "persona"),
        participant("nova", "Nova", "persona", status="wants-to-speak"),
        participant("basil", "Basil", "persona", status="resting"),
        participant("p1", "Ada"),
        participant("p2", "Grace", muted=True),
    ],
    "history": [],
    "iceServers": [],
    "resume": "resume",
    "videoSlots": 2,
    "floor": {
        "holder": "joe",
        "queue": [{"id": "nova", "reason": "knows-about-it", "words": "knows about this"}],
        "silent": [{"id": "basil", "reason": "resting", "words": "is resting"}],
    },
    "presences": [
        {"id": "joe", "energy": 0.8, "valence": 0.3, "arousal": 0.2, "level": "trusted"},
        {"id": "nova", "energy": 0.95, "valence": 0.1, "arousal": 0.35, "level": "expert"},
        {"id": "basil", "energy": 0.15, "valence": 0.2, "arousal": -0.5, "level": "novice"},
    ],
}
CARD: Message = {
    "persona": "nova",
    "level": "expert",
    "standing": {
        "quality": 0.82,
        "completed": 31,
        "succeeded": 27,
        "failed": 1,
        "praised": 44,
        "criticised": 3,
        "givers": 9,
    },
    "expertise": [
        {"domain": "physics", "quality": 0.9, "count": 21},
        {"domain": "numbers", "quality": 0.8, "count": 12},
    ],
    "actions": [
        {"action": "answer", "words": "answer when asked", "needed": "novice", "allowed": True},
        {"action": "post", "words": "write in other rooms", "needed": "autonomous", "allowed": False},
    ],
    "history": [
        {
            "id": "h1",
            "at": "2025-11-21T18:40:00Z",
            "kind": "feedback",
            "value": 1,
            "domain": "physics",
            "level": None,
            "by": "Grace",
            "mine": False,
            "line": None,
        },
        {
            "id": "h2",
            "at": "2025-11-20T00:00:00Z",
            "kind": "level",
            "value": 1,
            "domain": None,
            "level": "expert",
            "by": None,
            "mine": False,
            "line": None,
        },
    ],
    "before": None,
    "journal": [
        {
            "id": "j1",
            "at": "2025-11-21T22:10:00Z",
            "text": "Ada and Grace asked me why clocks disagree. I liked that nobody was in a hurry.",
        }
    ],
}
TALK: Sequence[Message] = (
    caption("joe", "u1", "Hello Ada, good to have you here. Grace and I were just talking about clocks."),
    caption("p2", "u2", "We could not agree on who keeps the time when nobody is looking."),
    caption("joe", "u3", "Every participant carries their own, so the room picks", interrupted=True),
    caption("p1", "u4", "Joe, which clock does the mixer follow?"),
    chat("c1", "p2", "Grace", "My microphone is off for a minute, the train is loud."),
    chat("c2", "joe", "Joe", "No hurry, I read along."),
    chat("c3", "p2", "Grace", "Joe, can you say what a jitter buffer does?"),
    chat("c4", "joe", "Joe", "It holds packets for a moment, so that late ones still find their place."),
    {
        "type": "latency",
        "turn": "t1",
        "persona": "joe",
        "to": "p1",
        "speechEnd": 0,
        "paused": 190,
        "decided": 388,
        "words": 302,
        "firstToken": 441,
        "firstClause": 596,
        "firstSound": 688,
        "onWire": 709,
    },
    {"type": "speaking", "id": "joe", "speaking": True},
    {
        "type": "participant",
        "participant": participant("joe", "Joe", "persona", speaking=True, status="speaking"),
    },
    caption(
        "joe", "u5", "Its own. It wakes every twenty milliseconds and takes from each of us", final=False
    ),
)


def memory(id: str, text: str, quote: str, day: int, *, current: bool = True) -> Message:
    at = f"2025-11-{day:02}T19:04:00Z"
    return {"id": id, "text": text, "quote": quote, "at": at, "kind": "fact", "where": "lobby"} | {
        "current": current
    }


KNOWN: Message = {
    "persona": "nova",
    "openness": "present",
    "known": [
        memory(
            "m1",
            "Ada has a job interview on Friday, 28 November 2025.",
            "I have a job interview on Friday",
            20,
        ),
        memory("m2", "Ada lives in Lyon.", "I live in Lyon now", 18),
        memory("m3", "Ada lives in Rome.", "I live in Rome", 3, current=False),
    ],
    "before": "50",
}
WHY: Message = {
    "persona": "nova",
    "line": "u1",
    "parts": [
        {
            "words": "",
            "budget": 160,
            "tokens": 31,
            "ms": 9.0,
            "deadlineMs": 500.0,
            "sources": [
                {"source": "presence", "state": "loaded", "ms": 0.1, "pieces": 2, "tokens": 12},
                {"source": "identity", "state": "loaded", "ms": 8.7, "pieces": 4, "tokens": 19},
            ],
            "used": [
                {
                    "source": "identity",
                    "part": "stable",
                    "tokens": 19,
                    "score": 1.0,
                    "text": "Ada has a job interview on Friday, 28 November 2025.",
                    "origin": "Ada, 2025-11-20",
                }
            ],
            "leftOut": 1,
        },
        {
            "words": "How does the mixer know",
            "budget": 80,
            "tokens": 22,
            "ms": 12.4,
            "deadlineMs": 250.0,
            "sources": [
                {"source": "memory", "state": "loaded", "ms": 11.9, "pieces": 5, "tokens": 22},
                {"source": "documents", "state": "late", "ms": 40.0, "pieces": 0, "tokens": 0},
            ],
            "used": [
                {
                    "source": "memory",
                    "part": "fresh",
                    "tokens": 22,
                    "score": 0.81,
                    "text": "Grace wrote the first mixer in an afternoon.",
                    "origin": "Grace in lobby, 2025-11-03",
                }
            ],
            "leftOut": 4,
        },
    ],
}


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: which window, which light, what is shown."""

    name: str
    size: tuple[int, int]
    light: Literal["light", "dark"]
    scene: Literal["join", "room", "chat", "latency", "refused", "card", "memories", "why"]


DESKTOP = (1280, 800)
PHONE = (360, 740)
SHOTS = (
    Shot("join-light-desktop", DESKTOP, "light", "join"),
    Shot("join-dark-phone", PHONE, "dark", "join"),
    Shot("room-light-desktop", DESKTOP, "light", "chat"),
    Shot("room-dark-desktop", DESKTOP, "dark", "latency"),
    Shot("room-light-phone", PHONE, "light", "room"),
    Shot("room-dark-phone", PHONE, "dark", "room"),
    Shot("chat-light-phone", PHONE, "light", "chat"),
    Shot("card-light-desktop", DESKTOP, "light", "card"),
    Shot("card-dark-phone", PHONE, "dark", "card"),
    Shot("memories-light-desktop", DESKTOP, "light", "memories"),
    Shot("memories-dark-phone", PHONE, "dark", "memories"),
    Shot("why-light-desktop", DESKTOP, "light", "why"),
    Shot("why-dark-phone", PHONE, "dark", "why"),
    Shot("refused-light-phone", PHONE, "light", "refused"),
)


async def serve_page(route: Route) -> None:
    """Answers from web/dist with the server's own headers."""
    path = route.request.url.removeprefix(ORIGIN).split("?")[0].split("#")[0]
    file = DIST / (path.lstrip("/") or "index.html")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    await route.fulfill(path=file, headers=security_headers() | {"Content-Type": kind})


async def give_token(route: Route) -> None:
    await route.fulfill(
        json={"token": "t", "room": "lobby", "identity": "ada", "expires": "2030-01-01T00:00:00Z"}
    )


async def refuse_token(route: Route) -> None:
    await route.fulfill(status=401, json={"code": "unauthorized", "message": "an invitation is needed"})


def play_room(socket: WebSocketRoute) -> None:
    """Seats the page and tells it what goes on in the room; its offers are left unanswered."""

    def on_message(frame: str | bytes) -> None:
        asked = json.loads(frame)
        if asked["type"] == "card":
            socket.send(json.dumps({"type": "card", "id": asked["id"]} | CARD))
        if asked["type"] == "memories":
            socket.send(json.dumps({"type": "memories", "id": asked["id"]} | KNOWN))
        if asked["type"] == "explain":
            socket.send(json.dumps({"type": "explanation", "id": asked["id"]} | WHY))
        if asked["type"] != "join":
            return
        for message in (JOINED, *TALK):
            socket.send(json.dumps(message))

    socket.on_message(on_message)


async def set_scene(page: Page, shot: Shot) -> None:
    await page.goto(f"{ORIGIN}/")
    await page.get_by_test_id("join-name").fill("Ada")
    if shot.scene == "join":
        return
    await page.get_by_test_id("join-button").click()
    if shot.scene == "refused":
        await page.get_by_test_id("problem").wait_for()
        return
    await page.get_by_test_id("caption").last.wait_for()
    if shot.scene == "card":
        await page.get_by_label("About Nova").click()
        await page.get_by_test_id("level").wait_for()
        return
    if shot.scene == "memories":
        await page.get_by_label("About Nova").click()
        await page.get_by_test_id("show-memories").click()
        await page.get_by_test_id("memory").first.wait_for()
        await page.get_by_test_id("memory-correct").nth(1).click()
        await page.get_by_test_id("memory-words").fill("I moved to Lyon in May")
        return
    if shot.scene == "why":
        await page.get_by_label("Why did").first.click()
        await page.get_by_test_id("explanation").locator("summary").click()
        return
    wide = shot.size[0] >= 900
    if shot.scene == "latency":
        await page.get_by_test_id("latency").locator("summary").click()
    if (shot.scene == "room" and wide) or (shot.scene == "chat" and not wide):
        await page.get_by_test_id("chat").click()


async def take(context: BrowserContext, shot: Shot, folder: Path, complaints: set[str]) -> None:
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.add(str(error)))
    page.on("console", lambda line: complaints.add(line.text) if line.type == "error" else None)
    await page.set_viewport_size({"width": shot.size[0], "height": shot.size[1]})
    await page.emulate_media(color_scheme=shot.light, reduced_motion="reduce")
    await page.route(f"{ORIGIN}/**", serve_page)
    await page.route(f"{ORIGIN}/api/token", refuse_token if shot.scene == "refused" else give_token)
    await page.route_web_socket("**/ws", play_room)
    await set_scene(page, shot)
    await page.screenshot(path=folder / f"{shot.name}.png")
    await page.close()


async def draw(folder: Path, shots: Sequence[Shot]) -> set[str]:
    """Takes the pictures; returns what the browser complained of, such as breaches of the content policy."""
    complaints: set[str] = set()
    async with chromium(GRANT) as context:
        for shot in shots:
            await take(context, shot, folder, complaints)
    return {complaint for complaint in complaints if "401 (Unauthorized)" not in complaint}


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    sys.exit("\n".join(sorted(asyncio.run(draw(target, SHOTS)))) or 0)
