// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { ContinuumClient, type Explanation, type Memories, type Participant } from "../src/client/index.js";
import { fakeSockets } from "../src/client/fake-socket.js";
import { parseServerMessage } from "../src/client/protocol.js";
import { MemoryPanel } from "../src/widgets/memory-panel.js";
import { PersonaCard } from "../src/widgets/persona-card.js";
import { WhyAnswer } from "../src/widgets/why-answer.js";

const MARKUP = "<img src=x onerror=alert(1)>";
const NOVA: Participant = {
  id: "nova",
  name: "Nova",
  kind: "persona",
  muted: false,
  camera: false,
  speaking: false,
  status: "listening",
};
const KNOWN: Memories = {
  persona: "nova",
  openness: "present",
  known: [memory("m1", "Ada lives in Rome."), memory("m2", MARKUP)],
  before: null,
};
const WHY: Explanation = {
  persona: "nova",
  line: "u1",
  parts: [
    {
      words: "Where do I live?",
      budget: 60,
      tokens: 12,
      ms: 8.4,
      deadlineMs: 250,
      sources: [
        { source: "memory", state: "loaded", ms: 7, pieces: 3, tokens: 12 },
        { source: "documents", state: "late", ms: 40, pieces: 0, tokens: 0 },
      ],
      used: [
        { source: "memory", part: "fresh", tokens: 12, score: 0.8, text: MARKUP, origin: "Ada in attic" },
      ],
      leftOut: 2,
    },
  ],
};

function memory(id: string, text: string) {
  return {
    id,
    text,
    quote: "I live there",
    at: "2026-03-01T10:00:00Z",
    kind: "fact",
    where: "attic",
    current: true,
  };
}

