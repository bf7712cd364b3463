import { describe, expect, it } from "vitest";
import {
  captionsOfHistory,
  MAX_CAPTIONS,
  mergeCaption,
  settleCaptions,
  type Caption,
} from "../src/client/captions.js";
import type { CaptionMessage, Line } from "../src/client/protocol.js";

const said = (text: string, changes: Partial<CaptionMessage> = {}): CaptionMessage => ({
  type: "caption",
  id: "p1",
  utterance: "u1",
  text,
  final: false,
  interrupted: false,
  ...changes,
});

function merged(...messages: CaptionMessage[]): readonly Caption[] {
  return messages.reduce<readonly Caption[]>(
    (captions, message) => mergeCaption(captions, message, message.id),
    [],
  );
}

describe("a caption", () => {
  it("shows what a voice at a shared microphone is called under its participant", () => {
    const speaker = { id: "s2", label: "Maria" };
    const message = {
      type: "caption",
      id: "p1",
      utterance: "u1",
      text: "Hello",
      final: true,
      interrupted: false,
      speaker,
    } as const;
    const [caption] = mergeCaption([], message, "Ada");
    expect(caption).toMatchObject({ from: "p1", name: "Maria", voice: "s2" });
    expect(mergeCaption([], { ...message, speaker: undefined }, "Ada")[0]).toMatchObject({ name: "Ada" });
  });

  it("of the same utterance replaces the earlier in its place", () => {
    const captions = merged(said("I"), said("Hello", { id: "p2" }), said("I think so", { final: true }));
    expect(captions.map(({ from, text, final }) => [from, text, final])).toEqual([
      ["p1", "I think so", true],
      ["p2", "Hello", false],
    ]);
  });

  it("of another participant's utterance with the same id is another caption", () => {
    expect(merged(said("One"), said("Two", { id: "p2" }))).toHaveLength(2);
  });

  it("that was cut off keeps only what was heard, even after it was final", () => {
    const captions = merged(
      said("A long sentence to the end.", { final: true }),
      said("A long", { final: true, interrupted: true }),
    );
    expect(captions).toMatchObject([{ text: "A long", interrupted: true }]);
  });

  it("without text takes the utterance back", () => {
    expect(merged(said("hm"), said(" ", { final: true }))).toEqual([]);
    expect(merged(said("", { final: true }))).toEqual([]);
  });

  it("list stays bounded, the oldest going first", () => {
    const many = Array.from({ length: MAX_CAPTIONS + 5 }, (_, index) =>
      said("x", { utterance: `u${index}` }),
    );
    const captions = merged(...many);
    expect(captions).toHaveLength(MAX_CAPTIONS);
    expect(captions[0]!.key).toBe("p1/u5");
  });
});

describe("someone who leaves in mid-sentence", () => {
  it("leaves the sentence standing as cut off", () => {
    const captions = settleCaptions(merged(said("I was go"), said("Yes.", { id: "p2" })), "p1");
    expect(captions).toMatchObject([
      { from: "p1", final: true, interrupted: true },
      { from: "p2", final: false },
    ]);
  });

  it("changes nothing that was complete", () => {
    const captions = merged(said("Done.", { final: true }));
    expect(settleCaptions(captions, "p1")).toBe(captions);
  });
});

it("a room's history gives its spoken lines back, not the written ones", () => {
  const line: Line = {
    id: "l1",
    from: "p1",
    name: "Ada",
    kind: "speech",
    text: "Hi.",
    at: "",
    interrupted: true,
  };
  expect(captionsOfHistory([line, { ...line, id: "l2", kind: "chat" }])).toMatchObject([
    { text: "Hi.", final: true, interrupted: true },
  ]);
});
