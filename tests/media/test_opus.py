import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.realtime.libopus import CDecoder, libopus
from media.realtime.opus import (
    DTX_PACKET,
    MAX_PACKET_SAMPLES,
    OpusDecoder,
    OpusEncoder,
    OpusError,
    _WrappedDecoder,
    packet_samples,
)
from media.realtime.outlet import MixHistory, Outlet
from media.realtime.packet import FRAME
from tests.media.room_script import amplitude_of, tone, vowels


def frames_of(sound: np.ndarray) -> list[np.ndarray]:
    return list(sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME))


def decoded(packets: list[bytes]) -> np.ndarray:
    decoder, out, sound = OpusDecoder(), np.zeros(MAX_PACKET_SAMPLES, np.float32), []
    for packet in packets:
        count = decoder.decode(packet, out)
        sound.append((out[:count] * 32767).astype(np.int16))
    return np.concatenate(sound)


def test_sound_survives_the_codec_at_32_kbit_and_20_ms() -> None:
    encoder = OpusEncoder()
    packets = [encoder.encode(frame) for frame in frames_of(tone(440, 2.0))]
    assert {packet_samples(packet) for packet in packets} == {FRAME}
    assert 30 < np.mean([len(packet) for packet in packets]) < 110
    assert amplitude_of(440, decoded(packets)[4800:-4800]) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (b"\x08", 960),
        (b"\x18", 2880),
        (b"\x60", 480),
        (b"\x78\x01", 960),
        (b"\xe0", 120),
        (b"\xf9ab", 1920),
        (b"\xfb\x06", 5760),
    ],
)
def test_the_length_of_a_packet_is_read_from_its_table_of_contents(payload: bytes, samples: int) -> None:
    assert packet_samples(payload) == samples


@pytest.mark.parametrize("payload", [b"", b"\xfb", b"\xfb\x00", b"\xfb\x07"])
def test_a_packet_that_cannot_be_is_refused(payload: bytes) -> None:
    with pytest.raises(OpusError):
        packet_samples(payload)
    with pytest.raises(OpusError):
        OpusDecoder().decode(payload, np.zeros(MAX_PACKET_SAMPLES, np.float32))


@given(st.binary(max_size=300))
def test_garbage_is_decoded_to_something_bounded_or_refused(payload: bytes) -> None:
    out = np.zeros(MAX_PACKET_SAMPLES, np.float32)
    try:
        count = OpusDecoder().decode(payload, out)
    except OpusError:
        return
    assert 0 < count <= MAX_PACKET_SAMPLES
    assert np.abs(out).max() <= 1.0


def test_a_lost_packet_is_concealed_by_what_came_before() -> None:
    encoder, decoder, out = OpusEncoder(), OpusDecoder(), np.zeros(MAX_PACKET_SAMPLES, np.float32)
    assert decoder.conceal(out) == 0, "nothing to go on from"
    for frame in frames_of(tone(300, 0.4))[:15]:
        decoder.decode(encoder.encode(frame), out)
    before = float(np.abs(out[:FRAME]).max())
    assert decoder.conceal(out) == FRAME
    assert 0.5 * before < float(np.abs(out[:FRAME]).max()) < 1.5 * before


def test_a_comfort_frame_after_silence_is_silent() -> None:
    encoder = OpusEncoder()
    packets = [encoder.encode(np.zeros(FRAME, np.int16)) for _ in range(20)]
    assert np.abs(decoded([*packets, DTX_PACKET])[-FRAME:]).max() < 20


def test_a_silent_mix_costs_one_comfort_packet_in_400_ms() -> None:
    outlet = Outlet(OpusEncoder())
    silence = np.zeros(FRAME, np.int16)
    outlet.packet(tone(440, 0.02))
    sent = [outlet.packet(silence) for _ in range(100)]
    assert None not in sent[:19], "the end of the sound is encoded"
    assert [index for index, packet in enumerate(sent) if packet == DTX_PACKET] == [19, 39, 59, 79, 99]
    assert outlet.encodes == 20


def switched(take_over: bool) -> tuple[np.ndarray, np.ndarray]:
    """A sound of two tones as one encoder makes it, and as another does from the 40th frame on."""
    sound = frames_of((tone(310, 1.6).astype(int) + tone(523, 1.6)).astype(np.int16))
    one, other, history = Outlet(OpusEncoder()), Outlet(OpusEncoder()), MixHistory()
    for frame in frames_of(tone(1900, 0.5)):
        other.packet(frame)
    steady, changed = [], []
    for index, frame in enumerate(sound):
        packet = one.packet(frame)
        if index == 40 and take_over:
            other.take_over(history)
        steady.append(packet)
        changed.append(other.packet(frame) if index >= 40 else packet)
        history.keep(frame)
    around = slice(40 * FRAME, 43 * FRAME)
    plain = decoded([packet for packet in steady if packet]).astype(int)[around]
    return plain, decoded([packet for packet in changed if packet]).astype(int)[around]


def test_an_encoder_that_takes_over_cannot_be_heard() -> None:
    plain, changed = switched(take_over=True)
    assert np.abs(np.diff(changed)).max() < 1.3 * np.abs(np.diff(plain)).max(), "no click"
    assert np.sqrt(np.mean((changed - plain) ** 2.0)) < 0.3 * np.sqrt(np.mean(plain**2.0)), (
        "the coder's own noise"
    )
    plain, abrupt = switched(take_over=False)
    assert np.abs(np.diff(abrupt)).max() > 2 * np.abs(np.diff(plain)).max(), "which it does otherwise"


def test_both_decoders_hear_the_same_and_only_the_c_interface_reads_copies() -> None:
    library = libopus()
    assert library is not None, "PyAV's packages carry it"
    encoder = OpusEncoder()
    direct, wrapped = CDecoder(library), _WrappedDecoder()
    first, second = np.zeros(MAX_PACKET_SAMPLES, np.float32), np.zeros(MAX_PACKET_SAMPLES, np.float32)
    for frame in vowels(1.0).reshape(-1, FRAME):
        packet = encoder.encode(frame)
        assert direct.decode(packet, first) == wrapped.decode(packet, second) == FRAME
        assert np.abs(first[:FRAME] - second[:FRAME]).max() < 1e-3
        assert not wrapped.copies(packet)


@given(st.binary(max_size=200), st.integers(120, MAX_PACKET_SAMPLES))
def test_no_bytes_make_the_c_interface_write_beyond_its_room(payload: bytes, room: int) -> None:
    library = libopus()
    assert library is not None
    decoder, out = CDecoder(library), np.full(2 * MAX_PACKET_SAMPLES, 7.0, np.float32)
    for work in (decoder.decode, decoder.recover):
        try:
            assert 0 <= work(payload, out[:room]) <= room
        except OpusError:
            pass
        assert (out[room:] == 7.0).all()
