"""Three real pages at a real media process: over a network that loses packets both ways, and whispering."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import expect

from perf.lossy_path import Path
from perf.lossy_relay import LossyRelay
from perf.speech_corpus import corpus
from tests.browser.caller import HERE, PATIENCE_MS, BrowserCaller, find_chromium
from tests.hearing import corpus_cache, sounding, transcribe, weights, word_error_rate
from tests.web.chromium import GRANT, chromium
from tests.web.media_server import MediaServer, media_server

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(300)]

NAMES = ("Ada", "Bob", "Cem")
LOSSY = Path("5 % loss", lost=0.05)
DEAD = Path("nothing passes", lost=1.0)
SENTENCES = (
    "Could you recommend a good book for a long train journey?",
    "What should I cook for my family for dinner tonight?",
    "Where is the best place in the garden to plant tomatoes?",
)
SECRET = "How can I remember people's names at a party?"
TAKES = 5
CLEAR = 0.25
"""Share of words that Whisper's smallest model may get wrong of a sentence that was understood."""
PICTURES = 20
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


class Network:
    """The relays by which the pages' media goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.relays: list[LossyRelay] = []

    async def relay(self, address: str, port: int) -> int:
        """Opens one more, to that address of the server; its port."""
        relay = await LossyRelay.open((address, int(port)), self._path, seed=len(self.relays))
        self.relays.append(relay)
        return relay.address[1]

    def become(self, path: Path) -> None:
        for relay in self.relays:
            relay.become(path)

    async def loses(self, datagrams: int) -> None:
        """Waits until every relay has lost so many more."""
        before = [relay.lost for relay in self.relays]

        def gone(lost: list[int]) -> bool:
            return all(now - was >= datagrams for now, was in zip(lost, before, strict=True))

        await until(self.lost, gone)

    async def lost(self) -> list[int]:
        return [relay.lost for relay in self.relays]

    async def close(self) -> None:
        for relay in self.relays:
            await relay.close()


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
async def three(
    server: MediaServer, room: str, network: Network | None = None
) -> AsyncIterator[list[BrowserCaller]]:
    """Ada, Bob and Cem in a room, each at a page of one browser."""
    async with AsyncExitStack() as stack:
        if network is not None:
            stack.push_async_callback(network.close)
        context = await stack.enter_async_context(
            chromium(GRANT, "--autoplay-policy=no-user-gesture-required")
        )
        callers = []
        for name in NAMES:
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            await page.add_init_script("window.testMicrophone = {}")
            if network is not None:
                await page.expose_function("testRelay", network.relay)
                await page.add_init_script(path=HERE / "page_relay.js")
            await page.add_init_script(path=FilePath(HERE) / "page_audio.js")
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


async def errors(
    speaker: BrowserCaller, listeners: Sequence[BrowserCaller], text: str, samples: Samples, enough: float
) -> list[float]:
    """Says a sentence until all have understood it well enough, or often; each one's least share of wrong words."""
    least = [1.0] * len(listeners)
    for _ in range(TAKES):
        wanting = [index for index, share in enumerate(least) if share > enough]
        if not wanting:
            break
        heard = await say_to(speaker, [listeners[index] for index in wanting], samples)
        for index, sound in zip(wanting, heard, strict=True):
            least[index] = min(least[index], word_error_rate(text, transcribe(sound)))
    return least


async def understood(
    speaker: BrowserCaller, listeners: Sequence[BrowserCaller], text: str, samples: Samples
) -> None:
    """Says a sentence until everybody has understood it once; a machine that is busy may swallow a word."""
    shares = await errors(speaker, listeners, text, samples, CLEAR)
    assert max(shares) <= CLEAR, (text, shares)


async def reports(callers: Sequence[BrowserCaller]) -> list[dict[str, Any]]:
    return [await caller.page.evaluate("testReport()") for caller in callers]


def grown(before: Sequence[dict[str, Any]], name: str, by: float) -> Callable[[Any], bool]:
    """Whether a count of received pictures has grown at every page."""
    return lambda now: all(
        new["video"].get(name, 0) >= old["video"].get(name, 0) + by
        for new, old in zip(now, before, strict=True)
    )


async def test_voices_and_pictures_come_through_a_network_that_loses_one_in_twenty_each_way(
    server: MediaServer, speech: dict[str, Samples]
) -> None:
    network = Network(LOSSY)
    async with three(server, "lossy", network) as callers:
        assert len(network.relays) == 3
        for caller in callers:
            await caller.page.get_by_test_id("camera").click()
        for caller in callers:
            videos = caller.page.locator("[data-testid=participant] video")
            await expect(videos).to_have_count(3, timeout=2 * PATIENCE_MS)
        nothing: list[dict[str, Any]] = [{"video": {}} for _ in callers]
        await until(lambda: reports(callers), grown(nothing, "framesDecoded", PICTURES))
        shares: list[float] = []
        for index, text in enumerate(SENTENCES):
            others = [caller for caller in callers if caller is not callers[index]]
            shares += await errors(callers[index], others, text, speech[text], CLEAR)
        assert np.mean(shares) <= CLEAR, shares
        assert max(shares) <= 2 * CLEAR, shares
        before = await reports(callers)
        after = await until(lambda: reports(callers), grown(before, "framesDecoded", PICTURES))
        assert all(report["video"]["nackCount"] > 0 for report in after), "what was lost was asked for"
        assert all(report["audio"]["packetsLost"] > 0 for report in after)

        network.become(DEAD)
        await network.loses(300)
        network.become(LOSSY)
        before = await reports(callers)
        await until(lambda: reports(callers), grown(before, "keyFramesDecoded", 1))
        await until(lambda: reports(callers), grown(before, "framesDecoded", PICTURES))
        assert (
            max(await errors(callers[0], callers[1:], SENTENCES[0], speech[SENTENCES[0]], CLEAR)) <= 2 * CLEAR
        )
        lost = await network.lost()
        assert min(lost) > 300


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
