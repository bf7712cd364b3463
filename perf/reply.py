"""End of speech to the first sound of the reply, at the caller, through the whole server.

`python -m perf.reply --json [--turns 15] [--naive-turns 4] [--crowd-turns 10]`: a real server with the embedded models
on a loopback port, a real WebRTC caller who asks everyday questions. The naive pipeline beside it: the same server with
nothing done ahead (no speculative transcription or reply, no prefill) and Whisper's stock 30 s window. Then ours once
more, with all fourteen personas that are shipped in the room. A reply is awaited to its end before the next question,
so all of them are kept short, which changes nothing before their first clause. What each question met with is told on
standard error.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np

from perf.report import Report, Result
from perf.running_server import RunningServer, ServerDied, running_server
from perf.speech_corpus import SpokenSentence, corpus
from signaling.caller.caller import in_call
from signaling.caller.outcome import CallOptions, TurnResult
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = ["STAGES", "Turns", "measure"]

SHORT = {"CONTINUUM_REPLY__MAX_TOKENS": "24"}
"""A first clause has some eight tokens: what is measured is over by then."""
NAIVE = {
    "CONTINUUM_REPLY__SPECULATIVE": "false",
    "CONTINUUM_REPLY__PREFILL": "false",
    "CONTINUUM_SPEECH__WINDOW": "stock",
}
STAGES = ("paused", "decided", "words", "firstToken", "firstClause", "firstSound", "onWire")
_GIVE_UP = 2
TARGET_P50_S = 0.8
TARGET_P95_S = 1.3
TARGET_RATIO = 3.0
TARGET_GREETING_S = 2.0
JOINS = 8
CROWD = 14


@dataclass(slots=True)
class Turns:
    """What a run of turns took.

    Attributes:
        seconds: end of speech to first sound at the caller, of the turns that were answered.
        stages: the server's latency records of the same turns, in milliseconds.
        unanswered: how many turns had no reply.
        greetings: asking for a seat to first sound of the greeting, of joins without a turn.
    """

    seconds: list[float] = field(default_factory=list)
    stages: list[Mapping[str, object]] = field(default_factory=list)
    unanswered: int = 0
    greetings: list[float] = field(default_factory=list)

    def add(self, turn: TurnResult) -> None:
        """Counts one turn."""
        if turn.reply is None or turn.caller.first_sound_ms is None:
            self.unanswered += 1
            return
        self.seconds.append(turn.caller.first_sound_ms / 1000)
        if turn.latency is not None:
            self.stages.append(turn.latency)

    def percentile(self, of: float) -> float:
        """Seconds; infinite when nothing was answered."""
        return float(np.percentile(self.seconds, of)) if self.seconds else float("inf")

    def stage(self, name: str, of: float) -> float | None:
        """Milliseconds after the end of speech at which a stage was reached; None where it never was."""
        reached = [float(value) for one in self.stages if isinstance(value := one.get(name), int | float)]
        return float(np.percentile(reached, of)) if reached else None


async def _converse(server: RunningServer, room: str, sentences: Sequence[SpokenSentence]) -> Turns:
    turns = Turns()
    async with in_call(CallOptions(room=room, url=server.url, timeout=40.0)) as caller:
        await caller.greeted()
        for number, sentence in enumerate(sentences, start=1):
            turn = await caller.speak_turn(sentence.samples, sentence.text)
            turns.add(turn)
            if turns.unanswered == number == _GIVE_UP:
                raise ServerDied(f"nothing is answered\n{server.tail()}")
            stages = " ".join(f"{name} {(turn.latency or {}).get(name)}" for name in STAGES)
            print(
                f"{room} {number}: {turn.caller.first_sound_ms} ms ({stages}), "
                f"{turn.heard!r} -> {turn.persona}: {turn.reply!r}",
                file=sys.stderr,
            )
    return turns


async def _join_and_leave(server: RunningServer) -> list[float]:
    """Seconds from asking for a seat to the first sound of the greeting, each time in a room of its own."""
    seconds = []
    for number in range(1, JOINS + 1):
        async with in_call(CallOptions(room=f"greeting-{number}", url=server.url)) as caller:
            begun = await caller.greeting_begun()
        seconds.append(begun / 1000 if begun is not None else float("inf"))
        print(f"greeting {number}: {begun} ms", file=sys.stderr)
    return seconds


def _run(
    settings: Mapping[str, str], room: str, sentences: Sequence[SpokenSentence], *, joins: bool
) -> Turns:
    with running_server({**SHORT, **settings}) as server:
        turns = asyncio.run(_converse(server, room, sentences))
        if joins:
            turns.greetings = asyncio.run(_join_and_leave(server))
        if server.starts("mind") > 1 or server.starts("media") > 1:
            raise ServerDied(f"a process died on the way\n{server.tail()}")
        return turns


def _crowd() -> dict[str, str]:
    """Settings that seat every persona there is a profile of."""
    folder = Path(str(files("cognition.persona")))
    profiles = sorted([*folder.glob("profiles/*.toml"), *folder.glob("cast/*.toml")])
    if len(profiles) != CROWD:
        raise ValueError(f"{len(profiles)} profiles are shipped, not {CROWD}")
    return {"CONTINUUM_PERSONAS": json.dumps([str(path) for path in profiles])}


def measure(turns: int, naive_turns: int, crowd_turns: int) -> Report:
    """Runs the servers, one after the other, with the same sentences."""
    settings = load_settings()
    voice = WeightsCache(settings.weights_dir).resolve("voice", settings.weights.given())
    sentences = corpus(voice, settings.cache_dir.expanduser() / "speech-corpus")
    asked = [sentences[index % len(sentences)] for index in range(turns)]
    ours = _run({}, "ours", asked, joins=True)
    naive = _run(NAIVE, "naive", asked[:naive_turns], joins=False)
    crowd = _run(
        _crowd(), "crowd", [sentences[index % len(sentences)] for index in range(crowd_turns)], joins=False
    )
    results = [
        Result(
            "first sound at the caller, p50", "s", ours.percentile(50), naive.percentile(50), TARGET_P50_S
        ),
        Result(
            "first sound at the caller, p95", "s", ours.percentile(95), naive.percentile(95), TARGET_P95_S
        ),
        Result(
            "times faster than the naive pipeline, p50",
            "x",
            naive.percentile(50) / ours.percentile(50),
            target=TARGET_RATIO,
            higher_is_better=True,
        ),
        Result(
            "first sound of the greeting after joining, p50",
            "s",
            float(np.median(ours.greetings)),
            target=TARGET_GREETING_S,
        ),
        Result("turns without a reply", "turns", ours.unanswered, naive.unanswered, 0),
        Result(
            f"first sound with {CROWD} personas in the room, p50",
            "s",
            crowd.percentile(50),
            naive.percentile(50),
            TARGET_P50_S,
        ),
        Result(
            f"first sound with {CROWD} personas in the room, p95",
            "s",
            crowd.percentile(95),
            naive.percentile(95),
            TARGET_P95_S,
        ),
        Result(f"turns without a reply of {CROWD} personas", "turns", crowd.unanswered, naive.unanswered, 0),
    ]
    for stage in STAGES:
        for of in (50, 95):
            value = ours.stage(stage, of)
            if value is not None:
                results.append(Result(f"{stage}, p{of}", "ms", value, naive.stage(stage, of)))
            among_many = crowd.stage(stage, of)
            if among_many is not None:
                metric = f"{stage} with {CROWD} personas in the room, p{of}"
                results.append(Result(metric, "ms", among_many, naive.stage(stage, of)))
    notes = [
        f"{len(ours.seconds)} turns of ours, {len(naive.seconds)} of the naive pipeline, {len(crowd.seconds)} "
        f"with {CROWD} personas, of {SHORT['CONTINUUM_REPLY__MAX_TOKENS']} tokens at most; "
        "stages are milliseconds after the end of speech as the server knows it, and may lie ahead of `decided`.",
        "The caller's clock starts when the packet with its last voiced sample is sent and stops at playout, "
        "behind the caller's jitter buffer.",
    ]
    return Report("reply", results, notes)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--turns", type=int, default=15, help="spoken turns through our pipeline")
    parser.add_argument("--naive-turns", type=int, default=4, help="spoken turns through the naive one")
    parser.add_argument("--crowd-turns", type=int, default=10, help="spoken turns with fourteen personas")
    arguments = parser.parse_args()
    report = measure(arguments.turns, arguments.naive_turns, arguments.crowd_turns)
    if arguments.json:
        print(report.to_json())
    else:
        report.print_table()


if __name__ == "__main__":
    main()
