"""Every parser of something from outside, as a function of bytes that fails only where the parser does.

Each function swallows the exceptions that its parser documents, and holds what came out against what it promises.
`tests/fuzz/test_targets.py` feeds them with Hypothesis and with what fuzzing has found before;
`python -m tests.fuzz TARGET` feeds them by coverage, where atheris is installed.
"""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from cognition.conversation.addressing import asked
from cognition.conversation.clauses import ClauseSplitter
from cognition.conversation.dialogue import novelty
from cognition.conversation.names import Wording
from cognition.conversation.quiet import asks_for_quiet, wakes
from cognition.conversation.transcript import line_of, plain
from cognition.inference.chatml import render
from cognition.inference.generator import Prompt, Turn
from cognition.persona.opening import opening
from cognition.persona.profile import ProfileError, load_persona
from media.realtime.jitter import JitterBuffer
from media.realtime.opus import OpusDecoder
from media.realtime.opus_packet import MAX_PACKET_SAMPLES, OpusError, packet_samples
from media.realtime.packet import FRAME, ReceivedPacket
from media.realtime.ring import AudioRing, RingError
from media.rtc.ice import CandidateError, parse_candidate
from media.rtc.keyframes import (
    h264_begins_keyframe,
    parse_vp8,
    renumber_vp8,
    vp8_begins_keyframe,
    vp8_picture_size,
)
from media.rtc.packets import PacketError, header_extension, parse_rtp
from media.rtc.rtcp import MAX_NACKS, Nack, RtcpError, parse_rtcp
from media.rtc.sdp import AnswerSection, LocalTransport, SdpError, parse_offer, write_answer
from media.rtc.transport_feedback import ArrivalLog
from media.speech.backchannel import is_backchannel
from media.speech.patience import LONGEST, SOONEST, AdaptivePatience, Pause
from media.speech.phantom import Evidence, phantom_reason
from media.speech.speakable import pieces, speakable
from signaling.caller.wav import LONGEST_SECONDS, RATE, WavError, read_speech
from signaling.ipc import jsonrpc
from signaling.mirrors import SourceError, copy_member
from signaling.run_directory import base_directory
from signaling.server import client_messages, history, server_messages
from signaling.server.access import bearer, is_local_request, may_connect
from signaling.server.session import offers_microphone
from signaling.server.text import clean_line, clean_name
from signaling.server.tokens import TokenError, Tokens

__all__ = ["TARGETS"]

MEMBER = "model.bin"
LIMIT = 100_000
MAX_WORDS = 2_000
"""Characters that models give at most: they are told to stop after so many tokens."""


def _text(data: bytes) -> str:
    """Any text, lone surrogates too: a JSON string may hold them."""
    return data.decode("utf-8", "surrogateescape")


def _as_file(data: bytes, suffix: str, read: Callable[[Path], None]) -> None:
    # In memory where that can be had: a disk would be the slowest part of it.
    with tempfile.TemporaryDirectory(dir=base_directory()) as folder:
        path = Path(folder, "iris").with_suffix(suffix)
        path.write_bytes(data)
        read(path)


def rtp(data: bytes) -> None:
    """The header and every extension element of an RTP packet."""
    try:
        header = parse_rtp(data)
    except PacketError:
        return
    assert 12 <= header.extension <= header.payload <= header.end <= len(data)
    for number in range(256):
        value = header_extension(data, header, number)
        assert value is None or len(value) <= 255


def compound_rtcp(data: bytes) -> None:
    """All kinds of RTCP packets."""
    try:
        facts = parse_rtcp(data)
    except RtcpError:
        return
    assert len(facts) <= len(data)
    assert all(len(fact.sequences) <= MAX_NACKS for fact in facts if isinstance(fact, Nack))


def transport_numbers(data: bytes) -> None:
    """Transport-wide numbers and instants, of which reports are made."""
    log, now = ArrivalLog(), 0
    for at in range(0, len(data) - 3, 4):
        now += data[at + 2] * 1_000_000 << (data[at + 3] & 7)
        log.add(data[at] << 8 | data[at + 1], now)
        report = log.report(1, 2, now)
        assert report is None or (len(report) <= 1300 and len(report) % 4 == 0)


