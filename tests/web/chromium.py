"""Chromium as the tests of the page start it."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import BrowserContext, async_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
GRANT = "--use-fake-ui-for-media-stream"


@asynccontextmanager
async def chromium(*extra: str) -> AsyncIterator[BrowserContext]:
    """A fresh profile; its microphone beeps once a second, its camera shows a clock."""
    flags: Sequence[str] = (*FLAGS, *extra)
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=CHROMIUM, headless=False, args=flags, chromium_sandbox=False
            )
            try:
                yield context
            finally:
                await context.close()
