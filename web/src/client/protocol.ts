import { fields, flag, list, Malformed, number, optional, tally, text, type Fields } from "./fields.js";
import { explanation, memories, type Explanation, type Memories } from "./memories.js";

/**
 * The room protocol, version 1 (docs/protocol.md): the messages, and the check every incoming one passes.
 * Unknown fields are ignored; a message that lacks what it must have becomes a `Fault`, never an exception.
 */

export const PROTOCOL_VERSION = 1;
export const MAX_CHAT_LENGTH = 2000;
export const MAX_NAME_LENGTH = 40;
/** Single voices that one client is sent at most. */
export const MAX_VOICES = 16;
/** WebSocket close status that follows a `bye`. */
export const BYE_STATUS = 4000;

export type ParticipantKind = "person" | "persona";
export type ParticipantStatus =
  "listening" | "thinking" | "wants-to-speak" | "speaking" | "resting" | "away" | "connecting" | "connected";
/** How far a persona is trusted, the least first. */
export type Level = "novice" | "trusted" | "expert" | "autonomous";
export const LEVELS: readonly Level[] = ["novice", "trusted", "expert", "autonomous"];

export interface Participant {
  readonly id: string;
  /** Plain text, as given by whoever joined; never markup. */
  readonly name: string;
  readonly kind: ParticipantKind;
  readonly muted: boolean;
  readonly camera: boolean;
  readonly speaking: boolean;
  readonly status: ParticipantStatus;
}

export interface Line {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly kind: "speech" | "chat";
  readonly text: string;
  /** UTC, RFC 3339. */
  readonly at: string;
  readonly interrupted: boolean;
  readonly to?: Audience;
}

/** Milliseconds after the end of speech; `null` where the stage did not happen. */
export interface Latency {
  readonly turn: string;
  readonly persona: string;
  readonly to: string;
  readonly paused: number | null;
  readonly decided: number | null;
  readonly words: number | null;
  readonly firstToken: number | null;
  readonly firstClause: number | null;
  readonly firstSound: number | null;
  readonly onWire: number | null;
}

/** A persona, and why it wants to speak or stays silent: a code, and the words to show. */
export interface Reasoned {
  readonly id: string;
  readonly reason: string;
  readonly words: string;
}

/** Who speaks among the personas, who waits for it, the first to be let first, and why the others are silent. */
export interface Floor {
  readonly holder: string | null;
  readonly queue: readonly Reasoned[];
  readonly silent: readonly Reasoned[];
  /** That of a whisper, which only these see. */
  readonly to?: Audience;
}

/** How a persona is: energy from 0 to 1, valence and arousal of its mood from -1 to 1, and its level of trust. */
export interface Presence {
  readonly id: string;
  readonly energy: number;
  readonly valence: number;
  readonly arousal: number;
  readonly level: Level;
}

/** Shares are from 0 to 1. */
export interface Standing {
  readonly quality: number;
  readonly completed: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly praised: number;
  readonly criticised: number;
  readonly givers: number;
}

export interface CardEvent {
  readonly id: string;
  /** UTC, RFC 3339; the day only of what somebody gave without their name. */
  readonly at: string;
  readonly kind: "feedback" | "task" | "level";
  readonly value: number;
  readonly domain: string | null;
  readonly level: Level | null;
  /** Plain text. */
  readonly by: string | null;
  readonly mine: boolean;
  readonly line: string | null;
}

/** What anybody in the room may know of a persona. */
export interface Card {
  readonly persona: string;
  readonly level: Level;
  readonly standing: Standing;
  readonly expertise: readonly {
    readonly domain: string;
    readonly quality: number;
    readonly count: number;
  }[];
  readonly actions: readonly {
    readonly action: string;
    readonly words: string;
    readonly needed: Level;
    readonly allowed: boolean;
  }[];
  readonly history: readonly CardEvent[];
  readonly journal: readonly { readonly id: string; readonly at: string; readonly text: string }[];
  /** Ask for the older part of the history with it. */
  readonly before: string | null;
}

export interface Joined {
  readonly type: "joined";
  readonly version: number;
  readonly room: string;
  readonly you: string;
  readonly participants: readonly Participant[];
  readonly history: readonly Line[];
  readonly iceServers: readonly RTCIceServer[];
  readonly resume: string;
  readonly videoSlots: number;
  readonly floor: Floor;
  readonly presences: readonly Presence[];
}

/** Who alone hears or heard it, by id, the speaker too; none for all. */
export type Audience = readonly string[] | undefined;

