/** What the operators' WebSocket tells (docs/protocol.md). Counts are since `started`. */

export const SNAPSHOT_VERSION = 1;

export const TRACK_NAMES = ["microphone", "camera", "mix", "cameras", "voices"] as const;
export type TrackName = (typeof TRACK_NAMES)[number];

export interface Slots {
  readonly showing: number;
  readonly waiting: number;
  readonly free: number;
}

export interface Track {
  readonly name: TrackName;
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number | null;
  readonly jitterMs: number | null;
  readonly active: boolean;
}

export interface Peer {
  readonly id: string;
  readonly speaking: boolean;
  readonly muted: boolean;
  readonly rttMs: number | null;
  readonly bandwidth: number | null;
  readonly budget: number;
  readonly slots: Slots;
  readonly voices: Slots;
  readonly switches: number;
  readonly buffer: Counts<"targetMs" | "delayMs" | "played" | "late" | "concealed">;
  readonly tracks: readonly Track[];
  readonly drops: ReadonlyMap<string, number>;
}

export interface Room {
  readonly id: string;
  readonly persons: number;
  readonly personas: number;
  readonly connected: number;
  readonly speaking: number;
  readonly peers: readonly Peer[];
}

export interface Lateness {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
}

type Counts<Name extends string> = Readonly<Record<Name, number>>;

const PLANE = [
  "active",
  "ticks",
  "late",
  "skipped",
  "faults",
  "encodes",
  "sent",
  "cleaned",
  "cleaningMs",
] as const;
const BUFFERS = ["received", "played", "lost", "concealed", "delayMs"] as const;
const NETWORK = [
  "connected",
  "connecting",
  "packetsIn",
  "bytesIn",
  "packetsOut",
  "bytesOut",
  "retransmissions",
  "switches",
  "keyframeRequests",
  "nacksSent",
  "nacksReceived",
] as const;

export interface Snapshot {
  readonly at: string;
  readonly clockMs: number;
  readonly started: string;
  readonly server: string;
  readonly mind: string;
  readonly plane: Counts<(typeof PLANE)[number]> & { readonly lateness: Lateness };
  readonly buffers: Counts<(typeof BUFFERS)[number]>;
  readonly network: Counts<(typeof NETWORK)[number]> & { readonly slots: Slots; readonly voices: Slots };
  /** Media's and signaling's in one, by reason. */
  readonly drops: ReadonlyMap<string, number>;
  readonly unlisted: number;
  readonly rooms: readonly Room[];
}

export type OperatorMessage =
  | { readonly type: "snapshot"; readonly snapshot: Snapshot }
  | { readonly type: "bye"; readonly code: string; readonly message: string };

/** What is no message of this protocol. */
export class Malformed extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed(`${what} is no object`);
  return value as Fields;
}

function text(from: Fields, key: string): string {
  const value = from[key];
  if (typeof value !== "string") throw new Malformed(`${key} is no text`);
  return value;
}

function flag(from: Fields, key: string): boolean {
  const value = from[key];
  if (typeof value !== "boolean") throw new Malformed(`${key} is no boolean`);
  return value;
}

function figure(value: unknown, key: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Malformed(`${key} is no number`);
  return value;
}

function maybe(from: Fields, key: string): number | null {
  return from[key] === null ? null : figure(from[key], key);
}

function list<T>(from: Fields, key: string, parse: (item: unknown) => T): T[] {
  const value = from[key];
  if (!Array.isArray(value)) throw new Malformed(`${key} is no list`);
  return value.map(parse);
}

function counts<Name extends string>(value: unknown, what: string, names: readonly Name[]): Counts<Name> {
  const from = fields(value, what);
  return Object.fromEntries(names.map((name) => [name, figure(from[name], name)])) as Counts<Name>;
}

function reasons(value: unknown): Map<string, number> {
  return new Map(
    Object.entries(fields(value, "drops")).map(([reason, number]) => [reason, figure(number, reason)]),
  );
}

const slots = (value: unknown): Slots => counts(value, "slots", ["showing", "waiting", "free"]);

function track(value: unknown): Track {
  const from = fields(value, "track");
  const name = text(from, "name");
  if (!(TRACK_NAMES as readonly string[]).includes(name)) throw new Malformed(`track ${name}`);
  return {
    name: name as TrackName,
    packets: figure(from.packets, "packets"),
    bytes: figure(from.bytes, "bytes"),
    lost: maybe(from, "lost"),
    jitterMs: maybe(from, "jitterMs"),
    active: flag(from, "active"),
  };
}

function peer(value: unknown): Peer {
  const from = fields(value, "peer");
  return {
    id: text(from, "id"),
    speaking: flag(from, "speaking"),
    muted: flag(from, "muted"),
    rttMs: maybe(from, "rttMs"),
    bandwidth: maybe(from, "bandwidth"),
    budget: figure(from.budget, "budget"),
    slots: slots(from.slots),
    voices: slots(from.voices),
    switches: figure(from.switches, "switches"),
    buffer: counts(from.buffer, "buffer", ["targetMs", "delayMs", "played", "late", "concealed"]),
    tracks: list(from, "tracks", track),
    drops: reasons(from.drops),
  };
}

function room(value: unknown): Room {
  const from = fields(value, "room");
  const sums = counts(value, "room", ["persons", "personas", "connected", "speaking"]);
  return { id: text(from, "id"), ...sums, peers: list(from, "peers", peer) };
}

function snapshot(from: Fields): Snapshot {
  if (from.version !== SNAPSHOT_VERSION) throw new Malformed(`version ${String(from.version)}`);
  const plane = fields(from.plane, "plane");
  const network = fields(from.network, "network");
  const lateness = fields(plane.lateness, "lateness");
  const drops = fields(from.drops, "drops");
  const all = reasons(drops.media);
  for (const [reason, number] of reasons(drops.signaling)) all.set(reason, (all.get(reason) ?? 0) + number);
  const boundsMs = list(lateness, "boundsMs", (bound) => figure(bound, "bound"));
  const held = list(lateness, "counts", (number) => figure(number, "count"));
  if (held.length !== boundsMs.length + 1) throw new Malformed("lateness has one count more than bounds");
  return {
    at: text(from, "at"),
    clockMs: figure(from.clockMs, "clockMs"),
    started: text(from, "started"),
    server: text(from, "server"),
    mind: text(from, "mind"),
    plane: { ...counts(plane, "plane", PLANE), lateness: { boundsMs, counts: held } },
    buffers: counts(from.buffers, "buffers", BUFFERS),
    network: {
      ...counts(network, "network", NETWORK),
      slots: slots(network.slots),
      voices: slots(network.voices),
    },
    drops: all,
    unlisted: figure(from.unlisted, "unlisted"),
    rooms: list(from, "rooms", room),
  };
}

/**
 * Reads one frame; `null` for a type that is not known.
 * Raises `Malformed` for what is no message.
 */
export function parseOperatorMessage(frame: unknown): OperatorMessage | null {
  if (typeof frame !== "string") throw new Malformed("not a text frame");
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Malformed(error.message);
    throw error;
  }
  const from = fields(value, "message");
  switch (from.type) {
    case "snapshot":
      return { type: "snapshot", snapshot: snapshot(from) };
    case "bye":
      return { type: "bye", code: text(from, "code"), message: text(from, "message") };
    default:
      return null;
  }
}
