"""SIGKILL of the mind at random points of a talk: what was acknowledged is kept, and lived through, exactly once."""

import asyncio
import json
import os
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cognition.conversation.floor import Attendee
from cognition.conversation.names import Wording
from cognition.events import Arrived, Event, Feedback, Heard, Read, Said
from cognition.persona.appraisal import applied, appraise
from cognition.persona.event_keys import key_of
from cognition.persona.profile import Persona, load_persona
from cognition.persona.state import State, advanced
from cognition.persona.trust import giver_key, line_of
from cognition.store.connection import check, open_reader
from cognition.store.timeline import Entry, Query, page
from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME, ReceivedPacket
from media.rtc.statistics import ReceivedStream
from signaling.settings import Launch, Settings
from tests.signaling.house import DEAF_OFFER, Client, House, Message, house, line_to
from tests.signaling.killable_mind import pitch_of, words_of

ROOT = Path(__file__).parents[2]
CAST = ROOT / "cognition" / "persona" / "cast"
PROFILES = (CAST / "nova.toml", CAST / "robin.toml")
PERSONAS = ("nova", "robin")
PEOPLE = ("Ada", "Bob", "Cem")
SPEAKER = "Dot"
"""Speaks; the others write."""
TONES = 150
"""Most turns that are spoken; the highest is below the half of the ears' rate."""
TONE_S = 1.4
"""As long as it takes to say as many words."""
FRAME_S = 0.02
ROOM = "lobby"
LINES_AT_ONCE = 3
MIND_BACK_S = 30.0
SETTLED_S = 90.0
LAST_WORD_S = 2.0
"""Within which a turn that was just spoken is shown."""
MOMENTS: tuple[Callable[[Message], bool], ...] = (
    lambda told: told["type"] == "ack",
    lambda told: told["type"] == "chat" and told["from"] in PERSONAS,
    lambda told: told["type"] == "caption" and told["id"] in PERSONAS and not told["final"],
    lambda told: told["type"] == "caption" and told["id"] in PERSONAS and told["final"],
    lambda told: told["type"] == "caption" and told["id"] not in PERSONAS and not told["final"],
    lambda told: told["type"] == "caption" and told["id"] not in PERSONAS and told["final"],
    lambda told: told["type"] == "floor",
    lambda told: told["type"] == "participant" and told["participant"]["status"] == "thinking",
    lambda told: told["type"] == "participant" and told["participant"]["status"] == "listening",
)
"""What a person sees shortly before the mind dies."""


@dataclass
class Nursery:
    """Starts minds and ends them."""

    process: Process
    launch: Launch
    mind: int | None = None

    async def start(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(self.launch.model_dump_json().encode() + b"\n")
        self.mind = int((await self._line()).removeprefix("started "))

    async def end(self, number: signal.Signals) -> int:
        """The mind's exit status after a signal, as `waitpid` has it."""
        assert self.mind is not None
        os.kill(self.mind, number)
        status = int((await self._line()).removeprefix("ended "))
        self.mind = None
        return status

    async def _line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(MIND_BACK_S):
            return (await self.process.stdout.readline()).decode().strip()


@asynccontextmanager
async def nursery(launch: Launch, log: Path) -> AsyncIterator[Nursery]:
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.signaling.killable_mind",
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            cwd=ROOT,
        )
        made = Nursery(process, launch)
        try:
            yield made
        finally:
            if made.mind is not None:
                await made.end(signal.SIGKILL)
            assert process.stdin is not None
            process.stdin.close()
            async with asyncio.timeout(10):
                await process.wait()


@dataclass
class Acknowledged:
    """What people were told is kept."""

    written: dict[tuple[str, str], str] = field(default_factory=dict)
    """Texts by sender and id of the line."""
    reminders: set[tuple[str, str]] = field(default_factory=set)
    """Those that ask for one."""
    opinions: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Giver, persona, line, value."""
    judged: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody has given an opinion."""


def told(client: Client, since: int = 0) -> Iterator[Message]:
    """Everything a client was told, read or not."""
    return (json.loads(text) for text in client.socket.sent[since:])


async def until_told(client: Client, wanted: Callable[[Message], bool], seconds: float) -> bool:
    """Waits for the next message that is wanted, whoever else reads it; false when none comes in time."""
    read = len(client.socket.sent)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), client.socket.changed:
            while True:
                if any(map(wanted, told(client, read))):
                    return True
                read = len(client.socket.sent)
                await client.socket.changed.wait()
    return False


