"""A room at the media process, as the mind speaks to it over IPC."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from cognition.conversation.reasons import Silence, Wish
from cognition.persona.reputation import Level
from media.speech.events import Speaker
from signaling.ipc.endpoint import CallError, Endpoint
from signaling.ipc.jsonrpc import JsonObject

__all__ = ["RoomLine"]


class RoomLine:
    """A `RoomPort` over a connection; what is shown is sent in order and not waited for."""

    def __init__(self, endpoint: Endpoint, room: str) -> None:
        self._endpoint = endpoint
        self._room = room
        self._resting: set[str] = set()
        self._statuses: dict[str, str] = {}
        """What each persona was last said to do, rest aside."""

    def caption(
        self,
        who: str,
        utterance: str,
        text: str,
        *,
        final: bool,
        interrupted: bool = False,
        record: bool = True,
        listeners: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        began_ns: int | None = None,
        heard: int | None = None,
    ) -> None:
        """See `RoomPort`."""
        self._tell(
            "caption",
            id=who,
            utterance=utterance,
            text=text,
            final=final,
            interrupted=interrupted,
            record=record,
            listeners=listeners,
            **({} if speaker is None else {"speaker": {"id": speaker.id, "label": speaker.label}}),
            **({} if began_ns is None else {"began_ns": began_ns}),
            **({} if heard is None else {"heard": heard}),
        )

    def post_chat(self, persona: str, text: str, line: str = "") -> None:
        """See `RoomPort`."""
        self._tell("chat.post", id=persona, text=text, message=line)

    async def stop_voice(self, persona: str) -> int:
        """See `RoomPort`; 0 when media is gone, and with it whatever could still be heard."""
        try:
            answer = await self._endpoint.call("voice.stop", {"room": self._room, "id": persona})
        except CallError:
            return 0
        return int(answer["played"])

    async def resume_voice(self, persona: str, position: int) -> None:
        """See `RoomPort`; when media is gone, so is the voice."""
        params: JsonObject = {"room": self._room, "id": persona, "position": position}
        with suppress(CallError):
            await self._endpoint.call("voice.resume", params)

    def wake_voice(self, persona: str) -> None:
        """See `RoomPort`."""
        self._tell("voice.wake", id=persona)

    async def whisper(self, persona: str, listeners: Sequence[str] | None) -> bool:
        """See `RoomPort`."""
        params: JsonObject = {"room": self._room, "id": persona, "listeners": listeners}
        try:
            await self._endpoint.call("voice.whisper", params)
        except CallError:
            return False
        return True

    def status(self, persona: str, status: str, listeners: Sequence[str] | None = None) -> None:
        """See `RoomPort`."""
        self._statuses[persona] = status
        shown = "resting" if status == "listening" and persona in self._resting else status
        self._tell("persona.status", id=persona, status=shown, listeners=listeners)

    def floor(
        self,
        holder: str | None,
        queue: Sequence[tuple[str, Wish]],
        silent: Sequence[tuple[str, Silence]],
        listeners: Sequence[str] | None = None,
    ) -> None:
        """See `RoomPort`."""
        self._tell(
            "floor",
            holder=holder,
            queue=[{"id": id, "reason": wish} for id, wish in queue],
            silent=[{"id": id, "reason": silence} for id, silence in silent],
            listeners=listeners,
        )

    def presence(
        self, persona: str, *, energy: float, valence: float, arousal: float, level: Level, resting: bool
    ) -> None:
        """See `RoomPort`."""
        if resting is not (persona in self._resting):
            self._resting ^= {persona}
            if self._statuses.get(persona, "listening") == "listening":
                self.status(persona, "listening")
        self._tell(
            "persona.presence", id=persona, energy=energy, valence=valence, arousal=arousal, level=level
        )

    def latency(self, record: Mapping[str, object], listeners: Sequence[str] | None = None) -> None:
        """See `RoomPort`."""
        self._tell("latency", **record, listeners=listeners)

    def _tell(self, method: str, **params: object) -> None:
        self._endpoint.notify(method, {"room": self._room, **params})
