// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { ContinuumClient, Problem } from "../src/client/index.js";
import { fakeSockets } from "../src/client/fake-socket.js";
import { ContinuumCaptions } from "../src/widgets/continuum-captions.js";
import { ContinuumChat } from "../src/widgets/continuum-chat.js";
import { DevicePanel } from "../src/widgets/device-panel.js";
import { JoinScreen } from "../src/widgets/join-screen.js";
import { LatencyMeter } from "../src/widgets/latency-meter.js";
import { ParticipantTile } from "../src/widgets/participant-tile.js";
import { recallNoiseSuppression, rememberNoiseSuppression } from "../src/widgets/remembered.js";
import { explain, initials, speakingWords, whisperWords } from "../src/widgets/words.js";

const MARKUP = "<img src=x onerror=alert(1)>";

/** A client whose room is told by calling `tell`; nothing is connected. */
function roomed() {
  const client = new ContinuumClient({
    server: "http://host",
    name: "Ada",
    token: () => Promise.resolve("t"),
    openSocket: fakeSockets().open,
  });
  const tell = (message: object) =>
    (client as unknown as { receive(message: object): void }).receive(message);
  const person = (id: string, name: string) => ({
    id,
    name,
    kind: "person" as const,
    muted: false,
    camera: false,
    speaking: false,
    status: "connected" as const,
  });
  client.room = {
    ...client.room,
    room: "lobby",
    you: "p1",
    participants: new Map([
      ["p1", person("p1", "Ada")],
      ["p2", person("p2", MARKUP)],
    ]),
  };
  return { client, tell, person };
}

describe("what a client asks the personas", () => {
  /** The id of the only question that waits. */
  const asked = (client: ContinuumClient) =>
    [...(client as unknown as { asked: Map<string, unknown> }).asked.keys()][0];

  it("is answered by its ack, its card, or a problem, and by the end of the call", async () => {
    const { client, tell } = roomed();
    const given = client.giveFeedback("nova", 1, "u1");
    tell({ type: "ack", id: asked(client) });
    await expect(given).resolves.toBeUndefined();
    const shown = client.askCard("nova");
    tell({ type: "card", id: asked(client), card: { persona: "nova", standing: {} } });
    await expect(shown).resolves.toEqual({ persona: "nova", standing: {} });
    const refused = client.giveFeedback("nova", -1);
    tell({ type: "error", id: asked(client), code: "mind-away", message: "away" });
    await expect(refused).rejects.toMatchObject({ code: "mind-away" });
    const cut = client.askCard("nova");
    client.leave();
    await expect(cut).rejects.toMatchObject({ code: "left" });
  });
});

const caption = (id: string, utterance: string, text: string, final: boolean) => ({
  type: "caption",
  id,
  utterance,
  text,
  final,
  interrupted: false,
});

async function mounted<Element extends HTMLElement & { updateComplete: Promise<boolean> }>(element: Element) {
  document.body.append(element);
  await element.updateComplete;
  return element.shadowRoot!;
}

afterEach(() => document.body.replaceChildren());

describe("captions", () => {
  async function shown() {
    const { client, tell } = roomed();
    const element = new ContinuumCaptions();
    element.client = client;
    const root = await mounted(element);
    const lines = () => [...root.querySelectorAll<HTMLElement>("[data-testid=caption]")];
    const announced = () =>
      [...root.querySelectorAll("[aria-live=polite] p")].map((line) => line.textContent);
    const told = async (message: object) => {
      tell(message);
      await element.updateComplete;
    };
    return { told, lines, announced, root };
  }

  it("show a speaker's name as the text it is", async () => {
    const { told, lines, root } = await shown();
    await told(caption("p2", "u1", "<b>Hi</b>", true));
    expect(root.querySelector("img, b")).toBeNull();
    expect(lines()[0]?.textContent).toContain(MARKUP);
    expect(lines()[0]?.textContent).toContain("<b>Hi</b>");
    expect(lines()[0]?.dataset).toMatchObject({ speaker: "p2", final: "true" });
  });

  it("are read out once each, when complete, and not while they grow", async () => {
    const { told, announced, lines } = await shown();
    await told(caption("p2", "u1", "It is", false));
    expect(announced()).toEqual([]);
    expect(lines()).toHaveLength(1);
    await told(caption("p2", "u1", "It is late.", true));
    await told(caption("p2", "u1", "It is late.", true));
    expect(announced()).toEqual([`${MARKUP}: It is late.`]);
  });

  it("do not read one's own words to one", async () => {
    const { told, announced } = await shown();
    await told(caption("p1", "u1", "What did I say?", true));
    expect(announced()).toEqual([]);
  });
});

