"""How soon a persona stops when somebody speaks up, and how seldom when they only say "mhm".

Overlaps of many kinds are spoken over a persona's answers to written questions, through a real server with real RTP, by
speakers on whom nothing was fitted (`held-out`, perf/overlap_corpus.py); what the caller then hears says what came of
them. More of them go, without a server, through the same code that decides, beside two plain rules.
"""

import argparse
import asyncio
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from media.realtime.packet import RATE
from media.realtime.ring import AudioRing
from media.speech.segmenter import Onset, Paused, Segmenter
from media.speech.transcriber import WhisperTranscriber
from media.speech.vad import CHUNK, SileroModel, SileroVoiceActivity
from perf.overheard import Recorder, Wire, voice_rings
from perf.overlap_chain import Chain
from perf.overlap_corpus import Kind, Overlap, OverlapCorpus, overlap_corpus
from perf.overlap_trials import Trial, at_level, trials, usual_powers
from perf.report import Report, Result
from perf.running_server import RunningServer, running_server
from perf.speech_corpus import SENTENCES
from signaling.caller.caller import Caller, in_call
from signaling.caller.conversation import Line
from signaling.caller.outcome import CallError, CallOptions
from signaling.caller.voiced import last_voiced
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = ["measure"]

TARGET_EAR_MS = 250.0
TARGET_ENGINE_MS = 100.0
TARGET_DUCK_MS = 200.0
TARGET_STOPPED = 0.05
TARGET_MISSED = 0.02
PLAIN_AFTER = 0.35
"""Seconds of speech after which the plain rule stops a voice."""
ROOMS = 1
"""Rooms at once; more than one measures how two cores are shared."""
_PATIENCE = 15.0
_HUSH = 0.6
_SEATED = 30.0

