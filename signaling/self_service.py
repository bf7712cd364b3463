"""What people do with what is known of them, asked by voice, in writing, or on the page; and how a reply came about."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from cognition.conversation.transcript import Line
from cognition.memory.self_service import NoSuchMemory, SelfService
from cognition.memory.wishes import Correct, Forget, MemoryWish, Show, confirmed, wish_about_memory
from cognition.persona.engine import Mind
from cognition.persona.prompt import spoken_name
from cognition.persona.telling import known_words, to_you
from cognition.rag.context import Account, Accounts
from cognition.search.embedder import EmbeddingError
from cognition.search.index import IndexFailed
from cognition.store.errors import StoreError
from cognition.store.store import Storage
from cognition.store.timeline import Place, open_place
from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, JsonObject
from signaling.long_memory import LongMemory

__all__ = ["NO_MEMORY", "NO_SUCH_LINE", "NO_SUCH_MEMORY", "SelfServing"]

REFUSED = 9
NO_SUCH_MEMORY = 10
NO_SUCH_LINE = 11
NO_MEMORY = 12
PAGE = 50
MAX_DONE = 64
"""Wishes whose answer is kept: who is interrupted says it again, and nothing is done twice."""
SURE_WITHIN = timedelta(minutes=1)
"""How long a yes counts after it was asked whether somebody is to be forgotten."""
_FAILURES = (StoreError, EmbeddingError, IndexFailed)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _AskedBack:
    """Somebody said that they want to be forgotten, and was asked whether they are sure."""

    persona: str
    line: str
    at: datetime


class SelfServing:
    """Answers `memory.*`, `room.openness` and `explain` (docs/architecture.md, IPC), and wishes in words.

    Args:
        store: the truth.
        memory: what is remembered.
        mind: lets go of what its prompts say.
        lived: waits until all that happened so far is in the store.
        now: in the people's time zone.
    """

    def __init__(
        self,
        store: Storage,
        memory: LongMemory,
        mind: Callable[[], Mind],
        lived: Callable[[], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._memory = memory
        self._mind = mind
        self._lived = lived
        self._now = now
        self._begun: dict[tuple[str, str], asyncio.Future[list[str] | None]] = {}
        """Wishes that are being done, or are done, by speaker and line."""
        self._asked_back: dict[str, _AskedBack] = {}
        """By speaker."""
        self._accounts = Accounts()
        self._changed_at: datetime | None = None
        """When something was corrected or forgotten last."""
        self.counts: Counter[str] = Counter()
        """What was asked for, and what could not be done."""

    def explain_later(self, reply: str, accounts: tuple[Account, ...]) -> None:
        """Keeps how a reply came about that was heard, unless something was forgotten since that was looked up."""
        if self._changed_at is not None and any(each.at <= self._changed_at for each in accounts):
            self.counts["not explained: forgotten since"] += 1
            return
        self._accounts.keep(reply, accounts)

    def is_wish(self, speaker: str, text: str) -> bool:
        """See `Wishes`."""
        return wish_about_memory(text) is not None or (
            speaker in self._asked_back and confirmed(text) is not None
        )

    async def answer(
        self,
        persona: str,
        line: Line,
        person: str,
        listeners: frozenset[str],
        before: Line | None,
        *,
        shared: bool,
    ) -> list[str] | None:
        """Does what a line wishes, once, and says so; None where it wishes nothing, or nothing is remembered.

        Args:
            persona: who answers.
            line: what was said.
            person: identity of who said it.
            listeners: identities of the people who hear the answer.
            before: what the same person said right before it.
            shared: several people speak at their microphone: nobody knows that it is they who wish it.
        """
        if self._memory.self_service is None:
            return None
        key = line.speaker, line.id
        if key not in self._begun:
            sure = self._is_sure(persona, line, before)
            wish = Forget("person") if sure else wish_about_memory(line.text)
            if sure is False and wish is None:
                return ["All right, I forget nothing."]
            if wish is None:
                return None
            self._make_room()
            if shared and not isinstance(wish, Show):
                return ["Several of you share this microphone, so please do that on my card, on the page."]
            if wish == Forget("person") and not sure:
                self._asked_back[line.speaker] = _AskedBack(persona, line.id, self._now())
                work: Coroutine[Any, Any, list[str] | None] = _asking_back()
            else:
                work = self._fulfilled(wish, persona, line, person, listeners, before)
            self._begun[key] = asyncio.ensure_future(work)
        begun = self._begun[key]
        try:
            # However long it takes, and whoever interrupts: what is begun is done as a whole, and once.
            return await asyncio.shield(begun)
        except _FAILURES as error:
            if self._begun.pop(key, None) is begun:
                self.counts["wish not fulfilled"] += 1
                _log.error("a wish about memory could not be fulfilled", reason=str(error))
            return ["Something is wrong with my memory just now. Please ask me again in a moment."]

    def _make_room(self) -> None:
        """Lets go of the oldest answers; what is still being done is kept, or it would be done twice."""
        over = [key for key, begun in self._begun.items() if begun.done()]
        for key in over[: max(len(self._begun) - MAX_DONE + 1, 0)]:
            del self._begun[key]

    async def known(self, params: JsonObject) -> JsonObject:
        """Answers `memory.known`.

        Raises:
            RpcError: nothing can be known now.
        """
        persona, person = str(params["persona"]), str(params["giver"])
        service = self._service()
        try:
            page = await service.known(
                persona, person, now=self._now(), before=params.get("before"), limit=PAGE
            )
            openness = await self._store.read(lambda connection: _openness(connection, str(params["room"])))
        except _FAILURES as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        return {
            "persona": persona,
            "openness": openness,
            "known": [
                {
                    "id": one.id,
                    "text": one.text[:2000],
                    "quote": one.quote[:2000],
                    "at": one.at.isoformat(),
                    "kind": one.kind,
                    "where": one.place.room[:64],
                    "current": one.current,
                }
                for one in page.known
            ],
            "before": page.before,
        }

    async def correct(self, params: JsonObject) -> JsonObject:
        """Answers `memory.correct`.

        Raises:
            RpcError: there is no such memory of theirs, or it cannot be corrected now.
        """
        persona, person, id = str(params["persona"]), str(params["giver"]), str(params["memory"])
        service = self._service()
        try:
            await service.correct(persona, person, id, str(params["text"]), now=self._now())
        except NoSuchMemory as error:
            raise RpcError(NO_SUCH_MEMORY, str(error)) from error
        except ValueError as error:
            raise RpcError(REFUSED, str(error)) from error
        except _FAILURES as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        self._changed("corrected")
        return {}

    async def forget(self, params: JsonObject) -> JsonObject:
        """Answers `memory.forget` once nothing is left.

        Raises:
            RpcError: there is no such memory of theirs, or it cannot be forgotten now.
        """
        persona, person, id = str(params["persona"]), str(params["giver"]), params.get("memory")
        service = self._service()
        try:
            async with self._memory.alone():
                await self._lived()
                if id is None:
                    await service.forget_person(
                        person, by=str(params.get("by") or "themselves"), now=self._now()
                    )
                else:
                    await service.forget(persona, person, str(id), now=self._now())
        except NoSuchMemory as error:
            raise RpcError(NO_SUCH_MEMORY, str(error)) from error
        except _FAILURES as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        finally:
            self._changed("forgotten")
        return {}

    async def openness(self, params: JsonObject) -> JsonObject:
        """Answers `room.openness`.

        Raises:
            RpcError: it is neither present nor open, or cannot be kept.
        """
        room, wanted = str(params["place"]), params.get("openness")
        if wanted not in (None, "present", "open"):
            raise RpcError(INVALID_PARAMS, "openness is present or open")
        try:
            if wanted is not None:
                await self._store.write(
                    lambda connection: open_place(connection, Place(room), wanted == "open")
                )
                self._mind().open_up(room, wanted == "open")
                self._mind().forget_memories()
                _log.info("openness of a room", room=room, openness=wanted)
            told = await self._store.read(lambda connection: _openness(connection, room))
        except StoreError as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        return {"openness": told}

    async def explain(self, params: JsonObject) -> JsonObject:
        """Answers `explain`, to who heard the line.

        Raises:
            RpcError: nobody knows, or nothing was looked up for it: there is no memory yet, or for another reason.
        """
        line = str(params["line"])
        accounts = self._accounts.of(line, str(params["giver"]))
        if accounts is None and self._memory.self_service is None:
            raise RpcError(NO_MEMORY, "nothing is looked up yet")
        if accounts is None:
            raise RpcError(NO_SUCH_LINE, "nothing is known of how this came about")
        return {"persona": str(params["persona"]), "line": line, "parts": [_part(one) for one in accounts]}

    def _is_sure(self, persona: str, line: Line, before: Line | None) -> bool | None:
        """Whether they want to be forgotten who were asked; None where they were not, or answer otherwise."""
        asked = self._asked_back.get(line.speaker)
        if asked is None or line.id == asked.line:
            return None
        del self._asked_back[line.speaker]
        if asked.persona != persona or before is None or before.id != asked.line:
            return None
        return confirmed(line.text) if self._now() - asked.at <= SURE_WITHIN else None

    def _service(self) -> SelfService:
        service = self._memory.self_service
        if service is None:
            raise RpcError(INTERNAL_ERROR, "nothing is remembered now")
        return service

    def _changed(self, what: str) -> None:
        self.counts[f"memory {what}"] += 1
        self._changed_at = self._now()
        self._mind().forget_memories()
        self._accounts.clear()
        self._memory.changed()

    async def _fulfilled(
        self,
        wish: MemoryWish,
        persona: str,
        line: Line,
        person: str,
        listeners: frozenset[str],
        before: Line | None,
    ) -> list[str] | None:
        name = spoken_name(line.name)
        now = self._now()
        service, recall = self._service(), self._memory.recall
        match wish:
            case Show():
                said = await recall.about(persona, listeners, person, now=now)
                more = (await service.known(persona, person, now=now, limit=1 + len(said))).known
                unsaid = [
                    each for each in more if each.kind != "turn" and each.id not in {one.id for one in said}
                ]
                return known_words(
                    [each.text for each in said if each.kind != "turn"], name, more=bool(unsaid)
                )
            case Correct(""):
                return None
            case Correct(text):
                memory = await service.correct_in_words(persona, person, text, now=now)
                if memory is None:
                    return None
                self._changed("corrected")
                return [f"Thank you, I have put that right. {to_you(memory.text, name)}"]
            case Forget("person"):
                async with self._memory.alone():
                    await self._lived()
                    await service.forget_person(person, by="themselves", now=now)
                self._changed("forgotten")
                return ["I have forgotten everything about you."]
            case Forget(what, topic):
                gone = False
                async with self._memory.alone():
                    await self._lived()
                    if what == "topic":
                        gone = bool(await service.forget_about(persona, person, topic, now=now))
                    elif before is not None:
                        gone = await service.forget_line(persona, person, before.id, now=now)
                if gone:
                    self._changed("forgotten")
                return ["All right, I have forgotten that." if gone else "I don't remember anything of that."]


async def _asking_back() -> list[str] | None:
    return ["Shall I really forget everything about you, for good?"]


def _openness(connection: sqlite3.Connection, room: str) -> str:
    place = Place(room)
    row = connection.execute(
        "SELECT openness FROM place WHERE (host, channel, room) = (?, ?, ?)",
        (place.host, place.channel, place.room),
    ).fetchone()
    return "present" if row is None else str(row[0])


def _part(account: Account) -> Mapping[str, object]:
    return {
        "words": account.words[:2000],
        "budget": account.budget,
        "tokens": sum(account.tokens.values()),
        "ms": round(account.milliseconds, 1),
        "deadlineMs": round(1000 * account.deadline, 1),
        "sources": [
            {
                "source": one.source,
                "state": one.state,
                "ms": round(one.milliseconds, 1),
                "pieces": one.pieces,
                "tokens": one.tokens,
            }
            for one in account.loads
        ],
        "used": [
            {
                "source": one.source,
                "part": one.part,
                "tokens": one.tokens,
                "score": min(max(one.score, 0.0), 1.0),
                "text": one.text[:2000],
                "origin": one.origin[:2000],
            }
            for one in account.used
        ],
        "leftOut": sum(count for _, count in account.counts),
    }
