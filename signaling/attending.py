"""Attends single rooms of a connection to media: seats the personas, and follows the news until everybody has left."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from cognition.events import Arrived, Heard, Left, Read
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona
from cognition.rag.context import Account
from cognition.store.errors import StoreError
from cognition.store.store import Storage
from cognition.store.timeline import Place, heard_by
from media.realtime.ring import AudioRing, RingError
from media.speech.listener import Listener
from media.speech.shared_microphone import SharedMicrophone
from media.speech.vad import SileroVoiceActivity
from media.speech.voice import Voice
from signaling.attendance import Attendance, Attendant
from signaling.bearing import Bearings
from signaling.chronicle import line_read
from signaling.dues import MayTurn
from signaling.engines import Engines
from signaling.ipc.endpoint import CallError, Endpoint
from signaling.ipc.jsonrpc import JsonObject
from signaling.ipc.shared_memory import SharedFile, SharedFileError
from signaling.left_alone import LeftAlone
from signaling.living import Living
from signaling.open_room import OpenRoom, listeners_of
from signaling.presence import Presence
from signaling.room_line import RoomLine
from signaling.settings import Settings
from signaling.shared_voices import SharedVoices

__all__ = ["Attending"]

_log = structlog.get_logger()


class Attending:
    """The rooms that are attended now.

    Args:
        engines: what the mind hears, thinks and speaks with.
        settings: how replies are made.
        store: where voices are known by.
        mind: decides and composes.
        living: of the personas.
        bearings: shows how the personas are.
        personas: who takes a seat, by id; looked at anew for each room.
        voices: theirs.
        dropped: counts what could not be done, by reason.
        sounding: told when a persona's voice begins to sound in a room, and when that is over.
        explains: told how a reply came about, with its id.
        may_turn: whether a persona, by room and id, is trusted with turning to another one.
        left_alone: has what personas said to each other when nobody was there.

    Attributes:
        attendances: those that are under way.
        gone: counts of those that are over.
    """

    def __init__(
        self,
        engines: Engines,
        settings: Settings,
        store: Storage,
        *,
        mind: Mind,
        living: Living,
        bearings: Bearings,
        personas: Mapping[str, Persona],
        voices: Mapping[str, Voice],
        dropped: Counter[str],
        sounding: Callable[[str, str, bool], None],
        explains: Callable[[str, tuple[Account, ...]], None],
        may_turn: MayTurn,
        left_alone: LeftAlone,
    ) -> None:
        self._left_alone = left_alone
        self._engines = engines
        self._settings = settings
        self._store = store
        self._mind = mind
        self._living = living
        self._bearings = bearings
        self._personas = personas
        self._voices = voices
        self.dropped = dropped
        self._sounding = sounding
        self._explains = explains
        self._may_turn = may_turn
        self.attendances: list[Attendance] = []
        self.gone: Counter[str] = Counter()

    async def attend(self, endpoint: Endpoint, room: str, opened: OpenRoom) -> None:
        """Attends a room until its last person has left.

        Args:
            endpoint: the line to media.
            room: the room's id.
            opened: news of it, and who is there.

        Raises:
            Exception: whatever went wrong; what was open is closed.
        """
        attendance = Attendance(
            room,
            mind=self._mind,
            port=RoomLine(endpoint, room),
            speculative=self._settings.reply.speculative,
            anticipate=self._settings.reply.prefill,
            life=self._living.life,
            may_turn=self._may_turn,
            witnesses=partial(self._witnesses, room),
        )
        ready = asyncio.Event()
        rings: dict[str, SharedFile] = {}
        self.attendances.append(attendance)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(attendance.run(ready.set))
                await ready.wait()
                try:
                    for persona in list(self._personas.values()):
                        await self._seat(endpoint, attendance, persona, rings)
                    await self._follow(endpoint, attendance, opened, rings)
                finally:
                    attendance.close()
        finally:
            for who in attendance.persons:
                self._mind.leave(room, who)
            self.attendances.remove(attendance)
            self._bearings.leave(room)
            self.gone += attendance.counts()
            for ring in rings.values():
                ring.close()

    async def _witnesses(self, room: str, line: Heard | Read) -> frozenset[str]:
        """Who perceived a line, as the timeline has it; nobody while it cannot be read."""
        try:
            return await self._store.read(
                partial(heard_by, place=Place(room), who=line.participant, line=line.id)
            )
        except StoreError as error:
            _log.warning("who heard a line is not known", room=room, reason=str(error))
            self.dropped["witnesses not known"] += 1
            return frozenset()

    async def _seat(
        self, endpoint: Endpoint, attendance: Attendance, persona: Persona, rings: dict[str, SharedFile]
    ) -> None:
        """Gives a persona its place; where media refuses, the others take theirs all the same."""
        room = attendance.room
        try:
            answer = await endpoint.call(
                "persona.join", {"room": room, "id": persona.id, "name": persona.name}
            )
            file = SharedFile.open(Path(answer["voice"]))
            ring = AudioRing.attach(file.buffer)
        except (CallError, SharedFileError, RingError) as error:
            # Also when the last person has left meanwhile: media closed the room, and the news of it follows.
            self.dropped["persona not seated"] += 1
            _log.warning("persona not seated", room=room, persona=persona.id, reason=str(error))
            return
        rings[persona.id] = file
        presence = Presence(
            persona.id,
            room,
            voice=self._voices[persona.id],
            ring=ring,
            port=attendance.port,
            lane=self._engines.speaking,
            spawn=attendance.spawn,
            floor=attendance.floor,
            said=attendance.said,
            dropped=lambda reason: attendance.dropped.update([reason]),
            sounds=partial(self._sounds, attendance, persona.id),
            explains=self._explains,
        )
        attendance.seat(presence, persona.name)
        self._bearings.seat(room, persona.id, attendance.port)

    def _sounds(self, attendance: Attendance, persona: str, on: bool) -> None:
        self._sounding(attendance.room, persona, on)
        attendance.sounds(persona, on)

    async def _reseat(
        self, endpoint: Endpoint, attendance: Attendance, persona: str, rings: dict[str, SharedFile]
    ) -> None:
        """Takes a persona from its seat and, if there is still such a persona, seats it as it is now."""
        await attendance.unseat(persona)
        self._bearings.leave(attendance.room, persona)
        if (ring := rings.pop(persona, None)) is not None:
            ring.close()
        known = self._personas.get(persona)
        if known is not None:
            await self._seat(endpoint, attendance, known, rings)
            return
        try:
            await endpoint.call("persona.leave", {"room": attendance.room, "id": persona})
        except CallError as error:
            # Media closed the room meanwhile, or is gone.
            _log.info("persona left no seat", room=attendance.room, persona=persona, reason=str(error))
        if not any(persona in each.personas for each in self.attendances):
            self._mind.dismiss(persona)

    async def _follow(
        self,
        endpoint: Endpoint,
        attendance: Attendance,
        opened: OpenRoom,
        rings: dict[str, SharedFile],
    ) -> None:
        while not opened.over:
            method, params = await opened.inbox.get()
            who = str(params["id"])
            person = attendance.persons.get(who)
            match method:
                case "participant.joined":
                    self._enter(attendance, params, rings)
                case "persona.changed":
                    await self._reseat(endpoint, attendance, who, rings)
                case "participant.connected" if person is not None:
                    person.connected.set()
                case "participant.left":
                    if person is not None:
                        self._mind.note(Left(attendance.room, who, person.name, datetime.now(UTC)))
                    if person is not None and person.voices is not None:
                        person.voices.settle()
                    if person is not None:
                        opened.errand = attendance.answering.errand(who, person.identity)
                    attendance.leave(who)
                    # Those whose coming is still to be told are here as well.
                    opened.over = not opened.persons
                    if (ring := rings.pop(who, None)) is not None:
                        ring.close()
                case "gate.opened" if person is not None:
                    person.listener.gate_opened(int(params["sample"]), int(params["heard"]))
                case "gate.closed" if person is not None:
                    person.listener.gate_closed(int(params["sample"]))
                case "whisper" if person is not None:
                    attendance.turn_to(who, listeners_of(params))
                case "microphone" if person is not None and person.voices is not None:
                    person.voices.share(params["shared"] is True)
                    attendance.share(who, params["shared"] is True)
                case "voice.named" if person is not None and person.voices is not None:
                    person.voices.name(str(params["speaker"]), params["name"])
                case "chat.received":
                    self._read(attendance, params)
                case "voice.progress":
                    attendance.progressed(who, int(params["played"]), params.get("first_packet_ns"))
                case "voice.held":
                    attendance.voice_held(who, params["by"])
                case _:
                    self.dropped[f"{method}: nobody of that id"] += 1

    def _enter(self, attendance: Attendance, params: JsonObject, rings: dict[str, SharedFile]) -> None:
        who = str(params["id"])
        if who in attendance.persons:
            attendance.leave(who)
        try:
            file = SharedFile.open(Path(params["ears"]))
            ears = AudioRing.attach(file.buffer)
        except (SharedFileError, RingError) as error:
            # The person left before this was read; the news of it follows.
            _log.info("ears are gone", participant=who, reason=str(error))
            self.dropped["ears are gone"] += 1
            return
        rings[who] = file
        activity = SileroVoiceActivity(self._engines.activity)
        engines = self._engines
        listener = Listener(who, ears, activity, engines.speech)
        microphone = SharedMicrophone(listener, ears, engines.speech, engines.diarization)
        voices = SharedVoices(attendance.room, who, microphone, self._store, attendance.spawn, self.dropped)
        microphone.on_words = voices.said
        greet = not params.get("greeted", False)
        person = Attendant(who, str(params["name"]), microphone, str(params["identity"]), voices=voices)
        person.entered_ns = int(params["entered_ns"])
        attendance.enter(person, greet=greet)
        voices.share(params.get("shared") is True)
        attendance.share(who, params.get("shared") is True)
        attendance.turn_to(who, listeners_of(params))
        arrived = Arrived(attendance.room, who, str(params["name"]), datetime.now(UTC), greeted=not greet)
        self._mind.note(arrived)
        self._tell(attendance, shared=params.get("shared") is True)

    def _tell(self, attendance: Attendance, *, shared: bool) -> None:
        """Writes down for who is there now what the personas said to each other meanwhile."""
        listeners = frozenset(person.identity for person in attendance.persons.values())
        lines = [] if shared else self._left_alone.results(attendance.room, listeners)
        for said in lines:
            attendance.port.post_chat(said.participant, said.text, said.id)
            self._mind.record(said)
        if lines:
            attendance.spawn(self._left_alone.told(attendance.room))

    def _read(self, attendance: Attendance, params: JsonObject) -> None:
        line = line_read(params)
        person = attendance.persons.get(line.participant)
        if person is not None:
            line = replace(line, name=person.name)
        arrived_ns = int(params["monotonic_ns"])
        # One that has waited in media was not read by who has come since.
        attendance.read(replace(line, there=attendance.there_since(arrived_ns)), arrived_ns)
