"""What one event becomes: its turn, what it tells, and what that is to everything remembered before."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from cognition.memory.episodes import LEAST_TURNS, Turn, summary
from cognition.memory.facts import judge
from cognition.memory.finding import Finding
from cognition.memory.forgetting import fading
from cognition.memory.novelty import SAME, importance_of, importance_of_turn, nearest, novelty
from cognition.memory.speaking_of import Speaker
from cognition.memory.spoken import asserts, is_half_a_sentence, tells_taste
from cognition.search.words import words as words_in
from cognition.store import memories
from cognition.store.lived import Lived
from cognition.store.memories import IN_DOUBT, TASTE, Dream, Memory, fact_key

__all__ = [
    "EPISODE",
    "FADED_AT_ONCE",
    "TURNS",
    "Draft",
    "Pass",
    "beside",
    "drafted",
    "keep",
    "let_go",
    "pieces_of",
    "speaker_of",
    "tell",
]

TURNS = "turns"
"""The part of the work that reads events."""
EPISODE = "episode {}"
"""The part that tells of the talks of a scope."""
FADING = "fading"
"""The part that forgets; its mark is the day on which it was done last, and how far: see `_DAY`."""
KNOWN = 48
"""Memories of somebody beside which something is new or not."""
FADES_AFTER = timedelta(days=120)
FADED_AT_ONCE = 200
_DAY = 1 << 40
"""A mark of `FADING` is the day's number times this, and the page that is done; all ones for the last."""
_LONGEST_PIECE = 600
"""Characters of a turn that are one memory; what is longer is several."""
_LONGEST_QUESTION = 120
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Pass:
    """What work came to: events thought about; memories that are new, told again, ended, let go, and of talks."""

    events: int = 0
    kept: int = 0
    merged: int = 0
    closed: int = 0
    forgotten: int = 0
    episodes: int = 0

    def __add__(self, other: "Pass") -> "Pass":
        return Pass(
            self.events + other.events,
            self.kept + other.kept,
            self.merged + other.merged,
            self.closed + other.closed,
            self.forgotten + other.forgotten,
            self.episodes + other.episodes,
        )

    @property
    def changed(self) -> bool:
        """Whether any memory is other than before."""
        return bool(self.kept or self.merged or self.forgotten or self.episodes)


@dataclass(frozen=True, slots=True)
class Draft:
    """What comes of one event.

    Attributes:
        event: as it was lived.
        pieces: the texts of its turn, with their importance; none where it has no content.
        findings: with their importance, and the id of the memory that says the same in other words, if one does.
    """

    event: Lived
    pieces: tuple[tuple[str, float], ...] = ()
    findings: tuple[tuple[Finding, float, str | None], ...] = ()


def speaker_of(event: Lived) -> Speaker:
    """Whose words an event holds; a voice at a shared microphone is somebody else than its owner."""
    identity = f"{event.identity}/{event.name.casefold()}" if event.voice else event.identity
    return Speaker(identity, event.name or "Somebody", event.people)


def pieces_of(event: Lived) -> list[str]:
    """The words of a turn as they are found again: with who spoke, and what a short answer answers."""
    name = event.name or "Somebody"
    text = " ".join(event.text.split())
    question = event.question[-_LONGEST_QUESTION:] if is_half_a_sentence(text) else ""
    head = f'{name}, asked "{question}": ' if question else f"{name}: "
    if len(text) <= _LONGEST_PIECE:
        return [head + text]
    pieces = [""]
    for sentence in _SENTENCE.split(event.text):
        for start in range(0, len(sentence), _LONGEST_PIECE):
            part = " ".join(sentence[start : start + _LONGEST_PIECE].split())
            if pieces[-1] and len(pieces[-1]) + len(part) >= _LONGEST_PIECE:
                pieces.append("")
            pieces[-1] = f"{pieces[-1]} {part}".strip()
    return [head + pieces[0], *(f"{name}: {piece}" for piece in pieces[1:] if piece)]


