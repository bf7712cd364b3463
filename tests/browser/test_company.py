"""Two people at real Chromiums and three personas on the embedded models: a talk in which nobody talks over another."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import Locator, TimeoutError, expect

from cognition.persona.state import State
from cognition.store.personas import Change, Order, Saved, save
from cognition.store.store import Store
from perf.running_server import RunningServer, running_server
from perf.speech_corpus import corpus
from signaling.cast_commands import order
from signaling.settings import Settings
from tests.browser.caller import PATIENCE_MS, BrowserCaller, browser_caller, find_chromium
from tests.hearing import corpus_cache, transcribe, weights, word_error_rate

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(600)]

PERSONA = Path(__file__).parents[2] / "cognition" / "persona"
PROFILES = (
    PERSONA / "profiles" / "felix.toml",
    PERSONA / "cast" / "nova.toml",
    PERSONA / "cast" / "robin.toml",
)
NAMES = {"Felix", "Nova", "Robin"}
BOOK = "Robin, what is your favourite book?"
MOON = "Nova, how far away is the moon?"
ALL = "What do you all think about music?"
WALK = "Ada, shall we go for a walk tomorrow?"
STORY = "Nova, please tell me a long story about the stars."
WAIT = "Wait, wait a moment please, I have another question."
SEA = "What do you three think about holidays by the sea?"
SENTENCES = (BOOK, MOON, ALL, WALK, STORY, WAIT, SEA)
TAKES = 3
TIRED = 0.0
"""Energy with which Robin begins; far below what it would rest at, were it not kept awake."""
OVERLAP_S = 0.2
QUIET_MS = 2500
LONG_MS = 6 * PATIENCE_MS
"""For several answers, one after the other, on a machine that has other work as well."""
NOT_ANSWERED_MS = 5000
ENERGY = re.compile(r"Energy \d+ percent, mood \w+")

Samples = npt.NDArray[np.int16]

LISTEN = """() => {
    const shown = ["speaking", "caption", "floor", "ack"];
    window.testTold = [];
    window.testBusyAt = performance.now();
    window.continuum.on("message", (message) => {
        if (shown.includes(message.type)) window.testTold.push({ ...message, now: performance.now() });
    });
}"""
QUIET = """(ms) => {
    const { room } = window.continuum;
    const busy = (one) => one.speaking || (one.kind === "persona" && !["listening", "resting"].includes(one.status));
    if (room.floor.holder || room.floor.queue.length || [...room.participants.values()].some(busy))
        window.testBusyAt = performance.now();
    return performance.now() - window.testBusyAt > ms;
}"""
ACKNOWLEDGED = "(from) => window.testTold.slice(from).some((one) => one.type === 'ack')"
BUSY = "[window.continuum.room.floor, ...window.continuum.room.participants.values()]"
CAPTION = """([from, id]) =>
    window.testTold.slice(from).find((one) => one.type === "caption" && one.id === id && one.final && one.text)?.text
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    if find_chromium() is None:
        pytest.skip("no Chromium is installed")
    store_dir = tmp_path_factory.mktemp("store")
    asyncio.run(tire("robin", store_dir / "continuum.db"))
    settings = {
        "CONTINUUM_STORE_DIR": str(store_dir),
        "CONTINUUM_PERSONAS": json.dumps([str(path) for path in PROFILES]),
    }
    with running_server(settings) as running:
        yield running
        print(running.tail())  # noqa: T201  shown with what fails


async def tire(persona: str, path: Path) -> None:
    """Leaves a persona as a long talk would have, kept awake by an operator for now."""
    store, now = await Store.open(path), time.time()
    kept = Saved(State(energy=TIRED, at=now), awake_until=now + 3600)
    awake = Order(persona, "keep-awake", "the operator", "the talk goes on", now, now + 3600)
    await store.write(partial(save, number=1, change=Change(states={persona: kept}, orders=[awake])))
    await store.aclose()


@pytest.fixture(scope="module")
def speech() -> dict[str, Samples]:
    spoken = corpus(weights("voice"), corpus_cache(), sentences=SENTENCES)
    return {one.text: one.samples for one in spoken}


@dataclass(frozen=True)
class Line:
    """What a persona said aloud."""

    name: str
    text: str
    interrupted: bool