/** One of those who share a microphone: the voice's id there, and what it is called. */
export interface Voice {
  readonly id: string;
  readonly label: string;
}

export interface CaptionMessage {
  readonly type: "caption";
  readonly id: string;
  readonly utterance: string;
  readonly text: string;
  readonly final: boolean;
  readonly interrupted: boolean;
  readonly to?: Audience;
  /** Whose voice it is, at a microphone that several share. */
  readonly speaker?: Voice | undefined;
}

export interface ChatMessage {
  readonly type: "chat";
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly text: string;
  readonly at: string;
}

/** Whether anybody watches our camera, and which of its simulcast layers. */
export interface CameraWanted {
  readonly type: "camera";
  readonly wanted: boolean;
  readonly layers: readonly string[];
}

export interface ErrorMessage {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly id: string | null;
}

export type ServerMessage =
  | Joined
  | { readonly type: "answer"; readonly id: string; readonly sdp: string }
  | { readonly type: "negotiate"; readonly videoSlots: number }
  | { readonly type: "participant"; readonly participant: Participant }
  | { readonly type: "left"; readonly id: string; readonly reason: string }
  | { readonly type: "speaking"; readonly id: string; readonly speaking: boolean }
  | CaptionMessage
  | ChatMessage
  | { readonly type: "ack"; readonly id: string }
  | { readonly type: "floor"; readonly floor: Floor }
  | { readonly type: "presence"; readonly presence: Presence }
  | { readonly type: "card"; readonly id: string; readonly card: Card }
  | { readonly type: "memories"; readonly id: string; readonly memories: Memories }
  | { readonly type: "explanation"; readonly id: string; readonly explanation: Explanation }
  | { readonly type: "latency"; readonly latency: Latency }
  | { readonly type: "video"; readonly slots: ReadonlyMap<string, string> }
  | { readonly type: "voices"; readonly slots: ReadonlyMap<string, string> }
  | { readonly type: "whisper"; readonly from: string; readonly to: readonly string[] | null }
  | CameraWanted
  | { readonly type: "pong"; readonly id: string }
  | ErrorMessage
  | { readonly type: "bye"; readonly code: string; readonly message: string };

/** How large a picture is shown, in device pixels; 0 x 0 is hidden. */
export interface TileSize {
  readonly width: number;
  readonly height: number;
}

export type ClientMessage =
  | { type: "join"; version: number; token: string; name: string; resume?: string }
  | { type: "offer"; id: string; sdp: string }
  | { type: "candidate"; candidate: string; mid: string | null; mline: number | null }
  | { type: "chat"; id: string; text: string }
  | { type: "state"; muted?: boolean; camera?: boolean; noiseSuppression?: boolean; shared?: boolean }
  | { type: "name-voice"; voice: string; name: string | null }
  | { type: "view"; slots: Record<string, TileSize> }
  | { type: "pin"; id: string | null }
  | { type: "voices"; who: readonly string[] }
  | { type: "whisper"; to: readonly string[]; id?: string }
  | { type: "feedback"; id: string; persona: string; value: -1 | 0 | 1; line?: string; signed?: boolean }
  | { type: "card"; id: string; persona: string; before?: string }
  | { type: "memories"; id: string; persona: string; before?: string }
  | { type: "correct"; id: string; persona: string; memory: string; text: string }
  | { type: "forget"; id: string; persona: string; memory: string | null }
  | { type: "explain"; id: string; persona: string; line: string }
  | { type: "ping"; id: string }
  | { type: "leave" };

/** A message that could not be understood: `unknown` types are skipped, `malformed` ones are worth a warning. */
export interface Fault {
  readonly type: "fault";
  readonly reason: "malformed" | "unknown";
  readonly detail: string;
}

const KINDS: readonly string[] = ["person", "persona"];
const STATUSES: readonly string[] = [
  "listening",
  "thinking",
  "wants-to-speak",
  "speaking",
  "resting",
  "away",
  "connecting",
  "connected",
];
const NOBODY_SPEAKS: Floor = { holder: null, queue: [], silent: [] };

function count(from: Fields, key: string): number {
  const value = from[key];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 256) {
    throw new Malformed(`${key} is no count`);
  }
  return value;
}

function milliseconds(from: Fields, key: string): number | null {
  const value = from[key] ?? null;
  if (value === null) return null;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Malformed(`${key} is no time`);
  return value;
}

