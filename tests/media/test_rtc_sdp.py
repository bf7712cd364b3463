from pathlib import Path

import pytest
from aioice import Candidate
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from media.rtc.ice import CandidateError, IceServer, IgnoredCandidate, parse_candidate, server_arguments
from media.rtc.sdp import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MAX_SDP_BYTES,
    MID,
    RID,
    TRANSPORT_NUMBER,
    AnswerSection,
    Codec,
    LocalTransport,
    SdpError,
    parse_offer,
    write_answer,
)

CHROMIUM = (Path(__file__).parent / "data" / "chromium_offer.sdp").read_text()
FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)
PLAIN = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE a v",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        f"a=fingerprint:{FINGERPRINT}",
        "a=setup:actpass",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "a=mid:a",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:0 PCMU/8000",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=mid:v",
        "a=recvonly",
        "a=rtcp-mux",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:* nack pli",
        "",
    ]
)


def without(line: str) -> str:
    assert line in PLAIN
    return "".join(each for each in PLAIN.splitlines(keepends=True) if each.strip() != line)


def test_a_browsers_offer_is_understood() -> None:
    offer = parse_offer(CHROMIUM)
    assert [s.kind for s in offer.sections] == ["audio"] + ["video"] * 9
    assert [s.direction for s in offer.sections[:3]] == ["sendrecv", "sendonly", "recvonly"]
    audio, camera = offer.sections[:2]
    assert audio.codecs == {111: Codec("opus")}
    assert audio.extensions == {AUDIO_LEVEL: 1, ABS_SEND_TIME: 2, TRANSPORT_NUMBER: 3, MID: 4}
    assert list(camera.codecs.items())[:3] == [
        (96, Codec("VP8")),
        (102, Codec("H264", 1, "baseline")),
        (104, Codec("H264", 0, "baseline")),
    ]
    assert camera.codecs[108] == Codec("H264", 1, "constrained-baseline")
    assert camera.feedback[96] == ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
    assert len(audio.ssrcs) == 1
    assert offer.username == "HE0p"
    assert offer.setup == "actpass"
    assert {c.host for c in offer.candidates} >= {"127.0.0.1", "::1"}
    assert offer.ignored == ("candidate-tcp",) * 4


