// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { ContinuumClient, Problem, type Card, type Participant } from "../src/client/index.js";
import { fakeSockets } from "../src/client/fake-socket.js";
import { ContinuumCaptions } from "../src/widgets/continuum-captions.js";
import { FeedbackButtons } from "../src/widgets/feedback.js";
import { ParticipantTile } from "../src/widgets/participant-tile.js";
import { PersonaCard } from "../src/widgets/persona-card.js";
import { SharedVoices } from "../src/widgets/shared-voices.js";
import { eventWords, moodWord, queueWords, whyWords } from "../src/widgets/words.js";

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
const CARD: Card = {
  persona: "nova",
  level: "trusted",
  standing: {
    quality: 0.75,
    completed: 4,
    succeeded: 3,
    failed: 0,
    praised: 2,
    criticised: 1,
    givers: 1,
  },
  expertise: [{ domain: MARKUP, quality: 0.7, count: 2 }],
  actions: [{ action: "post", words: "write in other rooms", needed: "autonomous", allowed: false }],
  history: [event("h1", 1)],
  journal: [{ id: "j1", at: "2026-03-01T10:00:00Z", text: MARKUP }],
  before: "older",
};

function event(id: string, value: number) {
  return {
    id,
    at: "2026-03-01T00:00:00Z",
    kind: "feedback" as const,
    value,
    domain: null,
    level: null,
    by: MARKUP,
    mine: false,
    line: null,
  };
}

/** A client in a room with a persona; what it asks is answered by `answer`. */
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
  const sent: { type: string; id: string }[] = [];
  inner.connection.send = (message) => sent.push(message as { type: string; id: string });
  return { client, sent, tell: (message: object) => inner.receive(message) };
}

async function mounted<Element extends HTMLElement & { updateComplete: Promise<boolean> }>(element: Element) {
  document.body.append(element);
  await element.updateComplete;
  return element.shadowRoot!;
}

afterEach(() => document.body.replaceChildren());

describe("words about personas", () => {
  it("say who is let speak next", () => {
    expect(queueWords([])).toBe("");
    expect(queueWords(["Nova"])).toBe("Next: Nova");
    expect(queueWords(["Nova", "Felix", "Basil"])).toBe("Next: Nova, then Felix and Basil");
  });

  it("say why one waits or stays silent, as the server has it", () => {
    const floor = {
      holder: null,
      queue: [{ id: "nova", reason: "addressed", words: "was called by name" }],
      silent: [{ id: "felix", reason: "resting", words: "is resting" }],
    };
    expect(whyWords(floor, "nova")).toBe("was called by name");
    expect(whyWords(floor, "felix")).toBe("is resting");
    expect(whyWords(floor, "ada")).toBe("");
  });

  it.each([
    [0, 0, "even"],
    [0.5, 0.5, "cheerful"],
    [0.5, -0.5, "calm"],
    [-0.5, 0.5, "tense"],
    [-0.5, -0.5, "low"],
    [0, 0.5, "alert"],
    [0.5, 0, "content"],
  ])("name a mood of valence %d and arousal %d", (valence, arousal, word) => {
    expect(moodWord({ valence, arousal })).toBe(word);
  });

  it("tell each kind of event, and whose word it was", () => {
    expect(eventWords({ ...event("e", 1), by: null, mine: true })).toBe("You found it good");
    expect(eventWords({ ...event("e", -1), by: null, domain: "music" })).toBe(
      "Somebody found it not good about music",
    );
    expect(eventWords({ ...event("e", -1), kind: "task" })).toBe("A task failed");
    expect(eventWords({ ...event("e", 1), kind: "level", level: "expert" })).toBe("Became Expert");
  });
});

describe("a persona's tile", () => {
  async function tile(changes: Partial<Participant> = {}) {
    const element = new ParticipantTile();
    element.participant = { ...NOVA, ...changes };
    element.presence = { id: "nova", energy: 0.4, valence: 0.5, arousal: -0.5, level: "novice" };
    element.why = MARKUP;
    return { element, root: await mounted(element) };
  }

  it.each([
    ["wants-to-speak", "wants to speak", MARKUP],
    ["resting", "resting", undefined],
  ] as const)("that is %s says so, and why", async (status, words, why) => {
    const { root } = await tile({ status });
    expect(root.querySelector(".status")?.textContent?.trim()).toBe(words);
    expect(root.querySelector("[data-testid=why]")?.textContent).toBe(why);
    expect(root.querySelector("img")).toBeNull();
  });

  it("tells energy and mood to those who do not see the bar", async () => {
    const { root } = await tile();
    expect(root.querySelector("[data-testid=energy]")?.getAttribute("aria-label")).toBe(
      "Energy 40 percent, mood calm",
    );
  });

  it("opens its card; a person's has none", async () => {
    const { element, root } = await tile();
    const asked = vi.fn();
    element.addEventListener("about", asked);
    root.querySelector<HTMLButtonElement>("[data-testid=about]")?.click();
    expect(asked).toHaveBeenCalledOnce();
    const person = await tile({ kind: "person", status: "connected" });
    expect(person.root.querySelector("[data-testid=about]")).toBeNull();
  });
});

