"""Offers taken apart and answers written: the part of SDP that a call needs (RFC 8866, RFC 8829). Pure.

aiortc's parser holds the event loop for 13 ms with a browser's offer of eight video slots, and grows
quadratically with hostile ones; this one looks only at what the answer depends on, in one pass.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from aioice import Candidate

from media.rtc.ice import CandidateError, IgnoredCandidate, parse_candidate

__all__ = [
    "ABS_SEND_TIME",
    "AUDIO_LEVEL",
    "MAX_SDP_BYTES",
    "MID",
    "RID",
    "TRANSPORT_NUMBER",
    "AnswerSection",
    "Codec",
    "LocalTransport",
    "Offer",
    "SdpError",
    "Section",
    "parse_offer",
    "write_answer",
]

MAX_SDP_BYTES = 128 * 1024
MAX_SECTIONS = 64
MAX_CODECS = 64
MAX_SSRCS = 32
MAX_CANDIDATES = 64
MAX_LAYERS = 3

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
TRANSPORT_NUMBER = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
EXTENSIONS = (MID, RID, AUDIO_LEVEL, ABS_SEND_TIME, TRANSPORT_NUMBER)

NOT_RECEIVING = {"transport-cc", RID, TRANSPORT_NUMBER}
"""What is of no use where we send: there a browser's own estimate (REMB, from abs-send-time) comes back."""

NOT_SENDING = {"goog-remb"}
"""What is of no use where we receive: the sender estimates from our transport-wide feedback."""

_MEDIA = re.compile(r"m=([a-z]{1,16}) (\d{1,5}) ([A-Za-z/]{1,32}) ([\x21-\x7e]+(?: [\x21-\x7e]+)*)")
_MID = re.compile(r"[\x21-\x7e]{1,16}")
_UFRAG = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/=_-]{22,256}")
_FINGERPRINT = re.compile(r"(?i)(sha-256|sha-384|sha-512) ((?:[0-9a-f]{2}:){31,63}[0-9a-f]{2})")
_RTPMAP = re.compile(r"(\d{1,3}) ([A-Za-z0-9_.-]{1,32})/(\d{1,9})(?:/(\d{1,3}))?")
_EXTMAP = re.compile(r"(\d{1,4})(?:/[a-z]+)? (\S{1,256})(?: .*)?")
_RID = re.compile(r"([A-Za-z0-9_-]{1,16}) send(?: .*)?")
_NUMBER = re.compile(r"\d{1,10}")
_PROFILE = re.compile(r"(?i)[0-9a-f]{6}")


class SdpError(ValueError):
    """An offer that cannot be answered; `str(error)` says why, for the person who made the client."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec with what must be equal for a stream of it to be passed through.

    Attributes:
        name: `opus`, `VP8` or `H264`.
        mode: H264 packetization mode, 0 for others.
        profile: H264 profile, empty for others.
    """

    name: str
    mode: int = 0
    profile: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.profile} mode {self.mode}" if self.profile else self.name


@dataclass(slots=True)
class _Format:
    name: str = ""
    clock: int = 0
    parameters: str = ""
    feedback: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    """One m-line of an offer, as far as the answer depends on it.

    Attributes:
        kind: `audio`, `video`, `application` …
        protocol: transport profile as offered.
        formats: as offered, at least one.
        mid: its identification.
        direction: from the offerer's point of view.
        rejected: its port is 0.
        codecs: the supported ones: payload type → codec, in the offerer's order.
        parameters: payload type → fmtp parameters as offered.
        feedback: payload type → the supported RTCP feedback, in our order.
        extensions: URI → number, of the ones that are used here.
        ssrcs: the declared ones, in order.
        rids: of the simulcast layers that the client sends (RFC 8853), in its order; empty without simulcast.
    """

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str = ""
    direction: str = "sendrecv"
    rejected: bool = False
    codecs: dict[int, Codec] = field(default_factory=dict)
    parameters: dict[int, str] = field(default_factory=dict)
    feedback: dict[int, tuple[str, ...]] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: tuple[int, ...] = ()
    rids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer: one audio section at least, one transport.

    Attributes:
        sections: all m-lines, in order.
        bundle: mids that share the transport.
        username: ICE username fragment.
        password: ICE password.
        lite: the offerer is ICE-lite.
        fingerprints: (algorithm, value) of the offerer's certificate, without repetition.
        setup: `actpass`, `active` or `passive`.
        candidates: usable ones.
        ignored: reasons of the others.
    """

    sections: tuple[Section, ...]
    bundle: tuple[str, ...]
    username: str
    password: str
    lite: bool
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    candidates: tuple[Candidate, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our side of the transport, for the answer."""

    username: str
    password: str
    fingerprint: str
    active: bool
    candidates: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class AnswerSection:
    """How one m-line is answered.

    Attributes:
        section: the offered one.
        direction: from our point of view; None rejects it.
        ssrc: of the stream we send, None where we send none.
        stream: media stream id for the browser's `ontrack`.
        cname: canonical name of the sender (RFC 3550 §6.5.1).
    """

    section: Section
    direction: str | None
    ssrc: int | None = None
    stream: str = ""
    cname: str = ""


