"""A generator on llama.cpp: one thread owns the model, replies go before anything done ahead of time."""

import asyncio
import codecs
import ctypes
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cognition.inference.beginnings import Beginnings
from cognition.inference.chatml import render
from cognition.inference.generator import GenerationError, Prompt
from cognition.inference.llama_context import Interrupted, LlamaContext, Sampling
from cognition.inference.parked import Parked, ParkedConversations
from cognition.inference.slots import Slot, SlotTable, common_prefix, gap

__all__ = ["LlamaGenerator", "LlamaStatistics"]

BATCH = 32
"""Tokens evaluated between two looks at what is more urgent."""
EAGER_TOKENS = 16
"""First tokens of an answer, during which nothing is evaluated ahead for others: its first clause is urgent."""
AHEAD = 2
"""Pieces of an answer that may wait to be taken: the cores are the voice's while it speaks what was taken."""
WAITING = 32
"""Replies that may wait for a free sequence."""
SHARED_MIN = 16
"""Shortest prefix worth taking over from another conversation, and shortest conversation worth keeping."""


@dataclass(frozen=True, slots=True)
class LlamaStatistics:
    """Counts since the start, tokens unless said otherwise."""

    evaluated: int
    reused: int
    generated: int
    evictions: int
    parked: int
    """Conversations kept outside the cache now."""
    parked_bytes: int
    brought_back: int
    """Conversations that returned from there."""
    interrupted_batches: int
    moved: int
    """Kept when older lines before them were dropped."""
    read: int
    """Beginnings that were evaluated before this start."""
    refused: int
    """Beginnings that the disk did not give or take."""


@dataclass(slots=True, eq=False)
class _Job:
    key: str
    tokens: list[int]
    urgency: int
    """0 a reply, 1 words still being spoken, 2 idle time."""
    deliver: Callable[[bytes | Exception | None], None]
    """Takes pieces of the answer; None at its end; from the worker's thread."""
    max_tokens: int = 0
    history: list[int] = field(default_factory=list)
    """Tokens of what the assistant said last, for the repetition penalty."""
    cancelled: bool = False
    slot: Slot | None = None
    sampler: ctypes.c_void_p | None = None
    pending: int | None = None
    """The token drawn last, not yet evaluated."""
    produced: int = 0
    unread: int = 0
    """Pieces delivered and not yet taken."""
    lasts: bool = False
    """What is evaluated is wanted as a whole: in `state`, once it is done."""
    state: Parked | None = None


