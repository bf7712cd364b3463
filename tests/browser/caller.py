"""A person at a real Chromium: joins by the page's own buttons, speaks, hears, reads."""

import asyncio
import base64
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

HERE = Path(__file__).parent
PATIENCE_MS = 40_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
)


def find_chromium() -> str | None:
    """`CONTINUUM_CHROMIUM`, or the first Chromium on the path."""
    named = os.environ.get("CONTINUUM_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class BrowserCaller:
    """One page in a process of its own.

    Attributes:
        page: of playwright, for what is not here.
        complaints: errors the page raised or logged, except those of a server that was killed on purpose.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def join(self, name: str, room: str, url: str) -> None:
        """Opens the room's page, joins with microphone, and waits until sound flows."""
        await self.page.goto(f"{url}/r/{room}")
        await self.page.get_by_test_id("join-name").fill(name)
        await self.page.get_by_test_id("join-button").click()
        await self.until_media("connected")

    async def until_media(self, state: str, seconds: float = 40.0) -> None:
        await expect(self.page.get_by_test_id("connection-state")).to_have_attribute(
            "data-media", state, timeout=seconds * 1000
        )

    async def until_signalling(self, state: str, seconds: float = 40.0) -> None:
        await expect(self.page.get_by_test_id("connection-state")).to_have_attribute(
            "data-state", state, timeout=seconds * 1000
        )

    def captions(self, name: str, *, final: bool | None = None, interrupted: bool | None = None) -> Locator:
        """What somebody said, oldest first."""
        state = "" if final is None else f'[data-final="{str(final).lower()}"]'
        cut = "" if interrupted is None else f'[data-interrupted="{str(interrupted).lower()}"]'
        return self.page.locator(f'[data-testid=caption][data-name="{name}"]{state}{cut}')

    async def words(self, captions: Locator) -> list[str]:
        """The words of captions, without names."""
        return await captions.locator(".text").all_inner_texts()

    async def persona(self) -> str:
        """The name of the persona in the room."""
        tile = self.participants("persona").first
        await tile.wait_for(timeout=PATIENCE_MS)
        return await tile.get_attribute("data-name") or ""

    async def persona_is(self, status: str, seconds: float = 40.0) -> None:
        """Waits until the persona is `listening`, `thinking`, `speaking` or `away`."""
        tile = self.participants("persona").first
        await expect(tile).to_have_attribute("data-status", status, timeout=seconds * 1000)

    async def greeted(self) -> str:
        """Waits until the persona's greeting is over; returns its words."""
        name = await self.persona()
        await self.captions(name, final=True).first.wait_for(timeout=PATIENCE_MS)
        await self.persona_is("listening")
        return (await self.words(self.captions(name)))[0]

    async def open_chat(self) -> None:
        if not await self.page.get_by_test_id("chat-input").is_visible():
            await self.page.get_by_test_id("chat").click()
        await self.page.get_by_test_id("chat-input").wait_for()

    async def write(self, text: str) -> None:
        """Says something in the chat, which is opened if it is not."""
        await self.open_chat()
        await self.page.get_by_test_id("chat-input").fill(text)
        await self.page.get_by_test_id("chat-send").click()

    def participants(self, kind: str) -> Locator:
        return self.page.locator(f'[data-testid=participant][data-kind="{kind}"]')

    async def heard(self, since: int = 0) -> npt.NDArray[np.int16]:
        """What the page received, int16[n] at 48 kHz, from a position on."""
        return np.frombuffer(
            base64.b64decode(await self.page.evaluate("n => testEar.take(n)", since)), np.int16
        )

    async def position(self) -> int:
        """How many samples the page has received."""
        return int(await self.page.evaluate("testEar.length"))

    async def say(self, samples: npt.NDArray[np.int16]) -> None:
        """Speaks int16[n] at 48 kHz; for callers without a WAV."""
        await self.page.evaluate(
            "pcm => testMicrophone.say(pcm)", base64.b64encode(samples.tobytes()).decode()
        )


@asynccontextmanager
async def browser_caller(wav: Path | None = None) -> AsyncIterator[BrowserCaller]:
    """A Chromium with a fresh profile; its microphone is the WAV, or what `say` says."""
    executable = find_chromium()
    if executable is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} on the path, and CONTINUUM_CHROMIUM is not set")
    flags = [*FLAGS, *([f"--use-file-for-fake-audio-capture={wav}%noloop"] if wav is not None else [])]
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=executable, headless=False, args=flags, chromium_sandbox=False
            )
            try:
                page = await context.new_page()
                page.set_default_timeout(PATIENCE_MS)
                caller = BrowserCaller(page)
                page.on("pageerror", lambda error: caller.complaints.append(str(error)))
                page.on(
                    "console",
                    lambda line: caller.complaints.append(line.text) if line.type == "error" else None,
                )
                if wav is None:
                    await page.add_init_script("window.testMicrophone = {}")
                await page.add_init_script(path=HERE / "page_audio.js")
                yield caller
            finally:
                async with asyncio.timeout(20):
                    await context.close()
