"""Real Chromiums in a call with a persona, on the embedded models."""

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import expect

from perf.running_server import RunningServer, running_server
from perf.speech_corpus import corpus
from signaling.caller.wav import WavRecorder
from tests.browser.caller import PATIENCE_MS, BrowserCaller, browser_caller, find_chromium
from tests.hearing import RATE, corpus_cache, sounding, transcribe, weights, word_error_rate

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(240)]

QUESTION = "Could you tell me what the weather is usually like in London at the end of November?"
OTHER = "How do birds know where to fly in winter?"
STOP = (
    "Wait a moment please I would like to ask something else before you go on with that story of the dragon."
)
STOPPED_WITHIN_S = 1.0
"""From the caption that says so to the last sound of an interrupted voice at the page; what is on its way is played."""
TAKES = 3
WRITTEN = (
    "What colour is the sky on a clear day?",
    "Can you tell me something about the sea?",
    "What do you like about music?",
)
MARKUP = '<img src=x onerror="document.title=1"> & <b>Ada</b>'
GREETING_S = 9
MIN_RMS = 0.01

Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    if find_chromium() is None:
        pytest.skip("no Chromium is installed")
    with running_server() as running:
        yield running


@pytest.fixture(scope="module")
def speech() -> dict[str, Samples]:
    sentences = corpus(weights("voice"), corpus_cache(), sentences=(QUESTION, OTHER))
    (stop,) = corpus(weights("voice"), corpus_cache(), sentences=(STOP,))
    return {one.text: one.samples for one in (*sentences, stop)}


def microphone(path: Path, *parts: Samples | float) -> Path:
    """A WAV of speech and of seconds of silence."""
    recorder = WavRecorder(path)
    for part in parts:
        recorder.write(np.zeros(int(part * RATE), np.int16) if isinstance(part, int | float) else part)
    recorder.close()
    return path


def loudness(samples: Samples) -> float:
    """RMS of what sounds, 0 to 1."""
    pieces = [samples[first:last] for first, last in sounding(samples)]
    return float(np.sqrt(np.mean(np.square(np.concatenate(pieces) / 32768)))) if pieces else 0.0


def median_window_correlation(heard: Samples, said: Samples, window: int = RATE // 4) -> float:
    """Quarters of a second of what was said, sought in what was heard: the median of the best normalised matches."""
    sums = np.concatenate([[0.0], np.cumsum(np.square(heard.astype(np.float64)))])
    energy = np.maximum(sums[window:] - sums[:-window], window * 1e3)
    size = 1 << (heard.size + window).bit_length()
    spectrum = np.fft.rfft(heard.astype(np.float64), size)
    best = []
    for first, last in pairwise(range(0, said.size, window)):
        piece = said[first:last].astype(np.float64)
        if np.sqrt(np.mean(piece**2)) < 500:
            continue
        matches = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)[: energy.size]
        best.append(float(np.max(matches / np.sqrt(energy * np.sum(piece**2)))))
    return float(np.median(best))


def words_found(said: str, heard: str) -> float:
    """How much of the words said is among those heard."""
    words = set(re.findall(r"[a-z']+", said.lower()))
    return len(words & set(re.findall(r"[a-z']+", heard.lower()))) / len(words)


async def test_a_person_is_greeted_asks_sees_their_words_and_hears_the_reply(
    server: RunningServer, speech: dict[str, Samples], tmp_path: Path
) -> None:
    wav = microphone(tmp_path / "question.wav", GREETING_S, speech[QUESTION], 3)
    async with browser_caller(wav) as ada:
        await ada.join("Ada", "greeting", server.url)
        greeting = await ada.greeted()
        greeted_until = await ada.position()
        name = await ada.persona()

        own, replies = ada.captions("Ada", final=True), ada.captions(name, final=True)
        await own.first.wait_for()
        await replies.nth(1).wait_for()
        await ada.persona_is("listening")
        assert word_error_rate(QUESTION, " ".join(await ada.words(own))) <= 0.1
        reply = " ".join((await ada.words(replies))[1:])
        await expect(ada.page.get_by_test_id("latency")).to_be_visible()

        sound = await ada.heard()
        assert loudness(sound[:greeted_until]) > MIN_RMS
        # Of its eight words or so a name and a "Hi" are two, and "Hi Ada!" is easily heard as "I-A-D".
        assert words_found(greeting, transcribe(sound[:greeted_until])) >= 0.6
        heard = transcribe(sound[greeted_until:])
        assert loudness(sound[greeted_until:]) > MIN_RMS
        assert word_error_rate(reply, heard) <= 0.34, (reply, heard)
        assert ada.complaints == []


