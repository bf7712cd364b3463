import type { Peer, Room, Snapshot, Track, TrackName } from "./snapshot.js";

/** Seconds that are shown. */
export const WINDOW_S = 300;
/** A pause between two snapshots beyond which a line is not drawn through. */
const GAP_MS = 2_500;
/** Loss is counted over so many snapshots: receivers report it every few seconds only. */
const LOSS_OVER = 6;

/** Of the whole server. */
export type Figure =
  | "received"
  | "sent"
  | "late"
  | "skipped"
  | "encodes"
  | "cleaning"
  | "loss"
  | "delay"
  | "jitter"
  | "drops"
  | "retransmissions"
  | "keyframes"
  | "nacks"
  | "switches"
  | "rooms"
  | "persons";

/** Of a track; `delay` is of the microphone alone. */
export type TrackFigure = "rate" | "loss" | "jitter" | "delay";

export const trackKey = (room: string, peer: string, track: TrackName, figure: TrackFigure) =>
  `${room}/${peer}/${track}/${figure}`;
export const tripKey = (room: string, peer: string) => `${room}/${peer}//trip`;
export const roomKey = (room: string, figure: "received" | "sent") => `${room}///${figure}`;

export const SENT: readonly TrackName[] = ["mix", "cameras", "voices"];

interface Held {
  readonly snapshot: Snapshot;
  readonly peers: ReadonlyMap<string, Peer>;
}

/** What the window as a whole is compared with. */
interface Baseline {
  readonly clockMs: number;
  readonly lateness: readonly number[];
  readonly drops: ReadonlyMap<string, number>;
}

interface Series {
  readonly values: Float32Array;
  /** Number of the newest point that has a value. */
  last: number;
}

const peerKey = (room: Room, peer: Peer) => `${room.id}/${peer.id}`;

/** A difference of two counts; NaN when they went back, as they do when a peer's stream began anew. */
const grown = (before: number, now: number) => (now >= before ? now - before : NaN);

/** Per cent lost of what was sent between two looks; `lost` may shrink, when packets come late or twice. */
export function lossPercent(name: TrackName, before: Track, now: Track): number {
  if (before.lost === null || now.lost === null) return NaN;
  const packets = grown(before.packets, now.packets);
  const lost = Math.max(0, now.lost - before.lost);
  const sent = SENT.includes(name) ? packets : packets + lost;
  return sent > 0 ? Math.min(100, (100 * lost) / sent) : NaN;
}

/** The last minutes as series of equal length, made of what snapshots count. */
export class History {
  private readonly series = new Map<string, Series>();
  private readonly held: Held[] = [];
  private points = 0;
  private readonly clock = new Float64Array(WINDOW_S);
  private baseline: Baseline[] = [];

  /** The newest. */
  get newest(): Snapshot | null {
    return this.held.at(-1)?.snapshot ?? null;
  }

  /** Instants of the points, oldest first, in ms before the newest. */
  get ages(): number[] {
    const now = this.clock[(this.points - 1) % WINDOW_S] ?? 0;
    return this.indices().map((index) => now - this.clock[index]!);
  }

  /** A series, as long as `ages`; NaN where nothing is known. */
  values(key: string): number[] {
    const series = this.series.get(key);
    return this.indices().map((index) => series?.values[index] ?? NaN);
  }

  figure(name: Figure): number[] {
    return this.values(name);
  }

  /** Ticks of the window by lateness, as `Lateness.counts`. */
  get lateness(): number[] {
    const now = this.newest?.plane.lateness.counts ?? [];
    // With a single snapshot there is no window yet; what was before is better than nothing.
    const before = this.baseline.length > 1 ? this.baseline[0]!.lateness : [];
    return now.map((count, index) => Math.max(0, count - (before[index] ?? 0)));
  }

  /** Drops of the window by reason, the most frequent first, beside those since the beginning. */
  get drops(): { reason: string; recent: number; total: number }[] {
    const now = this.newest?.drops ?? new Map<string, number>();
    const before = this.baseline[0]?.drops ?? now;
    return [...now]
      .map(([reason, total]) => ({ reason, total, recent: Math.max(0, total - (before.get(reason) ?? 0)) }))
      .sort((one, other) => other.recent - one.recent || other.total - one.total);
  }

  add(snapshot: Snapshot): void {
    const before = this.held.at(-1)?.snapshot;
    const again = before !== undefined && before.started !== snapshot.started;
    if (before !== undefined && snapshot.clockMs <= before.clockMs) {
      // Another machine, or the same one after it was started again: its clock says nothing of ours.
      if (!again) return;
      this.forget();
    } else if (before !== undefined && snapshot.clockMs - before.clockMs > GAP_MS) {
      this.append(before.clockMs + 1);
      this.append(snapshot.clockMs - 1);
    }
    if (again) {
      this.held.length = 0;
      this.baseline = [];
    }
    const previous = this.held.at(-1);
    const held = { snapshot, peers: peersOf(snapshot) };
    this.append(snapshot.clockMs);
    this.whole(previous?.snapshot, snapshot);
    for (const room of snapshot.rooms) this.room(room, previous, held);
    this.held.push(held);
    if (this.held.length > LOSS_OVER) this.held.shift();
    this.keepBaseline(snapshot);
    this.prune();
  }

  private forget(): void {
    this.series.clear();
    this.held.length = 0;
    this.baseline = [];
    this.points = 0;
  }

