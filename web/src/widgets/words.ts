import type {
  CardEvent,
  ConnectionState,
  Floor,
  Level,
  Participant,
  Presence,
  Problem,
  StageName,
} from "../client/index.js";

export interface Explanation {
  readonly title: string;
  /** What to do about it. */
  readonly advice: string;
}

const DEVICE = "the site's settings beside the address";

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  unreachable: {
    title: "The server does not answer",
    advice: "Check that it is running and that you are on its network, then try again.",
  },
  unauthorized: {
    title: "This room needs an invitation",
    advice: "Ask whoever runs the server for a link to the room. It ends in #invite=… and must be whole.",
  },
  "bad-token": {
    title: "This invitation is not valid here",
    advice: "It was made by another server or got damaged. Ask for a new link.",
  },
  expired: { title: "This invitation has run out", advice: "Ask for a new link to the room." },
  "bad-request": {
    title: "The server did not accept that name or room",
    advice: "A name has up to 40 characters; a room's name only letters, digits, dots and hyphens.",
  },
  "bad-version": {
    title: "This page is out of date",
    advice: "Reload it to get the server's current version.",
  },
  "room-full": { title: "The room is full", advice: "Wait until someone leaves, then try again." },
  "taken-over": {
    title: "You joined from somewhere else",
    advice: "This seat moved to your other window or device. Join again to bring it back here.",
  },
  "join-timeout": { title: "Joining took too long", advice: "Try again." },
  "too-fast": { title: "Too much at once", advice: "The server asked to slow down. Try again in a moment." },
  "too-slow": {
    title: "Your connection could not keep up",
    advice: "Join again, best from a faster network.",
  },
  idle: { title: "The connection fell silent", advice: "Perhaps the computer slept. Join again." },
  restarting: { title: "The server is restarting", advice: "Try again in a few seconds." },
  removed: {
    title: "You were removed from the room",
    advice: "Ask whoever runs the server if this was a mistake.",
  },
  "no-media": {
    title: "No sound could get through",
    advice:
      "A firewall or VPN seems to block UDP between you and the server. Try without it, or another network.",
  },
  "media-failed": {
    title: "Sound could not be set up",
    advice: "You can go on in writing. Leave and join again to try once more.",
  },
  insecure: {
    title: "No microphone on this page",
    advice: "Browsers allow it only over HTTPS or on the server's own machine. You can listen and write.",
  },
  "microphone-denied": {
    title: "The microphone is not allowed",
    advice: `You can listen and write. To speak, allow it in ${DEVICE}, then press the microphone button.`,
  },
  "microphone-missing": {
    title: "No microphone found",
    advice: "You can listen and write. To speak, plug one in, then press the microphone button.",
  },
  "microphone-busy": {
    title: "The microphone is in use",
    advice: "Close the other program that uses it, then press the microphone button.",
  },
  "microphone-lost": {
    title: "The microphone went away",
    advice: "Plug it in again or choose another, then press the microphone button.",
  },
  "camera-denied": { title: "The camera is not allowed", advice: `Allow it in ${DEVICE}, then try again.` },
  "camera-missing": { title: "No camera found", advice: "Plug one in, then try again." },
  "camera-busy": {
    title: "The camera is in use",
    advice: "Close the other program that uses it, then try again.",
  },
  "camera-lost": { title: "The camera went away", advice: "Plug it in again, then turn it on." },
  "too-large": { title: "That message is too long", advice: "Send it in parts." },
  "empty-text": { title: "That message was empty", advice: "Write something first." },
  "whisper-lost": {
    title: "You are muted",
    advice: "Whoever you whispered to has left. Unmute to speak to all.",
  },
  "no-such-participant": { title: "They have left", advice: "Nothing was changed." },
  "no-such-line": {
    title: "That line is no longer known",
    advice: "You can still say what you think of the persona itself.",
  },
  "memory-away": {
    title: "The personas' memory is not open yet",
    advice: "Until it is, nothing is looked up for what they say. Try again in a minute.",
  },
  "no-such-memory": { title: "That is not known any more", advice: "Close this and look again." },
  "mind-away": {
    title: "The personas are away for a moment",
    advice: "Nothing was lost. Try again in a few seconds.",
  },
  "not-allowed": { title: "Your invitation does not allow that", advice: "Ask for one that does." },
};