describe("the chat", () => {
  it("sends what is written, clears the field, and shows it as being sent", async () => {
    const { client } = roomed();
    const element = new ContinuumChat();
    element.client = client;
    const root = await mounted(element);
    const input = root.querySelector("textarea")!;
    input.value = "  hello  ";
    root.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
    await element.updateComplete;
    expect(input.value).toBe("");
    const line = root.querySelector<HTMLElement>("[data-testid=chat-line]")!;
    expect(line.dataset.pending).toBe("true");
    expect(line.querySelector(".text")?.textContent).toBe("hello");
  });

  it("takes a refused line back and tells why", async () => {
    const { client, tell } = roomed();
    const problems: Problem[] = [];
    client.on("problem", (problem) => problems.push(problem));
    client.say("hello");
    tell({ type: "error", code: "not-allowed", message: "no", id: client.room.chat[0]!.id });
    expect(client.room.chat).toEqual([]);
    expect(problems[0]?.code).toBe("not-allowed");
  });
});

describe("a participant's tile", () => {
  it.each([
    ["listening", false, "listening"],
    ["thinking", false, "thinking"],
    ["speaking", true, "speaking"],
    ["away", false, "away for a moment"],
  ] as const)("of a persona that is %s says so in words", async (status, speaking, words) => {
    const tile = new ParticipantTile();
    tile.participant = {
      id: "j",
      name: "Joe",
      kind: "persona",
      muted: false,
      camera: false,
      speaking,
      status,
    };
    const root = await mounted(tile);
    expect(root.querySelector(".status")?.textContent?.trim()).toBe(words);
    expect(root.querySelector(".name")?.textContent).toContain("persona");
  });
});

describe("a participant's buttons", () => {
  async function tile(own: boolean, pinned = false) {
    const element = new ParticipantTile();
    element.participant = roomed().person("p2", MARKUP);
    element.own = own;
    element.pinned = pinned;
    const root = await mounted(element);
    return { element, button: root.querySelector<HTMLButtonElement>("[data-testid=pin]") };
  }

  it("say whom they pin, and whether that is so", async () => {
    const { element, button } = await tile(false);
    expect(button?.getAttribute("aria-label")).toBe(`Pin ${MARKUP}`);
    expect(button?.getAttribute("aria-pressed")).toBe("false");
    const asked = vi.fn();
    element.addEventListener("pin", asked);
    button?.click();
    expect(asked).toHaveBeenCalledOnce();
    element.pinned = true;
    await element.updateComplete;
    expect(button?.getAttribute("aria-pressed")).toBe("true");
    expect(button?.title).toContain("Unpin");
  });

  it("are not on one's own tile", async () => {
    expect((await tile(true)).button).toBeNull();
  });
});

/** The same, with what it sends. */
function sending() {
  const { client, tell } = roomed();
  const sent: object[] = [];
  const connection = (client as unknown as { connection: { send(message: object): void } }).connection;
  connection.send = (message) => sent.push(message);
  return { client, tell, sent };
}

describe("a pin", () => {
  it("is asked of the server and shown at once", () => {
    const { client, sent } = sending();
    client.pin("p2");
    client.pin(null);
    expect(sent).toEqual([
      { type: "pin", id: "p2" },
      { type: "pin", id: null },
    ]);
    expect(client.room.pinned).toBeNull();
  });

  it("on somebody who has just left is taken back without a word", () => {
    const { client, tell } = sending();
    const problems: Problem[] = [];
    client.on("problem", (problem) => problems.push(problem));
    client.pin("p2");
    tell({ type: "error", code: "no-such-participant", message: "nobody", id: "p2" });
    expect(client.room.pinned).toBeNull();
    expect(problems).toEqual([]);
  });
});

describe("a shared microphone", () => {
  it("is a switch that says what becomes of the voices, and tells the server", async () => {
    const { client, sent } = sending();
    const panel = new DevicePanel();
    panel.client = client;
    const root = await mounted(panel);
    const input = root.querySelector<HTMLInputElement>("[data-testid=shared-microphone]")!;
    expect(input.checked).toBe(false);
    expect(root.querySelector(`label[for=${input.id}]`)?.textContent).toBe(
      "Several people share this microphone",
    );
    expect(root.querySelector(`#${input.getAttribute("aria-describedby")}`)?.textContent).toContain(
      "next time",
    );
    input.click();
    client.shareMicrophone(true);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ type: "state", shared: true });
    client.nameVoice("s2", "Maria");
    client.nameVoice("s2", null);
    expect(sent.slice(1)).toEqual([
      { type: "name-voice", voice: "s2", name: "Maria" },
      { type: "name-voice", voice: "s2", name: null },
    ]);
  });
});