@dataclass(slots=True)
class _Transport:
    username: str = ""
    password: str = ""
    fingerprints: dict[tuple[str, str], None] = field(default_factory=dict)
    setup: str = ""


def parse_offer(text: str) -> Offer:
    """Takes an offer apart and checks that it can be answered.

    Raises:
        SdpError: it is malformed, too large, or lacks what a call needs (Opus, ICE, DTLS, rtcp-mux, mids).
    """
    if len(text) > MAX_SDP_BYTES or len(text.encode(errors="surrogatepass")) > MAX_SDP_BYTES:
        raise SdpError(f"an SDP has at most {MAX_SDP_BYTES} bytes")
    if not text.startswith("v=0"):
        raise SdpError("an SDP begins with 'v=0'")
    return _Parser().parse(text)


class _Parser:
    """One pass over the lines; the state is what the lines so far said."""

    def __init__(self) -> None:
        self.session = _Transport()
        self.transports: list[_Transport] = []
        self.sections: list[Section] = []
        self.formats: dict[int, _Format] = {}
        self.extmap: dict[str, int] = {}
        self.ssrcs: dict[int, None] = {}
        self.rids: dict[str, None] = {}
        self.simulcast: tuple[str, ...] = ()
        self.muxed = False
        self.bundle: tuple[str, ...] = ()
        self.lite = False
        self.candidates: list[list[tuple[int, str]]] = []
        self.line = 0

    def parse(self, text: str) -> Offer:
        for self.line, line in enumerate(text.split("\n"), 1):
            line = line.rstrip("\r")
            try:
                if line.startswith("a="):
                    name, _, value = line[2:].partition(":")
                    self._attribute(name, value)
                elif line.startswith("m="):
                    self._end_section()
                    self._media(line)
            except SdpError as error:
                raise SdpError(f"line {self.line}: {error}") from error
        self._end_section()
        return self._offer()

    def _media(self, line: str) -> None:
        match = _MEDIA.fullmatch(line)
        if match is None:
            raise SdpError("an m-line is 'm=kind port protocol formats'")
        if len(self.sections) == MAX_SECTIONS:
            raise SdpError(f"at most {MAX_SECTIONS} m-lines")
        formats = tuple(match[4].split(" ", MAX_CODECS)[:MAX_CODECS])
        self.sections.append(Section(match[1], match[3], formats, rejected=int(match[2]) == 0))
        self.transports.append(_Transport())
        self.candidates.append([])
        self.formats = {}
        if match[1] in ("audio", "video"):
            for text in formats:
                if not _NUMBER.fullmatch(text) or int(text) > 127:
                    raise SdpError(f"payload type {text!r} is not a number from 0 to 127")
                self.formats[int(text)] = _Format()
        self.extmap = {}
        self.ssrcs = {}
        self.rids = {}
        self.simulcast = ()
        self.muxed = False

    def _attribute(self, name: str, value: str) -> None:
        section = self.sections[-1] if self.sections else None
        if self._transport_attribute(self.transports[-1] if self.transports else self.session, name, value):
            return
        if section is None:
            if name == "group" and value.startswith("BUNDLE"):
                self.bundle = tuple(value.split()[1 : MAX_SECTIONS + 1])
            elif name == "ice-lite":
                self.lite = True
            return
        if name == "mid":
            if not _MID.fullmatch(value):
                raise SdpError("a mid is 1 to 16 printable characters")
            section.mid = value
        elif name in DIRECTIONS:
            section.direction = name
        elif name == "rtcp-mux":
            self.muxed = True
        elif name == "candidate":
            if len(self.candidates[-1]) < MAX_CANDIDATES:
                self.candidates[-1].append((self.line, value))
        elif section.kind in ("audio", "video"):
            self._media_attribute(name, value)

    def _transport_attribute(self, transport: _Transport, name: str, value: str) -> bool:
        if name == "ice-ufrag":
            if not _UFRAG.fullmatch(value):
                raise SdpError("an ICE username fragment is 4 to 256 ICE characters")
            transport.username = value
        elif name == "ice-pwd":
            if not _PASSWORD.fullmatch(value):
                raise SdpError("an ICE password is 22 to 256 ICE characters")
            transport.password = value
        elif name == "fingerprint":
            match = _FINGERPRINT.fullmatch(value)
            if match is None:
                raise SdpError("a fingerprint is 'sha-256 AA:BB:…' (or sha-384, sha-512)")
            if len(transport.fingerprints) < 8:
                transport.fingerprints[match[1].lower(), match[2].upper()] = None
        elif name == "setup":
            if value not in ("actpass", "active", "passive"):
                raise SdpError(f"setup {value!r} is none of actpass, active, passive")
            transport.setup = value
        else:
            return False
        return True

    def _usable_candidates(self, shared: Sequence[int]) -> tuple[list[Candidate], list[str]]:
        """Those of the bundle's first m-line: the answer gives the others' ports up (RFC 9143 §7.3.1)."""
        usable: list[Candidate] = []
        ignored: list[str] = []
        for number, text in next((self.candidates[i] for i in shared if self.candidates[i]), []):
            try:
                candidate = parse_candidate(text)
            except CandidateError as error:
                raise SdpError(f"line {number}: {error}") from error
            if isinstance(candidate, IgnoredCandidate):
                ignored.append(candidate.reason)
            else:
                usable.append(candidate)
        return usable, ignored

    def _media_attribute(self, name: str, value: str) -> None:
        if name == "rtpmap":
            match = _RTPMAP.fullmatch(value)
            if match is None:
                raise SdpError("an rtpmap is 'number name/clock'")
            known = self.formats.get(int(match[1]))
            if known is not None:
                known.name = match[2].upper()
                known.clock = int(match[3])
        elif name == "fmtp":
            number, _, parameters = value.partition(" ")
            known = self._format(number)
            if known is not None:
                known.parameters = parameters[:256]
        elif name == "rtcp-fb":
            number, _, feedback = value.partition(" ")
            if feedback in FEEDBACK:
                known = self._format(number)
                for each in self.formats.values() if number == "*" else (known,) if known else ():
                    if feedback not in each.feedback:
                        each.feedback.append(feedback)
        elif name == "extmap":
            match = _EXTMAP.fullmatch(value)
            if match is None:
                raise SdpError("an extmap is 'number URI'")
            # Numbers above 14 need the two-byte form, which is read but not written.
            if match[2] in EXTENSIONS and 1 <= int(match[1]) <= 14:
                self.extmap[match[2]] = int(match[1])
        elif name == "rid":
            rid = _RID.fullmatch(value)
            if rid is not None and len(self.rids) < MAX_CODECS:
                self.rids[rid[1]] = None
        elif name == "simulcast":
            self.simulcast = _sent_layers(value)
        elif name == "ssrc":
            number = value.partition(" ")[0]
            if not _NUMBER.fullmatch(number) or int(number) >= 2**32:
                raise SdpError(f"an SSRC is a number of 32 bits, not {number[:20]!r}")
            if len(self.ssrcs) < MAX_SSRCS:
                self.ssrcs[int(number)] = None

    def _format(self, number: str) -> _Format | None:
        return self.formats.get(int(number)) if _NUMBER.fullmatch(number) else None

    def _end_section(self) -> None:
        if not self.sections:
            return
        section = self.sections[-1]
        if section.kind in ("audio", "video") and not section.rejected and not self.muxed:
            raise SdpError(f"m-line {len(self.sections)} ({section.kind}) lacks 'a=rtcp-mux'")
        section.extensions = self.extmap
        section.ssrcs = tuple(self.ssrcs)
        layers = [rid for rid in self.simulcast if rid in self.rids]
        # One layer is no simulcast; what is not told apart by its rid is not either.
        if section.kind == "video" and len(layers) > 1 and RID in self.extmap:
            section.rids = tuple(layers[:MAX_LAYERS])
        for number, described in self.formats.items():
            codec = _codec(section.kind, described)
            if codec is not None:
                section.codecs[number] = codec
                section.parameters[number] = described.parameters
                section.feedback[number] = tuple(f for f in FEEDBACK if f in described.feedback)

    def _offer(self) -> Offer:
        mids = [section.mid for section in self.sections]
        if not self.sections:
            raise SdpError("there is no m-line")
        for index, section in enumerate(self.sections):
            if not section.mid:
                raise SdpError(f"m-line {index + 1} ({section.kind}) lacks 'a=mid'")
        if len(set(mids)) < len(mids):
            raise SdpError("two m-lines have the same mid")
        live = [i for i, section in enumerate(self.sections) if not section.rejected]
        audio = [i for i in live if self.sections[i].kind == "audio"]
        if not audio:
            raise SdpError("there is no audio m-line; offer one, 'recvonly' without a microphone")
        if not self.sections[audio[0]].codecs:
            raise SdpError("the audio m-line lacks Opus ('a=rtpmap:111 opus/48000/2')")
        bundle = self.bundle if mids[audio[0]] in self.bundle else (mids[audio[0]],)
        together = [i for i in live if mids[i] in bundle]
        shared = [self.transports[i] for i in together]
        usable, ignored = self._usable_candidates(together)
        own = _Transport(
            username=_first(t.username for t in shared) or self.session.username,
            password=_first(t.password for t in shared) or self.session.password,
            fingerprints=next((t.fingerprints for t in shared if t.fingerprints), self.session.fingerprints),
            setup=_first(t.setup for t in shared) or self.session.setup,
        )
        if not own.username or not own.password:
            raise SdpError("the ICE username fragment or password is missing")
        if any((t.username or self.session.username) != own.username for t in shared):
            raise SdpError("bundled m-lines have different ICE credentials")
        if not own.fingerprints:
            raise SdpError("the certificate's fingerprint is missing ('a=fingerprint:sha-256 …')")
        if not own.setup:
            raise SdpError("the DTLS role is missing ('a=setup:actpass')")
        return Offer(
            sections=tuple(self.sections),
            bundle=bundle,
            username=own.username,
            password=own.password,
            lite=self.lite,
            fingerprints=tuple(own.fingerprints),
            setup=own.setup,
            candidates=tuple(usable),
            ignored=tuple(ignored),
        )


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _codec(kind: str, described: _Format) -> Codec | None:
    if kind == "audio":
        return Codec("opus") if (described.name, described.clock) == ("OPUS", 48000) else None
    if described.clock != 90000:
        return None
    if described.name == "VP8":
        return Codec("VP8")
    if described.name == "H264":
        parameters = _parameters(described.parameters)
        mode = parameters.get("packetization-mode", "0")
        profile = _h264_profile(parameters.get("profile-level-id", "42e01f"))
        if mode in ("0", "1") and profile is not None:
            return Codec("H264", int(mode), profile)
    return None


