import struct

from hypothesis import given
from hypothesis import strategies as st

from media.rtc.transport_feedback import MAX_PACKETS, ArrivalLog, transport_feedback

MS = 1_000_000


def read(packet: bytes) -> tuple[int, int, list[int | None]]:
    """Base, count and arrivals in ticks of 250 µs, as the draft says a sender reads them."""
    flags, kind, words, _, _, base, statuses, packed = struct.unpack_from("!BBHIIHHI", packet)
    assert (flags, kind, len(packet)) == (0x8F, 205, 4 * (words + 1))
    at = 20
    symbols: list[int] = []
    while len(symbols) < statuses:
        (chunk,) = struct.unpack_from("!H", packet, at)
        at += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
        elif chunk >> 14 & 1:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    tick = (packed >> 8) * 256
    arrivals: list[int | None] = []
    for symbol in symbols[:statuses]:
        if symbol == 0:
            arrivals.append(None)
            continue
        size = symbol
        tick += int.from_bytes(packet[at : at + size], "big", signed=size == 2)
        at += size
        arrivals.append(tick)
    assert len(packet) - at < 4
    return base, packed & 0xFF, arrivals


@given(
    st.lists(st.none() | st.integers(0, 4_000), min_size=1, max_size=120).filter(
        lambda each: any(item is not None for item in each)
    ),
    st.integers(0, 0xFFFF),
    st.integers(1, 10_000),
)
def test_a_sender_reads_the_arrivals_that_were_written(
    ticks: list[int | None], base: int, origin: int
) -> None:
    origin_ticks = origin * 256
    arrivals = [None if tick is None else (origin_ticks + tick) * 250_000 for tick in ticks]
    packet = transport_feedback(1, 2, base, 7, arrivals)
    assert read(packet) == (base, 7, [None if tick is None else origin_ticks + tick for tick in ticks])


def test_arrivals_are_reported_with_the_packet_that_is_due_and_gaps_are_losses() -> None:
    log = ArrivalLog()
    reports = []
    for number in range(65_530, 65_550):
        if number % 5:
            log.add(number & 0xFFFF, number * 10 * MS)
            report = log.report(1, 2, number * 10 * MS)
            if report is not None:
                reports.append(read(report))
    assert [count for _, count, _ in reports] == [0, 1, 2]
    told: dict[int, bool] = {}
    for base, _, arrivals in reports:
        for offset, arrival in enumerate(arrivals):
            told[base + offset if base > 60_000 else base + offset + 65_536] = arrival is not None
    assert told == {number: number % 5 != 0 for number in range(65_531, 65_531 + len(told))}


def test_a_late_packet_is_still_reported() -> None:
    log = ArrivalLog()
    log.add(10, 0)
    log.add(12, 0)
    assert log.report(1, 2, 0) is None
    first = log.report(1, 2, 60 * MS)
    assert first is not None
    log.add(11, 61 * MS)
    log.add(13, 61 * MS)
    second = log.report(1, 2, 200 * MS)
    assert second is not None
    base, _, arrivals = read(second)
    assert (base, [arrival is not None for arrival in arrivals]) == (11, [True, False, True])


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 200)), max_size=300))
def test_any_numbers_make_reports_of_bounded_size(packets: list[tuple[int, int]]) -> None:
    log, now = ArrivalLog(), 0
    for number, later in packets:
        now += later * MS
        log.add(number, now)
        report = log.report(1, 2, now)
        assert len(log._arrivals) <= MAX_PACKETS
        if report is not None:
            assert len(report) < 3000
            read(report)
