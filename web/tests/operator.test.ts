// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeSockets } from "../src/client/fake-socket.js";
import { ContinuumDrops } from "../src/operator/continuum-drops.js";
import { ContinuumHistogram } from "../src/operator/continuum-histogram.js";
import { ContinuumOperator } from "../src/operator/continuum-operator.js";
import { ContinuumPlot } from "../src/operator/continuum-plot.js";
import { Feed, operatorUrl, type FeedState } from "../src/operator/feed.js";
import { History, lossPercent, roomKey, trackKey, tripKey, WINDOW_S } from "../src/operator/history.js";
import { linePath, logHeights, nearest, niceTop, windowOf } from "../src/operator/scale.js";
import { Malformed, parseOperatorMessage, type Snapshot, type Track } from "../src/operator/snapshot.js";
import { ago, bitrate, lasted, number, percent, share } from "../src/operator/words.js";

const MARKUP = "<img src=x onerror=alert(1)>";
const SLOTS = { showing: 0, waiting: 0, free: 2 };

const track = (name: string, packets: number, changes: object = {}) => ({
  name,
  packets,
  bytes: packets * 100,
  lost: 0,
  jitterMs: 3,
  active: true,
  ...changes,
});

const peer = (id: string, packets: number, changes: object = {}) => ({
  id,
  speaking: false,
  muted: false,
  rttMs: 20,
  bandwidth: null,
  budget: 8_000_000,
  slots: SLOTS,
  voices: SLOTS,
  switches: 0,
  buffer: { targetMs: 20, delayMs: packets * 12, played: packets, late: 0, concealed: 0 },
  tracks: [track("microphone", packets)],
  drops: {},
  ...changes,
});

const room = (id: string, ...peers: object[]) => ({
  id,
  persons: peers.length,
  personas: 1,
  connected: peers.length,
  speaking: 0,
  peers,
});

/** A frame as the server sends it, `second` seconds after the first. */
function told(second: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const ticks = 50 * second;
  return {
    type: "snapshot",
    version: 1,
    at: new Date(Date.UTC(2030, 0, 1) + second * 1000).toISOString(),
    clockMs: 5_000_000 + second * 1000,
    started: "2030-01-01T00:00:00.000+00:00",
    server: "1.2.3",
    mind: "up",
    plane: {
      active: 1,
      ticks,
      late: second,
      skipped: 0,
      faults: 0,
      lateness: { boundsMs: [0.5, 5, 20], counts: [ticks - second, 0, second, 0], sumMs: 10 },
      encodes: 2 * ticks,
      replays: 0,
      sent: ticks,
      cleaned: ticks,
      cleaningMs: 3 * second,
    },
    buffers: { received: ticks, played: ticks, lost: 0, concealed: 0, delayMs: 12 * ticks },
    network: {
      connected: 1,
      connecting: 0,
      packetsIn: ticks,
      bytesIn: 5_000 * second,
      packetsOut: ticks,
      bytesOut: 10_000 * second,
      retransmissions: 0,
      switches: 0,
      keyframeRequests: 0,
      keyframeWishes: 0,
      nacksSent: 0,
      nacksReceived: 0,
      unrepaired: 0,
      slots: SLOTS,
      voices: SLOTS,
    },
    drops: { media: { late: second }, signaling: { "message-too-fast": 2 } },
    unlisted: 0,
    rooms: [room("lobby", peer("p1", ticks))],
    ...changes,
  };
}

function parsed(frame: object): Snapshot {
  const message = parseOperatorMessage(JSON.stringify(frame));
  if (message?.type !== "snapshot") throw new Error("no snapshot");
  return message.snapshot;
}

function historyOf(...frames: object[]): History {
  const history = new History();
  for (const frame of frames) history.add(parsed(frame));
  return history;
}

const rounded = (values: readonly number[]) => values.map((value) => Math.round(value * 10) / 10);