async def test_two_people_and_a_persona_hear_each_other_and_not_themselves(
    server: RunningServer, speech: dict[str, Samples]
) -> None:
    async with browser_caller() as ada, browser_caller() as bob:
        await ada.join("Ada", "three", server.url)
        await ada.greeted()
        await bob.join("Bob", "three", server.url)
        name = await bob.persona()
        # Both hear this greeting from its first word on.
        await bob.captions(name, final=True).filter(has_text="Bob").wait_for()
        await bob.persona_is("listening")
        await ada.say(speech[QUESTION])
        await bob.say(speech[OTHER])
        for caller in (ada, bob):
            for speaker in ("Ada", "Bob"):
                await caller.captions(speaker, final=True).first.wait_for()
        ada_heard, bob_heard = await ada.heard(), await bob.heard()
        said = {
            "Ada to Bob": median_window_correlation(bob_heard, speech[QUESTION]),
            "Bob to Ada": median_window_correlation(ada_heard, speech[OTHER]),
            "Ada to herself": median_window_correlation(ada_heard, speech[QUESTION]),
            "Bob to himself": median_window_correlation(bob_heard, speech[OTHER]),
        }
        assert min(said["Ada to Bob"], said["Bob to Ada"]) > 0.7, said
        assert max(said["Ada to herself"], said["Bob to himself"]) < 0.4, said
        persona = await bob.words(bob.captions(name, final=True))
        for heard in (ada_heard, bob_heard):
            text = transcribe(heard)
            assert max(words_found(words, text) for words in persona) > 0.6, (persona, text)


async def interrupted(ada: BrowserCaller, name: str, stop: Samples) -> Samples | None:
    """Speaks over the persona; what the page received from the caption of the interruption to the end of speech.

    None when the persona had finished before it could be interrupted.
    """
    await ada.write(f"{name}, please tell me a long story about a dragon and a princess, in many sentences.")
    await ada.persona_is("speaking")
    await ada.captions(name, final=False).first.wait_for(timeout=PATIENCE_MS)
    saying = asyncio.create_task(ada.say(stop))
    cut = ada.captions(name, interrupted=True).first.wait_for(timeout=PATIENCE_MS)
    seen = asyncio.create_task(cut)
    await asyncio.wait([saying, seen], return_when=asyncio.FIRST_COMPLETED)
    stopped = await ada.position()
    await saying
    ended = await ada.position()
    if not seen.done():
        seen.cancel()
        await asyncio.gather(seen, return_exceptions=True)
        return None
    await seen
    return (await ada.heard(stopped))[: ended - stopped]


async def test_speaking_over_the_persona_stops_its_voice_and_its_caption_says_so(
    server: RunningServer, speech: dict[str, Samples]
) -> None:
    for take in range(TAKES):
        async with browser_caller() as ada:
            await ada.join("Ada", f"interruption-{take}", server.url)
            await ada.greeted()
            name = await ada.persona()
            after = await interrupted(ada, name, speech[STOP])
            if after is None or after.size < 2 * STOPPED_WITHIN_S * RATE:
                # The story was short, or the machine slow: too little is left to hear a silence in.
                continue
            assert (await ada.words(ada.captions(name, interrupted=True)))[0].strip()
            assert sounding(after[int(STOPPED_WITHIN_S * RATE) :]) == []
            own = ada.captions("Ada", final=True)
            await own.first.wait_for(timeout=2 * PATIENCE_MS)
            assert word_error_rate(STOP, " ".join(await ada.words(own))) <= 0.2
            return
    pytest.fail("the persona could not be interrupted")