class LlamaGenerator:
    """Runs a GGUF chat model (ChatML) on the processor; see `cognition.inference.generator.Generator`.

    Several replies are generated in one batch. A prefill gives way to a reply of another conversation in the middle
    of a batch; one of the same conversation finishes its batch, which the reply needs anyway.

    Args:
        path: the GGUF file.
        threads: compute threads.
        context: tokens of prompt and reply per conversation.
        conversations: how many are in the cache; the least recently used one is parked outside it for a new one,
            which takes milliseconds, as its return does.
        parked_bytes: what the parked ones have together at most.
        sampling: how tokens are drawn.
        beginnings: a folder for what prompts begin with, which is then evaluated by the first start only.

    Raises:
        GenerationError: the file is missing or cannot be read. Loading takes a second or two and blocks.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 2,
        context: int = 2048,
        conversations: int = 4,
        parked_bytes: int = 256 << 20,
        sampling: Sampling | None = None,
        beginnings: Path | None = None,
    ) -> None:
        self._model = LlamaContext(
            path, threads=threads, context=context, sequences=conversations, batch=BATCH
        )
        self._sampling = sampling or Sampling()
        self._table = SlotTable(conversations, shared_min=SHARED_MIN)
        self._parked = ParkedConversations(parked_bytes)
        self._beginnings = None if beginnings is None else Beginnings(beginnings, self._model.identity)
        self._beginnings_read = self._beginnings_refused = 0
        self._changed = threading.Condition()
        self._jobs: list[_Job] = []
        self._active: list[_Job] = []
        self._forgotten: list[str] = []
        self._evaluating: tuple[_Job, list[int]] | None = None
        self._turn_of_prefill = False
        self._evaluated = self._reused = self._generated = self._interrupted = self._moved = 0
        self._brought_back = 0
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="llama", daemon=True)
        self._thread.start()

    @property
    def capacity(self) -> int:
        """Tokens of prompt and reply that one conversation may have."""
        return self._model.capacity

    def count(self, text: str) -> int:
        """Tokens of a text, control tokens in it taken as characters."""
        return len(self._model.tokenize(text))

    def statistics(self) -> LlamaStatistics:
        """What was done so far."""
        return LlamaStatistics(
            self._evaluated,
            self._reused,
            self._generated,
            self._table.evictions,
            len(self._parked),
            self._parked.size,
            self._brought_back,
            self._interrupted,
            self._moved,
            self._beginnings_read,
            self._beginnings_refused,
        )

    async def prefill(self, key: str, prompt: Prompt) -> None:
        """Evaluates a prompt; returns at once when it is evaluated already, or replaced by a later call."""
        urgency = 1 if prompt.unfinished else 2
        await self._ahead(key, self._lay_out(prompt, answer=False), urgency, lasts=False)

    async def begin(self, key: str, prompt: Prompt) -> None:
        """As `prefill`, of what prompts begin with: read from disk where an earlier start has evaluated it."""
        tokens = self._lay_out(prompt, answer=False)
        with self._changed:
            slot = self._table.find(key)
            if self._parked.holds(key, tokens) or (slot is not None and slot.tokens[: len(tokens)] == tokens):
                return
        if self._beginnings is None:
            await self._ahead(key, tokens, 2, lasts=False)
            return
        try:
            if (kept := await asyncio.to_thread(self._beginnings.read, tokens)) is not None:
                with self._changed:
                    if self._table.find(key) is None:
                        self._parked.park(key, kept)
                        self._beginnings_read += 1
                        return
        except OSError:
            self._beginnings_refused += 1
        evaluated = await self._ahead(key, tokens, 2, lasts=True)
        if evaluated is not None:
            try:
                await asyncio.to_thread(self._beginnings.keep, evaluated)
            except OSError:
                # The next start evaluates it again.
                self._beginnings_refused += 1

    async def _ahead(self, key: str, tokens: list[int], urgency: int, *, lasts: bool) -> Parked | None:
        """Evaluates a prompt before it is answered; gives what came of it where it `lasts` and was not replaced."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(result: bytes | Exception | None) -> None:
            if done.done():
                return
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(None)

        job = _Job(
            key,
            tokens,
            urgency,
            deliver=lambda result: _from_thread(loop, settle, result),
            lasts=lasts,
        )
        self._check_size(job)
        self._submit(job)
        try:
            await done
        finally:
            self._cancel(job)
        return job.state

    async def stream(self, key: str, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Answers a prompt; a character that spans several tokens is held back until it is whole."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        spoken = [turn.text for turn in prompt.turns if turn.role == "assistant"][-2:]
        job = _Job(
            key,
            self._lay_out(prompt, answer=True),
            urgency=0,
            deliver=lambda result: _from_thread(loop, pieces.put_nowait, result),
            max_tokens=max_tokens,
            history=[token for text in spoken for token in self._model.tokenize(text)],
        )
        self._check_size(job)
        self._submit(job)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                self._taken(job)
                if text := decoder.decode(piece):
                    yield text
        finally:
            self._cancel(job)

    def _taken(self, job: _Job) -> None:
        with self._changed:
            job.unread -= 1
            self._changed.notify()

    def forget(self, key: str) -> None:
        """Drops what is cached for a key, before anything else is evaluated."""
        with self._changed:
            self._forgotten.append(key)
            self._changed.notify()

    async def aclose(self) -> None:
        """Ends the thread and frees the model; who waits gets a GenerationError."""
        with self._changed:
            self._closing = True
            self._model.interrupt()
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)
        # Here and not in the thread: prompts are tokenized on the loop, by a vocabulary this frees.
        self._model.close()

    def _lay_out(self, prompt: Prompt, *, answer: bool) -> list[int]:
        tokens: list[int] = []
        for segment in render(prompt, answer=answer):
            tokens += self._model.tokenize(segment.text, control=segment.control)
        return tokens

    def _check_size(self, job: _Job) -> None:
        if len(job.tokens) + job.max_tokens > self.capacity:
            raise GenerationError(
                f"a prompt of {len(job.tokens)} tokens and an answer of {job.max_tokens} exceed the context of "
                f"{self.capacity}"
            )

    def _submit(self, job: _Job) -> None:
        with self._changed:
            if self._closing:
                raise GenerationError("the generator is closed")
            for other in self._jobs:
                if other.key == job.key and other.urgency > 0 and other.urgency >= job.urgency:
                    other.cancelled = True
                    other.deliver(None)
            if job.urgency == 0 and sum(each.urgency == 0 for each in self._jobs) >= WAITING:
                raise GenerationError(f"{WAITING} replies wait already")
            self._jobs.append(job)
            if job.urgency == 0 and self._evaluating is not None and not self._serves(job):
                self._model.interrupt()
            self._changed.notify()

    def _cancel(self, job: _Job) -> None:
        with self._changed:
            job.cancelled = True
            self._changed.notify()

    def _serves(self, reply: _Job) -> bool:
        """Whether a reply had better wait for the batch being evaluated; called with the lock held."""
        assert self._evaluating is not None
        running, prompt = self._evaluating
        if running.urgency == 0:
            return True
        return running.key == reply.key and 2 * common_prefix(prompt, reply.tokens) > len(prompt)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._jobs or self._active or self._forgotten or self._closing):
                    self._changed.wait()
                self._model.clear_interrupt()
                if self._closing:
                    break
                self._sweep()
                jobs = self._choose()
                if not jobs:
                    if self._active or self._jobs:
                        self._changed.wait()
                    continue
                self._evaluating = (jobs[0], jobs[0].tokens)
            try:
                self._step(jobs)
            except Interrupted:
                self._interrupted += 1
            except GenerationError as error:
                self._fail(jobs, error)
            except Exception as error:
                self._fail(jobs, GenerationError(f"the model's thread failed: {error!r}"))
            finally:
                with self._changed:
                    self._evaluating = None
        for job in [*self._active, *self._jobs]:
            self._end(job, GenerationError("the generator is closed"))

    def _sweep(self) -> None:
        """Ends what is cancelled and forgets what is to be forgotten; called with the lock held."""
        for job in [job for job in self._active if job.cancelled]:
            self._end(job, None)
        self._jobs = [job for job in self._jobs if not job.cancelled]
        answering = {job.key for job in self._active}
        for key in [key for key in self._forgotten if key not in answering]:
            self._forgotten.remove(key)
            self._parked.forget(key)
            if (slot := self._table.find(key)) is not None:
                self._model.truncate(slot.sequence, 0)
                self._table.release(slot)

    def _choose(self) -> list[_Job]:
        """What to evaluate next: one job whose prompt is not complete, or every reply under way."""
        for job in [job for job in self._jobs if job.urgency == 0]:
            if any(other.key == job.key for other in self._active):
                continue
            slot = self._place(job)
            if slot is not None:
                self._jobs.remove(job)
                self._active.append(job)
        starting = [job for job in self._active if job.pending is None]
        if starting:
            return starting[:1]
        prefill = min(
            (job for job in self._jobs if job.urgency > 0), key=lambda job: job.urgency, default=None
        )
        answering = [job for job in self._active if job.unread < AHEAD]
        if answering:
            eager = any(job.produced < EAGER_TOKENS for job in answering)
            self._turn_of_prefill = not self._turn_of_prefill and not eager
            if prefill is None or not self._turn_of_prefill:
                return answering
        if prefill is None:
            return []
        return [prefill] if self._place(prefill) is not None else answering

    def _place(self, job: _Job) -> Slot | None:
        """Finds the job a slot that holds as much of its prompt as any."""
        busy = {other.slot.sequence for other in self._active if other.slot is not None}
        slot = self._table.take(job.key, busy)
        if slot is None:
            return None
        if slot.key != job.key:
            self._park(slot)
            self._table.assign(slot, job.key)
            self._fill(slot, job)
        if job.slot is not slot:
            job.slot = slot
            self._reused += common_prefix(slot.tokens, job.tokens)
        return slot

    def _park(self, slot: Slot) -> None:
        """Keeps a conversation that has to leave the cache."""
        if slot.key is not None and len(slot.tokens) >= SHARED_MIN:
            state = self._model.save(slot.sequence)
            self._parked.park(slot.key, Parked(slot.tokens.copy(), slot.pure, state))

    def _fill(self, slot: Slot, job: _Job) -> None:
        """Begins with what is evaluated of this conversation, or else with what it has in common with another."""
        self._model.truncate(slot.sequence, 0)
        if (own := self._parked.take(job.key)) is not None and self._bring_back(slot, own, len(own.tokens)):
            self._brought_back += 1
            return
        cached, parked = self._table.donor(job.tokens, slot), self._parked.donor(job.tokens, SHARED_MIN)
        if parked is not None and (cached is None or parked[1] > cached[1]):
            self._bring_back(slot, *parked)
        elif cached is not None:
            source, shared = cached
            self._model.copy(source.sequence, slot.sequence)
            self._model.truncate(slot.sequence, shared)
            slot.extend(source.tokens[:shared])

    def _bring_back(self, slot: Slot, parked: Parked, length: int) -> bool:
        """Takes over the first tokens of a parked conversation; what cannot be read is evaluated again."""
        try:
            self._model.restore(slot.sequence, parked.state)
        except GenerationError:
            return False
        self._model.truncate(slot.sequence, length)
        slot.tokens[:] = parked.tokens[:length]
        slot.pure = min(parked.pure, length)
        return True

    def _step(self, jobs: Sequence[_Job]) -> None:
        if jobs[0].urgency == 0 and jobs[0].pending is not None:
            self._generate(jobs)
            return
        job = jobs[0]
        slot = job.slot
        assert slot is not None
        if job.urgency > 0 and any(other.slot is slot for other in self._active):
            # Its conversation is being answered: the answer has evaluated all that matters.
            self._done_ahead(job)
            return
        start = self._close_gap(slot, job.tokens)
        if job.urgency == 0:
            start = min(start, len(job.tokens) - 1)
        part = job.tokens[start : start + BATCH]
        last = start + len(part) == len(job.tokens)
        if part:
            if start < len(slot.tokens):
                self._model.truncate(slot.sequence, start)
                slot.cut(start)
            self._model.evaluate([(slot.sequence, start, part)], logits=last and job.urgency == 0)
            slot.extend(part)
            self._evaluated += len(part)
        if not last:
            return
        if job.urgency > 0:
            if job.lasts and slot.tokens == job.tokens and slot.pure == len(slot.tokens):
                job.state = Parked(slot.tokens.copy(), slot.pure, self._model.save(slot.sequence))
            self._done_ahead(job)
            return
        job.sampler = self._model.sampler(self._sampling, job.history)
        self._draw(job, -1)

    def _close_gap(self, slot: Slot, tokens: Sequence[int]) -> int:
        """Length of the prefix that is evaluated, after moving up what follows lines dropped from the middle.

        Re-evaluating half a context takes seconds; moving it up takes none (Xiao et al. 2023, "Efficient Streaming
        Language Models with Attention Sinks").
        """
        start = common_prefix(slot.tokens, tokens)
        if start < len(slot.tokens) and (end := gap(slot.tokens, tokens, start)) is not None:
            self._model.remove(slot.sequence, start, end)
            slot.close_gap(start, end)
            self._moved += len(slot.tokens) - start
            start = common_prefix(slot.tokens, tokens)
        return start

    def _done_ahead(self, job: _Job) -> None:
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
        job.deliver(None)

    def _generate(self, jobs: Sequence[_Job]) -> None:
        """One token of every reply under way, in one batch."""
        entries = []
        for job in jobs:
            assert job.slot is not None
            assert job.pending is not None
            entries.append((job.slot.sequence, len(job.slot.tokens), [job.pending]))
        self._model.evaluate(entries, logits=True)
        for index, job in enumerate(jobs):
            assert job.slot is not None
            assert job.pending is not None
            job.slot.extend([job.pending])
            self._draw(job, index)

    def _draw(self, job: _Job, index: int) -> None:
        assert job.sampler is not None
        token = self._model.sample(job.sampler, index)
        if self._model.ends(token):
            self._end(job, None)
            return
        job.pending = token
        job.produced += 1
        self._generated += 1
        with self._changed:
            job.unread += 1
        job.deliver(self._model.piece(token))
        if job.produced >= job.max_tokens:
            self._end(job, None)

    def _end(self, job: _Job, error: GenerationError | None) -> None:
        if job in self._active:
            self._active.remove(job)
        if job.sampler is not None:
            self._model.free_sampler(job.sampler)
            job.sampler = None
        job.deliver(error)

    def _fail(self, jobs: Sequence[_Job], error: GenerationError) -> None:
        """Gives up the jobs of a batch that failed; their conversations start anew."""
        with self._changed:
            for job in jobs:
                if job in self._jobs:
                    self._jobs.remove(job)
                if job.slot is not None:
                    self._model.truncate(job.slot.sequence, 0)
                    self._table.release(job.slot)
                self._end(job, error)


def _from_thread(
    loop: asyncio.AbstractEventLoop,
    take: Callable[[bytes | Exception | None], None],
    result: bytes | Exception | None,
) -> None:
    # The loop may be closed by the time the worker notices: then nobody waits for the result.
    if not loop.is_closed():
        loop.call_soon_threadsafe(take, result)