describe("what the server tells", () => {
  it("is read, with media's and signaling's drops in one", () => {
    const snapshot = parsed(told(3));
    expect(snapshot.rooms[0]!.peers[0]!.tracks[0]!.name).toBe("microphone");
    expect([...snapshot.drops]).toEqual([
      ["late", 3],
      ["message-too-fast", 2],
    ]);
    expect(parseOperatorMessage('{"type":"bye","code":"busy","message":"later"}')).toEqual({
      type: "bye",
      code: "busy",
      message: "later",
    });
  });

  it("may have types and fields to come", () => {
    expect(parseOperatorMessage('{"type":"weather"}')).toBeNull();
    expect(parsed(told(1, { more: 1 })).server).toBe("1.2.3");
  });

  it.each([
    ["no text", new ArrayBuffer(1)],
    ["no JSON", "{"],
    ["no object", "[]"],
    ["another version", JSON.stringify(told(1, { version: 2 }))],
    ["no rooms", JSON.stringify(told(1, { rooms: null }))],
    ["a room without peers", JSON.stringify(told(1, { rooms: [{ ...room("x"), peers: {} }] }))],
    ["a count that is text", JSON.stringify(told(1, { clockMs: "7" }))],
    [
      "a track of an unknown name",
      JSON.stringify(told(1, { rooms: [room("x", peer("p", 1, { tracks: [track("smell", 1)] }))] })),
    ],
    [
      "drops that are no numbers",
      JSON.stringify(told(1, { drops: { media: { late: null }, signaling: {} } })),
    ],
  ])("is refused where it is %s", (_, frame) => {
    expect(() => parseOperatorMessage(frame)).toThrow(Malformed);
  });
});

describe("the last minutes", () => {
  it("are differences of counts, in bits a second and milliseconds", () => {
    const history = historyOf(told(0), told(1), told(2));
    expect(history.ages).toEqual([2000, 1000, 0]);
    expect(rounded(history.figure("received"))).toEqual([NaN, 40_000, 40_000]);
    expect(rounded(history.figure("sent"))).toEqual([NaN, 80_000, 80_000]);
    expect(rounded(history.figure("delay"))).toEqual([NaN, 12, 12]);
    expect(rounded(history.figure("cleaning"))).toEqual([NaN, 0.3, 0.3]);
    const key = trackKey("lobby", "p1", "microphone", "rate");
    expect(rounded(history.values(key))).toEqual([NaN, 40_000, 40_000]);
    expect(rounded(history.values(roomKey("lobby", "received")))).toEqual([NaN, 40_000, 40_000]);
    expect(rounded(history.values(tripKey("lobby", "p1")))).toEqual([20, 20, 20]);
    expect(history.values("nothing/like/that")).toEqual([NaN, NaN, NaN]);
  });

  it("are broken, not joined, where snapshots were missed", () => {
    const history = historyOf(told(0), told(1), told(9), told(10));
    const values = rounded(history.figure("received"));
    expect(history.ages).toHaveLength(values.length);
    expect(values.filter(Number.isNaN)).toHaveLength(3);
    expect(values.at(-1)).toBe(40_000);
  });

  it("begin anew with the server, whose counts do", () => {
    const again = { started: "2030-01-01T01:00:00.000+00:00" };
    const history = historyOf(told(8), told(9), { ...told(1, again), clockMs: 5_010_000 });
    expect(history.figure("received").at(-1)).toBeNaN();
    history.add(parsed({ ...told(2, again), clockMs: 5_011_000 }));
    expect(history.figure("received").at(-1)).toBe(40_000);
    expect(history.drops[0]).toEqual({ reason: "late", recent: 1, total: 2 });
  });

  it("forget a machine whose clock went back, and pass over a snapshot that came twice", () => {
    const history = historyOf(told(5), told(6), told(6));
    expect(history.ages).toHaveLength(2);
    history.add(parsed(told(1, { started: "2030-01-02T00:00:00.000+00:00" })));
    expect(history.ages).toEqual([0]);
  });

  it("hold as much as is shown, and nothing of who is long gone", () => {
    const history = new History();
    for (let second = 0; second < WINDOW_S + 50; second += 1)
      history.add(parsed(told(second, second > 10 ? { rooms: [] } : {})));
    expect(history.ages).toHaveLength(WINDOW_S);
    expect(history.values(tripKey("lobby", "p1")).every(Number.isNaN)).toBe(true);
    expect((history as unknown as { series: Map<string, unknown> }).series.has(tripKey("lobby", "p1"))).toBe(
      false,
    );
    expect(history.lateness.reduce((sum, count) => sum + count)).toBe(50 * WINDOW_S);
  });

  it("count loss over some seconds, as receivers report it only then", () => {
    const lossy = (second: number, lost: number) =>
      told(second, {
        rooms: [room("lobby", peer("p1", 50 * second, { tracks: [track("mix", 50 * second, { lost })] }))],
      });
    const history = historyOf(...[0, 0, 0, 0, 0, 25, 25].map((lost, second) => lossy(second, lost)));
    const loss = rounded(history.values(trackKey("lobby", "p1", "mix", "loss")));
    expect(loss).toEqual([NaN, 0, 0, 0, 0, 10, 8.3]);
  });
});