def lines_of(client: Client, persona: str) -> list[str]:
    """Ids of a persona's written lines that a client has seen, oldest first."""
    return [each["id"] for each in told(client) if each["type"] == "chat" and each["from"] == persona]


class Talker:
    """A person who talks with the personas, and waits for each acknowledgement."""

    def __init__(self, client: Client, name: str, chance: random.Random, kept: Acknowledged) -> None:
        self.client = client
        self._name = name
        self._chance = chance
        self._kept = kept
        self._count = 0
        self._judged: set[str] = set()

    async def talk(self, remind: bool) -> None:
        """Says a few things, asks to be reminded of one, judges what was said."""
        for number in range(LINES_AT_ONCE):
            await asyncio.sleep(self._chance.uniform(0.0, 0.3))  # people take their time
            persona = self._chance.choice(("Nova", "Robin"))
            self._count += 1
            if remind and number == 0:
                await self._write(
                    f"{persona}, remind me in one second to look at picture {self._count}.", True
                )
            elif self._chance.random() < 0.3:
                await self._write(f"{persona}, what do you think of picture {self._count}?")
            else:
                await self._write(f"{persona}, picture {self._count} is lovely.")
            await self._judge()

    async def _write(self, text: str, remind: bool = False) -> None:
        id = f"{self._name}-{self._count}"
        key = (self.client.id, id)
        await self._acknowledged({"type": "chat", "id": id, "text": text})
        self._kept.written[key] = text
        if remind:
            self._kept.reminders.add(key)

    async def _judge(self) -> None:
        persona = self._chance.choice(PERSONAS)
        new = [line for line in lines_of(self.client, persona)[-20:] if line not in self._judged]
        if not new or self._chance.random() < 0.3:
            return
        line, value = self._chance.choice(new), self._chance.choice((1, 1, -1))
        self._judged.add(line)
        opinion = {"type": "feedback", "id": f"f-{line}", "persona": persona, "line": line, "value": value}
        await self._acknowledged(opinion)
        self._kept.opinions.append((self._name.lower(), persona, line, value))
        self._kept.judged.set()

    async def _acknowledged(self, message: Message) -> None:
        """Says it again until it is acknowledged, as a client does that was told that the mind is away."""
        async with asyncio.timeout(MIND_BACK_S):
            while True:
                self.client.send(**message)
                answer = await self.client.next()
                while answer["type"] not in ("ack", "error") or answer.get("id") != message["id"]:
                    answer = await self.client.next()
                if answer["type"] == "ack":
                    return
                assert answer["code"] in ("mind-away", "too-fast"), answer
                await asyncio.sleep(0.5)  # what the server asks for