def test_the_answer_says_what_is_expected_and_another_implementation_reads_it() -> None:
    offer = parse_offer(CHROMIUM)
    plan = [
        AnswerSection(offer.sections[0], "sendrecv", 77, "room", "name"),
        AnswerSection(offer.sections[1], "recvonly"),
        AnswerSection(offer.sections[2], "sendonly", 78, "slot-2", "name"),
        AnswerSection(offer.sections[3], "inactive"),
        *(AnswerSection(section, None) for section in offer.sections[4:]),
    ]
    host = Candidate("f", 1, "udp", 99, "127.0.0.1", 5000, "host")
    local = LocalTransport("user", "p" * 22, FINGERPRINT.removeprefix("sha-256 "), True, [host])
    text = write_answer(plan, local, session=5, version=2)
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0\r\n" in text
    assert "a=ptime:20\r\n" in text
    assert "rtx" not in text
    read = SessionDescription.parse(text)
    assert [m.direction for m in read.media] == ["sendrecv", "recvonly", "sendonly", "inactive"] + [
        "inactive"
    ] * 6
    assert [m.port for m in read.media] == [9] * 4 + [0] * 6
    assert read.group[0].items == ["0", "1", "2", "3"]
    audio, camera, slot = read.media[:3]
    assert [(c.name, c.payloadType) for c in audio.rtp.codecs] == [("opus", 111)]
    assert {c.name for c in camera.rtp.codecs} == {"VP8", "H264"}
    feedback = {f"{f.type} {f.parameter or ''}".strip() for f in camera.rtp.codecs[0].rtcpFeedback}
    assert feedback == {"transport-cc", "ccm fir", "nack", "nack pli"}
    feedback = {f"{f.type} {f.parameter or ''}".strip() for f in slot.rtp.codecs[0].rtcpFeedback}
    assert feedback == {"goog-remb", "ccm fir", "nack", "nack pli"}
    assert TRANSPORT_NUMBER in {e.uri for e in camera.rtp.headerExtensions}
    assert TRANSPORT_NUMBER not in {e.uri for e in (*slot.rtp.headerExtensions, *audio.rtp.headerExtensions)}
    assert {e.uri for e in audio.rtp.headerExtensions} == {AUDIO_LEVEL, ABS_SEND_TIME, MID}
    assert [s.ssrc for s in slot.ssrc] == [78]
    assert not camera.ssrc
    assert [c.port for c in slot.ice_candidates] == [5000]
    assert slot.dtls is not None
    assert slot.dtls.role == "client"
    h264 = next(c for c in camera.rtp.codecs if c.payloadType == 108)
    assert h264.parameters["profile-level-id"] == "42e01f"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begins with"),
        ("hello", "begins with"),
        ("v=0\r\n", "no m-line"),
        (PLAIN + "a=x" * MAX_SDP_BYTES, "at most"),
        (PLAIN + "é" * (MAX_SDP_BYTES // 2), "at most"),
        (PLAIN + "m=audio\r\n", "line 21: an m-line is"),
        (PLAIN.replace("m=audio", "m=text"), "no audio m-line"),
        (PLAIN.replace("m=audio 9", "m=audio 0"), "no audio m-line"),
        (PLAIN.replace("opus", "speex"), "lacks Opus"),
        (without("a=mid:a"), "lacks 'a=mid'"),
        (PLAIN.replace("a=mid:v", "a=mid:a"), "same mid"),
        (PLAIN.replace("a=mid:v", "a=mid:v w"), "a mid is"),
        (without("a=ice-ufrag:abcd"), "username fragment"),
        (without("a=ice-pwd:0123456789012345678901"), "password"),
        (PLAIN.replace("a=ice-ufrag:abcd", "a=ice-ufrag:a"), "line 6: an ICE username"),
        (without(f"a=fingerprint:{FINGERPRINT}"), "fingerprint is missing"),
        (PLAIN.replace(FINGERPRINT, "sha-1 AA"), "a fingerprint is"),
        (without("a=setup:actpass"), "DTLS role"),
        (PLAIN.replace("actpass", "maybe"), "'maybe'"),
        (without("a=rtcp-mux"), "lacks 'a=rtcp-mux'"),
        (PLAIN.replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:opus"), "an rtpmap is"),
        (PLAIN.replace("SAVPF 96", "SAVPF 960"), "payload type '960'"),
        (PLAIN + "a=ssrc:many cname:x\r\n", "an SSRC is"),
        (PLAIN.replace("a=mid:a", "a=mid:a\r\na=candidate:nothing"), "line 12: a candidate is"),
        (PLAIN + "a=ice-ufrag:other\r\n", "different ICE credentials"),
    ],
)
def test_an_offer_that_cannot_be_answered_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        parse_offer(text)


def test_line_ends_without_carriage_returns_will_do() -> None:
    assert parse_offer(PLAIN.replace("\r\n", "\n")) == parse_offer(PLAIN)


def test_an_unbundled_section_is_not_part_of_the_connection() -> None:
    assert parse_offer(PLAIN.replace("BUNDLE a v", "BUNDLE a")).bundle == ("a",)
    assert parse_offer(without("a=group:BUNDLE a v")).bundle == ("a",)


def test_a_huge_offer_of_one_kind_of_line_costs_little() -> None:
    for line in (
        "a=ssrc:{} cname:x",
        "a=rtcp-fb:96 nack {}",
        "a=candidate:{} 1 udp 5 10.0.0.1 9 typ host",
        "a=rtpmap:96 VP8/90000",
        "a=fmtp:96 a={}",
    ):
        many = "".join(line.format(i) + "\r\n" for i in range(MAX_SDP_BYTES // 60))
        offer = parse_offer(PLAIN + many)
        assert len(offer.sections[1].ssrcs) <= 32


@given(st.data())
def test_a_mutilated_offer_is_refused_or_understood_and_nothing_else(data: st.DataObject) -> None:
    lines = PLAIN.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case 2:
                cut = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + data.draw(st.text(max_size=6)) + lines[at][cut + 1 :]
            case _:
                kind = data.draw(
                    st.sampled_from(
                        [
                            "fmtp",
                            "rtcp-fb",
                            "extmap",
                            "ssrc",
                            "candidate",
                            "setup",
                            "group",
                            "rid",
                            "simulcast",
                        ]
                    )
                )
                lines.insert(at, f"a={kind}:" + data.draw(st.text("0123456789 */=;:abcvAx", max_size=30)))
        lines = lines or ["v=0"]
    try:
        offer = parse_offer("\r\n".join(lines))
    except SdpError:
        return
    plan = [AnswerSection(section, "inactive" if section.codecs else None) for section in offer.sections]
    write_answer(plan, LocalTransport("u" * 4, "p" * 22, "AA", True, offer.candidates), session=1, version=1)


@given(st.text(max_size=300))
def test_no_text_makes_the_parsers_fail_otherwise(text: str) -> None:
    with pytest.raises(SdpError):
        parse_offer("v=0\r\n" + text.replace("m=", ""))
    try:
        parse_candidate(text)
    except CandidateError:
        return


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("candidate:1 1 udp 2122260223 192.168.1.7 50000 typ host generation 0", "192.168.1.7", 50000),
        ("a=candidate:1 1 UDP 1 ::1 9 typ host", "::1", 9),
        ("1 1 udp 5 10.0.0.1 7 typ srflx raddr 10.0.0.2 rport 8", "10.0.0.1", 7),
        ("1 1 udp 5 10.0.0.1 7 typ prflx", "10.0.0.1", 7),
    ],
)
def test_candidates_are_read(text: str, host: str, port: int) -> None:
    candidate = parse_candidate(text)
    assert isinstance(candidate, Candidate)
    assert (candidate.host, candidate.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 1 tcp 5 10.0.0.1 9 typ host tcptype active", "candidate-tcp"),
        ("1 1 udp 5 8d2e1f3c-0b9f.local 9 typ host", "candidate-mdns"),
        ("1 2 udp 5 10.0.0.1 9 typ host", "candidate-rtcp"),
    ],
)
def test_candidates_of_no_use_are_named(text: str, reason: str) -> None:
    assert parse_candidate(text) == IgnoredCandidate(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "a candidate is"),
        ("1 1 udp 5 10.0.0.1 9 kind host", "a candidate is"),
        ("1 one udp 5 10.0.0.1 9 typ host", "the component"),
        ("1 1 sctp 5 10.0.0.1 9 typ host", "unknown transport"),
        ("1 1 udp -5 10.0.0.1 9 typ host", "the priority"),
        ("1 1 udp 5 10.0.0.1 99999 typ host", "the port"),
        ("1 1 udp 5 10.0.0.1 9 typ local", "unknown type"),
        ("1 1 udp 5 example.org 9 typ host", "not an IP address"),
        ("1 1 udp 5 224.0.0.1 9 typ host", "nothing can be sent"),
        ("1 1 udp 5 10.0.0.1 0 typ host", "nothing can be sent"),
        ("1 1 udp 5 10.0.0.1 9 typ host " + "x" * 600, "at most"),
    ],
)
def test_wrong_candidates_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(CandidateError, match=reason):
        parse_candidate(text)