describe("loss", () => {
  const of = (name: "microphone" | "mix", packets: number, lost: number | null) =>
    track(name, packets, { lost }) as Track;

  it("is of what was sent: to what was received the lost is added", () => {
    expect(lossPercent("microphone", of("microphone", 0, 0), of("microphone", 75, 25))).toBe(25);
    expect(lossPercent("mix", of("mix", 0, 0), of("mix", 100, 25))).toBe(25);
  });

  it("is nothing that is known before it is told, and never below none", () => {
    expect(lossPercent("mix", of("mix", 0, null), of("mix", 50, 1))).toBeNaN();
    expect(lossPercent("mix", of("mix", 50, 1), of("mix", 50, 1))).toBeNaN();
    expect(lossPercent("mix", of("mix", 50, 1), of("mix", 10, 0))).toBeNaN();
    expect(lossPercent("microphone", of("microphone", 0, 5), of("microphone", 50, 2))).toBe(0);
  });
});

describe("scales", () => {
  it("end at a round number", () => {
    expect([0.31, 1, 1.01, 7, 42_000, 99].map((most) => niceTop(most, 0.1))).toEqual(
      [0.4, 1, 2, 8, 60_000, 100].map((top) => expect.closeTo(top, 6)),
    );
    expect(niceTop(-Infinity, 5)).toBe(5);
    expect(niceTop(NaN, 5)).toBe(5);
  });

  it("show a minute, two or five", () => {
    expect([[], [59_000, 0], [61_000, 0], [400_000, 0]].map(windowOf)).toEqual([
      60_000, 60_000, 120_000, 300_000,
    ]);
  });

  it("draw lines that break where nothing is known", () => {
    const frame = { width: 100, height: 10, windowMs: 4000, top: 10 };
    expect(linePath([4000, 3000, 2000, 1000, 0], [0, 10, NaN, 5, NaN], frame)).toBe(
      "M0.0 10.0L25.0 0.0M75.0 5.0h0.1",
    );
    expect(linePath([9000, 0], [1, 50], frame)).toBe("M100.0 0.0h0.1");
  });

  it("find the nearest point, and make the rare visible beside the many", () => {
    expect(nearest([3000, 2000, 0], 1200)).toBe(1);
    expect(logHeights([0, 0])).toEqual([0, 0]);
    const [many, one, none] = logHeights([9_999, 1, 0]);
    expect(many).toBe(1);
    expect(one).toBeGreaterThan(0.03);
    expect(none).toBe(0);
  });
});

