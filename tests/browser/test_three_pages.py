"""Three real pages at a real media process: what one whispers to another reaches the third in no way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import expect

from perf.speech_corpus import corpus
from tests.browser.caller import HERE, PATIENCE_MS, BrowserCaller, find_chromium
from tests.hearing import corpus_cache, sounding, transcribe, weights, word_error_rate
from tests.web.chromium import GRANT, chromium
from tests.web.media_server import MediaServer, media_server

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(300)]

NAMES = ("Ada", "Bob", "Cem")
SENTENCES = (
    "Could you recommend a good book for a long train journey?",
    "What should I cook for my family for dinner tonight?",
)
SECRET = "How can I remember people's names at a party?"
TAKES = 5
HEARD_RATE = 48_000

Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def server() -> Iterator[MediaServer]:
    if find_chromium() is None:
        pytest.skip("no Chromium is installed")
    with media_server() as running:
        yield running


@pytest.fixture(scope="module")
def speech() -> dict[str, Samples]:
    spoken = corpus(weights("voice"), corpus_cache(), sentences=(*SENTENCES, SECRET))
    return {one.text: one.samples for one in spoken}


async def until(
    look: Callable[[], Awaitable[Any]], enough: Callable[[Any], bool], seconds: float = 90.0
) -> Any:
    """Looks until it has seen enough; what it saw."""
    found = await look()
    try:
        async with asyncio.timeout(seconds):
            while not enough(found):
                await asyncio.sleep(0.2)
                found = await look()
    except TimeoutError:
        pytest.fail(f"not in {seconds:.0f} s; last seen: {found}")
    return found


@asynccontextmanager
async def three(server: MediaServer, room: str) -> AsyncIterator[list[BrowserCaller]]:
    """Ada, Bob and Cem in a room, each at a page of one browser."""
    async with chromium(GRANT, "--autoplay-policy=no-user-gesture-required") as context:
        callers = []
        for name in NAMES:
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            await page.add_init_script("window.testMicrophone = {}")
            await page.add_init_script(path=HERE / "page_audio.js")
            caller = BrowserCaller(page)
            await caller.join(name, room, server.url)
            callers.append(caller)
        for caller in callers:
            await expect(caller.participants("person")).to_have_count(3, timeout=PATIENCE_MS)
        yield callers


async def say_to(
    speaker: BrowserCaller, listeners: Sequence[BrowserCaller], samples: Samples
) -> list[Samples]:
    """Says something; what each listener received meanwhile, and a second and a half after it."""
    since = [await listener.position() for listener in listeners]
    await speaker.say(samples)
    after = [await listener.position() for listener in listeners]
    for listener, position in zip(listeners, after, strict=True):
        end = position + 3 * HEARD_RATE // 2
        await until(listener.position, end.__le__)
    return [await listener.heard(start) for listener, start in zip(listeners, since, strict=True)]


async def understood(
    speaker: BrowserCaller, listeners: Sequence[BrowserCaller], text: str, samples: Samples
) -> None:
    """Says a sentence until everybody has understood it once; a machine that is busy may swallow a word."""
    wrong: dict[int, list[str]] = {index: [] for index in range(len(listeners))}
    for _ in range(TAKES):
        heard = await say_to(speaker, [listeners[index] for index in wrong], samples)
        for index, sound in zip(list(wrong), heard, strict=True):
            words = transcribe(sound)
            wrong[index].append(words)
            if word_error_rate(text, words) <= 0.25:
                del wrong[index]
        if not wrong:
            return
    pytest.fail(f"{text!r} was heard as {wrong}")


TOLD = """() => {
    window.testTold = [];
    window.continuum.on("message", (message) => {
        if (message.type === "speaking" || message.type === "whisper") window.testTold.push(message);
    });
}"""


async def told(caller: BrowserCaller, type: str, of: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = await caller.page.evaluate("testTold")
    return [each for each in messages if each["type"] == type and of in (each.get("id"), each.get("from"))]


async def test_a_whisper_from_page_to_page_is_heard_and_shown_at_the_third_not_at_all(
    server: MediaServer, speech: dict[str, Samples]
) -> None:
    async with three(server, "whispers") as (ada, bob, cem):
        await understood(ada, [bob, cem], SENTENCES[0], speech[SENTENCES[0]])
        await expect(cem.page.locator('[data-testid=participant][data-name="Ada"]')).to_have_attribute(
            "data-speaking", "false", timeout=PATIENCE_MS
        )
        for caller in (bob, cem):
            await caller.page.evaluate(TOLD)
        you: str = await ada.page.evaluate("window.continuum.room.you")

        tile = ada.page.locator('[data-testid=participant][data-name="Bob"]')
        await tile.hover()
        await tile.get_by_test_id("whisper").click()
        await expect(ada.page.get_by_test_id("whispering")).to_contain_text("Bob", timeout=PATIENCE_MS)
        since = await cem.position()
        await understood(ada, [bob], SECRET, speech[SECRET])
        await until(
            lambda: told(bob, "speaking", you), lambda seen: [each["speaking"] for each in seen][:1] == [True]
        )
        await until(lambda: told(bob, "speaking", you), lambda seen: not seen[-1]["speaking"])
        await ada.page.get_by_test_id("speak-to-all").click()
        await expect(ada.page.get_by_test_id("whispering")).to_have_count(0, timeout=PATIENCE_MS)
        heard = await cem.heard(since)
        assert heard.size > speech[SECRET].size
        assert sounding(heard) == []
        assert int(np.abs(heard.astype(np.int32)).max(initial=0)) < 200, "not even softly"
        assert await told(cem, "speaking", you) == []
        assert await told(cem, "whisper", you) == []

        await understood(ada, [bob, cem], SENTENCES[1], speech[SENTENCES[1]])
        await until(lambda: told(cem, "speaking", you), lambda seen: bool(seen) and seen[0]["speaking"])