def test_ice_servers_are_handed_on() -> None:
    servers = [
        IceServer(("stun:stun.example.org",)),
        IceServer(("turns:turn.example.org:443", "turn:other.example.org"), "user", "secret"),
    ]
    assert server_arguments(servers) == {
        "stun_server": ("stun.example.org", 3478),
        "turn_server": ("turn.example.org", 443),
        "turn_ssl": True,
        "turn_transport": "tcp",
        "turn_username": "user",
        "turn_password": "secret",
    }
    assert server_arguments([]) == {}


@pytest.mark.parametrize("server", [IceServer(("http://example.org",)), IceServer(("turn:example.org",))])
def test_a_wrong_ice_server_is_refused(server: IceServer) -> None:
    with pytest.raises(ValueError, match=r"example\.org"):
        server_arguments([server])


SIMULCAST = PLAIN + "\r\n".join(
    [
        "",
        f"a=extmap:10 {RID}",
        "a=rid:q send",
        "a=rid:h send max-width=640",
        "a=rid:f send",
        "a=simulcast:recv x send q;~h;f,g",
        "",
    ]
)


def test_simulcast_layers_are_accepted_in_the_clients_order() -> None:
    section = parse_offer(SIMULCAST).sections[1]
    assert section.rids == ("q", "h", "f")
    plan = [AnswerSection(parse_offer(SIMULCAST).sections[0], None), AnswerSection(section, "recvonly")]
    text = write_answer(plan, LocalTransport("u" * 4, "p" * 22, "AA", True, []), session=1, version=1)
    assert "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n" in text
    assert f"a=extmap:10 {RID}\r\n" in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"a=extmap:10 {RID}", "a=x"),
        ("a=simulcast:recv x send q;~h;f,g", "a=simulcast:recv x"),
        ("a=simulcast:recv x send q;~h;f,g", "a=simulcast:send q"),
        ("a=simulcast:recv x send q;~h;f,g", "a=simulcast:send"),
        ("send", "recv"),
    ],
)
def test_what_is_no_simulcast_is_an_ordinary_camera(old: str, new: str) -> None:
    offer = parse_offer(SIMULCAST.replace(old, new) if old != "send" else SIMULCAST.replace(" send", " recv"))
    assert offer.sections[1].rids == ()
