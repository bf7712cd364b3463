"""The page against the real media process: rooms of people, no persona."""

import asyncio
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.web.chromium import GRANT, chromium
from tests.web.media_server import MediaServer, media_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

MARKUP = "<img src=x onerror=alert(1)>"
SLOW_MS = 20_000


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with media_server() as running:
        yield running


async def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """A page, and what the browser complains of on it, as it comes."""
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.set_default_timeout(SLOW_MS)
    await page.goto(address)
    return page, complaints


async def joined(context: BrowserContext, address: str, name: str) -> Page:
    page, _ = await opened(context, address)
    await join(page, name)
    return page


async def join(page: Page, name: str) -> None:
    await page.get_by_test_id("join-name").fill(name)
    await page.get_by_test_id("join-button").click()
    await expect(page.get_by_test_id("connection-state")).to_have_attribute(
        "data-media", "connected", timeout=SLOW_MS
    )


async def test_two_people_see_hear_and_write_to_each_other(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada, complaints = await opened(context, server.url)
        await join(ada, MARKUP)
        grace = await joined(context, f"{server.url}/?room=lobby", "Grace")

        seen = ada.locator('[data-testid=participant][data-name="Grace"]')
        await expect(seen).to_have_attribute("data-status", "connected", timeout=SLOW_MS)
        await expect(seen).to_have_attribute("data-speaking", "true", timeout=SLOW_MS)
        await expect(grace.locator("[data-testid=participant] bdi").first).to_have_text(MARKUP)
        assert await grace.locator("continuum-call img").count() == 0

        await grace.get_by_test_id("chat-input").fill("Are you there?")
        await grace.get_by_test_id("chat-input").press("Enter")
        await expect(ada.get_by_test_id("chat-line")).to_contain_text("Are you there?")
        await expect(grace.get_by_test_id("chat-line")).to_have_attribute("data-pending", "false")

        await grace.get_by_test_id("mute").click()
        await expect(seen).to_have_attribute("data-muted", "true")
        await expect(seen).to_have_attribute("data-speaking", "false")

        await grace.get_by_test_id("camera").click()
        await expect(seen.locator("video")).to_be_visible(timeout=SLOW_MS)
        await seen.locator("video").evaluate(
            "video => video.videoWidth || new Promise(resolve => video.addEventListener('resize', resolve))"
        )

        await grace.get_by_test_id("leave").click()
        await expect(grace.get_by_test_id("join-button")).to_be_visible()
        await expect(seen).to_have_count(0)
        assert complaints == []


async def test_what_is_received_is_played_and_heard(server: MediaServer) -> None:
    async with chromium(GRANT, "--autoplay-policy=no-user-gesture-required") as context:
        ada = await joined(context, server.url, "Ada")
        await joined(context, server.url, "Grace")
        await ada.bring_to_front()
        await expect(ada.get_by_test_id("tap-to-hear")).to_have_count(0)
        assert await ada.get_by_test_id("remote-audio").evaluate("audio => !audio.paused && !audio.muted")
        await ada.wait_for_function("() => window.continuum.readRoomLevel() > 0.3", timeout=SLOW_MS)


async def test_the_call_comes_back_by_itself_when_media_was_killed(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada = await joined(context, server.url, "Ada")
        state = ada.get_by_test_id("connection-state")
        server.kill()
        await expect(ada.get_by_test_id("reconnecting")).to_be_visible(timeout=SLOW_MS)
        await ada.get_by_test_id("chat-input").fill("Written while nobody listened")
        await ada.get_by_test_id("chat-send").click()
        await expect(ada.get_by_test_id("chat-line")).to_have_attribute("data-pending", "true")
        server.start()
        await expect(state).to_have_attribute("data-state", "connected", timeout=SLOW_MS)
        await expect(state).to_have_attribute("data-media", "connected", timeout=SLOW_MS)
        await expect(ada.get_by_test_id("reconnecting")).to_have_count(0)
        await expect(ada.get_by_test_id("chat-line")).to_have_attribute("data-pending", "false")
        await expect(ada.get_by_test_id("participant")).to_have_count(1)


async def test_without_a_microphone_one_listens_and_writes(server: MediaServer) -> None:
    async with chromium() as context:
        ada = await joined(context, server.url, "Ada")
        await expect(ada.get_by_test_id("problem")).to_have_attribute("data-code", "microphone-denied")
        await expect(ada.get_by_test_id("participant")).to_have_attribute("data-muted", "true")
        await ada.get_by_test_id("chat-input").fill("I can write")
        await ada.get_by_test_id("chat-send").click()
        await expect(ada.get_by_test_id("chat-line")).to_have_attribute("data-pending", "false")
        await context.grant_permissions(["microphone"], origin=server.url)
        await ada.get_by_test_id("mute").click()
        await expect(ada.get_by_test_id("participant")).to_have_attribute("data-muted", "false")
        await expect(ada.get_by_test_id("problem")).to_have_count(0)
        await expect(ada.get_by_test_id("participant")).to_have_attribute(
            "data-speaking", "true", timeout=SLOW_MS
        )


async def test_who_only_listens_is_told_when_no_sound_can_get_through_and_goes_on_in_writing(
    server: MediaServer,
) -> None:
    async with chromium("--webrtc-ip-handling-policy=disable_non_proxied_udp") as context:
        ada, _ = await opened(context, server.url)
        await ada.get_by_test_id("join-name").fill("Ada")
        await ada.get_by_test_id("join-button").click()
        told = ada.locator('[data-testid=problem][data-code="no-media"]')
        await expect(told).to_have_count(1, timeout=40_000)
        await ada.get_by_test_id("chat-input").fill("I can still write")
        await ada.get_by_test_id("chat-send").click()
        await expect(ada.get_by_test_id("chat-line")).to_have_attribute("data-pending", "false")


async def test_everything_can_be_done_from_the_keyboard(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada, _ = await opened(context, server.url)
        await ada.keyboard.press("Tab")
        await ada.keyboard.type("Ada")
        await ada.keyboard.press("Enter")
        me = ada.get_by_test_id("participant")
        await expect(me).to_have_attribute("data-muted", "false", timeout=SLOW_MS)
        await ada.keyboard.press("m")
        await expect(me).to_have_attribute("data-muted", "true")
        await expect(ada.get_by_test_id("mute")).to_have_accessible_name("Unmute microphone")
        await expect(ada.locator("continuum-captions")).to_have_count(1)
        await ada.keyboard.press("c")
        await expect(ada.locator("continuum-captions")).to_have_count(0)
        await ada.get_by_test_id("chat-input").focus()
        await ada.keyboard.type("mmm")
        await expect(ada.get_by_test_id("chat-input")).to_have_value("mmm")
        await expect(me).to_have_attribute("data-muted", "true")


async def test_a_pinned_participant_is_shown_large_until_unpinned_or_gone(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada = await joined(context, server.url, "Ada")
        grace = await joined(context, server.url, "Grace")
        await grace.get_by_test_id("camera").click()
        tile = ada.locator('[data-testid=participant][data-name="Grace"]')
        await expect(tile.locator("video")).to_be_visible(timeout=SLOW_MS)
        await ada.bring_to_front()
        small = await tile.evaluate("tile => tile.clientWidth")
        pin = tile.get_by_role("button", name="Pin Grace")
        await pin.focus()
        await ada.keyboard.press("Enter")
        await expect(pin).to_have_attribute("aria-pressed", "true")
        shown = await tile.element_handle()
        # It is laid out with the next frame that the page draws.
        await ada.wait_for_function("([tile, width]) => tile.clientWidth > width", arg=[shown, 1.5 * small])
        await expect(tile.locator("video")).to_have_js_property("paused", False)
        await ada.keyboard.press("Enter")
        await expect(pin).to_have_attribute("aria-pressed", "false")
        await ada.wait_for_function(
            "([tile, width]) => Math.abs(tile.clientWidth - width) < 2", arg=[shown, small]
        )
        await pin.click()
        assert await ada.evaluate("window.continuum.room.pinned") is not None
        await grace.get_by_test_id("leave").click()
        await expect(tile).to_have_count(0)
        assert await ada.evaluate("window.continuum.room.pinned") is None
        await expect(ada.get_by_test_id("problem")).to_have_count(0)


# Energy of what was played so far: in the slot of a single voice, and in the mix.
ENERGY = """async id => {
    const { room, session } = window.continuum;
    const [mid] = [...room.voices].find(([, heard]) => heard === id) ?? [];
    const streams = [...(await session.statistics()).values()].filter(each => each.type === "inbound-rtp");
    const energy = which => streams.find(each => each.kind === "audio" && which(each.mid))?.totalAudioEnergy ?? 0;
    return { apart: energy(each => each === mid), mixed: energy(each => each === "0") };
}"""


PLAY = """async id => {
    const client = window.continuum;
    while (!client.voiceTrackOf(id)) await new Promise(resolve => client.on("change", resolve));
    window.apart = new Audio();
    window.apart.srcObject = new MediaStream([client.voiceTrackOf(id)]);
    await window.apart.play();
}"""
LOUDER = f"""async ([id, energy]) => {{
    while ((await ({ENERGY})(id)).apart <= energy) await new Promise(resolve => setTimeout(resolve, 100));
}}"""


async def test_a_voice_heard_apart_has_a_track_of_its_own_and_is_not_in_the_mix(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada = await joined(context, server.url, "Ada")
        await joined(context, server.url, "Grace")
        tile = ada.locator('[data-testid=participant][data-name="Grace"]')
        await expect(tile).to_have_attribute("data-speaking", "true", timeout=SLOW_MS)
        grace = await tile.get_attribute("data-id")
        await ada.evaluate("id => window.continuum.hearApart([id])", grace)
        async with asyncio.timeout(20):
            await ada.evaluate(PLAY, grace)
            # One of her beeps comes in each second; the one under way when her voice was taken apart has passed.
            await ada.evaluate(LOUDER, [grace, 0.01])
            before = await ada.evaluate(ENERGY, grace)
            await ada.evaluate(LOUDER, [grace, 2 * before["apart"]])
        after = await ada.evaluate(ENERGY, grace)
        assert after["mixed"] - before["mixed"] < (after["apart"] - before["apart"]) / 100
        await expect(ada.get_by_test_id("problem")).to_have_count(0)


async def test_the_library_makes_any_page_a_call(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        page, complaints = await opened(context, f"{server.url}/api/health")
        await page.evaluate(
            """() => {
                const script = Object.assign(document.createElement("script"), { type: "module" });
                script.src = "/continuum.js";
                const call = document.createElement("continuum-call");
                call.setAttribute("room", "kitchen");
                call.setAttribute("name", "Ada");
                document.body.append(script, call);
            }"""
        )
        await page.get_by_test_id("join-button").click()
        await expect(page.get_by_test_id("connection-state")).to_have_attribute(
            "data-media", "connected", timeout=SLOW_MS
        )
        await expect(page.locator("continuum-call").get_by_role("heading", name="kitchen")).to_be_visible()
        assert await page.evaluate("'continuum' in window") is False
        assert [line for line in complaints if "404" not in line] == []


async def test_another_microphone_takes_over_in_the_middle_of_the_call(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada = await joined(context, server.url, "Ada")
        grace = await joined(context, server.url, "Grace")
        used = "() => window.continuum.microphone.getSettings().deviceId"
        before = await ada.evaluate(used)
        await ada.get_by_test_id("devices").click()
        choice = ada.get_by_test_id("device-microphone")
        await expect(choice).to_have_value(before)
        others = choice.locator(f'option:not([value="{before}"])')
        await choice.select_option(await others.last.get_attribute("value"))
        await ada.wait_for_function(f"before => ({used})() !== before", arg=before)
        heard = grace.locator('[data-testid=participant][data-name="Ada"]')
        await expect(heard).to_have_attribute("data-speaking", "true", timeout=SLOW_MS)


async def test_noise_suppression_is_switched_by_keyboard_heeded_and_remembered(server: MediaServer) -> None:
    async with chromium(GRANT) as context:
        ada = await joined(context, server.url, "Ada")
        await cleaned(ada, lambda more: more > 50)
        await ada.keyboard.press("d")
        switch = ada.get_by_role("switch", name="Noise suppression", exact=True)
        await expect(switch).to_be_checked()
        await switch.press("Space")
        await expect(switch).not_to_be_checked()
        await ada.wait_for_function("() => !window.continuum.microphone.getSettings().noiseSuppression")
        await cleaned(ada, lambda more: more == 0)

        await ada.reload()
        await join(ada, "Ada")
        await cleaned(ada, lambda more: more == 0)
        await ada.get_by_test_id("devices").click()
        await expect(switch).not_to_be_checked()
        await switch.click()
        await cleaned(ada, lambda more: more > 0)


async def cleaned(page: Page, enough: Callable[[int], bool]) -> None:
    """Waits for three seconds of the page's sound of which so many frames as wanted are cleaned of noise."""
    async with asyncio.timeout(SLOW_MS / 1000):
        frames, played = await sound(page)
        while True:
            await page.wait_for_timeout(200)
            (later_frames, later_played) = await sound(page)
            if later_played - played < 150:
                continue
            if enough(later_frames - frames):
                return
            frames, played = later_frames, later_played


async def sound(page: Page) -> tuple[int, int]:
    """Frames that the server has cleaned of noise, and frames that it has played at all."""
    text: str = await page.evaluate("async () => (await fetch('/metrics')).text()")
    values = {family: value for family, value in re.findall(r"^([^#\s]+) (\S+)$", text, re.MULTILINE)}
    played = 'continuum_jitter_buffer_events_total{event="played"}'
    return int(float(values["continuum_plane_frames_cleaned_total"])), int(float(values[played]))


# Whatever Playwright asks of a page counts there as a click, so until the sound is held back the page is left alone:
# a script of its own joins, and says when it is asked to tap.
JOIN_UNASKED = """
    addEventListener("load", async () => {
        const call = document.querySelector("continuum-call");
        await call.updateComplete;
        new MutationObserver(() => {
            if (call.shadowRoot.querySelector("[data-testid=tap-to-hear]")) console.info("held back");
        }).observe(call.shadowRoot, { childList: true, subtree: true });
        const join = call.shadowRoot.querySelector("continuum-join");
        join.dispatchEvent(new CustomEvent("join", { detail: "Ada" }));
    });
"""


async def test_sound_that_the_browser_holds_back_is_asked_for(server: MediaServer) -> None:
    async with chromium("--autoplay-policy=user-gesture-required") as context:
        await context.add_init_script(JOIN_UNASKED)
        page = await context.new_page()
        async with page.expect_console_message(lambda line: line.text == "held back", timeout=SLOW_MS):
            await page.goto(server.url)
        await page.get_by_test_id("tap-to-hear").click()
        await expect(page.get_by_test_id("tap-to-hear")).to_have_count(0)
        assert await page.get_by_test_id("remote-audio").evaluate("audio => !audio.paused")