describe("words", () => {
  it("say figures as they are read", () => {
    expect([NaN, 0, 950, 64_000, 999_600, 12_345_678].map(bitrate)).toEqual([
      "–",
      "0 kbit/s",
      "0.9 kbit/s",
      "64 kbit/s",
      "1.0 Mbit/s",
      "12 Mbit/s",
    ]);
    expect([0, 0.01, 0.5, 12.3].map(percent)).toEqual(["0 %", "<0.1 %", "0.5 %", "12 %"]);
    expect([1, 9.98, 12_345].map(number)).toEqual(["1", "10", "12,345"]);
    expect([0, 1, 99_999, 100_000].map((part) => share(part, 100_000))).toEqual([
      "0 %",
      "<0.01 %",
      ">99.9 %",
      "100 %",
    ]);
    expect([0, 40_000, 120_000, 150_000].map(ago)).toEqual([
      "now",
      "40 s ago",
      "2 min ago",
      "2 min 30 s ago",
    ]);
    expect([5_000, 180_000, 7_500_000, 90_000_000].map(lasted)).toEqual([
      "less than a minute",
      "3 min",
      "2 h 5 min",
      "1 d 1 h",
    ]);
  });
});

describe("the feed", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function fed() {
    const { open, opened } = fakeSockets();
    const states: FeedState[] = [];
    const snapshots: Snapshot[] = [];
    const feed = new Feed("ws://host/ws/operator", open, {
      state: (state) => states.push(state),
      snapshot: (snapshot) => snapshots.push(snapshot),
    });
    feed.start();
    return { feed, opened, states, snapshots };
  }

  it("asks, without a key at first, and tells what comes", () => {
    const { opened, states, snapshots } = fed();
    opened[0]!.open();
    expect(opened[0]!.sent).toEqual([{ type: "watch", version: 1 }]);
    opened[0]!.receive(told(1));
    expect(states).toEqual(["live"]);
    expect(snapshots).toHaveLength(1);
    expect(operatorUrl("https://host:1/")).toBe("wss://host:1/ws/operator");
  });

  it("is locked until the right key is shown, and does not try by itself", () => {
    const { feed, opened, states } = fed();
    opened[0]!.open();
    opened[0]!.receive({ type: "bye", code: "unauthorized", message: "show the server's key" });
    opened[0]!.drop(4000);
    vi.advanceTimersByTime(60_000);
    expect(states).toEqual(["locked"]);
    expect(opened).toHaveLength(1);
    feed.start("secret");
    opened[1]!.open();
    expect(opened[1]!.sent).toEqual([{ type: "watch", version: 1, key: "secret" }]);
    opened[1]!.receive(told(1));
    expect(states).toEqual(["locked", "connecting", "live"]);
  });

  it("comes back by itself, more and more slowly, with its key", () => {
    const { feed, opened, states } = fed();
    feed.start("secret");
    opened[1]!.open();
    opened[1]!.receive(told(1));
    opened[1]!.drop();
    expect(states.at(-1)).toBe("lost");
    vi.advanceTimersByTime(250);
    opened[2]!.drop();
    vi.advanceTimersByTime(499);
    expect(opened).toHaveLength(3);
    vi.advanceTimersByTime(1);
    opened[3]!.open();
    expect(opened[3]!.sent).toEqual([{ type: "watch", version: 1, key: "secret" }]);
    opened[3]!.receive(told(4));
    expect(states.at(-1)).toBe("live");
  });

  it("takes a line on which nothing comes for a lost one", () => {
    const { opened, states } = fed();
    opened[0]!.open();
    opened[0]!.receive(told(1));
    vi.advanceTimersByTime(4_999);
    expect(states).toEqual(["live"]);
    vi.advanceTimersByTime(1);
    expect(states).toEqual(["live", "lost"]);
    opened[0]!.receive(told(2));
    expect(states).toEqual(["live", "lost"]);
  });

  it("says why it is refused for good, and waits where it is refused for now", () => {
    const { opened, states } = fed();
    opened[0]!.receive({ type: "bye", code: "busy", message: "at most 16" });
    opened[0]!.drop(4000);
    expect(states).toEqual(["lost"]);
    vi.advanceTimersByTime(250);
    opened[1]!.receive("{");
    vi.advanceTimersByTime(60_000);
    expect(states.at(-1)).toBe("refused");
    expect(opened).toHaveLength(2);
  });

  it("stops when it is told to", () => {
    const { feed, opened } = fed();
    opened[0]!.drop();
    feed.stop();
    vi.advanceTimersByTime(60_000);
    expect(opened).toHaveLength(1);
  });
});

