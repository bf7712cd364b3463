"""The mind process: loads the engines, keeps the line to media, attends every room that is open there."""

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from cognition.conversation.disposition import Disposition
from cognition.conversation.floor import Attendee
from cognition.events import Event
from cognition.inference.generator import GenerationError
from cognition.persona.actions import Allowed, may
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, ProfileError
from cognition.persona.recollection import Allowance
from cognition.persona.trust import Trust
from cognition.store.erasure import Traces
from cognition.store.errors import DiskError, StoreError
from cognition.store.store import Storage, open_store
from cognition.store.timeline import Place, known_place, open_places
from media.speech.backchannel import is_backchannel
from media.speech.sessions import ModelError
from media.speech.voice import Voice, VoiceError
from signaling.attending import Attending
from signaling.bearing import Bearings
from signaling.cast import Cast
from signaling.chronicle import Chronicle
from signaling.discussions import Discussions
from signaling.engines import Engines, load_engines
from signaling.heap import trim
from signaling.ipc.endpoint import CallError, Endpoint, Handler, RpcError, connect_forever
from signaling.ipc.jsonrpc import INTERNAL_ERROR, JsonObject
from signaling.ipc.transcript import latest
from signaling.judgements import Judgements
from signaling.left_alone import Errand, LeftAlone
from signaling.living import Living
from signaling.logs import configure_logs
from signaling.long_memory import LongMemory
from signaling.open_room import OpenRoom
from signaling.profiles import Profiles
from signaling.self_service import SelfServing
from signaling.server.names import FRONT_ROOM
from signaling.settings import Launch, Settings, SettingsError
from signaling.signals import until_signalled
from signaling.weights_cache import WeightsError

__all__ = ["MindProcess", "main"]

IPC_VERSION = 1
MAX_EARLY = 8192
"""Notifications that may wait until the rooms are taken over."""
ALLOWANCE = Allowance(stable=160, fresh=80, late=30)
"""Tokens of a prompt that what is remembered may have: 0.3 s of evaluation after the end of speech at the very most."""
ATTEMPTS = 5
"""How often a room that fails is attended."""
RETRY_AFTER = 1.0
"""Seconds before a room that failed is attended anew."""
VACANT = 60.0
"""Seconds after a connection to media from which on a room with nobody in it is forgotten; media does the same."""
COUNTS_EVERY = 5.0
"""Seconds between two looks at what was counted."""
SWITCH_INTERVAL = 0.0005
"""Seconds a thread may hold the interpreter while another waits: at the usual 5 ms the loop stands behind readers."""
READY_WITH = 3
"""Personas whose instructions are evaluated before the mind says that it is ready; the others' follow."""
EX_CONFIG = 78
"""Exit status of a process that will fail again when started again (sysexits.h)."""
EX_TEMPFAIL = 75
"""Exit status of a process that may succeed when started again."""

LoadEngines = Callable[[Settings, tuple[Persona, ...]], AbstractAsyncContextManager[Engines]]

_log = structlog.get_logger()


class StartError(Exception):
    """The personas and settings do not go together; the message says how."""