class Company:
    """Everybody in the room, as Ada's page has it."""

    def __init__(self, page: BrowserCaller, ids: dict[str, str], speech: dict[str, Samples]) -> None:
        self._page = page.page
        self._ids = ids
        self._names = {id: name for name, id in ids.items()}
        self._speech = speech

    async def told(self, since: int = 0) -> list[dict[str, object]]:
        messages: list[dict[str, object]] = await self._page.evaluate("n => testTold.slice(n)", since)
        return messages

    async def now(self) -> int:
        return int(await self._page.evaluate("testTold.length"))

    async def quiet(self, milliseconds: int = QUIET_MS) -> None:
        """Waits until nobody speaks, and nobody has for a while."""
        await self._page.evaluate("testBusyAt = performance.now()")
        try:
            await self._page.wait_for_function(QUIET, arg=milliseconds, polling=50, timeout=LONG_MS)
        except TimeoutError:
            told = [{**one, "now": round(float(str(one["now"])))} for one in await self.told()]
            pytest.fail(f"never quiet; {await self._page.evaluate(BUSY)}; told: {told[-40:]}")

    async def says(self, name: str, caller: BrowserCaller, text: str, *needed: str) -> int:
        """Says a sentence until the personas have heard who is meant; where what is told after it begins."""
        heard = ""
        for _ in range(TAKES):
            await self.quiet()
            since = await self.now()
            await caller.say(self._speech[text])
            try:
                caption = await self._page.wait_for_function(
                    CAPTION, arg=[since, self._ids[name]], polling=50, timeout=2 * PATIENCE_MS
                )
            except TimeoutError:
                # A mind that gets no processor for half a minute has lost what was said: it is said again.
                heard = ""
                continue
            heard = await caption.json_value()
            if all(word.lower() in heard.lower() for word in needed):
                return since
        pytest.fail(f"{text!r} was understood as {heard!r}; told: {(await self.told())[-40:]}")

    async def answers(self, since: int, *, within: int = QUIET_MS) -> list[Line]:
        """What personas said from then on, once they are done."""
        await self.quiet(within)
        return [
            Line(self._names[str(one["id"])], str(one["text"]), one.get("interrupted") is True)
            for one in await self.told(since)
            if one["type"] == "caption" and one["final"] and one["text"] and one["id"] in self.personas
        ]

    async def silences(self, since: int) -> dict[str, str]:
        """The last reason that each persona was silent for, by name."""
        floors: list[Any] = [one["floor"] for one in await self.told(since) if one["type"] == "floor"]
        return {self._names[each["id"]]: each["reason"] for floor in floors for each in floor["silent"]}

    @property
    def personas(self) -> set[str]:
        return {self._ids[name] for name in NAMES}

    async def overlaps(self) -> list[tuple[str, str, float]]:
        """Whoever spoke while another persona did, and for how many seconds."""
        began: dict[str, float] = {}
        voices: list[tuple[str, float, float]] = []
        for one in await self.told():
            if one["type"] == "speaking" and one["id"] in self.personas:
                name, now = self._names[str(one["id"])], float(str(one["now"])) / 1000
                if one["speaking"]:
                    began[name] = now
                elif name in began:
                    voices.append((name, began.pop(name), now))
        assert not began, "nobody speaks"
        assert {name for name, _, _ in voices} == NAMES, "all were heard"
        return [
            (first, second, min(ended, over) - max(start, begin))
            for index, (first, start, ended) in enumerate(voices)
            for second, begin, over in voices[index + 1 :]
            if first != second and min(ended, over) - max(start, begin) > OVERLAP_S
        ]


async def joined(ada: BrowserCaller, bob: BrowserCaller, url: str, speech: dict[str, Samples]) -> Company:
    for caller, name in ((ada, "Ada"), (bob, "Bob")):
        await caller.join(name, "company", url)
        await expect(caller.participants("persona")).to_have_count(3, timeout=PATIENCE_MS)
        greeting = caller.page.get_by_test_id("caption").filter(has_text=name).first
        await greeting.wait_for(timeout=LONG_MS)
    await expect(ada.participants("person")).to_have_count(2, timeout=PATIENCE_MS)
    await ada.page.evaluate(LISTEN)
    everybody = "[...window.continuum.room.participants.values()].map((one) => [one.name, one.id])"
    return Company(ada, dict(await ada.page.evaluate(everybody)), speech)