describe("the page", () => {
  afterEach(() => document.body.replaceChildren());

  async function shown() {
    const { open, opened } = fakeSockets();
    const page = new ContinuumOperator();
    page.server = "http://host";
    page.openSocket = open;
    document.body.append(page);
    opened[0]!.open();
    const tell = async (...frames: object[]) => {
      for (const frame of frames) opened.at(-1)!.receive(frame);
      await page.updateComplete;
    };
    await page.updateComplete;
    const root = page.shadowRoot!;
    const find = (id: string) => root.querySelector<HTMLElement>(`[data-testid="${id}"]`);
    return { page, opened, tell, root, find };
  }

  it("says that no room is open", async () => {
    const { tell, find } = await shown();
    await tell(told(1, { rooms: [] }));
    expect(find("no-rooms")!.textContent).toContain("No room is open");
    expect(find("feed")!.dataset.state).toBe("live");
  });

  it("shows rooms, the fullest first, and who is in the one that is chosen", async () => {
    const { page, tell, root, find } = await shown();
    await tell(told(1, { rooms: [room("attic", peer("a", 1)), room("lobby", peer("b", 1), peer("c", 1))] }));
    const rooms = () => [...root.querySelectorAll<HTMLElement>("[data-testid=room]")];
    expect(rooms().map(({ dataset }) => dataset.room)).toEqual(["lobby", "attic"]);
    expect(find("chosen-room")!.dataset.room).toBe("lobby");
    rooms()[1]!.querySelector("button")!.click();
    await page.updateComplete;
    expect(find("chosen-room")!.dataset.room).toBe("attic");
    await tell(told(2, { rooms: [room("lobby", peer("b", 1))] }));
    expect(find("chosen-room")).toBeNull();
    expect(root.textContent).toContain("has closed");
  });

  it("finds one of many rooms", async () => {
    const { page, tell, root } = await shown();
    await tell(told(1, { rooms: Array.from({ length: 40 }, (_, index) => room(`room-${index}`)) }));
    expect(root.querySelectorAll("[data-testid=room]")).toHaveLength(12);
    const search = root.querySelector<HTMLInputElement>("input[type=search]")!;
    search.value = "ROOM-37";
    search.dispatchEvent(new Event("input"));
    await page.updateComplete;
    expect(
      [...root.querySelectorAll<HTMLElement>("[data-testid=room]")].map((row) => row.dataset.room),
    ).toEqual(["room-37"]);
  });

  it("asks for the key, tells a wrong one, and opens with the right one", async () => {
    const { page, opened, tell, root, find } = await shown();
    const refuse = () => tell({ type: "bye", code: "unauthorized", message: "show the server's key" });
    await refuse();
    const enter = async (key: string) => {
      root.querySelector<HTMLInputElement>("#key")!.value = key;
      root.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
      await page.updateComplete;
      opened.at(-1)?.open();
    };
    expect(find("wrong-key")).toBeNull();
    await enter("wrong");
    await refuse();
    expect(find("wrong-key")).not.toBeNull();
    await enter(" right ");
    expect(opened.at(-1)!.sent).toEqual([{ type: "watch", version: 1, key: "right" }]);
    await tell(told(1));
    expect(find("room")!.dataset.room).toBe("lobby");
  });

  it("keeps showing what it knew while the line is lost, and says so", async () => {
    const { page, opened, tell, root, find } = await shown();
    await tell(told(1));
    opened[0]!.drop();
    await page.updateComplete;
    expect(find("lost")!.getAttribute("role")).toBe("alert");
    expect(root.querySelector("main")!.className).toBe("stale");
    expect(find("room")).not.toBeNull();
  });

  it("stands still while it is paused, and has missed nothing after it", async () => {
    const { page, tell, root, find } = await shown();
    await tell(told(1), told(2));
    const pause = root.querySelector<HTMLButtonElement>(".pause")!;
    pause.click();
    await tell(told(3, { rooms: [] }));
    expect(find("room")).not.toBeNull();
    pause.click();
    await page.updateComplete;
    expect(find("room")).toBeNull();
    const history = (page as unknown as { shown: History }).shown;
    expect(history.ages).toEqual([2000, 1000, 0]);
  });

  it("takes no markup from a room's name", async () => {
    const { tell, root } = await shown();
    await tell(told(1, { rooms: [room(MARKUP, peer("p", 1))] }));
    expect(root.querySelector("img")).toBeNull();
    expect(root.querySelector("[data-testid=room] bdi")!.textContent).toBe(MARKUP);
  });
});

