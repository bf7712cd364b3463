"""What peers do, in Prometheus' terms: sums over all, and series of each peer for as long as it is there."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric

from signaling.server.measures import Measures, PeerMeasure, SlotCounts, TrackMeasure

__all__ = ["peer_metrics"]

_PEER = ("room", "participant")
_TRACK = (*_PEER, "track")


def peer_metrics(measures: Measures, dropped: Mapping[str, int]) -> Iterator[Metric]:
    """The families of one scrape.

    Args:
        measures: of all peers.
        dropped: what media dropped, by reason, that of peers left out.
    """
    drops = CounterMetricFamily(
        "continuum_media_dropped", "Packets and events that were dropped", labels=["reason"]
    )
    for reason, count in sorted((Counter(dropped) + measures.totals.drops).items()):
        drops.add_metric([reason], count)
    yield drops
    yield from _totals(measures)
    yield from _tracks(measures)
    yield from _peers(measures)


def _totals(measures: Measures) -> Iterator[Metric]:
    totals = measures.totals
    peers = GaugeMetricFamily("continuum_rtc_peers", "WebRTC peers", labels=["state"])
    peers.add_metric(["connected"], measures.connected)
    peers.add_metric(["connecting"], measures.connecting)
    yield peers
    yield GaugeMetricFamily(
        "continuum_rtc_peers_unlisted", "Peers without series of their own", value=measures.unlisted
    )
    counters = {
        "packets_received": ("RTP and RTCP packets received", totals.packets_in),
        "bytes_received": ("Bytes received, with SRTP's", totals.bytes_in),
        "packets_sent": ("RTP and RTCP packets sent", totals.packets_out),
        "bytes_sent": ("Bytes sent, with SRTP's", totals.bytes_out),
        "retransmissions": ("Packets sent again", totals.retransmissions),
        "layer_switches": ("Changes from one layer of a camera to another", totals.switches),
        "keyframe_requests_sent": ("Keyframes asked of cameras", totals.keyframe_requests),
        "keyframe_requests_received": ("Keyframes that viewers asked for", totals.keyframe_wishes),
        "nacks_sent": ("Packets of cameras asked for again", totals.nacks_sent),
        "nacks_received": ("Packets that viewers asked for again", totals.nacks_received),
        "unrepaired_packets": ("Packets of cameras that are no longer asked for", totals.unrepaired),
    }
    for name, (documentation, value) in counters.items():
        yield CounterMetricFamily(f"continuum_rtc_{name}", documentation, value=value)
    slots = GaugeMetricFamily(
        "continuum_rtc_slots", "Slots in which single tracks are sent", labels=["kind", "state"]
    )
    for kind, counts in (("video", measures.slots), ("audio", measures.voices)):
        for state, number in _by_state(counts):
            slots.add_metric([kind, state], number)
    yield slots


def _by_state(slots: SlotCounts) -> tuple[tuple[str, int], ...]:
    return ("showing", slots.showing), ("waiting", slots.waiting), ("free", slots.free)


def _each_track(measures: Measures) -> Iterator[tuple[tuple[str, str, str], TrackMeasure]]:
    for room in measures.rooms:
        for peer in room.peers:
            for track in peer.tracks:
                yield (room.id, peer.id, track.name), track


def _tracks(measures: Measures) -> Iterator[Metric]:
    """Families one after the other: to build all of them at once would hold up a tick."""
    packets = CounterMetricFamily(
        "continuum_track_packets", "Packets received from a participant or sent to them", labels=_TRACK
    )
    for labels, track in _each_track(measures):
        packets.add_metric(labels, track.packets)
    yield packets
    octets = CounterMetricFamily("continuum_track_bytes", "Their payload", labels=_TRACK)
    for labels, track in _each_track(measures):
        octets.add_metric(labels, track.octets)
    yield octets
    lost = GaugeMetricFamily(
        "continuum_track_lost_packets", "Lost so far; falls when duplicates come", labels=_TRACK
    )
    for labels, track in _each_track(measures):
        if track.lost is not None:
            lost.add_metric(labels, track.lost)
    yield lost
    jitter = GaugeMetricFamily(
        "continuum_track_jitter_seconds", "Interarrival jitter (RFC 3550)", labels=_TRACK
    )
    for labels, track in _each_track(measures):
        if track.jitter_ms is not None:
            jitter.add_metric(labels, track.jitter_ms / 1000)
    yield jitter


def _each_peer(measures: Measures) -> Iterator[tuple[tuple[str, str], PeerMeasure]]:
    for room in measures.rooms:
        for peer in room.peers:
            yield (room.id, peer.id), peer


def _peers(measures: Measures) -> Iterator[Metric]:
    """As `_tracks`."""
    delay = SummaryMetricFamily(
        "continuum_peer_buffer_delay_seconds", "For how long a person's packets were held", labels=_PEER
    )
    for labels, peer in _each_peer(measures):
        delay.add_metric(labels, count_value=peer.buffer.played, sum_value=peer.buffer.delay_ms / 1000)
    yield delay
    target = GaugeMetricFamily(
        "continuum_peer_buffer_target_seconds", "For how long they are to be held", labels=_PEER
    )
    for labels, peer in _each_peer(measures):
        target.add_metric(labels, peer.buffer.target_ms / 1000)
    yield target
    concealed = CounterMetricFamily(
        "continuum_peer_concealed_frames", "Frames of a person's sound that were made up", labels=_PEER
    )
    for labels, peer in _each_peer(measures):
        concealed.add_metric(labels, peer.buffer.concealed)
    yield concealed
    trip = GaugeMetricFamily("continuum_peer_round_trip_seconds", "Round trip", labels=_PEER)
    for labels, peer in _each_peer(measures):
        if peer.rtt_ms is not None:
            trip.add_metric(labels, peer.rtt_ms / 1000)
    yield trip
    bandwidth = GaugeMetricFamily(
        "continuum_peer_bandwidth_bits_per_second",
        "What a person can receive: their browser's estimate, and what their cameras may take of it",
        labels=(*_PEER, "kind"),
    )
    for labels, peer in _each_peer(measures):
        if peer.bandwidth is not None:
            bandwidth.add_metric((*labels, "estimate"), peer.bandwidth)
        bandwidth.add_metric((*labels, "budget"), peer.budget)
    yield bandwidth
    slots = GaugeMetricFamily(
        "continuum_peer_slots", "A person's slots for cameras", labels=(*_PEER, "state")
    )
    for labels, peer in _each_peer(measures):
        for state, number in _by_state(peer.slots):
            slots.add_metric((*labels, state), number)
    yield slots
    dropped = CounterMetricFamily(
        "continuum_peer_dropped", "Packets from and to a person that were dropped", labels=_PEER
    )
    for labels, peer in _each_peer(measures):
        dropped.add_metric(labels, sum(peer.drops.values()))
    yield dropped