/** Where what a persona had in mind comes from. */
export const SOURCE_WORDS: Readonly<Record<string, string>> = {
  presence: "who is here",
  identity: "what is known of you",
  memory: "remembered",
  conversation: "said here before",
  awareness: "said elsewhere",
  documents: "a document",
  vision: "seen",
};

/** A problem in plain words, with what to do about it. The server's own words follow where there are no others. */
export function explain(problem: Problem): Explanation {
  return EXPLANATIONS[problem.code] ?? { title: "Something went wrong", advice: problem.message };
}

const CONNECTION: Readonly<Record<ConnectionState, string>> = {
  idle: "Not connected",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  closed: "Disconnected",
};

export function connectionWords(state: ConnectionState): string {
  return CONNECTION[state];
}

/** What a participant is doing, in one word or two. */
export function statusWords(participant: Participant): string {
  if (participant.status === "away") return "away for a moment";
  if (participant.status === "connecting") return "connecting";
  if (participant.speaking || participant.status === "speaking") return "speaking";
  if (participant.status === "thinking") return "thinking";
  if (participant.status === "wants-to-speak") return "wants to speak";
  if (participant.status === "resting") return "resting";
  if (participant.muted) return "muted";
  return "listening";
}

/** Why a persona wants to speak, or stays silent, in the server's words; nothing where it has not said. */
export function whyWords(floor: Floor, id: string): string {
  return [...floor.queue, ...floor.silent].find((each) => each.id === id)?.words ?? "";
}

/** Who is let speak next: "Next: Nova, then Felix", or nothing. */
export function queueWords(names: readonly string[]): string {
  const [first, ...others] = names;
  if (first === undefined) return "";
  return `Next: ${first}${others.length > 0 ? `, then ${new Intl.ListFormat("en").format(others)}` : ""}`;
}

/** Below this much of valence or arousal a mood is neither high nor low. */
const EVEN = 0.15;

/** A mood in one word, by its place in Russell's circumplex (1980). */
export function moodWord({ valence, arousal }: Pick<Presence, "valence" | "arousal">): string {
  if (Math.abs(valence) < EVEN && Math.abs(arousal) < EVEN) return "even";
  if (valence >= EVEN) return arousal >= EVEN ? "cheerful" : arousal <= -EVEN ? "calm" : "content";
  if (valence <= -EVEN) return arousal >= EVEN ? "tense" : arousal <= -EVEN ? "low" : "unhappy";
  return arousal > 0 ? "alert" : "quiet";
}

/** How a persona is, in a sentence for those who do not see its bar. */
export function presenceWords(presence: Presence): string {
  return `Energy ${Math.round(presence.energy * 100)} percent, mood ${moodWord(presence)}`;
}

export const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  novice: "Novice",
  trusted: "Trusted",
  expert: "Expert",
  autonomous: "Autonomous",
};

/** One entry of a persona's history. */
export function eventWords(event: CardEvent): string {
  const about = event.domain ? ` about ${event.domain}` : "";
  const who = event.mine ? "You" : (event.by ?? "Somebody");
  if (event.kind === "feedback") return `${who} found it ${event.value > 0 ? "good" : "not good"}${about}`;
  if (event.kind === "task")
    return `A task${about} ${event.value > 0 ? "went well" : event.value < 0 ? "failed" : "was done"}`;
  const level = event.level ? LEVEL_WORDS[event.level] : "";
  return event.value < 0 ? `Fell to ${level}` : `Became ${level}`;
}

/** Who is heard now: "Ada is speaking", "Ada and Joe are speaking", or nothing. */
export function speakingWords(names: readonly string[]): string {
  if (names.length === 0) return "";
  return `${new Intl.ListFormat("en").format(names)} ${names.length === 1 ? "is" : "are"} speaking`;
}

/** Who alone hears us, in a sentence. */
export function whisperWords(names: readonly string[]): string {
  if (names.length === 0) return "Nobody hears you: whoever you whispered to has left.";
  return `Only ${new Intl.ListFormat("en").format(names)} ${names.length === 1 ? "hears" : "hear"} you.`;
}

export const STAGE_WORDS: Readonly<Record<StageName, string>> = {
  silence: "Silence wait",
  words: "Words",
  token: "First token",
  clause: "First clause",
  voice: "Voice",
  wire: "Wire",
};

/** One or two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (word) => [...(word ?? "")].find((character) => /[\p{L}\p{N}]/u.test(character)) ?? "",
  );
  return letters.join("").toUpperCase() || "?";
}
