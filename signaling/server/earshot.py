"""Who hears whom: what a whisper changes for everybody in the room."""

from signaling.server.live import LiveRoom
from signaling.server.server_messages import Speaking, Whispering
from signaling.server.voices import pass_voices

__all__ = ["set_listeners", "without_listener"]


def set_listeners(room: LiveRoom, speaker: str, listeners: frozenset[str] | None) -> None:
    """Lets only some hear a participant from now on, or all again.

    Args:
        room: where they are.
        speaker: who whispers.
        listeners: participant ids; None for all, empty for nobody.
    """
    before, saw = room.whispers.get(speaker), room.watchers(speaker)
    if listeners is None:
        room.whispers.pop(speaker, None)
    else:
        room.whispers[speaker] = listeners
    if speaker in room.plane:
        room.plane.whisper(speaker, listeners)
    seat, hearers, see = room.state.seats.get(speaker), room.hearers(speaker), room.watchers(speaker)
    if seat is not None and seat.speaking and see is not None:
        # Those who are new to it are told when they hear something: that, the plane reports.
        room.broadcast(Speaking(speaker, False), to=set(room.attendees if saw is None else saw) - see)
    if hearers is not None:
        room.broadcast(Whispering(speaker, sorted(hearers - {speaker})), to=hearers)
    if before is not None:
        room.broadcast(Whispering(speaker, None), to=(before | {speaker}) - (hearers or frozenset()))
    for listener in room.attendees.values():
        if speaker in listener.voices:
            pass_voices(room, listener)


def without_listener(room: LiveRoom, gone: str) -> list[str]:
    """Takes a participant who has left out of all whispers; what was for them alone is then heard by nobody.

    Returns:
        Who whispered to them.
    """
    room.whispers.pop(gone, None)
    speakers = [speaker for speaker, listeners in room.whispers.items() if gone in listeners]
    for speaker in speakers:
        set_listeners(room, speaker, room.whispers[speaker] - {gone})
    return speakers