def beside(connection: sqlite3.Connection, event: Lived) -> tuple[Memory, ...]:
    """What is remembered of whoever spoke, by those who heard it: beside this, words are new or not."""
    if event.scope is None:
        return ()
    return memories.page(
        connection, scopes=[event.scope], teller=speaker_of(event).identity, newest_first=True, limit=KNOWN
    )


def drafted(
    event: Lived,
    pieces: Sequence[str],
    findings: Sequence[Finding],
    vectors: npt.NDArray[np.float32] | None,
    known: Sequence[Memory],
) -> Draft:
    """Weighs what came of an event. Pure.

    Args:
        event: as it was lived.
        pieces: the texts of its turn.
        findings: what its words tell.
        vectors: float32[n, dimensions] of pieces, findings and known, in this order; None where nothing could be
            embedded: all is then taken to be new.
        known: as `beside` gives them.
    """
    first = len(pieces) + len(findings)
    weighed = []
    for row, piece in enumerate(pieces):
        _, near = _nearest(vectors, row, first, [at for at, one in enumerate(known) if one.kind == "turn"])
        weight = importance_of_turn(event.text, len(findings), novelty(near), persona=event.persona)
        weighed.append((piece, weight))
    told = []
    for row, finding in enumerate(findings, start=len(pieces)):
        alike = [
            at for at, one in enumerate(known) if one.kind == finding.kind and one.subject == finding.subject
        ]
        at, near = _nearest(vectors, row, first, alike)
        same = None
        if near >= SAME and finding.kind != "event" and known[at].attribute == finding.attribute:
            same = known[at].id if (known[at].valid_to is None) == (finding.valid_to is None) else None
        told.append((finding, importance_of(finding, novelty(near)), same))
    return Draft(event, tuple(weighed), tuple(told))


def keep(connection: sqlite3.Connection, after: int, drafts: Sequence[Draft], now: datetime) -> Pass:
    """Keeps what came of some events, and that they are done; nothing if they were already.

    Args:
        connection: that of the writer.
        after: the watermark when they were read.
        drafts: of the events behind it, in order.
        now: timezone-aware, for the dream journal.
    """
    if memories.watermark(connection, TURNS) != after:
        return Pass()
    done = Pass(events=len(drafts))
    for draft in drafts:
        if draft.pieces:
            scope = memories.scope_of(connection, draft.event.seq)
            done += _keep_turn(connection, draft, scope)
            for finding, importance, same in draft.findings:
                done += _keep_finding(connection, draft.event, scope, finding, importance, same, now)
    memories.advance(connection, TURNS, drafts[-1].event.seq)
    return done


def tell(
    connection: sqlite3.Connection,
    *,
    scope: int,
    after: int,
    episode: Sequence[Turn],
    room: str,
    now: datetime,
) -> Pass:
    """Keeps what a talk was about, and that it is told."""
    part = EPISODE.format(scope)
    if memories.watermark(connection, part) != after:
        return Pass()
    memories.advance(connection, part, episode[-1].seq)
    if len(episode) < LEAST_TURNS:
        return Pass()
    text = summary(episode, room)
    memory = memories.put(
        connection,
        Memory(
            "",
            scope,
            "episode",
            text,
            episode[-1].at,
            quote=text.rpartition(": “")[2].rstrip("”"),
            sources=tuple(turn.seq for turn in episode),
            told=episode[0].at,
            importance=min(0.2 + 0.01 * len(episode), 0.5),
        ),
    )
    why = f"{len(episode)} turns without a pause"
    memories.note(connection, Dream(now, scope, "", memory.id, "kept", text, why))
    return Pass(episodes=1)


