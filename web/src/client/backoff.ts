const FIRST_MS = 250;
const LONGEST_MS = 5000;
const STABLE_MS = 5000;

/**
 * How long to wait before each reconnection: 0.25 s, then doubling up to 5 s (docs/protocol.md). A connection
 * that held for 5 s starts the series anew; one that dies at once does not, so a failing server is not hammered.
 */
export class Backoff {
  private attempts = 0;

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const delay = Math.min(FIRST_MS * 2 ** this.attempts, LONGEST_MS);
    this.attempts += 1;
    return delay;
  }

  /** The connection that now ended had been joined for `heldMs` milliseconds. */
  ended(heldMs: number): void {
    if (heldMs >= STABLE_MS) this.attempts = 0;
  }
}