describe("noise suppression", () => {
  it("is a switch that says what it does, and asks for what it was turned to", async () => {
    const { client } = roomed();
    const panel = new DevicePanel();
    panel.client = client;
    const asked: boolean[] = [];
    panel.addEventListener("suppress", (event) => asked.push((event as CustomEvent<boolean>).detail));
    const root = await mounted(panel);
    const input = root.querySelector<HTMLInputElement>("[role=switch]")!;
    expect(input.checked).toBe(true);
    expect(root.querySelector(`label[for=${input.id}]`)?.textContent).toBe("Noise suppression");
    expect(root.querySelector(`#${input.getAttribute("aria-describedby")}`)?.textContent).toContain("noise");
    input.click();
    expect(asked).toEqual([false]);
    await client.setNoiseSuppression(false);
    await panel.updateComplete;
    expect(input.checked).toBe(false);
  });

  it("is told to the server when it changes, and once a seat is taken", async () => {
    const { client, sent } = sending();
    await client.setNoiseSuppression(false);
    await client.setNoiseSuppression(false);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ type: "state", noiseSuppression: false });
    client.setMuted(true);
    expect(sent[1]).toMatchObject({ type: "state", muted: true, noiseSuppression: false });
  });

  it("lets the microphone go and opens it anew, for a browser does not change one that is open", async () => {
    const { client } = sending();
    const asked: (MediaTrackConstraints | "stop")[] = [];
    const stop = () => asked.push("stop");
    const track = { stop, enabled: true, getSettings: () => ({ deviceId: "mic" }) };
    vi.stubGlobal("navigator", {
      mediaDevices: {
        getUserMedia: ({ audio }: { audio: MediaTrackConstraints }) => {
          asked.push(audio);
          return Promise.resolve({ getTracks: () => [{ ...track, stop: vi.fn() }] });
        },
        enumerateDevices: () => Promise.resolve([]),
      },
    });
    client.microphone = track as unknown as MediaStreamTrack;
    await client.setNoiseSuppression(false);
    vi.unstubAllGlobals();
    expect(asked.slice(0, 2)).toMatchObject([
      "stop",
      { noiseSuppression: false, deviceId: { exact: "mic" } },
    ]);
    expect(client.microphone).not.toBe(track);
  });

  it("is remembered on the site", () => {
    expect(recallNoiseSuppression()).toBe(true);
    rememberNoiseSuppression(false);
    expect(recallNoiseSuppression()).toBe(false);
    rememberNoiseSuppression(true);
    expect(recallNoiseSuppression()).toBe(true);
  });
});

