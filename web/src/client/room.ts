import { captionsOfHistory, mergeCaption, settleCaptions, type Caption } from "./captions.js";
import type { Floor, Latency, Participant, Presence, ServerMessage } from "./protocol.js";

export interface ChatLine {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly text: string;
  /** UTC, RFC 3339. */
  readonly at: string;
  /** Written here, not yet in the room's transcript. */
  readonly pending: boolean;
}

/** Everything one client knows of a room: a value, replaced by each message that changes it. */
export interface RoomState {
  readonly room: string;
  readonly you: string;
  /** By id, in the order of joining. */
  readonly participants: ReadonlyMap<string, Participant>;
  readonly captions: readonly Caption[];
  readonly chat: readonly ChatLine[];
  /** Of the last turn. */
  readonly latency: Latency | null;
  /** Which participant's camera each video slot (by `mid`) shows. */
  readonly video: ReadonlyMap<string, string>;
  /** Who whispers, as far as we are concerned, and to whom; to nobody when all those have left. */
  readonly whispers: ReadonlyMap<string, readonly string[]>;
  /** Whose voice, unmixed, each audio slot (by `mid`) holds. */
  readonly voices: ReadonlyMap<string, string>;
  /** Who speaks among the personas, who waits, and why the others are silent. */
  readonly floor: Floor;
  /** How each persona is, by its id. */
  readonly presences: ReadonlyMap<string, Presence>;
  /** Whom we want to see whatever happens. */
  readonly pinned: string | null;
}

export const EMPTY_ROOM: RoomState = {
  room: "",
  you: "",
  participants: new Map(),
  captions: [],
  chat: [],
  latency: null,
  video: new Map(),
  voices: new Map(),
  whispers: new Map(),
  floor: { holder: null, queue: [], silent: [] },
  presences: new Map(),
  pinned: null,
};

const MAX_CHAT = 500;

function withParticipant(state: RoomState, participant: Participant): RoomState {
  return { ...state, participants: new Map(state.participants).set(participant.id, participant) };
}

function withoutParticipant(state: RoomState, id: string): RoomState {
  const participants = new Map(state.participants);
  participants.delete(id);
  const video = new Map([...state.video].filter(([, shown]) => shown !== id));
  const voices = new Map([...state.voices].filter(([, heard]) => heard !== id));
  const whispers = new Map(state.whispers);
  whispers.delete(id);
  const presences = new Map(state.presences);
  presences.delete(id);
  const pinned = state.pinned === id ? null : state.pinned;
  return {
    ...state,
    participants,
    video,
    voices,
    whispers,
    presences,
    pinned,
    captions: settleCaptions(state.captions, id),
  };
}

/** Puts a line into the chat; one with the same id is replaced where it stands. */
export function withChatLine(state: RoomState, line: ChatLine): RoomState {
  const index = state.chat.findIndex((known) => known.id === line.id);
  const chat = index >= 0 ? state.chat.with(index, line) : [...state.chat, line].slice(-MAX_CHAT);
  return { ...state, chat };
}

/** The room after `message`. Messages that say nothing about the room return the same object. */
export function applyMessage(state: RoomState, message: ServerMessage): RoomState {
  switch (message.type) {
    case "joined": {
      const chat = message.history
        .filter((line) => line.kind === "chat")
        .map(({ id, from, name, text, at }) => ({ id, from, name, text, at, pending: false }));
      const known = new Set(chat.map((line) => line.id));
      const participants = new Map(message.participants.map((each) => [each.id, each]));
      const pending = state.chat.filter((line) => line.pending && !known.has(line.id));
      return {
        room: message.room,
        you: message.you,
        participants,
        captions: captionsOfHistory(message.history),
        chat: [...chat, ...pending],
        latency: state.latency,
        video: new Map(),
        voices: new Map(),
        whispers: new Map(),
        floor: message.floor,
        presences: new Map(message.presences.map((each) => [each.id, each])),
        pinned: state.pinned !== null && participants.has(state.pinned) ? state.pinned : null,
      };
    }
    case "participant":
      return withParticipant(state, message.participant);
    case "left":
      return withoutParticipant(state, message.id);
    case "speaking": {
      const participant = state.participants.get(message.id);
      return participant ? withParticipant(state, { ...participant, speaking: message.speaking }) : state;
    }
    case "caption": {
      const name = state.participants.get(message.id)?.name ?? "Someone";
      return { ...state, captions: mergeCaption(state.captions, message, name) };
    }
    case "chat": {
      const { id, from, name, text, at } = message;
      return withChatLine(state, { id, from, name, text, at, pending: false });
    }
    case "ack": {
      const line = state.chat.find((known) => known.id === message.id);
      return line?.pending ? withChatLine(state, { ...line, pending: false }) : state;
    }
    case "latency":
      return { ...state, latency: message.latency };
    case "video":
      return { ...state, video: message.slots };
    case "whisper": {
      const whispers = new Map(state.whispers);
      if (message.to === null) whispers.delete(message.from);
      else whispers.set(message.from, message.to);
      return { ...state, whispers };
    }
    case "voices":
      return { ...state, voices: message.slots };
    case "floor":
      return { ...state, floor: message.floor };
    case "presence": {
      const presences = new Map(state.presences).set(message.presence.id, message.presence);
      return { ...state, presences };
    }
    default:
      return state;
  }
}
