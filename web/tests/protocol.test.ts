import { describe, expect, it } from "vitest";
import { cleanName, parseServerMessage } from "../src/client/protocol.js";

const ADA = {
  id: "p1",
  name: "Ada",
  kind: "person",
  muted: false,
  camera: false,
  speaking: false,
  status: "connected",
};
const LINE = {
  id: "l1",
  from: "p1",
  name: "Ada",
  kind: "speech",
  text: "Hello.",
  at: "2025-01-01T00:00:00Z",
};
const JOINED = {
  type: "joined",
  version: 1,
  room: "lobby",
  you: "p1",
  participants: [ADA],
  history: [LINE],
  iceServers: [{ urls: ["turn:host"], username: "u", credential: "c" }],
  resume: "token",
  videoSlots: 4,
};

const parse = (message: unknown) => parseServerMessage(JSON.stringify(message));

describe("a message of the server", () => {
  it("is read with everything it says", () => {
    const floor = { holder: null, queue: [], silent: [] };
    const presence = { id: "nova", energy: 0.5, valence: -0.25, arousal: 0, level: "trusted" };
    const said = { ...JOINED, floor, presences: [presence] };
    expect(parse(said)).toEqual({ ...said, history: [{ ...LINE, interrupted: false }] });
    expect(parse(JOINED)).toMatchObject({ floor, presences: [] });
  });

  it("may have fields that nobody knows yet", () => {
    expect(parse({ type: "speaking", id: "p1", speaking: true, loudness: 3 })).toEqual({
      type: "speaking",
      id: "p1",
      speaking: true,
    });
  });

  it("of an unknown type is told apart from a malformed one", () => {
    expect(parse({ type: "weather" })).toEqual({ type: "fault", reason: "unknown", detail: "weather" });
  });

  it("keeps a name with markup as the text it is", () => {
    const name = "<img src=x onerror=alert(1)>";
    expect(parse({ type: "participant", participant: { ...ADA, name } })).toMatchObject({
      participant: { name },
    });
  });

  it("gives a latency with null where a stage did not happen or is not told", () => {
    const message = {
      type: "latency",
      turn: "t",
      persona: "joe",
      to: "p1",
      speechEnd: 0,
      decided: null,
      onWire: 700,
    };
    expect(parse(message)).toMatchObject({ latency: { decided: null, words: null, onWire: 700 } });
  });

  it("says who alone hears something, or that all do", () => {
    expect(parse({ type: "whisper", from: "p2", to: ["p1"] })).toEqual({
      type: "whisper",
      from: "p2",
      to: ["p1"],
    });
    expect(parse({ type: "whisper", from: "p2", to: null })).toMatchObject({ to: null });
    expect(parse({ type: "whisper", from: "p2", to: [1] })).toMatchObject({ reason: "malformed" });
    expect(parse({ type: "whisper", from: "p2" })).toMatchObject({ reason: "malformed" });
  });

  it("tells who has the floor, who waits and why", () => {
    const wants = { id: "nova", reason: "addressed", words: "was called by name" };
    const floor = { holder: "echo", queue: [wants], silent: [], to: ["p1", "echo"] };
    expect(parse({ type: "floor", ...floor })).toEqual({ type: "floor", floor });
    for (const wrong of [{ holder: 1 }, { queue: null }, { queue: [{ id: "nova" }] }, { silent: [1] }]) {
      expect(parse({ type: "floor", ...floor, ...wrong })).toMatchObject({ reason: "malformed" });
    }
  });

  it("tells how a persona is, and nothing that is no share", () => {
    const presence = { id: "nova", energy: 0.5, valence: -0.25, arousal: 0, level: "novice" };
    expect(parse({ type: "presence", ...presence })).toEqual({ type: "presence", presence });
    for (const wrong of [
      { energy: 1.5 },
      { valence: -2 },
      { arousal: "high" },
      { level: "god" },
      { id: 1 },
    ]) {
      expect(parse({ type: "presence", ...presence, ...wrong })).toMatchObject({ reason: "malformed" });
    }
  });

  it("shows a persona's card", () => {
    const at = "2026-01-05T12:00:00+00:00";
    const card = {
      persona: "nova",
      level: "trusted",
      standing: { quality: 0.6, completed: 3, succeeded: 2, failed: 1, praised: 4, criticised: 0, givers: 3 },
      expertise: [{ domain: "stars", quality: 0.7, count: 3 }],
      actions: [{ action: "remind", words: "remind people", needed: "novice", allowed: true }],
      history: [
        {
          id: "9",
          at,
          kind: "feedback",
          value: 1,
          domain: "stars",
          level: null,
          by: null,
          mine: true,
          line: "u1",
        },
      ],
      journal: [{ id: "j1", at, text: "A quiet day." }],
      before: "9",
    };
    expect(parse({ type: "card", id: "q", ...card })).toEqual({ type: "card", id: "q", card });
    for (const wrong of [{ level: "x" }, { standing: {} }, { history: [{}] }, { journal: null }]) {
      expect(parse({ type: "card", id: "q", ...card, ...wrong })).toMatchObject({ reason: "malformed" });
    }
  });

  it("maps the slots of single voices to participants", () => {
    expect(parse({ type: "voices", slots: { "9": "p2" } })).toEqual({
      type: "voices",
      slots: new Map([["9", "p2"]]),
    });
    expect(parse({ type: "voices", slots: { "9": 7 } })).toMatchObject({ reason: "malformed" });
  });

  it("maps video slots to participants", () => {
    const message = parse({ type: "video", slots: { "2": "p2", "3": "p3" } });
    expect(message).toEqual({
      type: "video",
      slots: new Map([
        ["2", "p2"],
        ["3", "p3"],
      ]),
    });
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["null", "null"],
    ["without type", "{}"],
    ["a type that is no text", '{"type": 7}'],
    ["a binary frame", new ArrayBuffer(2)],
    [
      "a participant of an unknown kind",
      JSON.stringify({ type: "participant", participant: { ...ADA, kind: "cat" } }),
    ],
    [
      "a participant without a name",
      JSON.stringify({ type: "participant", participant: { ...ADA, name: null } }),
    ],
    ["a joined with too many slots", JSON.stringify({ ...JOINED, videoSlots: 1e9 })],
    ["a joined whose history is no list", JSON.stringify({ ...JOINED, history: {} })],
    ["an ICE server without address", JSON.stringify({ ...JOINED, iceServers: [{}] })],
    ["a caption without text", JSON.stringify({ type: "caption", id: "p1", utterance: "u", final: true })],
    [
      "a latency with a text for a time",
      JSON.stringify({ type: "latency", turn: "t", persona: "j", to: "p", words: "9" }),
    ],
  ])("that is %s becomes a fault and throws nothing", (_what, frame) => {
    expect(parseServerMessage(frame)).toMatchObject({ type: "fault", reason: "malformed" });
  });
});

describe("a name", () => {
  it("loses control characters and the space around it", () => {
    expect(cleanName(" A\u0007da\n ")).toBe("Ada");
  });

  it("is cut to 40 characters, none of them in halves", () => {
    expect([...cleanName("🙂".repeat(50))]).toHaveLength(40);
  });
});