describe("feedback", () => {
  async function buttons() {
    const room = withNova();
    const element = new FeedbackButtons();
    Object.assign(element, { client: room.client, persona: "nova", name: "Nova", line: "u1" });
    const root = await mounted(element);
    const button = (id: string) => root.querySelector<HTMLButtonElement>(`[data-testid=${id}]`)!;
    return { ...room, element, button };
  }

  it("is one click, and a second one takes it back", async () => {
    const { button, sent, tell, element } = await buttons();
    button("good").click();
    expect(sent[0]).toMatchObject({ type: "feedback", persona: "nova", line: "u1", value: 1 });
    tell({ type: "ack", id: sent[0]!.id });
    await element.updateComplete;
    expect(button("good").getAttribute("aria-pressed")).toBe("true");
    button("good").click();
    expect(sent[1]).toMatchObject({ value: 0 });
    await element.updateComplete;
    expect(button("good").getAttribute("aria-pressed")).toBe("false");
  });

  it("that could not be kept is shown as not given, and the reason is told", async () => {
    const { button, sent, tell, element } = await buttons();
    const told = vi.fn();
    element.addEventListener("continuum-problem", told);
    button("not-good").click();
    tell({ type: "error", id: sent[0]!.id, code: "mind-away", message: "away" });
    await vi.waitFor(() => expect(told).toHaveBeenCalledOnce());
    expect((told.mock.calls[0]![0] as CustomEvent<Problem>).detail.code).toBe("mind-away");
    await element.updateComplete;
    expect(button("not-good").getAttribute("aria-pressed")).toBe("false");
  });

  it("stands beside what a persona has said to its end, by the id of the utterance", async () => {
    const { client, tell } = withNova();
    const element = new ContinuumCaptions();
    element.client = client;
    const root = await mounted(element);
    const said = { type: "caption", id: "nova", utterance: "u7", text: "Hello.", interrupted: false };
    tell({ ...said, final: false });
    await element.updateComplete;
    expect(root.querySelector("continuum-feedback")).toBeNull();
    tell({ ...said, final: true });
    await element.updateComplete;
    expect(root.querySelector<FeedbackButtons>("continuum-feedback")?.line).toBe("u7");
  });
});

describe("voices at a shared microphone", () => {
  async function shared() {
    const room = withNova();
    const { client, tell } = room;
    client.sharedMicrophone = true;
    const element = new SharedVoices();
    element.client = client;
    const root = await mounted(element);
    const say = (utterance: string, id: string, label: string) =>
      tell({
        type: "caption",
        id: "p1",
        utterance,
        text: "Hello.",
        final: true,
        interrupted: false,
        speaker: { id, label },
      });
    const names = () =>
      [...root.querySelectorAll<HTMLInputElement>("[data-testid=voice-name]")].map((field) => field.value);
    return { ...room, element, root, say, names };
  }

  it("are listed as they were called last, and can be named", async () => {
    const { element, root, say, names, sent } = await shared();
    expect(root.textContent).toContain("Nobody has been told apart yet.");
    say("u1", "v1", "Speaker 1");
    say("u2", "v2", MARKUP);
    say("u3", "v1", "Maria");
    say("u4", "", "somebody");
    await element.updateComplete;
    expect(names()).toEqual(["Maria", MARKUP]);
    const field = root.querySelector<HTMLInputElement>("[data-testid=voice-name]")!;
    field.value = "  Mary ";
    root.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
    expect(sent.at(-1)).toEqual({ type: "name-voice", voice: "v1", name: "Mary" });
  });

  it("are gone from the list when they are forgotten", async () => {
    const { element, root, say, names, sent } = await shared();
    say("u1", "v1", "Maria");
    await element.updateComplete;
    root.querySelector<HTMLButtonElement>("button[type=button]")!.click();
    expect(sent.at(-1)).toEqual({ type: "name-voice", voice: "v1", name: null });
    await element.updateComplete;
    expect(names()).toEqual([]);
  });
});

describe("a persona's card", () => {
  async function card() {
    const room = withNova();
    const element = new PersonaCard();
    element.client = room.client;
    element.persona = "nova";
    const root = await mounted(element);
    await vi.waitFor(() => expect(room.sent).toHaveLength(1));
    return { ...room, element, root };
  }

  it("shows trust, history and journal, and no markup of anybody", async () => {
    const { root, sent, tell } = await card();
    tell({ type: "card", id: sent[0]!.id, card: CARD });
    await vi.waitFor(() => expect(root.querySelector("[data-testid=level]")?.textContent).toBe("Trusted"));
    const text = root.textContent?.replace(/\s+/g, " ");
    expect(text).toContain("4 done, 3 well");
    expect(text).toContain("from Autonomous on");
    expect(root.querySelector("img")).toBeNull();
    expect(text).toContain(MARKUP);
  });

  it("goes on with older history", async () => {
    const { root, sent, tell } = await card();
    tell({ type: "card", id: sent[0]!.id, card: CARD });
    await vi.waitFor(() => expect(root.querySelector(".more")).not.toBeNull());
    root.querySelector<HTMLButtonElement>(".more")!.click();
    expect(sent[1]).toMatchObject({ type: "card", before: "older" });
    tell({ type: "card", id: sent[1]!.id, card: { ...CARD, history: [event("h0", -1)], before: null } });
    await vi.waitFor(() => expect(root.querySelectorAll("ol li")).toHaveLength(2));
    expect(root.querySelector(".more")).toBeNull();
  });

  it("says why it cannot be shown, and asks again", async () => {
    const { root, sent, tell } = await card();
    tell({ type: "error", id: sent[0]!.id, code: "mind-away", message: "away" });
    await vi.waitFor(() => expect(root.querySelector("[role=alert]")?.textContent).toContain("away"));
    root.querySelector<HTMLButtonElement>("[role=alert] button")!.click();
    expect(sent).toHaveLength(2);
  });

  it("fires close when it is closed", async () => {
    const { element, root } = await card();
    const closed = vi.fn();
    element.addEventListener("close", closed);
    root.querySelector("dialog")!.dispatchEvent(new Event("close"));
    expect(closed).toHaveBeenCalledOnce();
  });
});
