"""The media plane's counters in Prometheus' terms, read when they are scraped."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from media.realtime.plane import LATENESS_BOUNDS_MS, PlaneStatistics

__all__ = ["PlaneCollector"]


class PlaneCollector(Collector):
    """Exports what the plane counts.

    Args:
        statistics: the plane's.
    """

    def __init__(self, statistics: Callable[[], PlaneStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """One snapshot."""
        plane = self._statistics()
        yield GaugeMetricFamily("continuum_plane_active_rooms", "Rooms that tick", value=plane.active)
        counters = {
            "ticks": ("Passes over all rooms", plane.ticks),
            "ticks_late": ("Passes that began more than 5 ms late", plane.late),
            "ticks_skipped": ("Passes left out", plane.skipped),
            "encodes": ("Frames encoded", plane.encodes),
            "encoder_replays": ("Streams that another encoder took over", plane.replays),
            "packets_sent": ("Audio packets handed to peers", plane.sent),
            "frames_cleaned": ("Frames that went through noise suppression", plane.cleaned),
            "cleaning_seconds": ("Time that noise suppression took", plane.cleaning_ms / 1000),
            "faults": ("Ticks of a room that failed", plane.faults),
        }
        for name, (documentation, value) in counters.items():
            yield CounterMetricFamily(f"continuum_plane_{name}", documentation, value=value)
        bounds = [str(bound / 1000) for bound in LATENESS_BOUNDS_MS] + ["+Inf"]
        yield HistogramMetricFamily(
            "continuum_plane_lateness_seconds",
            "How late a pass began",
            buckets=list(zip(bounds, map(float, accumulate(plane.lateness)), strict=True)),
            sum_value=plane.lateness_sum_ms / 1000,
        )
        held = asdict(plane.jitter)
        delay_ms = held.pop("delay_ms")
        events = CounterMetricFamily(
            "continuum_jitter_buffer_events", "What became of packets and frames", labels=["event"]
        )
        for event, count in held.items():
            events.add_metric([event], count)
        yield events
        yield SummaryMetricFamily(
            "continuum_jitter_buffer_delay_seconds",
            "For how long played packets were held",
            count_value=plane.jitter.played,
            sum_value=delay_ms / 1000,
        )