def _sent_layers(value: str) -> tuple[str, ...]:
    """The rids after `send` in a simulcast attribute (RFC 8853 §5.1): of alternatives the first, paused or not."""
    words = value.split()
    if "send" not in words[:-1]:
        return ()
    streams = words[words.index("send") + 1].split(";", MAX_CODECS)[:MAX_CODECS]
    return tuple(dict.fromkeys(stream.split(",")[0].removeprefix("~") for stream in streams))


def _parameters(text: str) -> Mapping[str, str]:
    pairs = (item.strip().partition("=") for item in text.split(";"))
    return {name.lower(): value for name, _, value in pairs}


def _h264_profile(text: str) -> str | None:
    """The profile that a profile-level-id names (RFC 6184 §8.1, table 5); None when it is malformed."""
    if not _PROFILE.fullmatch(text):
        return None
    profile, constraints = int(text[:2], 16), int(text[2:4], 16)
    if (profile in (0x42, 0x58) and constraints & 0x40) or (profile == 0x4D and constraints & 0x80):
        # Extended is constrained baseline only with the baseline flag as well.
        if profile != 0x58 or constraints & 0x80:
            return "constrained-baseline"
    names = {0x42: "baseline", 0x4D: "main", 0x58: "extended"}
    if profile == 0x64:
        return "constrained-high" if constraints & 0x0C == 0x0C else "high"
    return names.get(profile, f"profile-{profile:02x}")


