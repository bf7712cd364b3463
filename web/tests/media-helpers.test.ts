import { describe, expect, it } from "vitest";
import { captureProblem } from "../src/client/devices.js";
import { levelOf } from "../src/client/levels.js";
import { constrainOpus } from "../src/client/sdp.js";
import { socketUrl } from "../src/client/socket.js";
import { NO_COUNTERS, readStatistics } from "../src/client/statistics.js";

const SDP = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
  "a=rtpmap:111 opus/48000/2",
  "a=rtcp-fb:111 transport-cc",
  "a=fmtp:111 minptime=10;stereo=1;usedtx=1",
  "a=rtpmap:0 PCMU/8000",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=rtpmap:96 VP8/90000",
  "a=fmtp:97 apt=96",
  "",
];
const sdp = (lines: string[]) => lines.join("\r\n");

describe("the Opus parameters", () => {
  it("are mono, without DTX and with error correction, whatever was offered", () => {
    const wanted = "a=fmtp:111 minptime=10;stereo=0;usedtx=0;sprop-stereo=0;useinbandfec=1";
    expect(constrainOpus(sdp(SDP))).toBe(
      sdp(SDP.map((line) => (line.startsWith("a=fmtp:111") ? wanted : line))),
    );
  });

  it("are added where an answer left them out", () => {
    const without = SDP.filter((line) => !line.startsWith("a=fmtp:111"));
    expect(constrainOpus(sdp(without)).split("\r\n")[3]).toBe(
      "a=fmtp:111 stereo=0;sprop-stereo=0;usedtx=0;useinbandfec=1",
    );
  });

  it("set twice are the same", () => {
    const once = constrainOpus(sdp(SDP));
    expect(constrainOpus(once)).toBe(once);
  });

  it("are the same in every section, as a bundle demands", () => {
    const voice = "m=audio 9 x 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n";
    const sections = constrainOpus("v=0\r\n" + voice + voice).split(/(?=m=)/);
    expect(sections[2]).toBe(sections[1]);
    expect(sections[1]).toContain("usedtx=0");
  });

  it("leave a description without Opus alone", () => {
    expect(constrainOpus("v=0\r\nm=video 9 x 96\r\n")).toBe("v=0\r\nm=video 9 x 96\r\n");
  });
});

describe("loudness", () => {
  it("is 0 in silence and below -60 dB, 1 at full scale, a half at -30 dB", () => {
    const constant = (value: number) => new Float32Array(64).fill(value);
    expect(levelOf(constant(0))).toBe(0);
    expect(levelOf(constant(0.0005))).toBe(0);
    expect(levelOf(constant(1))).toBe(1);
    expect(levelOf(constant(10 ** (-30 / 20)))).toBeCloseTo(0.5, 5);
  });
});

describe("the statistics of a connection", () => {
  const inbound = (packetsReceived: number, packetsLost: number, delay: number, emitted: number) => [
    {
      type: "inbound-rtp",
      kind: "audio",
      packetsReceived,
      packetsLost,
      jitterBufferDelay: delay,
      jitterBufferEmittedCount: emitted,
    },
    { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.012 },
    { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
    { type: "inbound-rtp", kind: "video", packetsReceived: 5, packetsLost: 5 },
  ];

  it("are those since the last look", () => {
    const [, counters] = readStatistics(inbound(100, 0, 4, 100), NO_COUNTERS);
    const [now] = readStatistics(inbound(190, 10, 10, 200), counters);
    expect(now.loss).toBeCloseTo(0.1, 9);
    expect(now.roundTrip).toBeCloseTo(12, 9);
    expect(now.buffer).toBeCloseTo(60, 9);
  });

  it("of nothing are nothing", () => {
    expect(readStatistics([], NO_COUNTERS)[0]).toEqual({ roundTrip: null, loss: 0, buffer: null });
  });
});

it("a failed capture is told by what the user can do about it", () => {
  const named = (name: string) => captureProblem("microphone", new DOMException("x", name)).code;
  expect(named("NotAllowedError")).toBe("microphone-denied");
  expect(named("NotFoundError")).toBe("microphone-missing");
  expect(named("NotReadableError")).toBe("microphone-busy");
});

it("the socket of a server is at /ws, secure where the page is", () => {
  expect(socketUrl("https://host:8443/somewhere")).toBe("wss://host:8443/ws");
  expect(socketUrl("http://127.0.0.1:8080")).toBe("ws://127.0.0.1:8080/ws");
});
