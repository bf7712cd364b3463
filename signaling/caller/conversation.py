"""Who said what in a call, told by the messages of the room protocol; pure, the clock is handed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Conversation", "Line", "Present"]

_LONGEST = 2000  # lines kept


@dataclass(frozen=True, slots=True)
class Present:
    """A participant as the room last described them."""

    id: str
    name: str
    kind: str
    status: str


@dataclass(slots=True)
class Line:
    """One utterance or chat line; a caption that grows stays one line.

    Attributes:
        id: of the utterance or message.
        speaker: participant id.
        name: as known when the line began.
        kind: `speech` or `chat`.
        text: the newest text.
        final: no more will come.
        interrupted: cut off; `text` is what was heard.
        first_at: monotonic seconds of the first message of it.
        last_at: monotonic seconds of the newest.
        at: wall time of the first, RFC 3339.
    """

    id: str
    speaker: str
    name: str
    kind: str
    text: str
    final: bool
    interrupted: bool
    first_at: float
    last_at: float
    at: str


class Conversation:
    """Keeps what the room told of itself: who is there, who said what, how fast; across reconnects."""

    def __init__(self) -> None:
        self.you = ""
        self.room = ""
        self.present: dict[str, Present] = {}
        self.lines: list[Line] = []
        self.latencies: list[tuple[float, Mapping[str, object]]] = []
        self.acknowledged: set[str] = set()
        self._by_id: dict[tuple[str, str], Line] = {}
        self._personas: set[str] = set()
        self._before: set[str] = set()
        self._joined = False

    def apply(self, message: Mapping[str, object], *, now: float, at: str) -> None:
        """Takes one server message in; types that say nothing about the conversation are passed over.

        Args:
            message: a decoded server message.
            now: monotonic seconds.
            at: the same instant as wall time, RFC 3339.
        """
        match message.get("type"):
            case "joined":
                self._take_seat(message, now)
            case "participant":
                self._describe(message.get("participant"))
            case "left":
                self.present.pop(_text(message, "id"), None)
            case "caption":
                self._caption(message, now, at)
            case "chat":
                self._line(
                    _text(message, "id"),
                    _text(message, "from"),
                    _text(message, "name"),
                    "chat",
                    _text(message, "text"),
                    now,
                    _text(message, "at") or at,
                )
            case "ack":
                self.acknowledged.add(_text(message, "id"))
            case "latency":
                self.latencies.append((now, {key: value for key, value in message.items() if key != "type"}))
            case _:
                pass

    def is_persona(self, participant: str) -> bool:
        """Whether that id is, or was, a persona in this room."""
        return participant in self._personas

    def persona_lines(self, *, since: float) -> list[Line]:
        """Lines of personas that began at or after an instant (monotonic seconds)."""
        return [line for line in self.lines if line.first_at >= since and self.is_persona(line.speaker)]

    def own_lines(self, *, since: float) -> list[Line]:
        """The caller's own captions that were still worked on at or after an instant."""
        return [
            line
            for line in self.lines
            if line.speaker == self.you and line.kind == "speech" and line.last_at >= since
        ]

    def settled(self, lines: Iterable[Line]) -> bool:
        """There is a reply, all of it is final, and no persona is still thinking or speaking."""
        lines = list(lines)
        busy = any(
            one.kind == "persona" and one.status in ("thinking", "speaking") for one in self.present.values()
        )
        return bool(lines) and all(line.final for line in lines) and not busy

    def latency_since(self, since: float) -> Mapping[str, object] | None:
        """The newest latency record of a turn of ours that arrived at or after an instant."""
        for arrived, record in reversed(self.latencies):
            if arrived >= since and record.get("to") in (self.you, None):
                return record
        return None

    def _take_seat(self, message: Mapping[str, object], now: float) -> None:
        self.you = _text(message, "you")
        self.room = _text(message, "room")
        self.present.clear()
        participants = message.get("participants")
        for participant in participants if isinstance(participants, list) else ():
            self._describe(participant)
        history = message.get("history")
        for entry in history if isinstance(history, list) else ():
            if not isinstance(entry, Mapping):
                continue
            if not self._joined:
                self._before.add(_text(entry, "id"))
            elif _text(entry, "id") not in self._before:
                kind = "chat" if entry.get("kind") == "chat" else "speech"
                line = self._line(
                    _text(entry, "id"),
                    _text(entry, "from"),
                    _text(entry, "name"),
                    kind,
                    _text(entry, "text"),
                    now,
                    _text(entry, "at"),
                )
                line.final = True
                line.interrupted = entry.get("interrupted") is True
        self._joined = True

    def _describe(self, participant: object) -> None:
        if not isinstance(participant, Mapping):
            return
        described = Present(
            _text(participant, "id"),
            _text(participant, "name"),
            _text(participant, "kind"),
            _text(participant, "status"),
        )
        self.present[described.id] = described
        if described.kind == "persona":
            self._personas.add(described.id)

    def _caption(self, message: Mapping[str, object], now: float, at: str) -> None:
        speaker = _text(message, "id")
        present = self.present.get(speaker)
        name = present.name if present else speaker
        text = _text(message, "text")
        line = self._line(_text(message, "utterance"), speaker, name, "speech", text, now, at)
        line.final = message.get("final") is True
        line.interrupted = message.get("interrupted") is True

    def _line(self, id: str, speaker: str, name: str, kind: str, text: str, now: float, at: str) -> Line:
        line = self._by_id.get((kind, id))
        if line is None:
            line = Line(id, speaker, name, kind, text, kind == "chat", False, now, now, at)
            self._by_id[kind, id] = line
            self.lines.append(line)
            if len(self.lines) > _LONGEST:
                oldest = self.lines.pop(0)
                del self._by_id[oldest.kind, oldest.id]
        line.text = text
        line.last_at = now
        return line


def _text(message: Mapping[str, object], key: str) -> str:
    value = message.get(key)
    return value if isinstance(value, str) else ""
