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
export type ParticipantStatus = "listening" | "thinking" | "speaking" | "away" | "connecting" | "connected";

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
}

/** Who alone hears or heard it, by id, the speaker too; none for all. */
export type Audience = readonly string[] | undefined;

export interface CaptionMessage {
  readonly type: "caption";
  readonly id: string;
  readonly utterance: string;
  readonly text: string;
  readonly final: boolean;
  readonly interrupted: boolean;
  readonly to?: Audience;
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
  | { type: "state"; muted?: boolean; camera?: boolean }
  | { type: "view"; slots: Record<string, TileSize> }
  | { type: "pin"; id: string | null }
  | { type: "voices"; who: readonly string[] }
  | { type: "whisper"; to: readonly string[]; id?: string }
  | { type: "ping"; id: string }
  | { type: "leave" };

/** A message that could not be understood: `unknown` types are skipped, `malformed` ones are worth a warning. */
export interface Fault {
  readonly type: "fault";
  readonly reason: "malformed" | "unknown";
  readonly detail: string;
}

class Malformed extends Error {}

type Fields = Record<string, unknown>;

const KINDS: readonly string[] = ["person", "persona"];
const STATUSES: readonly string[] = ["listening", "thinking", "speaking", "away", "connecting", "connected"];

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

function flag(from: Fields, key: string, otherwise?: boolean): boolean {
  const value = from[key] ?? otherwise;
  if (typeof value !== "boolean") throw new Malformed(`${key} is no boolean`);
  return value;
}

function count(from: Fields, key: string): number {
  const value = from[key];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 256) {
    throw new Malformed(`${key} is no count`);
  }
  return value;
}

function list<T>(from: Fields, key: string, parse: (item: unknown) => T): T[] {
  const value = from[key];
  if (!Array.isArray(value)) throw new Malformed(`${key} is no list`);
  return value.map(parse);
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