def vp8(data: bytes) -> None:
    """VP8's descriptor, keyframes and sizes."""
    descriptor = parse_vp8(data)
    if descriptor is None:
        return
    assert descriptor.size <= len(data)
    vp8_begins_keyframe(data, descriptor)
    size = vp8_picture_size(data, descriptor)
    assert size is None or (0 < size[0] < 1 << 14 and 0 < size[1] < 1 << 14)
    moved = renumber_vp8(data[: descriptor.size], descriptor, 5, 7)
    assert len(moved) == descriptor.size
    again = parse_vp8(moved + data[descriptor.size :])
    assert again is not None
    assert again.size == descriptor.size


def h264(data: bytes) -> None:
    """H264's keyframes, in aggregates and fragments."""
    h264_begins_keyframe(data)


_decoder = OpusDecoder()
_out = np.zeros(MAX_PACKET_SAMPLES, np.float32)


def opus(data: bytes) -> None:
    """An Opus packet: its length, its sound, and the copy of the one before that it carries."""
    with suppress(OpusError):
        assert 0 < packet_samples(data) <= MAX_PACKET_SAMPLES
    with suppress(OpusError):
        assert 0 <= _decoder.decode(data, _out) <= MAX_PACKET_SAMPLES
        assert np.isfinite(_out).all()
    _decoder.copies(data)
    with suppress(OpusError):
        _decoder.recover(data, _out)


def jitter(data: bytes) -> None:
    """Sequence numbers, timestamps, levels and sounds in any order, and a clock that goes as it likes."""
    buffer, now, at = JitterBuffer(), 0, 0
    frame = np.zeros(FRAME, np.float32)
    while at + 12 <= len(data):
        size = data[at + 8] & 0x1F
        now += data[at + 9] * 1_000_000
        buffer.push(
            ReceivedPacket(
                int.from_bytes(data[at : at + 2], "big"),
                int.from_bytes(data[at + 2 : at + 6], "big"),
                data[at + 12 : at + 12 + size],
                now,
                data[at + 10] & 0x7F if data[at + 10] & 0x80 else None,
            )
        )
        assert buffer.held <= 400
        for _ in range(data[at + 11] & 3):
            buffer.pull(frame, now)
            assert np.isfinite(frame).all()
            now += 20_000_000
        at += 12 + size


def offer(data: bytes) -> None:
    """An SDP offer, answered."""
    text = _text(data)
    offers_microphone(text)
    try:
        parsed = parse_offer(text)
    except SdpError:
        return
    plan = [AnswerSection(section, "inactive" if section.codecs else None) for section in parsed.sections]
    local = LocalTransport("u" * 4, "p" * 22, "AA", True, parsed.candidates)
    assert len(write_answer(plan, local, session=1, version=1)) < 64 * len(text) + 1000


def candidate(data: bytes) -> None:
    """An ICE candidate."""
    with suppress(CandidateError):
        parse_candidate(_text(data))


def room_message(data: bytes) -> None:
    """A message of a client on the WebSocket."""
    try:
        client_messages.parse(_text(data))
    except client_messages.MessageError as error:
        error.id.encode("utf-8", "surrogatepass") if error.id is not None else None
        server_messages.serialize(server_messages.Error(error.code, str(error), error.id)).encode()


_tokens = Tokens(b"k" * 32)


def token(data: bytes) -> None:
    """A token, and what stands in an `Authorization` header."""
    text = _text(data)
    bearer(text)
    assert not _tokens.is_key(text)
    try:
        _tokens.verify(text, "join")
    except TokenError:
        return
    raise AssertionError("a token was accepted that nobody signed")


def headers(data: bytes) -> None:
    """`Host` and `Origin`."""
    host, _, origin = _text(data).partition("\n")
    may_connect(host, origin, ("https://example.org",))
    is_local_request(host, host, origin, forwarded=False)


def names_and_lines(data: bytes) -> None:
    """A name and a written line."""
    text = _text(data)
    assert clean_name(clean_name(text)) == clean_name(text)
    assert clean_line(clean_line(text)) == clean_line(text)


def rpc_line(data: bytes) -> None:
    """A line of the IPC."""
    try:
        message = jsonrpc.parse(data)
    except jsonrpc.MalformedMessage:
        return
    with suppress(jsonrpc.LineTooLong):
        assert jsonrpc.parse(jsonrpc.serialize(message)) == message


