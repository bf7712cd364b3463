"""The caller's parts: WAV in, sound onsets, the microphone's and the ear's clocks, what was said."""

import asyncio
import inspect
import struct
import wave
from pathlib import Path

import aioice
import av
import numpy as np
import pytest
from aiortc import RTCIceGatherer, RTCRtpReceiver
from hypothesis import given, settings
from hypothesis import strategies as st

from media.realtime.packet import FrameKind
from signaling.caller.conversation import Conversation
from signaling.caller.ear import Ear
from signaling.caller.microphone import Microphone, SpeechCut
from signaling.caller.voiced import last_voiced, onset
from signaling.caller.wav import LONGEST_SECONDS, WavError, WavRecorder, read_speech


def tone(seconds: float, *, rate: int = 48_000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def write_wav(path: Path, samples: np.ndarray, *, rate: int, width: int, channels: int) -> None:
    if width == 1:
        data = (samples * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = (samples * (2 ** (8 * width - 1) - 1)).astype(np.int64)
        data = b"".join(
            int(one).to_bytes(width, "little", signed=True) for one in whole for _ in range(channels)
        )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data if width > 1 else b"".join(bytes([one]) * channels for one in data))


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 1), (2, 2), (3, 2), (4, 1)])
def test_any_pcm_wav_is_read_as_48_khz_mono(tmp_path: Path, rate: int, width: int, channels: int) -> None:
    path = tmp_path / "tone.wav"
    write_wav(path, tone(0.25, rate=rate), rate=rate, width=width, channels=channels)
    samples = read_speech(path)
    assert samples.dtype == np.int16
    assert abs(samples.size - 12_000) <= 96
    middle = samples[2_400:9_600].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size)))
    assert abs(spectrum.argmax() * 48_000 / middle.size - 440) < 10
    assert np.sqrt(np.mean(middle**2)) / 32768 == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


def test_what_cannot_be_spoken_is_named_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is no sound at all, only words " * 20)
    nothing = tmp_path / "nothing.wav"
    nothing.write_bytes(b"")
    empty = tmp_path / "empty.wav"
    write_wav(empty, np.zeros(0), rate=16_000, width=2, channels=1)
    silent = tmp_path / "silent.wav"
    write_wav(silent, np.zeros(1600), rate=16_000, width=2, channels=1)
    long = tmp_path / "long.wav"
    with wave.open(str(long), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x90\x70" * (4_000 * (LONGEST_SECONDS + 2)))
    cases = {
        text: "not a readable WAV",
        nothing: "not a readable WAV",
        empty: "empty",
        silent: "silence",
        long: "longer than",
        tmp_path / "missing.wav": "no such file",
        tmp_path: "not a readable WAV",
    }
    for path, reason in cases.items():
        with pytest.raises(WavError, match=reason) as caught:
            read_speech(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_wav_that_is_not_pcm_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "compressed.wav"
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("adpcm_ms", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            (tone(1, rate=16_000) * 9_000).astype(np.int16)[None], "s16", "mono"
        )
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(WavError, match="adpcm_ms, only PCM is read"):
        read_speech(path)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=400), header=st.booleans(), fields=st.tuples(*[st.integers(0, 65_535)] * 5))
def test_no_bytes_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, header: bool, fields: tuple[int, ...]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.wav"
    kind, channels, rate, align, bits = fields
    chunk = struct.pack("<HHIIHH", kind, channels, rate, rate, align, bits)
    riff = b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + struct.pack("<I", 16) + chunk
    path.write_bytes((riff + b"data" + struct.pack("<I", len(body)) if header else b"") + body)
    try:
        assert read_speech(path).any()
    except WavError as error:
        reason = str(error)
        assert "\n" not in reason


def test_what_is_recorded_can_be_read_again(tmp_path: Path) -> None:
    recorder = WavRecorder(tmp_path / "heard.wav")
    heard = (tone(0.2) * 32767).astype(np.int16)
    for frame in heard.reshape(-1, 960):
        recorder.write(frame)
    recorder.close()
    np.testing.assert_array_equal(read_speech(tmp_path / "heard.wav"), heard)
    with pytest.raises(WavError, match="cannot be written"):
        WavRecorder(tmp_path / "no such folder" / "heard.wav")


def test_speech_ends_with_its_last_voiced_sample_not_with_the_file() -> None:
    samples = np.zeros(48_000, np.int16)
    samples[4_800:24_000] = (tone(0.4) * 32767).astype(np.int16)
    samples[24_000:] = 20  # a hum far below the voice
    assert last_voiced(samples) == 24_000
    assert last_voiced(samples[:100]) == 100


def test_onset_is_the_first_audible_block() -> None:
    frame = np.zeros(960, np.float32)
    assert onset(frame) is None
    frame += 0.001
    assert onset(frame) is None
    frame[480:] = 0.1
    assert onset(frame) == 480


@pytest.mark.virtual_time
async def test_the_microphone_sends_on_the_clock_and_knows_when_the_last_voiced_sample_was_spoken() -> None:
    clock = asyncio.get_running_loop().time
    microphone = Microphone(clock)
    track = microphone.track()
    instants: list[float] = []

    async def send() -> None:
        while True:
            packet = await track.recv()
            assert packet.pts == len(instants) * 960
            instants.append(clock())

    sender = asyncio.create_task(send())
    await asyncio.sleep(0.51)
    samples = np.zeros(9_600, np.int16)
    samples[:5_040] = 8_000  # 105 ms voiced, then silence to 200 ms
    ended = await microphone.say(samples)
    sender.cancel()
    assert np.allclose(np.diff(instants), 0.02)
    first = next(at for at in instants if at > 0.505)
    assert ended == pytest.approx(first - 0.02 + 0.105)
    assert instants[-1] == pytest.approx(first + 9 * 0.02)


