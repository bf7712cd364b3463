"""What a persona knows, on the real page in Chromium: the real media process, and a mind that answers as it should."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from signaling.ipc.jsonrpc import JsonObject
from tests.signaling.house import FakeMind, mind_of
from tests.signaling.test_memory_questions import EXPLANATION
from tests.signaling.test_questions import CARD
from tests.web.chromium import GRANT, chromium
from tests.web.media_server import MediaServer, media_server
from tests.web.test_page import SLOW_MS, join, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with media_server() as running:
        yield running


class Memory:
    """What a persona knows of who asks."""

    def __init__(self) -> None:
        self.known = {"m1": "Ada lives in Rome.", "m2": MARKUP}
        self.asked: list[JsonObject] = []

    async def card(self, params: JsonObject) -> JsonObject:
        return CARD

    async def show(self, params: JsonObject) -> JsonObject:
        shown = [
            {
                "id": id,
                "text": text,
                "quote": "",
                "at": "2026-03-01T10:00:00+00:00",
                "kind": "fact",
                "where": "attic",
                "current": True,
            }
            for id, text in self.known.items()
        ]
        return {"persona": "nova", "openness": "present", "known": shown, "before": None}

    async def correct(self, params: JsonObject) -> JsonObject:
        self.asked.append(params)
        self.known[params["memory"]] = params["text"]
        return {}

    async def forget(self, params: JsonObject) -> JsonObject:
        self.asked.append(params)
        if params["memory"] is None:
            self.known.clear()
        else:
            del self.known[params["memory"]]
        return {}

    async def explain(self, params: JsonObject) -> JsonObject:
        return EXPLANATION


async def focused(page: Page) -> str:
    """The test id, or the text, of what the keyboard is on, through all shadow roots."""
    script = (
        "() => { let at = document.activeElement; while (at.shadowRoot?.activeElement) at ="
        " at.shadowRoot.activeElement; return at.dataset.testid ?? at.textContent.trim(); }"
    )
    return str(await page.evaluate(script))


async def press_until(page: Page, key: str, wanted: str) -> None:
    """Goes on with the keyboard until it is on something."""
    seen = []
    for _ in range(60):
        seen.append(await focused(page))
        if seen[-1] == wanted:
            return
        await page.keyboard.press(key)
    raise AssertionError(f"{wanted} is not reached by {key}: {seen}")


async def with_nova(mind: FakeMind, page: Page) -> None:
    await mind.attach()
    await join(page, "Ada")
    await mind.ask("persona.join", id="nova", name="Nova")
    await mind.ask(
        "caption",
        id="nova",
        utterance="u1",
        text="You live in Rome.",
        final=True,
        record=True,
        listeners=None,
    )
    await expect(page.get_by_test_id("caption")).to_have_count(1, timeout=SLOW_MS)


async def test_what_is_known_is_seen_corrected_and_forgotten_from_the_keyboard(server: MediaServer) -> None:
    memory = Memory()
    answers = {
        "persona.card": memory.card,
        "memory.known": memory.show,
        "memory.correct": memory.correct,
        "memory.forget": memory.forget,
    }
    async with mind_of(server.run_dir / "media.sock", answers) as mind, chromium(GRANT) as context:
        page, complaints = await opened(context, server.url)
        await with_nova(mind, page)
        await page.get_by_label("About Nova").focus()
        await page.keyboard.press("Enter")
        await press_until(page, "Tab", "show-memories")
        await page.keyboard.press("Enter")
        memories = page.get_by_test_id("memory")
        await expect(memories).to_have_count(2)
        await expect(memories.last).to_contain_text(MARKUP)
        await press_until(page, "Tab", "memory-correct")
        await page.keyboard.press("Enter")
        await page.keyboard.type("I live in Oslo")
        await page.keyboard.press("Enter")
        await expect(memories.first).to_contain_text("I live in Oslo")
        await press_until(page, "Tab", "memory-forget-me")
        await page.keyboard.press("Enter")
        await press_until(page, "Tab", "memory-forget-all")
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("nothing-known")).to_be_visible()
        assert [asked.get("text") or asked["memory"] for asked in memory.asked] == ["I live in Oslo", None]
        # One person, whatever the seat: the browser keeps its own secret.
        assert all(str(asked["giver"]).startswith("person-") for asked in memory.asked)
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("persona-card")).to_have_count(0)
        assert complaints == []


async def test_it_is_saved_as_a_file(server: MediaServer, tmp_path: Path) -> None:
    memory = Memory()
    answers = {"persona.card": memory.card, "memory.known": memory.show}
    async with mind_of(server.run_dir / "media.sock", answers) as mind, chromium(GRANT) as context:
        page, complaints = await opened(context, server.url)
        await with_nova(mind, page)
        await page.get_by_label("About Nova").click()
        await page.get_by_test_id("show-memories").click()
        async with page.expect_download() as download:
            await page.get_by_test_id("memory-export").click()
        file = tmp_path / "known.json"
        await (await download.value).save_as(file)
        assert [one["text"] for one in json.loads(file.read_text())] == list(memory.known.values())
        assert complaints == []


async def test_why_a_persona_said_something_is_shown_beside_its_line(server: MediaServer) -> None:
    answers = {"explain": Memory().explain}
    async with mind_of(server.run_dir / "media.sock", answers) as mind, chromium(GRANT) as context:
        page, complaints = await opened(context, server.url)
        await with_nova(mind, page)
        why = page.get_by_test_id("caption").get_by_label("Why did Nova say this?")
        await why.focus()
        await expect(why).to_have_css("opacity", "1")
        await page.keyboard.press("Enter")
        shown = page.get_by_test_id("explanation")
        await expect(shown).to_contain_text("Ada lives in Rome.")
        await expect(shown.get_by_test_id("cost")).to_have_text("12 tokens, looked up in 8 ms.")
        await page.keyboard.press("Escape")
        await expect(shown).to_have_count(0)
        assert await focused(page) == "why"
        assert complaints == []