def ring(data: bytes) -> None:
    """The header of a ring in shared memory."""
    buffer = bytearray(data)
    try:
        attached = AudioRing.attach(buffer)
    except RingError:
        return
    out = np.zeros(64, np.int16)
    attached.read_at(attached.pulled, out)
    attached.pull(out)
    attached.offer(out)
    attached.write(out)
    attached.drop()


def wav(data: bytes) -> None:
    """A WAV file."""

    def read(path: Path) -> None:
        with suppress(WavError):
            assert read_speech(path).size <= (LONGEST_SECONDS + 1) * RATE

    _as_file(data, ".wav", read)


def profile(data: bytes) -> None:
    """A persona's TOML."""

    def read(path: Path) -> None:
        with suppress(ProfileError):
            load_persona(path)

    _as_file(data, ".toml", read)


def archive(data: bytes) -> None:
    """A wheel or a tarball from a mirror."""

    def read(path: Path) -> None:
        with tempfile.TemporaryFile() as out, suppress(SourceError):
            assert copy_member(path, MEMBER, out, LIMIT) <= LIMIT

    _as_file(data[1:], ".whl" if data[:1] < b"\x80" else ".tgz", read)


def spoken(data: bytes) -> None:
    """What the language model writes, a few characters at a time, to clauses and to what a voice can say."""
    text = _text(data)[:MAX_WORDS]
    splitter = ClauseSplitter(["Felix"], ["Ada"])
    clauses = [clause for at in range(0, len(text), 3) for clause in splitter.feed(text[at : at + 3])]
    clauses += splitter.finish()
    assert sum(map(len, clauses)) <= 2 * len(text) + 10
    for clause in clauses:
        assert all(len(piece) <= 300 for piece in pieces(speakable(clause)))


def prompt(data: bytes) -> None:
    """What is said to the language model: no text becomes a control token."""
    texts = _text(data).split("\x00", 100)
    turns = tuple(Turn("assistant" if index % 2 else "user", text) for index, text in enumerate(texts[1:]))
    segments = list(render(Prompt(texts[0], turns, opening=texts[-1]), answer=True))
    assert {segment.text for segment in segments if segment.control} == {"<|im_start|>", "<|im_end|>"}
    said = [segment.text for segment in segments if not segment.control]
    for text in texts:
        said.remove(text)


def heard(data: bytes) -> None:
    """What a person said or wrote, judged for whom it is meant and what it calls for."""
    text = _text(data)
    said = Wording.of(text)
    asks_for_quiet(said, ["Ada"])
    wakes(said)
    meant = asked(said, text, {"ada": "Ada", "felix": "Felix"}, ["Ben"])
    assert {*meant.called, *meant.passed_on} <= {"ada", "felix"}
    assert 0.0 <= novelty(text, [text[:40]], ["Ada"]) <= 1.0
    is_backchannel(text)
    assert len(opening(text, persona="Felix", speaker="Ada")) < 200
    assert len(plain(text, 40)) <= 40


def transcribed(data: bytes) -> None:
    """What Whisper says it heard."""
    figures = [byte / 25.5 for byte in data[:3].ljust(3, b"\0")]
    text = _text(data[3:])[:MAX_WORDS]
    phantom_reason(text, Evidence(3 * figures[0], -figures[1], figures[2] / 10))
    patience = AdaptivePatience()
    patience.asked(text)
    assert SOONEST <= patience.wait(Pause(text, figures[2] / 10)) <= LONGEST
    assert all(len(piece) <= 300 for piece in pieces(speakable(text)))


def remembered(data: bytes) -> None:
    """A line of a room's history, by the mind and by media."""
    fields = _text(data).split("\x00")
    names = ("id", "from", "name", "kind", "text", "at")
    wire = dict(zip(names, fields, strict=False)) | ({"kind": "chat"} if len(data) % 2 else {})
    with suppress(ValueError):
        line_of(wire)
    with suppress(ValueError):
        history.parse_line(wire)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__.replace("_", "-"): target
    for target in (
        rtp,
        compound_rtcp,
        transport_numbers,
        vp8,
        h264,
        opus,
        jitter,
        offer,
        candidate,
        room_message,
        token,
        headers,
        names_and_lines,
        rpc_line,
        ring,
        wav,
        profile,
        archive,
        spoken,
        prompt,
        heard,
        transcribed,
        remembered,
    )
}
"""By name."""