async def test_a_mind_killed_in_a_call_comes_back_and_answers(
    server: RunningServer, speech: dict[str, Samples]
) -> None:
    async with browser_caller() as ada:
        await ada.join("Ada", "mind", server.url)
        await ada.greeted()
        name = await ada.persona()
        ready = server.kill("mind")
        await ada.persona_is("away")
        assert await ada.page.get_by_test_id("connection-state").get_attribute("data-media") == "connected"
        await asyncio.to_thread(server.wait_ready, "mind", ready + 1, 120.0)
        await ada.persona_is("listening", seconds=30)
        await ada.until_media("connected")
        before = await ada.captions(name).count()
        since = await ada.position()
        await ada.say(speech[QUESTION])
        await ada.captions(name, final=True).nth(before).wait_for(timeout=2 * PATIENCE_MS)
        assert loudness(await ada.heard(since)) > MIN_RMS


async def test_a_page_whose_media_process_was_killed_is_heard_again_by_itself(
    server: RunningServer, speech: dict[str, Samples]
) -> None:
    async with browser_caller() as ada:
        await ada.join("Ada", "media", server.url)
        await ada.greeted()
        name = await ada.persona()
        ready = server.kill("media")
        await ada.until_signalling("reconnecting")
        await asyncio.to_thread(server.wait_ready, "media", ready + 1, 60.0)
        await ada.until_signalling("connected")
        await ada.until_media("connected")
        await ada.persona_is("listening", seconds=60)
        replies = ada.captions(name, final=True)
        before = await replies.count()
        await ada.say(speech[QUESTION])
        await replies.nth(before).wait_for(timeout=2 * PATIENCE_MS)
        own = ada.captions("Ada", final=True)
        assert word_error_rate(QUESTION, " ".join(await ada.words(own))) <= 0.1


async def test_a_name_with_markup_is_shown_as_text_everywhere(server: RunningServer) -> None:
    async with browser_caller() as ada, browser_caller() as bob:
        await bob.join("Bob", "names", server.url)
        await ada.join(MARKUP[:40], "names", server.url)
        await ada.write("Bob, can you <i>read</i> this?")
        await bob.open_chat()
        await expect(bob.page.get_by_test_id("chat-line").first).to_contain_text(
            "<i>read</i>", timeout=PATIENCE_MS
        )
        tiles = await bob.page.locator("[data-testid=participant] bdi").all_inner_texts()
        assert MARKUP[:40] in tiles
        for caller in (ada, bob):
            assert await caller.page.locator("continuum-call img, continuum-call i:text('read')").count() == 0
            assert await caller.page.title() != "1"


async def test_what_is_written_is_answered_in_writing_and_by_voice(server: RunningServer) -> None:
    async with browser_caller() as ada:
        await ada.join("Ada", "writing", server.url)
        await ada.greeted()
        name = await ada.persona()
        answers = ada.page.locator(f'[data-testid=chat-line][data-name="{name}"]')
        said: list[tuple[str, str]] = []
        # A short answer leaves a transcription little to go by: one of three has to come through whole.
        for take, question in enumerate(WRITTEN):
            spoken, since = await ada.captions(name).count(), await ada.position()
            await ada.write(question)
            await answers.nth(take).wait_for(timeout=2 * PATIENCE_MS)
            await ada.captions(name, final=True).nth(spoken).wait_for(timeout=2 * PATIENCE_MS)
            await ada.persona_is("listening")
            words = " ".join((await ada.words(ada.captions(name)))[spoken:])
            said.append((words, transcribe(await ada.heard(since))))
            if word_error_rate(*said[-1]) <= 0.34:
                return
        pytest.fail(f"what was heard is not what was written: {said}")