function withNova() {
  const client = new ContinuumClient({
    server: "http://host",
    name: "Ada",
    token: () => Promise.resolve("t"),
    openSocket: fakeSockets().open,
  });
  client.room = { ...client.room, room: "lobby", you: "p1", participants: new Map([["nova", NOVA]]) };
  const inner = client as unknown as {
    receive(message: object): void;
    connection: { send(message: object): void };
  };
  const sent: { type: string; id: string; [field: string]: unknown }[] = [];
  inner.connection.send = (message) => sent.push(message as { type: string; id: string });
  const last = () => sent[sent.length - 1]!;
  return {
    client,
    sent,
    last,
    /** Answers what was asked last. */
    answer: async (message: object) => {
      inner.receive({ id: last().id, ...message });
      await settled();
    },
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

async function panel() {
  const nova = withNova();
  const element = new MemoryPanel();
  Object.assign(element, { client: nova.client, persona: "nova", name: "Nova" });
  document.body.append(element);
  await element.updateComplete;
  const root = element.shadowRoot!;
  const press = async (id: string, nth = 0) => {
    root.querySelectorAll<HTMLElement>(`[data-testid=${id}]`)[nth]!.click();
    await element.updateComplete;
    await settled();
  };
  const shown = () =>
    Array.from(root.querySelectorAll("[data-testid=memory] .words"), (each) => each.textContent!.trim());
  return { ...nova, element, root, press, shown };
}

afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe("what a persona knows about us", () => {
  it("is asked for once its panel is there, and shown as text", async () => {
    const { sent, answer, element, root, shown } = await panel();
    expect(sent.map(({ type }) => type)).toEqual(["memories"]);
    await answer({ type: "memories", memories: KNOWN });
    await element.updateComplete;
    expect(shown()).toEqual(["Ada lives in Rome.", MARKUP]);
    expect(root.querySelector("img")).toBeNull();
    expect(root.querySelector("time")?.getAttribute("datetime")).toBe("2026-03-01T10:00:00Z");
  });

  it("is put right in our own words, and shown as it is then", async () => {
    const { last, answer, element, root, press, shown } = await panel();
    await answer({ type: "memories", memories: KNOWN });
    await press("memory-correct");
    const input = root.querySelector<HTMLInputElement>("[data-testid=memory-words]")!;
    expect(root.activeElement).toBe(input);
    input.value = "I live in Oslo";
    await press("memory-save");
    expect(last()).toMatchObject({ type: "correct", memory: "m1", text: "I live in Oslo" });
    await answer({ type: "ack" });
    await answer({ type: "memories", memories: { ...KNOWN, known: [memory("m1", "Ada lives in Oslo.")] } });
    await element.updateComplete;
    expect(shown()).toEqual(["Ada lives in Oslo."]);
    expect(root.querySelector("[role=status]")?.textContent).toBe("Put right.");
  });

  it("is forgotten one by one, and wholly only when that is said twice", async () => {
    const { sent, last, answer, element, root, press } = await panel();
    await answer({ type: "memories", memories: KNOWN });
    await press("memory-forget", 1);
    expect(last()).toMatchObject({ type: "forget", memory: "m2" });
    await answer({ type: "ack" });
    await answer({ type: "memories", memories: { ...KNOWN, known: [KNOWN.known[0]] } });
    const before = sent.length;
    await press("memory-forget-me");
    expect(sent).toHaveLength(before);
    await press("memory-forget-all");
    expect(last()).toMatchObject({ type: "forget", memory: null });
    await answer({ type: "ack" });
    await answer({ type: "memories", memories: { ...KNOWN, known: [] } });
    await element.updateComplete;
    expect(root.querySelector("[data-testid=nothing-known]")).not.toBeNull();
    expect(root.querySelector("[data-testid=memory-forget-me]")).toBeNull();
  });

  it("is taken along whole, page by page", async () => {
    const { last, answer, element, press } = await panel();
    await answer({ type: "memories", memories: { ...KNOWN, before: "50" } });
    let saved: Blob | null = null;
    URL.createObjectURL = vi.fn((blob: Blob) => {
      saved = blob;
      return "blob:x";
    });
    await press("memory-export");
    expect(last()).toMatchObject({ type: "memories", before: "50" });
    await answer({ type: "memories", memories: { ...KNOWN, known: [memory("m3", "Ada loves chess.")] } });
    await element.updateComplete;
    expect(JSON.parse(await saved!.text()).map(({ id }: { id: string }) => id)).toEqual(["m1", "m2", "m3"]);
  });

  it("says what went wrong, and asks again", async () => {
    const { sent, answer, element, root } = await panel();
    await answer({ type: "error", code: "mind-away", message: "away" });
    await element.updateComplete;
    const alert = root.querySelector("[role=alert]")!;
    expect(alert.textContent).toContain("The personas are away");
    alert.querySelector("button")!.click();
    await settled();
    expect(sent.map(({ type }) => type)).toEqual(["memories", "memories"]);
  });

  it("is a part of the persona's card that is asked for", async () => {
    const { client, sent } = withNova();
    HTMLDialogElement.prototype.showModal = vi.fn();
    const card = new PersonaCard();
    Object.assign(card, { client, persona: "nova" });
    document.body.append(card);
    await card.updateComplete;
    expect(sent.map(({ type }) => type)).toEqual(["card"]);
    card.shadowRoot!.querySelector<HTMLElement>("[data-testid=show-memories]")!.click();
    await card.updateComplete;
    await card.shadowRoot!.querySelector<MemoryPanel>("continuum-memories")!.updateComplete;
    expect(sent.map(({ type }) => type)).toEqual(["card", "memories"]);
  });
});

describe("why a persona said something", () => {
  async function asked() {
    const nova = withNova();
    HTMLDialogElement.prototype.showModal = vi.fn();
    const element = new WhyAnswer();
    Object.assign(element, { client: nova.client, persona: "nova", name: "Nova", line: "u1" });
    document.body.append(element);
    await element.updateComplete;
    const root = element.shadowRoot!;
    expect(nova.sent).toEqual([]);
    root.querySelector<HTMLElement>("[data-testid=why]")!.click();
    await element.updateComplete;
    await settled();
    return { ...nova, element, root };
  }

  it("is told with its sources and its cost, as text", async () => {
    const { last, answer, element, root } = await asked();
    expect(last()).toMatchObject({ type: "explain", persona: "nova", line: "u1" });
    await answer({ type: "explanation", explanation: WHY });
    await element.updateComplete;
    const words = root.querySelector("[data-testid=explanation]")!.textContent!;
    for (const said of [MARKUP, "Ada in attic", "remembered", "a document", "late", "2 found, but left out"])
      expect(words).toContain(said);
    expect(root.querySelector("[data-testid=cost]")?.textContent).toBe("12 tokens, looked up in 8 ms.");
    expect(root.querySelector("img")).toBeNull();
  });

  it("is said not to be known where nothing was looked up", async () => {
    const { answer, element, root } = await asked();
    await answer({ type: "error", code: "no-such-line", message: "x" });
    await element.updateComplete;
    expect(root.querySelector("[data-testid=why-problem]")?.textContent).toContain("Nothing was looked up");
  });
});

describe("messages about memories", () => {
  it("are read field by field", () => {
    const said = { type: "memories", id: "q", ...KNOWN, secret: 1 };
    expect(parseServerMessage(JSON.stringify(said))).toEqual({ type: "memories", id: "q", memories: KNOWN });
    const why = { type: "explanation", id: "q", ...WHY };
    expect(parseServerMessage(JSON.stringify(why))).toEqual({
      type: "explanation",
      id: "q",
      explanation: WHY,
    });
  });

  it.each([
    { ...KNOWN, openness: "ajar" },
    { ...KNOWN, known: [{ id: 1 }] },
    { ...KNOWN, known: "all" },
  ])("are refused where they are none", (wrong) => {
    expect(parseServerMessage(JSON.stringify({ type: "memories", id: "q", ...wrong }))).toMatchObject({
      type: "fault",
      reason: "malformed",
    });
  });
});
