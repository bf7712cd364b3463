"""Which camera is shown in which of a viewer's slots, the most relevant ones first."""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["assign_slots", "choose_cameras", "rank_cameras"]


def rank_cameras(cameras: Iterable[str], *, dominant: str | None, spoken: Mapping[str, float]) -> list[str]:
    """Puts cameras in the order in which everybody wants to see them.

    Args:
        cameras: participant ids, in the order of their seats.
        dominant: who has the floor.
        spoken: participant id to the instant at which they were heard last.

    Returns:
        The dominant one, those who spoke, the latest first, then the others in their order.
    """

    def rank(who: str) -> tuple[bool, float]:
        return who != dominant, -spoken.get(who, float("-inf"))

    return sorted(cameras, key=rank)


def choose_cameras(ranked: Sequence[str], viewer: str, *, pinned: str | None, places: int) -> list[str]:
    """The cameras that one viewer is shown; looks at no more of them than there are places.

    Args:
        ranked: participant ids, by `rank_cameras`.
        viewer: who looks; nobody is shown their own.
        pinned: whom the viewer pinned.
        places: how many can be shown.

    Returns:
        The pinned one, if it has a camera, then the others in their order; at most `places`.
    """
    chosen = [pinned] if pinned is not None and pinned != viewer and pinned in ranked else []
    for who in ranked:
        if len(chosen) >= places:
            break
        if who not in (viewer, pinned):
            chosen.append(who)
    return chosen[:places]


def assign_slots(slots: Sequence[str], shown: Mapping[str, str], cameras: Sequence[str]) -> dict[str, str]:
    """Fills a viewer's slots; a camera that is shown stays where it is, so that no picture jumps.

    Args:
        slots: the viewer's slots (mids), in order.
        shown: slot to participant id, as it is now.
        cameras: the participants whose cameras may be shown, the most relevant first.

    Returns:
        Slot to participant id; cameras for which there is no slot are left out.
    """
    wanted = list(dict.fromkeys(cameras))[: len(slots)]
    kept = {slot: who for slot, who in shown.items() if slot in slots and who in wanted}
    waiting = [who for who in wanted if who not in kept.values()]
    free = [slot for slot in slots if slot not in kept]
    return kept | dict(zip(free, waiting, strict=False))