Samples = npt.NDArray[np.int16]
Outcome = Literal["stopped", "went on", "went on, held"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one overlap at the server; times in milliseconds after its first sample was spoken.

    Attributes:
        overlap: what was spoken.
        outcome: what the voice did.
        ear: when the voice was gone at the caller's ear; None if it was not, or fell silent in a pause of its own.
        wire: when the last packet with any of it arrived.
        decided: when enough of the sound had been spoken for the decision, by the same code without a server.
        confirmed: the same for the gate's two frames of speech.
        ducked: when the voice was 12 dB lower, at the ear; None where it was gone before, or did not sound.
        away: milliseconds for which a voice that went on was away.
        remembered: the words that the room keeps of an interrupted reply.
        heard: what can be understood of what was heard of it.
    """

    overlap: Overlap
    outcome: Outcome
    ear: float | None = None
    wire: float | None = None
    decided: float | None = None
    confirmed: float | None = None
    ducked: float | None = None
    away: float | None = None
    remembered: str = ""
    heard: str = ""


@dataclass(slots=True)
class _Room:
    """One caller in one room, who speaks over the persona there."""

    server: RunningServer
    name: str
    caller: Caller
    recorder: Recorder
    ring: AudioRing
    wire: Wire
    random: np.random.Generator
    usual: float
    transcribe: "asyncio.Queue[WhisperTranscriber]"
    asked: int = 0
    seen: list[Seen] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    async def speak_over(self, overlap: Overlap) -> None:
        """Speaks over what the persona says, or over its answer to a written question."""
        self.recorder.forget()
        begun, position = time.monotonic(), self.ring.written
        self.wire.forget(begun)
        if not self._sounding():
            question = SENTENCES[self.asked % len(SENTENCES)]
            self.asked += 1
            await self.caller.client.chat(
                uuid.uuid4().hex, f"{self.persona}, {question[0].lower()}{question[1:]}"
            )
            if not await self._sounds(_PATIENCE):
                self.failed["nobody spoke"] += 1
                return
        await asyncio.sleep(float(self.random.uniform(0.35, 1.3)))
        if not await self._sounds(1.5):
            self.failed["the voice was over already"] += 1
            return
        sound = np.clip(at_level(overlap, self.random), -32767, 32767).astype(np.int16)
        ended = await self.caller.microphone.say(np.concatenate([sound, np.zeros(RATE // 10, np.int16)]))
        onset = ended - _last_voiced(sound) / RATE
        line = await self._line(begun)
        if line is None:
            self.failed["no line of the persona's"] += 1
            return
        self.seen.append(await self._judge(overlap, sound, onset, line, position))

    async def hush(self) -> None:
        """Waits until nobody says anything, or the next answer begins."""
        deadline = time.monotonic() + _PATIENCE
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            if self._sounding() and self.random.random() < 0.5:
                return
            if self._sounding() or self._busy():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _HUSH:
                return
            await asyncio.sleep(0.05)

    @property
    def persona(self) -> str:
        """The name of the one that speaks."""
        return next(one.name for one in self.caller.conversation.present.values() if one.kind == "persona")

    def _busy(self) -> bool:
        return any(
            one.status in ("thinking", "speaking") for one in self.caller.conversation.present.values()
        )

    def _sounding(self) -> bool:
        return self.caller.ear.quiet_for() < 0.1

    async def _sounds(self, within: float) -> bool:
        deadline = time.monotonic() + within
        while not self._sounding():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def _line(self, since: float) -> Line | None:
        """The line of the persona that was spoken over, once it is final."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            lines = [
                line
                for line in self.caller.conversation.lines
                if self.caller.conversation.is_persona(line.speaker)
                and line.kind == "speech"
                and line.last_at >= since
                and line.first_at < time.monotonic()
            ]
            if lines and lines[0].final:
                return lines[0]
            await self.caller.client.changed(0.1)
        return None

    async def _judge(self, overlap: Overlap, sound: Samples, onset: float, line: Line, position: int) -> Seen:
        await asyncio.sleep(0.3)
        heard = self.recorder.heard()
        chain = Chain()
        chain.power = self.usual
        decided = confirmed = None
        for index in chain.hear(np.concatenate([sound, np.zeros(RATE // 2, np.int16)]), over=True):
            if confirmed is None and chain.overlap.speaking:
                confirmed = (index + 1) * 20.0
            if decided is None and chain.overlap.interrupts:
                decided = (index + 1) * 20.0
        gone = heard.gone(onset)
        wire = self.wire.last_audible(onset, 0.15)
        voice = np.zeros(self.ring.written - position, np.int16)
        known = len(voice) > RATE // 2 and self.ring.read_at(position, voice)
        beside = heard.beside(voice) if known else None
        gains = beside.gains if beside is not None else ()
        lowered = next((at for at, gain in gains if onset < at < onset + 0.5 and gain < 0.35), None)
        ducked = None if lowered is None else (lowered + 0.02 - onset) * 1000
        if line.interrupted:
            kept = heard.samples
            if gone is not None:
                count = sum(1 for at in heard.at if at < gone) * 960
                kept = heard.samples[:count]
            understood = await self._understand(kept)
            # One that fell silent in a pause of its own says nothing of how soon it was stopped.
            timed = beside is not None and beside.cut
            return Seen(
                overlap,
                "stopped",
                (gone - onset) * 1000 if gone is not None and timed else None,
                (wire - onset) * 1000 if wire is not None and timed else None,
                decided,
                confirmed,
                ducked,
                remembered=line.text,
                heard=understood,
            )
        sounded = heard.audible()
        blocks = np.flatnonzero(sounded)
        away = 0.0
        if len(blocks):
            span = heard.instant(int(blocks[-1])) - heard.instant(int(blocks[0]))
            told = np.abs(voice.astype(np.int32)) > 250
            length = (np.flatnonzero(told)[-1] - np.flatnonzero(told)[0]) / RATE if told.any() else span
            away = 1000 * (span - float(length))
        held = away > 100
        return Seen(
            overlap,
            "went on, held" if held else "went on",
            decided=decided,
            confirmed=confirmed,
            ducked=ducked,
            away=away if held else None,
        )

    async def _understand(self, heard: Samples) -> str:
        sound = heard.reshape(-1, 3).mean(axis=1).astype(np.float32) / 32768
        transcriber = await self.transcribe.get()
        try:
            transcript = await asyncio.to_thread(transcriber.transcribe, sound, lambda: False)
        finally:
            self.transcribe.put_nowait(transcriber)
        return transcript.text


def _last_voiced(sound: Samples) -> int:
    return last_voiced(np.concatenate([sound, np.zeros(RATE // 10, np.int16)]))


async def _attend(
    server: RunningServer,
    number: int,
    overlaps: Sequence[Overlap],
    usual: tuple[Samples, float],
    transcribers: "asyncio.Queue[WhisperTranscriber]",
    opening: asyncio.Lock,
) -> _Room:
    recorder = Recorder()
    async with AsyncExitStack() as stack:
        async with opening:
            before = voice_rings(server.pid("media")).keys()
            caller = await stack.enter_async_context(
                in_call(CallOptions(room=f"overlap-{number}", url=server.url, name="Mary"), recorder)
            )
            ring = await _new_ring(server, before)
            await caller.greeted()
        room = _Room(
            server,
            f"overlap-{number}",
            caller,
            recorder,
            ring,
            Wire(caller.client.receptions[-1]),
            np.random.default_rng(number),
            usual[1],
            transcribers,
        )
        await caller.say(usual[0])
        await room.hush()
        for overlap in overlaps:
            count = len(room.seen)
            try:
                await room.speak_over(overlap)
            except CallError as error:
                room.failed[str(error)] += 1
            await room.hush()
            last = room.seen[-1] if len(room.seen) > count else None
            print(
                f"{room.name}: {overlap.kind} {overlap.name!r} {_told(last)} {dict(room.failed)}",
                file=sys.stderr,
            )
        return room


async def _new_ring(server: RunningServer, before: Collection[Path]) -> AudioRing:
    """The voice ring of the persona that takes its seat in a new room."""
    async with asyncio.timeout(_SEATED):
        while True:
            rings = voice_rings(server.pid("media"))
            if new := rings.keys() - set(before):
                return rings[new.pop()]
            await asyncio.sleep(0.2)


def _told(seen: Seen | None) -> str:
    if seen is None:
        return "nothing"
    return (
        f"{seen.outcome}, ear {seen.ear and round(seen.ear)}, wire {seen.wire and round(seen.wire)}, decided "
        f"{seen.decided}, ducked {seen.ducked and round(seen.ducked)}, away {seen.away and round(seen.away)}, "
        f"{seen.remembered!r} / {seen.heard!r}"
    )


def chosen(corpus: OverlapCorpus, count: int) -> list[Overlap]:
    """So many overlaps of the held-out half: half of them interruptions, a third backchannels, the rest noise."""
    kinds: dict[Kind, list[Overlap]] = {"interruption": [], "backchannel": [], "noise": []}
    for overlap in corpus.overlaps("held-out"):
        kinds[overlap.kind].append(overlap)
    random = np.random.default_rng(5)
    shares: tuple[tuple[Kind, int], ...] = (
        ("interruption", count // 2),
        ("backchannel", count // 3),
        ("noise", count - count // 2 - count // 3),
    )
    found: list[Overlap] = []
    for kind, share in shares:
        order = random.permutation(len(kinds[kind]))
        found += [kinds[kind][order[index % len(order)]] for index in range(share)]
    return [found[index] for index in random.permutation(len(found))]


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain rule on one overlap: milliseconds from its first sample until it stops a voice; None if it does not."""

    kind: Kind
    lasting: float | None
    any_voice: float | None


def plain_rules(tried: Sequence[Trial], silero: SileroModel) -> list[Plain]:
    """What stops a voice that stops after 350 ms of confirmed speech, and one that stops at any confirmed voice."""
    found = []
    for trial in tried:
        sound = np.concatenate(
            [np.zeros(RATE // 2, np.int16), trial.overlap.samples, np.zeros(RATE // 2, np.int16)]
        )
        chain, segmenter, activity = Chain(), Segmenter(), SileroVoiceActivity(silero)
        ears = np.concatenate([chain.ears[0].copy() for _ in chain.hear(sound, over=False)])
        confirmed = paused = None
        for position in range(0, len(ears) - CHUNK, CHUNK):
            chunk = ears[position : position + CHUNK].astype(np.float32) / np.float32(32768)
            for event in segmenter.step(position, activity.probability(chunk)):
                at = (position + CHUNK) / 16 - 500.0
                if isinstance(event, Onset) and confirmed is None:
                    confirmed = at
                elif isinstance(event, Paused) and confirmed is not None and paused is None:
                    paused = at
        lasting = None if confirmed is None else confirmed + 1000 * PLAIN_AFTER
        if lasting is not None and paused is not None and paused <= lasting:
            lasting = None
        found.append(Plain(trial.overlap.kind, lasting, confirmed))
    return found


async def _live(server: RunningServer, overlaps: Sequence[Overlap], corpus: OverlapCorpus) -> list[_Room]:
    settings = load_settings()
    cache, given = WeightsCache(settings.weights_dir), settings.weights.given()
    transcribers: asyncio.Queue[WhisperTranscriber] = asyncio.Queue()
    transcribers.put_nowait(WhisperTranscriber(cache.resolve("speech-to-text", given), threads=1))
    powers = usual_powers(corpus, "held-out")
    usual = next((samples, powers[speaker]) for speaker, samples in corpus.usual("held-out"))
    opening = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_attend(server, number, overlaps[number::ROOMS], usual, transcribers, opening))
            for number in range(ROOMS)
        ]
    return [task.result() for task in tasks]


def _percentile(values: Sequence[float | None], of: float) -> float:
    known = [value for value in values if value is not None]
    return float(np.percentile(known, of)) if known else float("inf")


def _share(holds: Sequence[bool]) -> float:
    return float(np.mean(holds)) if holds else float("nan")


def _wrong_words(seen: Sequence[Seen]) -> float:
    """Words remembered that were not heard, and heard that were not remembered, an interruption."""
    wrong = 0
    for one in seen:
        kept, heard = _plain(one.remembered), _plain(one.heard)
        wrong += abs(len(kept) - len(heard))
    return wrong / max(1, len(seen))


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def measure(count: int, offline: int) -> Report:
    """Both: through a server, and without one."""
    corpus = overlap_corpus()
    settings = load_settings()
    silero = SileroModel(WeightsCache(settings.weights_dir).resolve("vad", settings.weights.given()))
    with running_server() as server:
        rooms = asyncio.run(_live(server, chosen(corpus, count), corpus))
    seen = [one for room in rooms for one in room.seen]
    failed = sum((room.failed for room in rooms), Counter())
    tried = list(trials(corpus, "held-out", offline))
    plain = plain_rules(tried, silero)
    of: dict[Kind, list[Seen]] = {
        kind: [one for one in seen if one.overlap.kind == kind]
        for kind in ("interruption", "backchannel", "noise")
    }
    stopped = [one for one in of["interruption"] if one.outcome == "stopped"]
    timed = sum(one.ear is not None for one in stopped)
    asides = of["backchannel"] + of["noise"]
    engine = [one.wire - one.decided for one in stopped if one.wire is not None and one.decided is not None]
    listening = [
        one.wire - one.confirmed for one in stopped if one.wire is not None and one.confirmed is not None
    ]
    overhead = _percentile([one.ear - one.decided for one in stopped if one.ear and one.decided], 50)
    lasting = [one.lasting for one in plain if one.kind == "interruption"]
    plain_ear = [None if at is None else at + overhead for at in lasting]
    results = [
        Result(
            "onset to gone at the ear, p50",
            "ms",
            _percentile([one.ear for one in stopped], 50),
            _percentile(plain_ear, 50),
        ),
        Result(
            "onset to gone at the ear, p95",
            "ms",
            _percentile([one.ear for one in stopped], 95),
            _percentile(plain_ear, 95),
            TARGET_EAR_MS,
        ),
        Result(
            "sound decided on spoken to silence on the wire, p95",
            "ms",
            _percentile(engine, 95),
            target=TARGET_ENGINE_MS,
        ),
        Result(
            "first two frames of speech spoken to silence on the wire, p95", "ms", _percentile(listening, 95)
        ),
        Result("onset to 12 dB lower at the ear, p50", "ms", _percentile([one.ducked for one in seen], 50)),
        Result("onset to 12 dB lower at the ear, p95", "ms", _percentile([one.ducked for one in seen], 95)),
        Result(
            "backchannels that stopped it",
            "share",
            _share([one.outcome == "stopped" for one in of["backchannel"]]),
            _share([one.lasting is not None for one in plain if one.kind == "backchannel"]),
            TARGET_STOPPED,
        ),
        Result(
            "noises that stopped it",
            "share",
            _share([one.outcome == "stopped" for one in of["noise"]]),
            _share([one.lasting is not None for one in plain if one.kind == "noise"]),
            TARGET_STOPPED,
        ),
        Result(
            "interruptions missed",
            "share",
            _share([one.outcome != "stopped" for one in of["interruption"]]),
            _share([one.lasting is None for one in plain if one.kind == "interruption"]),
            TARGET_MISSED,
        ),
        Result(
            "backchannels that held it, and it went on",
            "share",
            _share([one.outcome == "went on, held" for one in of["backchannel"]]),
        ),
        Result(
            "noises that held it, and it went on",
            "share",
            _share([one.outcome == "went on, held" for one in of["noise"]]),
        ),
        Result("away until it went on, p50", "ms", _percentile([one.away for one in asides], 50)),
        Result("away until it went on, p95", "ms", _percentile([one.away for one in asides], 95)),
        Result("words wrongly remembered an interruption", "words", _wrong_words(stopped)),
    ]
    for kind in ("interruption", "backchannel", "noise"):
        held = [trial.held for trial in tried if trial.overlap.kind == kind]
        results.append(
            Result(
                f"held by its first 0.4 s, {kind}s without a server",
                "share",
                _share([np.isfinite(at) for at in held]),
                _share([one.any_voice is not None for one in plain if one.kind == kind]),
                higher_is_better=kind == "interruption",
            )
        )
    finite = [
        20 * trial.held for trial in tried if trial.overlap.kind == "interruption" and np.isfinite(trial.held)
    ]
    results.append(
        Result(
            "sound needed to hold an interruption without a server, p95",
            "ms",
            _percentile(finite, 95),
            _percentile([one.any_voice for one in plain if one.kind == "interruption"], 95),
        )
    )
    notes = [
        f"{len(seen)} overlaps through the server ({', '.join(f'{len(of[kind])} {kind}s' for kind in of)}), "
        f"{len(tried)} without one, all of them of voices and seeds on which nothing was fitted; "
        f"not counted: {dict(failed)}. Of {len(stopped)} that stopped, {timed} cut a word and are timed.",
        "The baseline stops a voice after 350 ms of speech that Silero confirmed; where a share is of what held it, "
        "it is of what Silero took for a voice at all. Its times have our way from the decision to the ear added.",
        "The sound is synthesised, or made; how much softer backchannels are is assumed (perf/overlap_trials.py).",
    ]
    return Report("interrupt", results, notes)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--overlaps", type=int, default=108, help="overlaps through the server")
    parser.add_argument("--repeats", type=int, default=2, help="how often each overlap is tried without one")
    arguments = parser.parse_args()
    report = measure(arguments.overlaps, arguments.repeats)
    if arguments.json:
        print(report.to_json())
    else:
        report.print_table()


if __name__ == "__main__":
    main()