def let_go(connection: sqlite3.Connection, now: datetime) -> Pass | None:
    """Forgets what has faded: each day all there is is looked at once, a page at each call; None: done for today."""
    today = int(now.timestamp() // 86_400)
    day, done = divmod(memories.watermark(connection, FADING), _DAY)
    if day > today or (day == today and done == _DAY - 1):
        return None
    # What a day had no time for is done the next; a mark below the first day is one of the day alone.
    after = done if day and done < _DAY - 1 else 0
    old, further = memories.faded(connection, now - FADES_AFTER, after, FADED_AT_ONCE)
    gone = fading(old, now)
    for parting in gone:
        memory = parting.memory
        memories.delete(connection, [memory.id])
        memories.note(
            connection,
            Dream(now, memory.scope, memory.subject, memory.id, "forgotten", memory.text, parting.why),
        )
    memories.advance(connection, FADING, today * _DAY + (_DAY - 1 if further is None else further))
    return Pass(forgotten=len(gone))


def _nearest(
    vectors: npt.NDArray[np.float32] | None, row: int, first: int, among: Sequence[int]
) -> tuple[int, float]:
    if vectors is None or not among:
        return -1, 0.0
    place, near = nearest(vectors[row], vectors[[first + at for at in among]])
    return among[place], near


def _keep_turn(connection: sqlite3.Connection, draft: Draft, scope: int) -> Pass:
    """The same words of the same person again are the same memory, told once more."""
    event = draft.event
    speaker = speaker_of(event)
    done = Pass()
    # What a persona proposes is supposed by its nature, and asked for as what it said.
    attribute = ""
    if not event.persona:
        taste = TASTE if tells_taste(event.text) else ""
        attribute = taste if asserts(event.text) else IN_DOUBT
    for number, (piece, importance) in enumerate(draft.pieces):
        fact = fact_key(speaker.identity, "said", " ".join(words_in(piece)))
        turn = Memory(
            f"t{event.seq}" if not number else f"t{event.seq}.{number}",
            scope,
            "turn",
            piece,
            event.at,
            subject=speaker.identity,
            subject_name=speaker.name,
            teller=speaker.identity,
            attribute=attribute,
            fact=fact,
            quote=event.text if len(draft.pieces) == 1 else piece.partition(": ")[2],
            sources=(event.seq,),
            importance=importance,
        )
        again = memories.same(connection, scope, "", fact)
        if again is not None and again.id != turn.id:
            memories.merge(connection, again.id, turn)
            done += Pass(merged=1)
        else:
            memories.put(connection, turn)
            done += Pass(kept=1)
    return done


def _keep_finding(
    connection: sqlite3.Connection,
    event: Lived,
    scope: int,
    finding: Finding,
    importance: float,
    same: str | None,
    now: datetime,
) -> Pass:
    new = Memory(
        "",
        scope,
        finding.kind,
        finding.text,
        event.at,
        subject=finding.subject,
        subject_name=finding.subject_name,
        teller=speaker_of(event).identity,
        attribute=finding.attribute,
        value=finding.value,
        fact=fact_key(finding.subject, finding.attribute, finding.value),
        single=finding.single,
        quote=finding.quote,
        sources=(event.seq,),
        valid_from=finding.valid_from,
        valid_to=finding.valid_to,
        due=finding.due,
        importance=importance,
    )
    rivals = memories.rivals(connection, new.subject, new.attribute, [scope])
    if same is not None:
        alike = next((one for one in rivals if one.id == same), None)
        new = replace(new, fact=alike.fact) if alike is not None else new
    verdict = judge(new, rivals)
    by_id = {one.id: one for one in rivals}
    if verdict.merge is not None:
        memories.merge(connection, verdict.merge, new)
        again = by_id[verdict.merge]
        why = f"told again on {event.at:%Y-%m-%d}: “{finding.quote}”"
        memories.note(connection, Dream(now, scope, new.subject, again.id, "merged", again.text, why))
    else:
        new = memories.put(connection, new)
        why = f"{new.kind} told on {event.at:%Y-%m-%d}: “{finding.quote}”"
        memories.note(connection, Dream(now, scope, new.subject, new.id, "kept", new.text, why))
    since = f"since then: {new.text}"
    for id in verdict.closed:
        memories.note(connection, Dream(now, scope, new.subject, id, "closed", by_id[id].text, since))
    for id in verdict.changed:
        memories.note(connection, Dream(now, scope, new.subject, id, "changed", by_id[id].text, since))
    merged = verdict.merge is not None
    return Pass(kept=not merged, merged=merged, closed=len(verdict.closed) + len(verdict.changed))
