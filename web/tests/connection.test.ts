import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, type ConnectionState } from "../src/client/connection.js";
import { fakeSockets } from "../src/client/fake-socket.js";
import { Problem } from "../src/client/problem.js";
import type { ServerMessage } from "../src/client/protocol.js";

const JOINED = {
  type: "joined",
  version: 1,
  room: "lobby",
  you: "p1",
  participants: [],
  history: [],
  iceServers: [],
  resume: "resume-1",
  videoSlots: 0,
};

function setUp(token: () => Promise<string> = () => Promise.resolve("join-1")) {
  const { open, opened } = fakeSockets();
  const states: ConnectionState[] = [];
  const messages: ServerMessage[] = [];
  const ended: (Problem | null)[] = [];
  const connection = new Connection({
    url: "ws://host/ws",
    name: "Ada",
    token,
    open,
    events: {
      state: (state) => states.push(state),
      message: (message) => messages.push(message),
      ended: (problem) => ended.push(problem),
    },
  });
  return { connection, opened, states, messages, ended };
}

async function settle() {
  await vi.advanceTimersByTimeAsync(0);
}

async function seated(set = setUp()) {
  set.connection.start();
  await settle();
  set.opened[0]!.open();
  set.opened[0]!.receive(JOINED);
  return set;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("joining", () => {
  it("says who one is and with which token", async () => {
    const { opened, states } = await seated();
    expect(opened[0]!.sent[0]).toEqual({ type: "join", version: 1, token: "join-1", name: "Ada" });
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("sends nothing before the seat is taken", async () => {
    const { connection, opened } = setUp();
    connection.start();
    await settle();
    expect(connection.send({ type: "ping", id: "1" })).toBe(false);
    expect(opened[0]!.sent).toEqual([]);
  });

  it("ends with a reason when the server was never reached", async () => {
    const { connection, opened, ended } = setUp();
    connection.start();
    await settle();
    opened[0]!.drop();
    expect(ended[0]).toMatchObject({ code: "unreachable" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opened).toHaveLength(1);
  });

  it("ends with a reason when nothing is answered for ten seconds", async () => {
    const { connection, opened, ended } = setUp();
    connection.start();
    await settle();
    opened[0]!.open();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended[0]).toMatchObject({ code: "unreachable" });
  });

  it("ends with the token's problem when there is none to be had", async () => {
    const { connection, opened, ended } = setUp(() => Promise.reject(new Problem("unauthorized", "no")));
    connection.start();
    await settle();
    expect(ended[0]).toMatchObject({ code: "unauthorized" });
    expect(opened).toEqual([]);
  });

  it("asks for another token once when the first is refused, and then gives up", async () => {
    const token = vi.fn(() => Promise.resolve("token"));
    const { connection, opened, ended } = setUp(token);
    connection.start();
    await settle();
    for (const index of [0, 1]) {
      opened[index]!.open();
      opened[index]!.receive({ type: "bye", code: "expired", message: "" });
      opened[index]!.drop(4000);
      await settle();
    }
    expect(token).toHaveBeenCalledTimes(2);
    expect(opened).toHaveLength(2);
    expect(ended[0]).toMatchObject({ code: "expired" });
  });
});

describe("a connection lost without a word", () => {
  it("is taken up again after a quarter of a second with the resume token", async () => {
    const { opened, states } = await seated();
    opened[0]!.drop();
    await vi.advanceTimersByTimeAsync(249);
    expect(opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    opened[1]!.open();
    expect(opened[1]!.sent[0]).toMatchObject({ type: "join", resume: "resume-1" });
    opened[1]!.receive({ ...JOINED, resume: "resume-2" });
    expect(states).toEqual(["connecting", "connected", "reconnecting", "connected"]);
  });

  it("is tried again at doubling intervals, at most five seconds apart", async () => {
    const { opened } = await seated();
    const waits: number[] = [];
    for (let tries = 0; tries < 7; tries += 1) {
      const count = opened.length;
      opened.at(-1)!.drop();
      const since = performance.now();
      while (opened.length === count) await vi.advanceTimersByTimeAsync(50);
      waits.push(performance.now() - since);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  it("starts at a quarter of a second again only after a connection that held", async () => {
    const { opened } = await seated();
    const rejoin = (index: number) => {
      opened[index]!.open();
      opened[index]!.receive(JOINED);
    };
    opened[0]!.drop();
    await vi.advanceTimersByTimeAsync(250);
    rejoin(1);
    opened[1]!.drop();
    await vi.advanceTimersByTimeAsync(250);
    expect(opened).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(250);
    rejoin(2);
    await vi.advanceTimersByTimeAsync(5_000);
    opened[2]!.drop();
    await vi.advanceTimersByTimeAsync(250);
    expect(opened).toHaveLength(4);
  });

  it("is tried at once when the network comes back", async () => {
    const { connection, opened } = await seated();
    opened[0]!.drop();
    connection.retryNow();
    await settle();
    expect(opened).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(opened).toHaveLength(2);
  });

  it("ignores what the lost one still says", async () => {
    const { opened, messages } = await seated();
    opened[0]!.drop();
    const before = messages.length;
    opened[0]!.receive({ type: "pong", id: "late" });
    expect(messages).toHaveLength(before);
  });
});

describe("a bye", () => {
  it("that says restarting is followed by a reconnection", async () => {
    const { opened, ended } = await seated();
    opened[0]!.receive({ type: "bye", code: "restarting", message: "" });
    opened[0]!.drop(4000);
    await vi.advanceTimersByTimeAsync(250);
    expect(opened).toHaveLength(2);
    expect(ended).toEqual([]);
  });

  it.each(["taken-over", "room-full", "no-media", "idle", "too-fast"])(
    "that says %s is the end",
    async (code) => {
      const { opened, ended, states } = await seated();
      opened[0]!.receive({ type: "bye", code, message: "why" });
      opened[0]!.drop(4000);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(opened).toHaveLength(1);
      expect(ended).toHaveLength(1);
      expect(ended[0]).toMatchObject({ code, message: "why" });
      expect(states.at(-1)).toBe("closed");
    },
  );
});

describe("a line that is dead without closing", () => {
  it("is noticed by a ping that nobody answers", async () => {
    const { opened, states } = await seated();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(opened[0]!.sent.at(-1)).toMatchObject({ type: "ping" });
    await vi.advanceTimersByTimeAsync(10_250);
    expect(states).toContain("reconnecting");
    expect(opened).toHaveLength(2);
  });

  it("is not suspected while pings are answered, and the round trip is known", async () => {
    const { connection, opened, states } = await seated();
    for (let beats = 0; beats < 10; beats += 1) {
      await vi.advanceTimersByTimeAsync(5_000);
      const ping = opened[0]!.sent.at(-1) as { id: string };
      opened[0]!.receive({ type: "pong", id: ping.id });
    }
    expect(states).toEqual(["connecting", "connected"]);
    expect(connection.roundTrip).toBe(0);
  });

  it("is renewed on request without leaving the seat", async () => {
    const { connection, opened } = await seated();
    connection.renew();
    await vi.advanceTimersByTimeAsync(250);
    expect(opened[0]!.closedWith).toBe(4000);
    expect(opened[0]!.sent.some((message) => message.type === "leave")).toBe(false);
    opened[1]!.open();
    expect(opened[1]!.sent[0]).toMatchObject({ resume: "resume-1" });
  });
});

describe("leaving", () => {
  it("says so, closes, and comes back no more", async () => {
    const { connection, opened, ended } = await seated();
    connection.leave();
    expect(opened[0]!.sent.at(-1)).toEqual({ type: "leave" });
    expect(opened[0]!.closedWith).toBe(1000);
    expect(ended).toEqual([null]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opened).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("in the middle of a reconnection stops it", async () => {
    const { connection, opened } = await seated();
    opened[0]!.drop();
    connection.leave();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opened).toHaveLength(1);
  });

  it("while the token is still awaited opens no socket", async () => {
    let give = (_token: string) => {};
    const { connection, opened, ended } = setUp(() => new Promise((resolve) => (give = resolve)));
    connection.start();
    connection.leave();
    give("late");
    await settle();
    expect(opened).toEqual([]);
    expect(ended).toEqual([null]);
  });
});

it("a malformed message is reported and harms nothing", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const { opened, states } = await seated();
  opened[0]!.receive("{nonsense");
  opened[0]!.receive({ type: "never-heard-of" });
  expect(warn).toHaveBeenCalledTimes(1);
  expect(states.at(-1)).toBe("connected");
  warn.mockRestore();
});