def tile(caller: BrowserCaller, name: str) -> Locator:
    return caller.page.locator(f'[data-testid=participant][data-name="{name}"]')


async def interrupt(company: Company, ada: BrowserCaller, bob: BrowserCaller, wait: Samples) -> list[Line]:
    """Bob speaks over Nova's story; what personas said from then on, Nova's first."""
    for _ in range(TAKES):
        since = await company.says("Ada", ada, STORY, "Nova", "story")
        await ada.captions("Nova", final=False).first.wait_for(timeout=LONG_MS)
        await bob.say(wait)
        lines = await company.answers(since)
        if lines and lines[0].interrupted:
            return lines
    pytest.fail("Nova was done before anybody could interrupt")


async def test_a_company_of_two_people_and_three_personas_talks_in_turn(
    server: RunningServer, speech: dict[str, Samples]
) -> None:
    async with browser_caller() as ada, browser_caller() as bob:
        company = await joined(ada, bob, server.url, speech)

        # Called by name: that one answers, and nobody else.
        for name, caller, text, called in (("Ada", ada, BOOK, "Robin"), ("Bob", bob, MOON, "Nova")):
            lines = await company.answers(await company.says(name, caller, text, called))
            assert {line.name for line in lines} == {called}, lines

        # Asked as a group: several answer, one after the other, and the page shows who waits.
        waiting = asyncio.create_task(
            expect(ada.page.get_by_test_id("queue")).to_contain_text("Next: ", timeout=LONG_MS)
        )
        position = await ada.position()
        lines = await company.answers(await company.says("Ada", ada, ALL, "you all"))
        assert {line.name for line in lines} == NAMES, lines
        await waiting
        said = " ".join(line.text for line in lines)
        heard = transcribe(await ada.heard(position))
        assert word_error_rate(said, heard) <= 0.4, (said, heard)

        # People among themselves: nobody answers, and the page says why.
        since = await company.says("Bob", bob, WALK, "Ada")
        assert await company.answers(since, within=NOT_ANSWERED_MS) == []
        assert await company.silences(since) == dict.fromkeys(NAMES, "addressed-another")
        for name in NAMES:
            await expect(tile(ada, name).get_by_test_id("why")).to_have_text(
                "somebody else was called by name"
            )

        # Spoken over, a persona stops, and its line is marked.
        (story, *_) = await interrupt(company, ada, bob, speech[WAIT])
        assert story.name == "Nova"
        cut = ada.captions("Nova", interrupted=True).last
        await expect(cut).to_contain_text("cut off")

        # One click, and everybody's card of it shows.
        since = await company.now()
        await cut.get_by_test_id("not-good").click()
        await expect(cut.get_by_test_id("not-good")).to_have_attribute("aria-pressed", "true")
        await ada.page.wait_for_function(ACKNOWLEDGED, arg=since, polling=50, timeout=LONG_MS)
        for caller, whose in ((ada, "You"), (bob, "Somebody")):
            await tile(caller, "Nova").hover()
            await tile(caller, "Nova").get_by_test_id("about").click()
            card = caller.page.get_by_test_id("persona-card")
            await expect(card.get_by_test_id("level")).to_have_text("Novice")
            await expect(card).to_contain_text(f"{whose} found it not good")
            await expect(card).to_contain_text("0 good, 1 not, from 1")
            await card.get_by_label("Close").click()
            await expect(tile(caller, "Nova").get_by_test_id("energy")).to_have_attribute("title", ENERGY)

        # A tired persona that nobody keeps awake any more says that it rests, and is silent.
        since = await company.now()
        settings = Settings(state_dir=server.state_dir, port=urlsplit(server.url).port or 0)
        await asyncio.to_thread(order, settings, "keep-awake", "robin", "a moment more", minutes=0.01)
        await expect(tile(bob, "Robin")).to_have_attribute("data-status", "resting", timeout=LONG_MS)
        (line,) = await company.answers(since)
        assert (line.name, "rest" in line.text) == ("Robin", True)
        since = await company.says("Bob", bob, SEA, "you three")
        lines = await company.answers(since)
        assert {line.name for line in lines} == NAMES - {"Robin"}, lines
        assert (await company.silences(since))["Robin"] == "resting"

        assert await company.overlaps() == []
        assert ada.complaints == bob.complaints == []
