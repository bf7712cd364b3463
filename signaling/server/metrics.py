"""What the server counts, in Prometheus' terms; one registry an application."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.3, 2.0, 3.0, 5.0, 10.0)


MAX_MIND_REASONS = 200


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

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