function participant(value: unknown): Participant {
  const from = fields(value, "participant");
  const kind = text(from, "kind");
  const status = text(from, "status");
  if (!KINDS.includes(kind)) throw new Malformed(`kind ${kind}`);
  if (!STATUSES.includes(status)) throw new Malformed(`status ${status}`);
  return {
    id: text(from, "id"),
    name: text(from, "name"),
    kind: kind as ParticipantKind,
    muted: flag(from, "muted"),
    camera: flag(from, "camera"),
    speaking: flag(from, "speaking"),
    status: status as ParticipantStatus,
  };
}

function line(value: unknown): Line {
  const from = fields(value, "line");
  const kind = text(from, "kind");
  if (kind !== "speech" && kind !== "chat") throw new Malformed(`kind ${kind}`);
  return {
    id: text(from, "id"),
    from: text(from, "from"),
    name: text(from, "name"),
    kind,
    text: text(from, "text"),
    at: text(from, "at"),
    interrupted: flag(from, "interrupted", false),
    to: audience(from),
  };
}

function voice(value: unknown): Voice {
  const from = fields(value, "speaker");
  return { id: text(from, "id"), label: text(from, "label") };
}

function audience(from: Fields): Audience {
  return from.to == null ? undefined : list(from, "to", id);
}

function iceServer(value: unknown): RTCIceServer {
  const from = fields(value, "iceServer");
  const urls = from.urls;
  const known =
    typeof urls === "string" || (Array.isArray(urls) && urls.every((url) => typeof url === "string"));
  if (!known) throw new Malformed("urls of an iceServer");
  const server: RTCIceServer = { urls: urls as string | string[] };
  if (typeof from.username === "string") server.username = from.username;
  if (typeof from.credential === "string") server.credential = from.credential;
  return server;
}

function latency(from: Fields): Latency {
  return {
    turn: text(from, "turn"),
    persona: text(from, "persona"),
    to: text(from, "to"),
    paused: milliseconds(from, "paused"),
    decided: milliseconds(from, "decided"),
    words: milliseconds(from, "words"),
    firstToken: milliseconds(from, "firstToken"),
    firstClause: milliseconds(from, "firstClause"),
    firstSound: milliseconds(from, "firstSound"),
    onWire: milliseconds(from, "onWire"),
  };
}

function level(from: Fields, key: string): Level {
  const value = text(from, key) as Level;
  if (!LEVELS.includes(value)) throw new Malformed(`level ${value}`);
  return value;
}

function reasoned(value: unknown): Reasoned {
  const from = fields(value, "place on the floor");
  return { id: text(from, "id"), reason: text(from, "reason"), words: text(from, "words") };
}

function floor(from: Fields): Floor {
  return {
    holder: optional(from, "holder"),
    queue: list(from, "queue", reasoned),
    silent: list(from, "silent", reasoned),
    to: audience(from),
  };
}

function presence(value: unknown): Presence {
  const from = fields(value, "presence");
  return {
    id: text(from, "id"),
    energy: number(from, "energy", 0, 1),
    valence: number(from, "valence", -1, 1),
    arousal: number(from, "arousal", -1, 1),
    level: level(from, "level"),
  };
}

function standing(value: unknown): Standing {
  const from = fields(value, "standing");
  return {
    quality: number(from, "quality", 0, 1),
    completed: tally(from, "completed"),
    succeeded: tally(from, "succeeded"),
    failed: tally(from, "failed"),
    praised: tally(from, "praised"),
    criticised: tally(from, "criticised"),
    givers: tally(from, "givers"),
  };
}

function cardEvent(value: unknown): CardEvent {
  const from = fields(value, "event");
  const kind = text(from, "kind");
  if (kind !== "feedback" && kind !== "task" && kind !== "level") throw new Malformed(`event ${kind}`);
  return {
    id: text(from, "id"),
    at: text(from, "at"),
    kind,
    value: number(from, "value", -1, 1),
    domain: optional(from, "domain"),
    level: from.level == null ? null : level(from, "level"),
    by: optional(from, "by"),
    mine: flag(from, "mine"),
    line: optional(from, "line"),
  };
}

