import { describe, expect, it } from "vitest";
import type { Joined, Line, Participant, ServerMessage } from "../src/client/protocol.js";
import { applyMessage, EMPTY_ROOM, withChatLine, type ChatLine, type RoomState } from "../src/client/room.js";

const person = (id: string, name: string): Participant => ({
  id,
  name,
  kind: "person",
  muted: false,
  camera: false,
  speaking: false,
  status: "connected",
});
const line = (id: string, changes: Partial<Line> = {}): Line => ({
  id,
  from: "p2",
  name: "Grace",
  kind: "chat",
  text: id,
  at: "2025-01-01T00:00:00Z",
  interrupted: false,
  ...changes,
});
const joined = (changes: Partial<Joined> = {}): Joined => ({
  type: "joined",
  version: 1,
  room: "lobby",
  you: "p1",
  participants: [person("p1", "Ada"), person("p2", "Grace")],
  history: [],
  iceServers: [],
  resume: "r",
  videoSlots: 2,
  floor: { holder: null, queue: [], silent: [] },
  presences: [],
  ...changes,
});
const after = (state: RoomState, ...messages: ServerMessage[]) => messages.reduce(applyMessage, state);
const room = (...messages: ServerMessage[]) => after(EMPTY_ROOM, joined(), ...messages);
const own: ChatLine = { id: "mine", from: "p1", name: "Ada", text: "hello", at: "", pending: true };

describe("the room", () => {
  it("knows everybody in the order of joining, and forgets who left", () => {
    const state = room(
      { type: "participant", participant: person("p3", "Joe") },
      { type: "left", id: "p2", reason: "lost" },
    );
    expect([...state.participants.keys()]).toEqual(["p1", "p3"]);
  });

  it("keeps a participant's place when they change", () => {
    const state = room({ type: "participant", participant: { ...person("p1", "Ada"), muted: true } });
    expect([...state.participants.keys()]).toEqual(["p1", "p2"]);
    expect(state.participants.get("p1")?.muted).toBe(true);
  });

  it("knows who has the floor and how each persona is, as it was when we came and as it changes", () => {
    const wants = { id: "nova", reason: "addressed", words: "was called by name" };
    const calm = { id: "nova", energy: 0.5, valence: 0, arousal: 0, level: "novice" } as const;
    const before = after(
      EMPTY_ROOM,
      joined({ floor: { holder: "nova", queue: [], silent: [] }, presences: [calm] }),
    );
    expect([before.floor.holder, before.presences.get("nova")?.energy]).toEqual(["nova", 0.5]);
    const state = after(
      before,
      { type: "floor", floor: { holder: null, queue: [wants], silent: [] } },
      { type: "presence", presence: { ...calm, energy: 0.4 } },
    );
    expect([state.floor.queue, state.presences.get("nova")?.energy]).toEqual([[wants], 0.4]);
    expect(applyMessage(state, { type: "left", id: "nova", reason: "left" }).presences.size).toBe(0);
  });

  it("shows who is heard, and is not disturbed by someone unknown", () => {
    expect(room({ type: "speaking", id: "p2", speaking: true }).participants.get("p2")?.speaking).toBe(true);
    const state = room();
    expect(applyMessage(state, { type: "speaking", id: "ghost", speaking: true })).toBe(state);
  });

  it("names a caption after its speaker", () => {
    const caption = {
      type: "caption",
      id: "p2",
      utterance: "u",
      text: "Yes.",
      final: true,
      interrupted: false,
    } as const;
    expect(room(caption).captions[0]?.name).toBe("Grace");
  });

  it("shows a camera no longer when its owner left", () => {
    const state = room(
      { type: "video", slots: new Map([["2", "p2"]]) },
      { type: "left", id: "p2", reason: "left" },
    );
    expect(state.video.size).toBe(0);
  });

  it("knows which slot holds whose voice, until they leave", () => {
    const state = room({ type: "voices", slots: new Map([["9", "p2"]]) });
    expect(state.voices.get("9")).toBe("p2");
    expect(after(state, { type: "left", id: "p2", reason: "left" }).voices.size).toBe(0);
    expect(after(state, joined()).voices.size).toBe(0);
  });

  it("knows who whispers to whom, until they are done or gone", () => {
    const whispering: ServerMessage = { type: "whisper", from: "p2", to: ["p1"] };
    expect(room(whispering).whispers.get("p2")).toEqual(["p1"]);
    expect(room(whispering, { ...whispering, to: null }).whispers.size).toBe(0);
    expect(room(whispering, { type: "left", id: "p2", reason: "left" }).whispers.size).toBe(0);
    expect(room(whispering, joined()).whispers.size).toBe(0);
  });

  it("keeps a pin over a reconnection, and lets it go with whoever was pinned", () => {
    const pinned = { ...room(), pinned: "p2" };
    expect(after(pinned, joined()).pinned).toBe("p2");
    expect(after(pinned, { type: "left", id: "p3", reason: "left" }).pinned).toBe("p2");
    expect(after(pinned, { type: "left", id: "p2", reason: "left" }).pinned).toBeNull();
    expect(after(pinned, joined({ participants: [person("p1", "Ada")] })).pinned).toBeNull();
  });

  it("after a reconnection is what the server says, and nothing from before", () => {
    const before = room({ type: "participant", participant: person("p3", "Joe") });
    const state = after(before, joined({ history: [line("c1"), line("s1", { kind: "speech" })] }));
    expect([...state.participants.keys()]).toEqual(["p1", "p2"]);
    expect(state.chat.map(({ id }) => id)).toEqual(["c1"]);
    expect(state.captions.map(({ text }) => text)).toEqual(["s1"]);
  });
});

describe("a line written here", () => {
  it("waits until it is acknowledged", () => {
    const state = withChatLine(room(), own);
    expect(after(state, { type: "ack", id: "mine" }).chat[0]?.pending).toBe(false);
  });

  it("is not shown twice when the room repeats it", () => {
    const state = withChatLine(room(), own);
    const { pending: _, ...rest } = own;
    const echoed = after(state, { type: "chat", ...rest, at: "2025-01-01T00:00:00Z" });
    expect(echoed.chat).toHaveLength(1);
    expect(echoed.chat[0]).toMatchObject({ pending: false, at: "2025-01-01T00:00:00Z" });
  });

  it("survives a reconnection while it waits, unless the history has it", () => {
    const state = withChatLine(room(), own);
    expect(after(state, joined()).chat).toEqual([own]);
    const known = after(state, joined({ history: [line("mine", { from: "p1" })] }));
    expect(known.chat).toMatchObject([{ id: "mine", pending: false }]);
  });
});
