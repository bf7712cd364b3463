import { fields, flag, list, Malformed, number, optional, tally, text, type Fields } from "./fields.js";

/** Something that a persona knows about us. */
export interface Memory {
  readonly id: string;
  /** A sentence that stands alone. Plain text. */
  readonly text: string;
  /** The words it comes from. Plain text. */
  readonly quote: string;
  /** UTC, RFC 3339. */
  readonly at: string;
  readonly kind: string;
  /** The room in which it was said. */
  readonly where: string;
  /** Nothing later has replaced it. */
  readonly current: boolean;
}

/** Whether what is said in a room is for those who were there, or may be told elsewhere. */
export type Openness = "present" | "open";

/** A page of what a persona knows about us, newest first. */
export interface Memories {
  readonly persona: string;
  readonly openness: Openness;
  readonly known: readonly Memory[];
  /** Ask for the next page with it. */
  readonly before: string | null;
}

export interface ExplainedSource {
  readonly source: string;
  readonly state: "loaded" | "late" | "failed";
  readonly ms: number;
  readonly pieces: number;
  readonly tokens: number;
}

export interface ExplainedPiece {
  readonly source: string;
  readonly part: "stable" | "fresh";
  readonly tokens: number;
  readonly score: number;
  /** Plain text. */
  readonly text: string;
  readonly origin: string;
}

/** One time that something was looked up for a line. */
export interface ExplainedPart {
  /** For which words; empty for who was there. */
  readonly words: string;
  readonly budget: number;
  readonly tokens: number;
  readonly ms: number;
  readonly deadlineMs: number;
  readonly sources: readonly ExplainedSource[];
  readonly used: readonly ExplainedPiece[];
  readonly leftOut: number;
}

/** What a line of a persona was made with. */
export interface Explanation {
  readonly persona: string;
  readonly line: string;
  readonly parts: readonly ExplainedPart[];
}

function oneOf<T extends string>(from: Fields, key: string, values: readonly T[]): T {
  const value = text(from, key);
  const found = values.find((each) => each === value);
  if (found === undefined) throw new Malformed(`${key} ${value}`);
  return found;
}

export function memories(from: Fields): Memories {
  return {
    persona: text(from, "persona"),
    openness: oneOf(from, "openness", ["present", "open"]),
    known: list(from, "known", (item) => {
      const memory = fields(item, "memory");
      return {
        id: text(memory, "id"),
        text: text(memory, "text"),
        quote: text(memory, "quote"),
        at: text(memory, "at"),
        kind: text(memory, "kind"),
        where: text(memory, "where"),
        current: flag(memory, "current"),
      };
    }),
    before: optional(from, "before"),
  };
}

function part(item: unknown): ExplainedPart {
  const from = fields(item, "part");
  return {
    words: text(from, "words"),
    budget: tally(from, "budget"),
    tokens: tally(from, "tokens"),
    ms: number(from, "ms", 0, 1e9),
    deadlineMs: number(from, "deadlineMs", 0, 1e9),
    sources: list(from, "sources", (each) => {
      const source = fields(each, "source");
      return {
        source: text(source, "source"),
        state: oneOf(source, "state", ["loaded", "late", "failed"]),
        ms: number(source, "ms", 0, 1e9),
        pieces: tally(source, "pieces"),
        tokens: tally(source, "tokens"),
      };
    }),
    used: list(from, "used", (each) => {
      const piece = fields(each, "piece");
      return {
        source: text(piece, "source"),
        part: oneOf(piece, "part", ["stable", "fresh"]),
        tokens: tally(piece, "tokens"),
        score: number(piece, "score", 0, 1),
        text: text(piece, "text"),
        origin: text(piece, "origin"),
      };
    }),
    leftOut: tally(from, "leftOut"),
  };
}

export function explanation(from: Fields): Explanation {
  return { persona: text(from, "persona"), line: text(from, "line"), parts: list(from, "parts", part) };
}