function card(from: Fields): Card {
  return {
    persona: text(from, "persona"),
    level: level(from, "level"),
    standing: standing(from.standing),
    expertise: list(from, "expertise", (item) => {
      const domain = fields(item, "domain");
      return {
        domain: text(domain, "domain"),
        quality: number(domain, "quality", 0, 1),
        count: tally(domain, "count"),
      };
    }),
    actions: list(from, "actions", (item) => {
      const action = fields(item, "action");
      return {
        action: text(action, "action"),
        words: text(action, "words"),
        needed: level(action, "needed"),
        allowed: flag(action, "allowed"),
      };
    }),
    history: list(from, "history", cardEvent),
    journal: list(from, "journal", (item) => {
      const entry = fields(item, "entry");
      return { id: text(entry, "id"), at: text(entry, "at"), text: text(entry, "text") };
    }),
    before: optional(from, "before"),
  };
}

function rid(value: unknown): string {
  if (typeof value !== "string") throw new Malformed("a layer is no text");
  return value;
}

function id(value: unknown): string {
  if (typeof value !== "string") throw new Malformed("an id is no text");
  return value;
}

function slots(value: unknown): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [mid, id] of Object.entries(fields(value, "slots"))) {
    if (typeof id !== "string") throw new Malformed(`slot ${mid}`);
    map.set(mid, id);
  }
  return map;
}

function message(from: Fields): ServerMessage | null {
  const type = text(from, "type");
  switch (type) {
    case "joined":
      return {
        type,
        version: count(from, "version"),
        room: text(from, "room"),
        you: text(from, "you"),
        participants: list(from, "participants", participant),
        history: list(from, "history", line),
        iceServers: list(from, "iceServers", iceServer),
        resume: text(from, "resume"),
        videoSlots: count(from, "videoSlots"),
        floor: from.floor == null ? NOBODY_SPEAKS : floor(fields(from.floor, "floor")),
        presences: from.presences == null ? [] : list(from, "presences", presence),
      };
    case "answer":
      return { type, id: text(from, "id"), sdp: text(from, "sdp") };
    case "negotiate":
      return { type, videoSlots: count(from, "videoSlots") };
    case "participant":
      return { type, participant: participant(from.participant) };
    case "left":
      return { type, id: text(from, "id"), reason: text(from, "reason") };
    case "speaking":
      return { type, id: text(from, "id"), speaking: flag(from, "speaking") };
    case "caption":
      return {
        type,
        id: text(from, "id"),
        utterance: text(from, "utterance"),
        text: text(from, "text"),
        final: flag(from, "final"),
        interrupted: flag(from, "interrupted", false),
        to: audience(from),
        speaker: from.speaker === undefined ? undefined : voice(from.speaker),
      };
    case "chat":
      return {
        type,
        id: text(from, "id"),
        from: text(from, "from"),
        name: text(from, "name"),
        text: text(from, "text"),
        at: text(from, "at"),
      };
    case "ack":
    case "pong":
      return { type, id: text(from, "id") };
    case "floor":
      return { type, floor: floor(from) };
    case "presence":
      return { type, presence: presence(from) };
    case "card":
      return { type, id: text(from, "id"), card: card(from) };
    case "memories":
      return { type, id: text(from, "id"), memories: memories(from) };
    case "explanation":
      return { type, id: text(from, "id"), explanation: explanation(from) };
    case "latency":
      return { type, latency: latency(from) };
    case "video":
    case "voices":
      return { type, slots: slots(from.slots) };
    case "whisper":
      return { type, from: text(from, "from"), to: from.to === null ? null : list(from, "to", id) };
    case "camera":
      return { type, wanted: flag(from, "wanted"), layers: list(from, "layers", rid) };
    case "error":
      return {
        type,
        code: text(from, "code"),
        message: text(from, "message"),
        id: typeof from.id === "string" ? from.id : null,
      };
    case "bye":
      return { type, code: text(from, "code"), message: text(from, "message") };
    default:
      return null;
  }
}

/** Reads one text frame. */
export function parseServerMessage(frame: unknown): ServerMessage | Fault {
  if (typeof frame !== "string") return { type: "fault", reason: "malformed", detail: "not a text frame" };
  try {
    const from = fields(JSON.parse(frame), "message");
    return message(from) ?? { type: "fault", reason: "unknown", detail: String(from.type) };
  } catch (error) {
    if (error instanceof Malformed || error instanceof SyntaxError) {
      return { type: "fault", reason: "malformed", detail: error.message };
    }
    throw error;
  }
}

/** A name as the server will accept it: control characters removed, trimmed, at most 40 characters. */
export function cleanName(name: string): string {
  const plain = name.replace(/\p{Cc}/gu, "").trim();
  return [...plain].slice(0, MAX_NAME_LENGTH).join("").trim();
}
