import type { FeedState } from "./feed.js";
import type { TrackName } from "./snapshot.js";

export const NOTHING = "–";

/** Three digits or so. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size < 0.05) return "0";
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return size >= 9.95 ? value.toFixed(0) : value.toFixed(1);
}

export function number(value: number): string {
  if (Number.isNaN(value)) return NOTHING;
  if (Math.abs(value) >= 10_000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  return digits(value);
}

export function bitrate(value: number): string {
  if (Number.isNaN(value)) return NOTHING;
  if (value >= 999_500) return `${digits(value / 1e6)} Mbit/s`;
  return `${digits(value / 1e3)} kbit/s`;
}

export const percent = (value: number) =>
  Number.isNaN(value) ? NOTHING : value > 0 && value < 0.05 ? "<0.1 %" : `${digits(value)} %`;
export const milliseconds = (value: number) => (Number.isNaN(value) ? NOTHING : `${digits(value)} ms`);
export const perSecond = (value: number) => (Number.isNaN(value) ? NOTHING : `${number(value)}/s`);

/** A share of all, with the small ones told apart. */
export function share(part: number, all: number): string {
  if (all === 0 || part === 0) return "0 %";
  const value = (100 * part) / all;
  if (value < 0.01) return "<0.01 %";
  if (value >= 99.95 && part < all) return ">99.9 %";
  return value < 1 ? `${value.toFixed(2)} %` : percent(value);
}

/** How long ago: "now", "40 s ago", "2 min ago". */
export function ago(ageMs: number): string {
  const seconds = Math.round(ageMs / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? "" : ` ${rest} s`} ago`;
}

/** How long something has lasted: "3 min", "2 h 5 min", "4 d 1 h". */
export function lasted(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const TRACK_WORDS: Readonly<Record<TrackName, string>> = {
  microphone: "Microphone",
  camera: "Camera",
  mix: "Mix",
  cameras: "Others' cameras",
  voices: "Single voices",
};

export const FEED_WORDS: Readonly<Record<FeedState, string>> = {
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost",
  locked: "Locked",
  refused: "Refused",
};

export function people(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}
