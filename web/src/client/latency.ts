import type { Latency } from "./protocol.js";

export type StageName = "silence" | "words" | "token" | "clause" | "voice" | "wire";

export interface Stage {
  readonly name: StageName;
  /** Milliseconds this stage added to what the person waited; 0 when it was done ahead. */
  readonly ms: number;
  /** Milliseconds after the end of speech at which it was done; negative when while the person still spoke. */
  readonly at: number;
  /** Done on suspicion, before the turn was decided: it cost no waiting. */
  readonly ahead: boolean;
}

export interface Breakdown {
  /** End of speech to the last stage reached, in milliseconds: the sum of the stages. */
  readonly total: number;
  readonly stages: readonly Stage[];
}

const ORDER: readonly (readonly [StageName, keyof Latency])[] = [
  ["silence", "decided"],
  ["words", "words"],
  ["token", "firstToken"],
  ["clause", "firstClause"],
  ["voice", "firstSound"],
  ["wire", "onWire"],
];

/**
 * Takes a turn's waiting time apart. Work done on suspicion overlaps the silence wait, so each stage counts only
 * what it added after everything before it was done; the parts add up to the whole. Stages that did not happen
 * are left out.
 */
export function breakdown(latency: Latency): Breakdown {
  const stages: Stage[] = [];
  let done = 0;
  for (const [name, key] of ORDER) {
    const at = latency[key];
    if (typeof at !== "number") continue;
    const ms = Math.max(0, at - done);
    stages.push({ name, ms, at, ahead: name !== "silence" && ms === 0 });
    done += ms;
  }
  return { total: done, stages };
}
