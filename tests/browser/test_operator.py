"""The operators' page looks at a call between real Chromiums."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.caller import PATIENCE_MS, browser_caller, find_chromium
from tests.web.chromium import chromium
from tests.web.media_server import MediaServer, media_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def server() -> Iterator[MediaServer]:
    if find_chromium() is None:
        pytest.skip("no Chromium is installed")
    with media_server() as running:
        yield running


def room_of(operator: Page, name: str) -> Locator:
    return operator.locator(f'[data-testid=room][data-room="{name}"]')


async def points(plot: Locator) -> list[tuple[float, float]]:
    """The points of a plot's first line: x and height over the base, oldest first."""
    path = await plot.locator("path.line").first.get_attribute("d") or ""
    return [(float(x), 120 - float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


async def test_operators_see_a_room_its_people_and_their_bitrate_as_it_moves(server: MediaServer) -> None:
    async with browser_caller() as ada, browser_caller() as looking:
        operator = looking.page
        await operator.goto(f"{server.url}/operator")
        await expect(operator.get_by_test_id("no-rooms")).to_be_visible(timeout=PATIENCE_MS)

        await ada.join("Ada", "greenhouse", server.url)
        await expect(room_of(operator, "greenhouse").locator("td").first).to_have_text(
            "1", timeout=PATIENCE_MS
        )
        peer = operator.get_by_test_id("peer")
        await expect(peer).to_have_count(1, timeout=PATIENCE_MS)
        you = await ada.page.evaluate("window.continuum.room.you")
        await expect(peer).to_have_attribute("data-peer", you)
        assert "Ada" not in await operator.locator("continuum-operator").inner_text()

        plot = operator.get_by_test_id("room-bitrate")
        received = plot.locator(".legend b").first
        await expect(received).to_have_text(re.compile(r"[1-9]\d* kbit/s"), timeout=PATIENCE_MS)
        before = await points(plot)
        await expect(plot.locator("path.line").first).not_to_have_attribute(
            "d", await plot.locator("path.line").first.get_attribute("d") or "", timeout=PATIENCE_MS
        )
        after = await points(plot)
        assert len(after) > len(before) >= 1
        assert after[-1][0] == pytest.approx(600, abs=1), "the newest is at the right"
        assert after[-1][1] > 0

        tracks = operator.locator("continuum-peer continuum-plot").first.locator(".legend span")
        await expect(tracks.filter(has_text="Microphone")).to_have_count(1)
        await plot.locator("summary").click()
        await expect(plot.locator("tbody tr").first).to_contain_text("kbit/s")

        await ada.page.get_by_test_id("leave").click()
        await expect(room_of(operator, "greenhouse")).to_have_count(0, timeout=PATIENCE_MS)
        server.kill()
        await expect(operator.get_by_test_id("lost")).to_be_visible(timeout=PATIENCE_MS)
        server.start()
        await expect(operator.get_by_test_id("feed")).to_have_attribute(
            "data-state", "live", timeout=PATIENCE_MS
        )
        assert [line for line in looking.complaints if "ERR_CONNECTION_REFUSED" not in line] == []


async def test_from_elsewhere_the_page_opens_with_the_servers_key_alone(server: MediaServer) -> None:
    elsewhere = server.url.replace("127.0.0.1", "server.example")
    async with chromium("--host-resolver-rules=MAP server.example 127.0.0.1") as context:
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        assert (await page.goto(f"{elsewhere}/metrics") or pytest.fail("no answer")).status == 401
        await page.goto(f"{elsewhere}/operator")
        key = page.get_by_label("Key")
        await expect(key).to_be_focused(timeout=PATIENCE_MS)
        await key.fill("not the key")
        await key.press("Enter")
        await expect(page.get_by_test_id("wrong-key")).to_be_visible()
        await page.get_by_label("Key").fill(server.key)
        await page.get_by_role("button", name="Open").click()
        await expect(page.get_by_test_id("no-rooms")).to_be_visible()
        assert server.key not in page.url
