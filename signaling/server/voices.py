"""Single voices: passed on as they come to whoever asked for them, and left out of that listener's mix."""

from collections.abc import Mapping

from media.rtc.source import TrackSource
from signaling.server.live import Attendee, LiveRoom
from signaling.server.server_messages import VoicesPassed, serialize
from signaling.server.video import assign_slots

__all__ = ["pass_voices"]


def pass_voices(room: LiveRoom, listener: Attendee, *, tell: bool = False) -> None:
    """Connects the voices that a listener asked for with their slots, as far as there are any.

    One who is silent, away, or whispers to others keeps the slot, and nothing is passed on in it.

    Args:
        room: where they are.
        listener: who asked.
        tell: whether they are told also when nothing has changed.
    """
    peer, before = listener.peer, listener.passed
    known = {slot: who for slot, (who, _) in before.items()}
    slots: Mapping[str, str] = {}
    if peer is not None:
        slots = assign_slots(peer.voice_slots, known, listener.voices)
        passed = {slot: (who, _voice_for(room, listener.seat.id, who)) for slot, who in slots.items()}
        for slot in passed.keys() | before.keys():
            source = passed[slot][1] if slot in passed else None
            was = before[slot][1] if slot in before else None
            if source is not was and slot in peer.voice_slots:
                peer.watch(source, slot)
        listener.passed = passed
        if room.plane.left_out(listener.seat.id) != frozenset(slots.values()):
            room.plane.leave_out(listener.seat.id, slots.values())
    if (tell or slots != known) and listener.connection is not None:
        listener.connection.put(VoicesPassed.type, serialize(VoicesPassed(slots)))


def _voice_for(room: LiveRoom, listener: str, who: str) -> TrackSource | None:
    speaker, hearers = room.attendees[who], room.hearers(who)
    if speaker.peer is None or speaker.seat.silent or (hearers is not None and listener not in hearers):
        return None
    return speaker.peer.microphone