describe("a whisper", () => {
  it("begins at once, and ends when the last words have arrived", () => {
    vi.useFakeTimers();
    const { client, sent } = sending();
    client.whisper(["p2"]);
    expect(sent).toEqual([{ type: "whisper", to: ["p2"], id: "whisper" }]);
    client.whisper([]);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(1_000);
    expect(sent.at(-1)).toEqual({ type: "whisper", to: [], id: "whisper" });
    client.whisper(["p2"]);
    client.whisper([]);
    client.whisper(["p2"]);
    vi.advanceTimersByTime(1_000);
    expect(sent.slice(2)).toEqual(Array(2).fill({ type: "whisper", to: ["p2"], id: "whisper" }));
    vi.useRealTimers();
  });

  it("that is refused is not shown as one, and not heard by all instead", () => {
    const { client, tell, sent } = sending();
    const problems: string[] = [];
    client.on("problem", (problem) => problems.push(problem.code));
    client.whisper(["p2"]);
    tell({ type: "error", code: "no-such-participant", message: "nobody", id: "whisper" });
    expect(client.whisperTo).toEqual([]);
    expect(client.muted).toBe(true);
    expect(sent.at(-1)).toMatchObject({ type: "state", muted: true });
    expect(problems).toEqual(["whisper-lost"]);
  });

  it("goes on to those who hear it when it is refused for more", () => {
    const { client, tell } = sending();
    tell({ type: "whisper", from: "p1", to: ["p2"] });
    client.whisper(["p2", "p3"]);
    tell({ type: "error", code: "no-such-participant", message: "nobody", id: "whisper" });
    expect(client.whisperTo).toEqual(["p2"]);
    expect(client.muted).toBe(false);
  });

  it("is marked in the captions of those who hear it", async () => {
    const { client, tell } = roomed();
    const element = new ContinuumCaptions();
    element.client = client;
    const root = await mounted(element);
    tell({ ...caption("p2", "u1", "Psst.", true), to: ["p1", "p2"] });
    await element.updateComplete;
    expect(root.querySelector("[data-testid=caption]")?.textContent).toContain("whispered");
    expect(root.querySelector("[aria-live=polite] p")?.textContent).toBe(`${MARKUP} (whispered): Psst.`);
  });

  it.each([
    [[], "Nobody hears you: whoever you whispered to has left."],
    [["Ada"], "Only Ada hears you."],
    [["Ada", "Joe"], "Only Ada and Joe hear you."],
  ])("to %j is said in a sentence", (names, words) => expect(whisperWords(names)).toBe(words));

  it("can be begun and ended on a tile", async () => {
    const element = new ParticipantTile();
    element.participant = roomed().person("p2", "Grace");
    const root = await mounted(element);
    const button = root.querySelector<HTMLButtonElement>("[data-testid=whisper]")!;
    expect(button.getAttribute("aria-label")).toBe("Whisper to Grace");
    const asked = vi.fn();
    element.addEventListener("whisper", asked);
    button.click();
    expect(asked).toHaveBeenCalledOnce();
    element.confided = element.confiding = true;
    await element.updateComplete;
    expect(button.getAttribute("aria-pressed")).toBe("true");
    expect(root.querySelector(".status")?.textContent).toContain("whispers to you");
  });
});

describe("voices heard apart", () => {
  it("are asked for once each, all of them at a time", async () => {
    const { client, tell, sent } = sending();
    await client.hearApart(["p2", "p2"]);
    expect(sent).toEqual([{ type: "voices", who: ["p2"] }]);
    expect(client.voiceTrackOf("p2")).toBeNull();
    tell({ type: "left", id: "p2", reason: "left" });
    await client.hearApart([]);
    expect(sent.at(-1)).toEqual({ type: "voices", who: [] });
  });
});

describe("the way in", () => {
  it("asks for a name before it lets one in", async () => {
    const element = new JoinScreen();
    const joined = vi.fn();
    element.addEventListener("join", (event) => joined((event as CustomEvent<string>).detail));
    const root = await mounted(element);
    const form = root.querySelector("form")!;
    form.dispatchEvent(new Event("submit", { cancelable: true }));
    await element.updateComplete;
    expect(joined).not.toHaveBeenCalled();
    expect(root.querySelector("[role=alert]")?.textContent).toContain("name");
    root.querySelector("input")!.value = "  Ada\u0000 ";
    form.dispatchEvent(new Event("submit", { cancelable: true }));
    expect(joined).toHaveBeenCalledWith("Ada");
  });

  it("says why one could not get in, and what to do", async () => {
    const element = new JoinScreen();
    element.problem = new Problem("unauthorized", "raw words of the server");
    const root = await mounted(element);
    expect(root.querySelector("[role=alert]")?.textContent).toContain("Ask whoever runs the server");
  });
});

it("the latency has a text that says what the bar shows", async () => {
  const meter = new LatencyMeter();
  const none = { paused: null, firstClause: null, firstSound: null };
  meter.latency = {
    turn: "t",
    persona: "j",
    to: "p",
    decided: 400,
    words: 100,
    firstToken: 500,
    onWire: 612,
    ...none,
  };
  const root = await mounted(meter);
  expect(root.querySelector("summary .unseen")?.textContent).toBe(
    "Last reply after 612 ms: Silence wait 400 ms, Words done ahead, First token 100 ms, Wire 112 ms",
  );
});

it("a problem nobody foresaw is shown with the server's own words", () => {
  expect(explain(new Problem("flux", "the flux is low")).advice).toBe("the flux is low");
});

it("who is speaking is said in a sentence", () => {
  expect([[], ["Ada"], ["Ada", "Joe"]].map(speakingWords)).toEqual([
    "",
    "Ada is speaking",
    "Ada and Joe are speaking",
  ]);
});

it.each([
  ["Ada Lovelace", "AL"],
  ["grace", "G"],
  [MARKUP, "IO"],
  ["<<>>", "?"],
  ["李 小龙", "李小"],
])("the name %s is abbreviated to %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});