@pytest.mark.virtual_time
async def test_an_utterance_that_is_cut_tells_its_speaker_and_silence_follows() -> None:
    microphone = Microphone(asyncio.get_running_loop().time)
    said = asyncio.create_task(microphone.say(np.full(48_000, 8_000, np.int16)))
    await asyncio.sleep(0)
    assert microphone.next_frame(0.0) is not None
    microphone.cut()
    assert microphone.next_frame(0.02) is None
    with pytest.raises(SpeechCut):
        await said


class _Script:
    """A jitter buffer that plays frames of given loudness."""

    def __init__(self, loudness: list[float]) -> None:
        self._loudness = iter(loudness)

    def pull(self, out: np.ndarray, now_ns: int) -> FrameKind:
        out[:] = next(self._loudness, 0.0)
        return FrameKind.SPEECH


@pytest.mark.virtual_time
async def test_the_ear_marks_stretches_of_sound_and_hands_on_every_frame() -> None:
    clock = asyncio.get_running_loop().time
    heard: list[float] = []
    ear = Ear(lambda frame: heard.append(float(frame[0])), clock)
    ear.listen(_Script([0.0] * 10 + [0.5] * 5 + [0.0] * 5 + [0.5] * 5 + [0.0] * 30 + [0.25] * 5))  # type: ignore[arg-type]
    running = asyncio.create_task(ear.run())
    await asyncio.sleep(1.51)
    running.cancel()
    assert [(round(one.begun, 2), round(one.ended, 2)) for one in ear.sounds] == [(0.22, 0.52), (1.12, 1.22)]
    assert ear.frames == len(heard) == 75
    assert heard[12] == pytest.approx(16_383, abs=1)
    assert ear.first_sound(since=0.5) is ear.sounds[1]
    assert ear.first_sound(since=1.3) is None
    assert ear.quiet_for() == pytest.approx(clock() - 1.22)


def test_the_private_members_of_aiortc_that_the_caller_relies_on_are_there() -> None:
    assert list(inspect.signature(RTCRtpReceiver._handle_rtp_packet).parameters) == [
        "self",
        "packet",
        "arrival_time_ms",
    ]
    assert list(inspect.signature(aioice.Connection.get_component_candidates).parameters) == [
        "self",
        "component",
        "addresses",
        "timeout",
    ]
    assert isinstance(RTCIceGatherer(iceServers=[])._connection, aioice.Connection)


def _joined(**changed: object) -> dict[str, object]:
    persona = {"id": "p", "name": "Nova", "kind": "persona", "status": "listening"}
    return {
        "type": "joined",
        "room": "lobby",
        "you": "me",
        "participants": [persona],
        "history": [],
        **changed,
    }


def test_a_caption_that_grows_stays_one_line_and_its_end_settles_the_reply() -> None:
    conversation = Conversation()
    caption = {"type": "caption", "id": "p", "utterance": "u", "text": "Hello", "final": False}
    conversation.apply(_joined(), now=0, at="t0")
    conversation.apply(caption, now=1, at="t1")
    assert not conversation.settled(conversation.persona_lines(since=0.5))
    conversation.apply({**caption, "text": "Hello there.", "final": True}, now=2, at="t2")
    (line,) = conversation.persona_lines(since=0.5)
    assert (line.name, line.text, line.at, line.final) == ("Nova", "Hello there.", "t1", True)
    assert conversation.settled([line])
    thinking = {"id": "p", "name": "Nova", "kind": "persona", "status": "thinking"}
    conversation.apply({"type": "participant", "participant": thinking}, now=3, at="t3")
    assert not conversation.settled([line])
    assert conversation.persona_lines(since=2.5) == []


def test_lines_missed_while_the_connection_was_lost_are_taken_from_the_history() -> None:
    conversation = Conversation()
    before = {"id": "h1", "from": "p", "name": "Nova", "kind": "speech", "text": "Earlier.", "at": "t"}
    missed = {**before, "id": "h2", "text": "While you were away."}
    conversation.apply(_joined(history=[before]), now=0, at="t0")
    assert conversation.lines == []
    conversation.apply(_joined(history=[before, missed]), now=5, at="t5")
    assert [line.text for line in conversation.lines] == ["While you were away."]


def test_another_participants_latency_is_not_taken_for_ours() -> None:
    conversation = Conversation()
    conversation.apply(_joined(), now=0, at="t0")
    conversation.apply({"type": "latency", "turn": "1", "to": "me", "onWire": 700}, now=1, at="t")
    conversation.apply({"type": "latency", "turn": "2", "to": "you", "onWire": 900}, now=2, at="t")
    assert conversation.latency_since(0.5) == {"turn": "1", "to": "me", "onWire": 700}
    assert conversation.latency_since(1.5) is None


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "kind", "at"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_keys = [
    "type",
    "id",
    "from",
    "name",
    "text",
    "at",
    "utterance",
    "final",
    "participant",
    "participants",
    "history",
]
_types = ["joined", "participant", "left", "caption", "chat", "ack", "latency", "what"]


@given(
    messages=st.lists(
        st.builds(
            lambda kind, rest: {**rest, "type": kind},
            st.sampled_from(_types),
            st.dictionaries(st.sampled_from(_keys), _values, max_size=5),
        ),
        max_size=8,
    )
)
def test_no_message_of_a_strange_server_breaks_the_conversation(messages: list[dict[str, object]]) -> None:
    conversation = Conversation()
    for number, message in enumerate(messages):
        conversation.apply(message, now=number, at="t")
    assert len(conversation.lines) <= 3 * len(messages)
