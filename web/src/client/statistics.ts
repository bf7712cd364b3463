/** How well sound and pictures travel, since the last look. */
export interface MediaStatistics {
  /** Network round trip, in milliseconds. */
  readonly roundTrip: number | null;
  /** Share of the sound's packets that did not arrive, 0 to 1. */
  readonly loss: number;
  /** Time that sound waits here to be played smoothly, in milliseconds. */
  readonly buffer: number | null;
}

interface Counters {
  readonly received: number;
  readonly lost: number;
  readonly delaySeconds: number;
  readonly emitted: number;
}

export const NO_COUNTERS: Counters = { received: 0, lost: 0, delaySeconds: 0, emitted: 0 };

type Report = Record<string, unknown>;

function amount(report: Report, key: string): number {
  const value = report[key];
  return typeof value === "number" ? value : 0;
}

/** Reads a `getStats()` report against the counters of the one before (W3C webrtc-stats). */
export function readStatistics(reports: Iterable<Report>, before: Counters): [MediaStatistics, Counters] {
  let counters = NO_COUNTERS;
  let roundTrip: number | null = null;
  for (const report of reports) {
    if (report.type === "inbound-rtp" && report.kind === "audio") {
      counters = {
        received: amount(report, "packetsReceived"),
        lost: amount(report, "packetsLost"),
        delaySeconds: amount(report, "jitterBufferDelay"),
        emitted: amount(report, "jitterBufferEmittedCount"),
      };
    } else if (report.type === "candidate-pair" && report.nominated === true) {
      if (typeof report.currentRoundTripTime === "number") roundTrip = report.currentRoundTripTime * 1000;
    }
  }
  const received = Math.max(0, counters.received - before.received);
  const lost = Math.max(0, counters.lost - before.lost);
  const emitted = counters.emitted - before.emitted;
  const buffer = emitted > 0 ? ((counters.delaySeconds - before.delaySeconds) / emitted) * 1000 : null;
  return [{ roundTrip, loss: received + lost > 0 ? lost / (received + lost) : 0, buffer }, counters];
}
