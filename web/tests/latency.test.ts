import { describe, expect, it } from "vitest";
import { breakdown } from "../src/client/latency.js";
import type { Latency } from "../src/client/protocol.js";

const TURN: Latency = {
  turn: "t1",
  persona: "joe",
  to: "p1",
  paused: 190,
  decided: 400,
  words: 450,
  firstToken: 600,
  firstClause: 720,
  firstSound: 800,
  onWire: 815,
};

const costs = (latency: Latency) => breakdown(latency).stages.map(({ name, ms }) => [name, ms]);

describe("the latency of a turn, taken apart", () => {
  it("counts for each stage what it added to the one before", () => {
    expect(costs(TURN)).toEqual([
      ["silence", 400],
      ["words", 50],
      ["token", 150],
      ["clause", 120],
      ["voice", 80],
      ["wire", 15],
    ]);
  });

  it("adds up to the whole, whatever was done ahead", () => {
    for (const latency of [
      TURN,
      { ...TURN, words: 120, firstToken: 250 },
      { ...TURN, words: -30, decided: null },
    ]) {
      const { total, stages } = breakdown(latency);
      expect(stages.reduce((sum, stage) => sum + stage.ms, 0)).toBe(total);
      expect(total).toBe(latency.onWire);
    }
  });

  it("charges nothing for what was done on suspicion before the turn was decided", () => {
    const { stages } = breakdown({ ...TURN, words: 120, firstToken: 250, firstClause: 390 });
    expect(stages.filter((stage) => stage.ahead).map((stage) => stage.name)).toEqual([
      "words",
      "token",
      "clause",
    ]);
    expect(stages.find((stage) => stage.name === "voice")?.ms).toBe(400);
  });

  it("leaves out the stages that did not happen, as in a written turn", () => {
    const written = { ...TURN, paused: null, decided: null, words: null };
    expect(costs(written)[0]).toEqual(["token", 600]);
  });

  it("of a turn without any stage is nothing", () => {
    const nothing = {
      ...TURN,
      decided: null,
      words: null,
      firstToken: null,
      firstClause: null,
      firstSound: null,
      onWire: null,
    };
    expect(breakdown(nothing)).toEqual({ total: 0, stages: [] });
  });
});