class MindProcess:
    """Everything the mind does, with engines handed in.

    Args:
        engines: what it hears, thinks and speaks with.
        personas: who takes a seat in every room, in order of precedence.
        settings: how replies are made.
        store: where what is lived is kept.
        profiles: where those of the personas are kept.
        now: the wall clock, UTC.
    """

    def __init__(
        self,
        engines: Engines,
        personas: tuple[Persona, ...],
        settings: Settings,
        store: Storage,
        profiles: Profiles,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engines = engines
        self._personas = {persona.id: persona for persona in personas}
        self._settings = settings
        self._store = store
        self._voices = dict(engines.voices)
        self._memory = LongMemory(
            store,
            engines.memory,
            count=engines.generator.count,
            disposition=self._disposition,
            now=now,
            let_go=self._let_go,
        )
        self._self_serving = SelfServing(
            store,
            self._memory,
            lambda: self._mind,
            lambda: self._chronicle.written(),
            lambda: now().astimezone(),
        )
        self._chronicle = Chronicle(store, self._personas.values(), self._persons, grown=self._memory.lived)
        self._living = Living(
            store,
            engines.generator,
            lambda: self._attending.attendances,
            lambda due: self._judgements.allows(due),
        )
        self._mind = Mind(
            personas,
            engines.generator,
            max_tokens=settings.reply.max_tokens,
            is_backchannel=is_backchannel,
            disposition=self._disposition,
            held_back=self._living.held_back,
            missed=self._living.missed,
            observe=self._observe,
            embedder=self._memory.embedder if engines.memory is not None else None,
            recollection=self._memory,
            allowance=ALLOWANCE if engines.memory is not None else Allowance(),
            now=now,
            replying=self._memory.replying,
            wishes=self._self_serving,
            thinks=self._living.in_mind,
        )
        self._trust = Trust(store)
        self._bearings = Bearings(self._disposition, lambda persona: self._trust.standing(persona).level)
        self._judgements = Judgements(
            self._trust,
            store,
            lived=self._judged,
            personas=lambda: self._personas,
            persons=self._persons,
            lines=self._mind.lines,
            changed=self._bearings.show,
        )
        self._cast = Cast(
            profiles,
            lambda: self._personas,
            lambda: self._living.life,
            engines.make_voice,
            self._admit,
            self._dismiss,
        )
        self._rooms: dict[str, OpenRoom] = {}
        self._told: Counter[str] = Counter()
        """Counts that media knows."""
        self._early: list[tuple[str, JsonObject]] = []
        self._attached: tuple[asyncio.TaskGroup, Endpoint] | None = None
        self._taken_over = asyncio.Event()
        """The rooms of the present connection are known."""
        self.dropped: Counter[str] = Counter()
        """What could not be done, by reason."""
        self._left_alone = LeftAlone(
            self._mind, store, now, personas=self._personas, quiet=self._memory.quiet
        )
        self._discussions = Discussions(
            self._personas, self._disposition, self._exists, self._busy, self._leave_to_talk, now
        )
        self._attending = Attending(
            engines,
            settings,
            store,
            mind=self._mind,
            living=self._living,
            bearings=self._bearings,
            personas=self._personas,
            voices=self._voices,
            dropped=self.dropped,
            sounding=self._memory.sounding,
            explains=self._self_serving.explain_later,
            may_turn=self._judgements.may_turn,
            left_alone=self._left_alone,
        )

    def _admit(self, persona: Persona, voice: Voice) -> None:
        """A new persona, or a new profile of one, in all rooms at once.

        Raises:
            ValueError: its profile leaves the model no room for a conversation; nothing is changed.
        """
        self._mind.admit(persona)
        self._personas[persona.id], self._voices[persona.id] = persona, voice
        self._reseat_everywhere(persona.id)
        if self._attached is not None:
            self._attached[0].create_task(self.warm_up())

    def _dismiss(self, persona: str) -> None:
        del self._personas[persona]
        self._reseat_everywhere(persona)
        if not self._attending.attendances:
            self._mind.dismiss(persona)

    def _reseat_everywhere(self, persona: str) -> None:
        for room, opened in self._rooms.items():
            opened.inbox.put("persona.changed", {"room": room, "id": persona})

    def _disposition(self, persona: str) -> Disposition:
        allowed = may("interrupt", self._trust.standing(persona).level)
        return replace(self._living.disposition(persona), may_interrupt=isinstance(allowed, Allowed))

    def _observe(self, event: Event, present: Sequence[Attendee]) -> None:
        self._chronicle.observe(event, present)
        self._living.observe(event, present)
        self._judgements.observe(event)

    def _judged(self, event: Event) -> None:
        """Praise and blame reach also who has yet to take its seat again after a restart."""
        present = [
            Attendee(id, str(each["name"]), "person") for id, each in self._persons(event.room).items()
        ]
        present += [Attendee(each.id, each.name, "persona") for each in self._personas.values()]
        self._observe(event, present)

    async def _feedback(self, params: JsonObject) -> JsonObject:
        """Answers `feedback` once it is known who is in the room, and the timeline holds it as the ledger does."""
        await self._taken_over.wait()
        answer = await self._judgements.feedback(params)
        await self._chronicle.written()
        return answer

    async def _discuss(self, params: JsonObject) -> JsonObject:
        """Answers `persona.discuss` once it is known who is where."""
        await self._taken_over.wait()
        try:
            return await self._discussions.discuss(params)
        except StoreError as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error

    async def _exists(self, room: str) -> bool:
        return room == FRONT_ROOM or await self._store.read(partial(known_place, place=Place(room)))

    def _busy(self, room: str) -> bool:
        return room in self._rooms or room in self._mind.rooms()

    def _leave_to_talk(self, room: str, errand: Errand) -> None:
        """Opens a room of these personas only."""
        if self._attached is None:
            raise RpcError(INTERNAL_ERROR, "the line to media is lost")
        group, _ = self._attached
        line = errand.line
        asker = {"id": line.participant, "name": line.name, "identity": errand.identity}
        opened = self._rooms[room] = OpenRoom(over=True, errand=errand, last=asker)
        personas = [self._personas[id] for id in errand.personas]
        for persona in personas:
            self._mind.enter(room, persona.id, persona.name, "persona")
        opened.away = {line.participant: asker}
        self._mind.enter(room, line.participant, line.name, "person", errand.identity)
        self._mind.record(line)
        present = [Attendee(each.id, each.name, "persona") for each in personas]
        self._chronicle.ordered(line, [Attendee(line.participant, line.name, "person"), *present])
        opened.task = group.create_task(self._talk_alone(room, opened))

    async def _let_go(self, traces: Traces) -> None:
        """Somebody is to be forgotten: no prompt says any more what was known of them, and no persona keeps it."""
        self._mind.let_go(traces.ids, traces.lines)
        self._left_alone.forget(traces.identity, traces.rooms)
        await self._living.forget(traces)

    async def warm_up(self, most: int | None = None) -> None:
        """Makes the first reply in a new room as fast as the others, of so many personas at most."""
        if not self._settings.reply.prefill:
            return
        try:
            await self._mind.warm_up(most)
        except GenerationError as error:
            _log.warning("prefill failed", reason=str(error))
            self.dropped["prefill failed"] += 1

    async def run(self, socket: Path) -> None:
        """Keeps the line to media until cancelled."""
        handlers: dict[str, Handler] = {
            method: partial(self._deliver, method)
            for method in (
                "participant.joined",
                "participant.connected",
                "participant.left",
                "gate.opened",
                "gate.closed",
                "chat.received",
                "voice.progress",
                "voice.held",
                "whisper",
                "microphone",
                "voice.named",
            )
        }
        handlers |= {
            "feedback": self._feedback,
            "persona.card": self._judgements.card,
            "persona.manage": self._cast.manage,
            "memory.known": self._self_serving.known,
            "memory.correct": self._self_serving.correct,
            "memory.forget": self._self_serving.forget,
            "room.openness": self._self_serving.openness,
            "explain": self._self_serving.explain,
            "persona.discuss": self._discuss,
        }
        await self._living.open(self._personas.values())
        await self._trust.load()
        await self._judgements.resume()
        await self._left_alone.open()
        for place in await self._store.read(open_places):
            if place == Place(place.room):
                self._mind.open_up(place.room, True)
        for room, lines in (await self._chronicle.recent()).items():
            self._mind.restore(room, lines)
        async with asyncio.TaskGroup() as group:
            running = (self._chronicle.run(), self._living.run(), self._judgements.run(), self._memory.run())
            tasks = [group.create_task(one) for one in running]
            try:
                await connect_forever(socket, handlers, self._session)
            finally:
                await self._chronicle.flush()
                for task in tasks:
                    task.cancel()

    async def _session(self, endpoint: Endpoint) -> None:
        """One connection to media: takes over its rooms and attends them until it ends."""
        self._rooms, self._early = {}, []
        self._chronicle.begin()
        states = await self._attach(endpoint)
        try:
            async with asyncio.TaskGroup() as group:
                self._attached = group, endpoint
                for room, state in states.items():
                    self._take_over(room, state["participants"], state["history"])
                for method, params in self._early:
                    self._deliver(method, params)
                self._taken_over.set()
                counting = group.create_task(self._tell_counts(endpoint))
                forgetting = group.create_task(self._forget_vacant())
                catching_up = group.create_task(self._chronicle.catch_up(endpoint))
                warming = group.create_task(self.warm_up())
                await endpoint.wait_closed()
                for task in (counting, forgetting, catching_up, warming):
                    task.cancel()
        finally:
            self._attached = None
            self._taken_over.clear()
            self._memory.all_silent()

    async def _forget_vacant(self) -> None:
        """Forgets the rooms that were brought back and to which nobody has returned."""
        await asyncio.sleep(VACANT)
        for room in self._mind.rooms():
            if room not in self._rooms:
                self._mind.forget(room)
                self._judgements.forget(room)
                _log.info("forgotten: nobody came back", room=room)
        await self._chronicle.settle()

    async def _tell_counts(self, endpoint: Endpoint) -> None:
        """Tells media from time to time what was counted, for its metrics."""
        while True:
            await asyncio.sleep(COUNTS_EVERY)
            self._bearings.show()
            counts = sum(
                (each.counts() for each in self._attending.attendances),
                self.dropped
                + self._attending.gone
                + self._mind.counts
                + self._chronicle.counts()
                + self._living.counts()
                + self._judgements.counts()
                + self._memory.counts()
                + self._self_serving.counts
                + self._left_alone.counts,
            )
            news = counts - self._told
            if news and endpoint.notify("counted", dict(news)):
                self._told = counts

    async def _attach(self, endpoint: Endpoint) -> dict[str, JsonObject]:
        """Brings back what media has lost and fetches the states of the rooms that are open, one at a time."""
        opened = sorted(self._mind.opened)
        attached = await endpoint.call("attach", {"version": IPC_VERSION, "opened": opened})
        for room in self._mind.rooms():
            try:
                await endpoint.call("room.restore", {"room": room, "lines": latest(self._mind.lines(room))})
            except RpcError as error:
                _log.warning("room not restored", room=room, reason=str(error))
                self.dropped["room not restored"] += 1
        states: dict[str, JsonObject] = {}
        for room in attached["rooms"]:
            if len(self._early) > MAX_EARLY:
                raise CallError(f"more than {MAX_EARLY} news while the rooms are taken over")
            try:
                states[room] = await endpoint.call("room.state", {"room": room})
            except RpcError as error:
                # It has closed meanwhile; were it opened again, its people follow as news.
                _log.info("room not taken over", room=room, reason=str(error))
        _log.info("attached", rooms=len(states))
        return states

    def _take_over(self, room: str, participants: list[JsonObject], history: list[JsonObject]) -> None:
        """A room that was open before: whoever is there was greeted if a persona has spoken in it."""
        self._mind.restore(room, history)
        self._chronicle.take_over(room, history, participants)
        self._living.take_over(room, history, participants)
        greeted = any(line["from"] in self._personas for line in history)
        for participant in participants:
            self._deliver("participant.joined", {**participant, "greeted": greeted})
            if participant["connected"]:
                self._deliver("participant.connected", participant)
        self._judgements.take_over(room, history)

    def _persons(self, room: str) -> dict[str, JsonObject]:
        known = self._rooms.get(room)
        return {**known.away, **known.persons} if known is not None else {}

    def _deliver(self, method: str, params: JsonObject) -> None:
        """Puts news of a room into its inbox; the first person opens it."""
        if method == "participant.joined":
            params = {"entered_ns": time.monotonic_ns(), **params}
        if self._attached is None:
            # The states of the rooms are taken in first; whatever is told is later than they are.
            self._early.append((method, params))
            return
        group, endpoint = self._attached
        room, who = str(params["room"]), str(params["id"])
        if method != "participant.joined":
            self._chronicle.told(method, params)
        known = self._rooms.get(room)
        if known is None or not known.persons:
            if method != "participant.joined":
                self.dropped[f"{method}: no such room"] += 1
                return
            before = known.task if known is not None else None
            if known is not None:
                known.returned.set()
            known = self._rooms[room] = OpenRoom(before=before)
            known.task = group.create_task(self._attend(endpoint, room, known))
        if method in ("gate.opened", "gate.closed", "participant.left"):
            self._memory.speaking(room, who, method == "gate.opened")
        if method == "participant.joined":
            known.persons[who] = params
            self._chronicle.told(method, params)
        elif method == "participant.left":
            known.last = known.persons.pop(who, known.last)
        elif method == "whisper" and who in known.persons:
            known.persons[who] = {**known.persons[who], "listeners": params.get("listeners")}
        elif method == "microphone" and who in known.persons:
            known.persons[who] = {**known.persons[who], "shared": params.get("shared")}
        for lost in known.inbox.put(method, params):
            self.dropped[f"{lost}: inbox full"] += 1

    async def _attend(self, endpoint: Endpoint, room: str, opened: OpenRoom) -> None:
        """Attends a room to its end; one that fails is attended anew, and no other room notices."""
        if opened.before is not None:
            await asyncio.wait([opened.before])
        for _ in range(ATTEMPTS):
            try:
                await self._attending.attend(endpoint, room, opened)
                break
            except Exception as error:  # whatever it is, the other rooms are not to suffer from it
                self.dropped["room failed"] += 1
                _log.exception("room failed", room=room, exc_info=error)
                await asyncio.sleep(RETRY_AFTER)
                opened.reintroduce()
        if opened.over:
            await self._talk_alone(room, opened)

    async def _talk_alone(self, room: str, opened: OpenRoom) -> None:
        """Lets the personas of a room that no person is in finish what they are to talk about, and closes it."""
        self._memory.vacate(room)
        if opened.errand is not None:
            opened.away = {opened.errand.line.participant: opened.last}
            try:
                await self._left_alone.go_on(room, opened.errand, opened.returned)
            except Exception as error:  # whatever it is, the other rooms are not to suffer from it
                self.dropped["room failed"] += 1
                _log.exception("room failed", room=room, exc_info=error)
            finally:
                opened.away = {}
                self._discussions.over(room)
        self._mind.forget(room)
        self._living.vacate(room)
        self._judgements.forget(room)
        self._memory.vacate(room)
        if self._rooms.get(room) is opened:
            del self._rooms[room]
        if opened.returned.is_set():
            # Whoever came waits for it.
            return
        await self.warm_up()
        if not self._rooms:
            # Nobody is kept waiting by it.
            trim()


async def _run(launch: Launch, load: LoadEngines) -> None:
    profiles = Profiles(launch.settings.persona_paths(), launch.settings.profiles_dir)
    personas = profiles.load()
    async with (
        open_store(launch.settings.store_path) as store,
        load(launch.settings, personas) as engines,
    ):
        try:
            process = MindProcess(engines, personas, launch.settings, store, profiles)
        except ValueError as error:
            raise StartError(str(error)) from error
        gc.collect()
        gc.freeze()
        await process.warm_up(READY_WITH)
        launch.report_ready(json.dumps({"personas": [persona.name for persona in personas]}))
        await process.run(launch.run_dir / "media.sock")


def main(load: LoadEngines = load_engines) -> int:
    """Runs the mind process as the supervisor launched it; 0 when asked to end, 78 with one line a reason."""
    try:
        launch = Launch.from_environment()
        configure_logs()
        sys.setswitchinterval(SWITCH_INTERVAL)
        asyncio.run(until_signalled(lambda: _run(launch, load)))
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)  # noqa: T201
        return EX_CONFIG
    except DiskError as error:
        # Room can be made meanwhile, and the call goes on for those who are in it.
        print(error, file=sys.stderr)  # noqa: T201
        return EX_TEMPFAIL
    except (
        StoreError,
        WeightsError,
        ModelError,
        GenerationError,
        ProfileError,
        VoiceError,
        StartError,
    ) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EX_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
