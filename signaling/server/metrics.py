"""What the server counts, in Prometheus' terms; one registry an application."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.3, 2.0, 3.0, 5.0, 10.0)


MAX_MIND_REASONS = 200

SLICE = 64
"""Samples that are written in one turn of the loop: some 0.6 ms."""


class Metrics:
    """The counters of the HTTP and WebSocket face; collectors of other parts join `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter(
            "continuum_ws_received", "Messages from clients", ["type"], registry=self.registry
        )
        self.sent = Counter("continuum_ws_sent", "Messages to clients", ["type"], registry=self.registry)
        self.dropped = Counter(
            "continuum_dropped", "What was refused or dropped", ["reason"], registry=self.registry
        )
        self.turn = Histogram(
            "continuum_turn_seconds",
            "From the end of speech to each stage of the reply",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.rooms = Gauge("continuum_rooms", "Open rooms", registry=self.registry)
        self.participants = Gauge(
            "continuum_participants", "Participants in all rooms", ["kind"], registry=self.registry
        )
        self.tasks = Gauge(
            "continuum_tasks", "Tasks on the loop of the media process", registry=self.registry
        )
        self.mind_up = Gauge("continuum_mind_up", "Whether the mind is attached", registry=self.registry)
        self.mind_events = Counter(
            "continuum_mind_events",
            "What the mind refused, dropped or repaired",
            ["reason"],
            registry=self.registry,
        )
        self._mind_reasons: set[str] = set()

    def drop(self, reason: str) -> None:
        """Counts something that was refused or dropped."""
        self.dropped.labels(reason).inc()

    def count_mind(self, reason: str, number: int) -> None:
        """Counts what the mind has counted; after `MAX_MIND_REASONS` reasons new ones are `other`."""
        if len(self._mind_reasons) < MAX_MIND_REASONS:
            self._mind_reasons.add(reason)
        self.mind_events.labels(reason if reason in self._mind_reasons else "other").inc(number)

    def refused(self) -> dict[str, int]:
        """What was refused or dropped, by reason."""
        return {
            sample.labels["reason"]: int(sample.value)
            for metric in self.dropped.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }

    async def exposition(self, others: Iterable[Metric] = ()) -> bytes:
        """The text that Prometheus scrapes, written a few lines in each turn of the loop.

        Args:
            others: families that are in no registry.
        """
        parts = []
        for families in (self.registry.collect(), others):
            for family in families:
                async for part in _written(family):
                    parts.append(part)
        return b"".join(parts)


async def _written(family: Metric) -> AsyncIterator[bytes]:
    """The text of a family: its heading, then its samples."""
    # When each count began would be a family of its own in this format, and be begun anew in each piece.
    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    for first in range(0, max(1, len(samples)), SLICE):
        some = Metric(family.name, family.documentation, family.type)
        some.samples = samples[first : first + SLICE]
        text = generate_latest(_Single(some))
        yield text if first == 0 else text.split(b"\n", 2)[2]
        await asyncio.sleep(0)


class _Single(Collector):
    """One family, as `generate_latest` takes it."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family