describe("plots", () => {
  afterEach(() => document.body.replaceChildren());

  async function drawn<Element extends HTMLElement & { updateComplete: Promise<boolean> }>(
    element: Element,
    properties: Partial<Element>,
  ) {
    Object.assign(element, properties);
    document.body.append(element);
    await element.updateComplete;
    return element.shadowRoot!;
  }

  it("say in words what is to be seen, and as a table once it is opened", async () => {
    const plot = new ContinuumPlot();
    const root = await drawn(plot, {
      heading: "Bitrate",
      ages: [2000, 1000, 0],
      words: bitrate,
      lines: [
        { label: "received", colour: "red", values: [1000, 3000, 2000] },
        { label: "sent", colour: "blue", values: [NaN, NaN, NaN] },
      ],
    });
    expect(root.querySelector("[role=img]")!.getAttribute("aria-label")).toBe(
      "Bitrate, since 1 min ago. received: 2 kbit/s now, 1 kbit/s to 3 kbit/s. sent: nothing yet",
    );
    expect(root.querySelectorAll("path.line")).toHaveLength(2);
    expect(root.querySelector("table")).toBeNull();
    const details = root.querySelector("details")!;
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    await plot.updateComplete;
    const cells = [...root.querySelectorAll("tbody tr")].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    );
    expect(cells[0]).toEqual(["now", "2 kbit/s", "–"]);
    expect(cells.at(-1)).toEqual(["30 s ago", "–", "–"]);
  });

  it("tell late ticks from those that are not", async () => {
    const root = await drawn(new ContinuumHistogram(), {
      heading: "Tick lateness",
      boundsMs: [0.5, 5, 20],
      counts: [9_900, 0, 90, 10],
    });
    expect([...root.querySelectorAll(".bars i")].map((bar) => bar.className)).toEqual([
      "",
      "",
      "late",
      "missed",
    ]);
    expect(root.querySelector("[role=img]")!.getAttribute("aria-label")).toBe(
      "Tick lateness. 10,000 ticks, of which 1 % began more than 5 ms late and 0.10 % more than 20 ms",
    );
  });

  it("list reasons, a few at first", async () => {
    const drops = new ContinuumDrops();
    const root = await drawn(drops, {
      heading: "Drops",
      drops: Array.from({ length: 12 }, (_, index) => ({ reason: `reason-${index}`, recent: 0, total: 1 })),
    });
    expect(root.querySelectorAll("tbody tr")).toHaveLength(8);
    root.querySelector("button")!.click();
    await drops.updateComplete;
    expect(root.querySelectorAll("tbody tr")).toHaveLength(12);
    drops.drops = [];
    await drops.updateComplete;
    expect(root.textContent).toContain("Nothing was dropped");
  });
});