def write_answer(
    sections: Sequence[AnswerSection], local: LocalTransport, *, session: int, version: int
) -> str:
    """Writes the answer; every accepted m-line shares the one transport, with all candidates in it.

    Args:
        sections: one for each m-line of the offer, in order.
        local: our transport.
        session: number of the session, the same in each answer of a peer.
        version: grows with each answer.
    """
    accepted = [s.section.mid for s in sections if s.direction is not None]
    lines = [
        "v=0",
        f"o=- {session} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(accepted)}",
        "a=msid-semantic: WMS *",
    ]
    transport = _transport_lines(local)
    for answer in sections:
        section = answer.section
        if answer.direction is None:
            lines += [
                f"m={section.kind} 0 {section.protocol} {section.formats[0]}",
                "c=IN IP4 0.0.0.0",
                "a=inactive",
                f"a=mid:{section.mid}",
            ]
            continue
        numbers = " ".join(map(str, section.codecs))
        lines += [
            f"m={section.kind} 9 {section.protocol} {numbers}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            f"a={answer.direction}",
            f"a=mid:{section.mid}",
            "a=rtcp-mux",
            "a=rtcp-rsize",
        ]
        useless = NOT_RECEIVING if answer.ssrc is not None or section.kind == "audio" else NOT_SENDING
        lines += [
            f"a=extmap:{number} {uri}" for uri, number in section.extensions.items() if uri not in useless
        ]
        for number, codec in section.codecs.items():
            lines += _codec_lines(number, codec, section, useless)
        if section.rids and answer.direction == "recvonly":
            lines += [f"a=rid:{rid} recv" for rid in section.rids]
            lines.append(f"a=simulcast:recv {';'.join(section.rids)}")
        if section.kind == "audio":
            lines.append("a=ptime:20")
        if answer.ssrc is not None:
            track = f"{answer.stream}-{section.kind}"
            lines += [
                f"a=msid:{answer.stream} {track}",
                f"a=ssrc:{answer.ssrc} cname:{answer.cname}",
                f"a=ssrc:{answer.ssrc} msid:{answer.stream} {track}",
            ]
        lines += transport
    return "\r\n".join(lines) + "\r\n"


def _codec_lines(number: int, codec: Codec, section: Section, useless: Set[str]) -> list[str]:
    if codec.name == "opus":
        return [
            f"a=rtpmap:{number} opus/48000/2",
            f"a=fmtp:{number} minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0",
        ]
    lines = [f"a=rtpmap:{number} {codec.name}/90000"]
    lines += [
        f"a=rtcp-fb:{number} {feedback}" for feedback in section.feedback[number] if feedback not in useless
    ]
    if codec.name == "H264":
        offered = _parameters(section.parameters[number])
        level = offered.get("profile-level-id", "42e01f").lower()
        parameters = f"packetization-mode={codec.mode};profile-level-id={level}"
        lines.append(f"a=fmtp:{number} level-asymmetry-allowed=1;{parameters}")
    return lines


def _transport_lines(local: LocalTransport) -> list[str]:
    return [
        *(f"a=candidate:{candidate.to_sdp()}" for candidate in local.candidates),
        "a=end-of-candidates",
        f"a=ice-ufrag:{local.username}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{'active' if local.active else 'passive'}",
    ]
