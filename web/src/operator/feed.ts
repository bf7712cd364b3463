import { Backoff } from "../client/backoff.js";
import { BYE_STATUS } from "../client/protocol.js";
import type { OpenSocket, Socket } from "../client/socket.js";
import { Malformed, parseOperatorMessage, SNAPSHOT_VERSION, type Snapshot } from "./snapshot.js";

/** `locked`: the server wants its key. `refused`: it will not have us, and trying again is no use. */
export type FeedState = "connecting" | "live" | "lost" | "locked" | "refused";

export interface FeedEvents {
  state(state: FeedState, reason: string): void;
  snapshot(snapshot: Snapshot): void;
}

const SILENCE_MS = 5_000;
const CONNECT_MS = 10_000;

/** Byes after which it makes sense to ask again. */
const PASSING: readonly string[] = ["restarting", "busy", "join-timeout"];

/** Where the operators' WebSocket is for a server's origin. */
export function operatorUrl(server: string): string {
  const url = new URL("/ws/operator", server);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  return url.href;
}

/** The snapshots of a server, one a second; it comes back by itself when the line is lost. */
export class Feed {
  private socket: Socket | null = null;
  private key: string | undefined;
  private current: FeedState = "connecting";
  private readonly backoff = new Backoff();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private liveSince: number | null = null;
  private reason = "";

  constructor(
    private readonly url: string,
    private readonly open: OpenSocket,
    private readonly events: FeedEvents,
  ) {}

  /** Begins, or begins again with a key. */
  start(key?: string): void {
    this.key = key;
    this.release();
    this.enter("connecting");
    this.connect();
  }

  /** Ends for good. */
  stop(): void {
    this.release();
  }

  private connect(): void {
    this.reason = "";
    this.liveSince = null;
    this.watch(CONNECT_MS);
    const socket = this.open(this.url, {
      open: () => {
        if (this.socket !== socket) return;
        const key = this.key === undefined ? {} : { key: this.key };
        socket.send(JSON.stringify({ type: "watch", version: SNAPSHOT_VERSION, ...key }));
      },
      frame: (data) => {
        if (this.socket === socket) this.receive(data);
      },
      closed: () => {
        if (this.socket === socket) this.lost();
      },
    });
    this.socket = socket;
  }

  private receive(data: unknown): void {
    let message;
    try {
      message = parseOperatorMessage(data);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.release();
      this.enter("refused", `The server speaks otherwise (${error.message}). Reload the page.`);
      return;
    }
    if (message?.type === "bye") {
      if (PASSING.includes(message.code)) {
        this.reason = message.message;
        return;
      }
      this.release();
      this.enter(message.code === "unauthorized" ? "locked" : "refused", message.message);
    } else if (message?.type === "snapshot") {
      this.liveSince ??= performance.now();
      this.watch(SILENCE_MS);
      this.enter("live");
      this.events.snapshot(message.snapshot);
    }
  }

  private watch(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lost(), ms);
  }

  private lost(): void {
    if (this.liveSince !== null) this.backoff.ended(performance.now() - this.liveSince);
    this.release();
    this.enter("lost", this.reason);
    this.timer = setTimeout(() => this.connect(), this.backoff.next());
  }

  private release(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close(BYE_STATUS);
  }

  private enter(state: FeedState, reason = ""): void {
    if (state === this.current && state !== "lost") return;
    this.current = state;
    this.events.state(state, reason);
  }
}