class Speaker:
    """A person who speaks with the personas, a tone a turn, and says nothing twice."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self.spoken = 0

    async def talk(self) -> None:
        """Speaks until there are no more tones, with pauses in which personas answer."""
        encoder, sequence = OpusEncoder(), 0
        peer, loop = self._client.peer, asyncio.get_running_loop()
        due = loop.time()
        silence = np.zeros(FRAME, np.int16)
        for number in range(TONES):
            at = np.arange(int(TONE_S / FRAME_S) * FRAME) / FRAME * FRAME_S
            tone = (12_000 * np.sin(2 * np.pi * pitch_of(number) * at)).astype(np.int16)
            pause = int(self._chance.uniform(1.2, 3.0) / FRAME_S)
            self.spoken += 1
            for frame in [*tone.reshape(-1, FRAME), *[silence] * pause]:
                packet = encoder.encode(frame)
                sent = ReceivedPacket(sequence & 0xFFFF, sequence * FRAME, packet, time.monotonic_ns())
                peer.jitter.push(sent)
                sequence += 1
                due += FRAME_S
                await asyncio.sleep(due - loop.time())


async def killed_at_random(nursery: Nursery, client: Client, chance: random.Random, kills: int) -> None:
    for _ in range(kills):
        await nursery.start()
        if chance.random() < 0.4:
            # From its first line to well into the talk.
            await asyncio.sleep(chance.uniform(0.0, 1.2))
        else:
            await until_told(client, _seated, MIND_BACK_S)
            await until_told(client, chance.choice(MOMENTS), 2.0)
            await asyncio.sleep(chance.uniform(0.0, 0.03))
        assert os.WIFSIGNALED(await nursery.end(signal.SIGKILL)), "it did not end by itself"


def _seated(told: Message) -> bool:
    return bool(told["type"] == "participant" and told["participant"]["status"] == "listening")


def kept(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(open_reader(path)) as connection:
        return connection.execute(sql).fetchall()


def timeline(path: Path) -> list[Entry]:
    entries: list[Entry] = []
    with closing(open_reader(path)) as connection:
        assert check(connection) is None
        after = None
        while True:
            part = page(connection, Query(), after=after, limit=500)
            entries += part.entries
            after = part.next
            if after is None:
                return entries


def event_of(entry: Entry) -> Event:
    detail = entry.detail
    match entry.kind:
        case "arrived":
            return Arrived(ROOM, entry.participant, entry.name, entry.at)
        case "read":
            return Read(ROOM, entry.participant, entry.name, entry.text, entry.at, str(detail["line"]))
        case "heard":
            return Heard(ROOM, entry.participant, entry.name, entry.text, entry.at, entry.id)
        case "said":
            interrupted = bool(detail.get("interrupted"))
            return Said(
                ROOM, entry.participant, entry.text, entry.at, interrupted, entry.id, detail["medium"]
            )
        case "did":
            given, line = detail["feedback"], str(detail["line"])
            return Feedback(ROOM, entry.participant, detail["persona"], given, entry.at, line, entry.id)
        case other:
            raise AssertionError(other)


def replayed(
    persona: Persona,
    lived: list[tuple[str, float]],
    events: dict[str, Event],
    present: list[Attendee],
    end: float,
) -> State:
    """How a persona is after all it has lived through, each once, at the instants at which it did."""
    state = State(at=lived[0][1])
    for key, at in lived:
        event = events[key]
        text = event.text if isinstance(event, Heard | Read | Said) else ""
        state = applied(advanced(state, at), appraise(event, Wording.of(text), persona, present))
    return advanced(state, end)


async def until_settled(home: House, path: Path) -> None:
    """All reminders are given, all lines on the disk."""

    def unsettled() -> bool:
        waiting = kept(path, "SELECT id FROM intention WHERE kind = 'remind'")
        return bool(waiting) or len(home.mind.unkept) > 0

    async with asyncio.timeout(SETTLED_S):
        # Nobody is told when a reminder is off the list.
        while unsettled():  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def talk_and_kill(directory: Path, kills: int) -> None:
    chance = random.Random(kills)
    settings = Settings(state_dir=directory / "state", personas=PROFILES)
    path, acknowledged = settings.store_path, Acknowledged()
    path.parent.mkdir()
    rings = directory / "run"
    rings.mkdir()
    launch = Launch(settings=settings, run_dir=rings)
    async with house(rings) as home, line_to(home), nursery(launch, directory / "mind.log") as minds:
        playing = asyncio.create_task(home.plane.run())
        talkers = []
        for name in PEOPLE:
            client = home.arrive()
            await client.join(name)
            await client.connect(DEAF_OFFER)
            talkers.append(Talker(client, name, random.Random(f"{name} {kills}"), acknowledged))
        ada = talkers[0].client

        async def talk() -> None:
            for round_ in range(10 * kills):
                async with asyncio.TaskGroup() as group:
                    for number, talker in enumerate(talkers):
                        group.create_task(talker.talk(remind=round_ % 6 == 2 * number))
                # A lull, in which personas can say what they want to say by themselves.
                await asyncio.sleep(chance.uniform(0.5, 3.0))

        dot = home.arrive()
        await dot.join(SPEAKER)
        (await dot.connect()).streams = (ReceivedStream("audio", 1, 0, 0.0),)
        speaker = Speaker(dot, random.Random(f"{SPEAKER} {kills}"))
        speaking = asyncio.create_task(speaker.talk())
        talking = asyncio.create_task(talk())
        await minds.start()
        await acknowledged.judged.wait()
        await minds.end(signal.SIGKILL)
        await killed_at_random(minds, ada, random.Random(-kills), kills - 1)
        # Whoever talks just now ends what they say; what is answered once the mind is back is acknowledged, too.
        await minds.start()
        await until_told(ada, _seated, MIND_BACK_S)
        for task in (talking, speaking):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await until_told(ada, lambda told: told["type"] == "caption" and told["id"] == dot.id, LAST_WORD_S)
        await until_settled(home, path)
        assert os.waitstatus_to_exitcode(await minds.end(signal.SIGTERM)) == 0
        people = {talker.client.id: name for name, talker in zip(PEOPLE, talkers, strict=True)}
        people[dot.id] = SPEAKER
        assert_nothing_lost_and_nothing_twice(path, acknowledged, people, list(told(ada)), kills)
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing


def assert_nothing_lost_and_nothing_twice(
    path: Path, acknowledged: Acknowledged, people: dict[str, str], seen: list[Message], kills: int
) -> None:
    entries = timeline(path)

    # Messages.
    written = Counter((each.participant, str(each.detail["line"])) for each in entries if each.kind == "read")
    assert set(acknowledged.written) <= set(written)
    assert set(written.values()) == {1}
    assert len(acknowledged.written) > kills
    texts = {
        (each.participant, str(each.detail["line"])): each.text for each in entries if each.kind == "read"
    }
    assert all(texts[key] == text for key, text in acknowledged.written.items())

    # Spoken turns: one that was shown to be over is in the room's transcript, and was said once.
    spoken = Counter((each.participant, each.id) for each in entries if each.kind == "heard")
    assert set(spoken.values()) == {1}
    finals = {
        (each["id"], each["utterance"]): each["text"]
        for each in seen
        if each["type"] == "caption" and each["final"] and each["text"] and each["id"] in people
    }
    words = {(each.participant, each.id): each.text for each in entries if each.kind == "heard"}
    assert {key: words.get(key) for key in finals} == finals
    assert len(finals) > kills / 10, "some turns are shown before their mind dies"
    assert any(each.detail.get("answers", [""])[0] in {id for id, _ in words} for each in entries), "answered"
    assert set(words.values()) <= {words_of(number) for number in range(TONES)}
    assert len(set(words.values())) == len(words), "no turn was heard twice"

    # What personas said: whoever saw it may count on it.
    said = Counter((each.participant, each.id) for each in entries if each.kind == "said")
    assert set(said.values()) == {1}
    shown = [
        (each["from"], each["id"]) for each in seen if each["type"] == "chat" and each["from"] in PERSONAS
    ]
    heard = [
        (each["id"], each["utterance"])
        for each in seen
        if each["type"] == "caption" and each["final"] and each["text"] and each["id"] in PERSONAS
    ]
    assert set(shown) | set(heard) <= set(said)
    assert len(shown) == len(set(shown))
    assert len(heard) == len(set(heard))

    # Intentions.
    open_ = {str(id) for (id,) in kept(path, "SELECT id FROM intention")}
    ended = {
        str(id): (kind, status)
        for id, kind, status in kept(path, "SELECT id, kind, status FROM intention_ended")
    }
    assert not open_ & ended.keys()
    reminders = {id: status for id, (kind, status) in ended.items() if kind == "remind"}
    asked = {key for key, text in (texts | words).items() if "remind me" in text}
    assert acknowledged.reminders <= asked
    assert len(reminders) == len(asked), "each wish is one intention"
    assert set(reminders.values()) == {"done"}
    given = Counter(id for _, id in said if id in reminders)
    assert given == Counter(dict.fromkeys(reminders, 1))

    # Reputation.
    ledger = Counter(
        kept(path, "SELECT giver, persona, subject, value FROM reputation WHERE kind = 'feedback'")
    )
    opinions = [
        (giver_key(giver), persona, line_of(ROOM, line), value)
        for giver, persona, line, value in acknowledged.opinions
    ]
    assert set(opinions) <= set(ledger)
    assert set(ledger.values()) == {1}
    assert len(set(ledger) - set(opinions)) <= len(people), "only what was not acknowledged yet"

    # Mood and energy: each thing that happened has moved each persona once.
    lived = [(str(key), float(str(at))) for key, at in kept(path, "SELECT id, at FROM lived ORDER BY at")]
    events = {key_of(event): event for event in map(event_of, entries)}
    assert sorted(events) == sorted(key for key, _ in lived)
    present = [Attendee(id, name, "person") for id, name in people.items()]
    present += [Attendee(path.stem, path.stem.title(), "persona") for path in PROFILES]
    for profile in PROFILES:
        row = kept(
            path, f"SELECT energy, valence, arousal, at FROM persona_state WHERE persona = '{profile.stem}'"
        )
        energy, valence, arousal, at = (float(str(each)) for each in row[0])
        state = replayed(load_persona(profile), lived, events, present, at)
        assert (energy, valence, arousal) == pytest.approx(
            (state.energy, state.valence, state.arousal), abs=1e-4
        )
        assert energy < 1.0
        assert valence != State().valence


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(400)
async def test_a_mind_killed_fifty_times_in_a_talk_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    await talk_and_kill(tmp_path, 50)