  private indices(): number[] {
    const count = Math.min(this.points, WINDOW_S);
    return Array.from({ length: count }, (_, index) => (this.points - count + index) % WINDOW_S);
  }

  private append(clockMs: number): void {
    const index = this.points % WINDOW_S;
    this.clock[index] = clockMs;
    for (const series of this.series.values()) series.values[index] = NaN;
    this.points += 1;
  }

  private set(key: string, value: number): void {
    if (Number.isNaN(value)) return;
    let series = this.series.get(key);
    if (series === undefined) {
      series = { values: new Float32Array(WINDOW_S).fill(NaN), last: 0 };
      this.series.set(key, series);
    }
    series.values[(this.points - 1) % WINDOW_S] = value;
    series.last = this.points;
  }

  /** Series of whoever is gone for longer than is shown. */
  private prune(): void {
    for (const [key, series] of this.series)
      if (this.points - series.last >= WINDOW_S) this.series.delete(key);
  }

  private keepBaseline({ clockMs, plane, drops }: Snapshot): void {
    this.baseline.push({ clockMs, lateness: plane.lateness.counts, drops });
    const first = clockMs - WINDOW_S * 1000;
    while (this.baseline.length > 1 && this.baseline[1]!.clockMs <= first) this.baseline.shift();
  }

  private whole(before: Snapshot | undefined, now: Snapshot): void {
    this.set("rooms", now.rooms.length);
    this.set(
      "persons",
      now.rooms.reduce((sum, room) => sum + room.persons, 0),
    );
    const jitters = now.rooms.flatMap((room) =>
      room.peers.flatMap((peer) => peer.tracks.map((track) => track.jitterMs ?? NaN)),
    );
    this.set("jitter", largest(jitters));
    if (before === undefined) return;
    const seconds = (now.clockMs - before.clockMs) / 1000;
    const rate = (count: (snapshot: Snapshot) => number) => grown(count(before), count(now)) / seconds;
    this.set("received", 8 * rate(({ network }) => network.bytesIn));
    this.set("sent", 8 * rate(({ network }) => network.bytesOut));
    this.set(
      "late",
      rate(({ plane }) => plane.late),
    );
    this.set(
      "skipped",
      rate(({ plane }) => plane.skipped),
    );
    this.set(
      "encodes",
      rate(({ plane }) => plane.encodes),
    );
    this.set("cleaning", rate(({ plane }) => plane.cleaningMs) / 10);
    this.set(
      "retransmissions",
      rate(({ network }) => network.retransmissions),
    );
    this.set(
      "keyframes",
      rate(({ network }) => network.keyframeRequests),
    );
    this.set(
      "nacks",
      rate(({ network }) => network.nacksReceived + network.nacksSent),
    );
    this.set(
      "switches",
      rate(({ network }) => network.switches),
    );
    this.set(
      "drops",
      rate(({ drops }) => [...drops.values()].reduce((sum, count) => sum + count, 0)),
    );
    const lost = grown(before.buffers.lost, now.buffers.lost);
    const received = grown(before.buffers.received, now.buffers.received);
    if (lost + received > 0) this.set("loss", (100 * lost) / (lost + received));
    const played = grown(before.buffers.played, now.buffers.played);
    if (played > 0) this.set("delay", grown(before.buffers.delayMs, now.buffers.delayMs) / played);
  }

  private room(room: Room, previous: Held | undefined, held: Held): void {
    let received = NaN;
    let sent = NaN;
    for (const peer of room.peers) {
      if (peer.rttMs !== null) this.set(tripKey(room.id, peer.id), peer.rttMs);
      const before = previous?.peers.get(peerKey(room, peer));
      for (const track of peer.tracks) {
        const key = (figure: TrackFigure) => trackKey(room.id, peer.id, track.name, figure);
        if (track.jitterMs !== null) this.set(key("jitter"), track.jitterMs);
        const old = before?.tracks.find((each) => each.name === track.name);
        if (old === undefined || previous === undefined) continue;
        const seconds = (held.snapshot.clockMs - previous.snapshot.clockMs) / 1000;
        const rate = (8 * grown(old.bytes, track.bytes)) / seconds;
        this.set(key("rate"), rate);
        if (SENT.includes(track.name)) sent = sum(sent, rate);
        else received = sum(received, rate);
        this.set(key("loss"), this.loss(room, peer, track));
      }
      if (before === undefined) continue;
      const played = grown(before.buffer.played, peer.buffer.played);
      const delayMs = grown(before.buffer.delayMs, peer.buffer.delayMs);
      if (played > 0) this.set(trackKey(room.id, peer.id, "microphone", "delay"), delayMs / played);
    }
    this.set(roomKey(room.id, "received"), received);
    this.set(roomKey(room.id, "sent"), sent);
  }

  private loss(room: Room, peer: Peer, track: Track): number {
    for (const { peers } of this.held) {
      const old = peers.get(peerKey(room, peer))?.tracks.find((each) => each.name === track.name);
      if (old !== undefined) return lossPercent(track.name, old, track);
    }
    return NaN;
  }
}

function sum(one: number, other: number): number {
  if (Number.isNaN(one)) return other;
  return Number.isNaN(other) ? one : one + other;
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => (value > most || Number.isNaN(most) ? value : most), NaN);
}

function peersOf(snapshot: Snapshot): Map<string, Peer> {
  return new Map(
    snapshot.rooms.flatMap((room) => room.peers.map((peer) => [peerKey(room, peer), peer] as const)),
  );
}
