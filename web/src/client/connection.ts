import { Backoff } from "./backoff.js";
import { asProblem, Problem } from "./problem.js";
import {
  BYE_STATUS,
  parseServerMessage,
  PROTOCOL_VERSION,
  type ClientMessage,
  type ServerMessage,
} from "./protocol.js";
import type { OpenSocket, Socket } from "./socket.js";
import type { TokenSource } from "./token.js";

export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting" | "closed";

export interface ConnectionEvents {
  state(state: ConnectionState): void;
  message(message: ServerMessage): void;
  /** The connection is over and will not come back by itself; `null` after `leave`. */
  ended(problem: Problem | null): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly name: string;
  readonly token: TokenSource;
  readonly open: OpenSocket;
  readonly events: ConnectionEvents;
}

const JOIN_TIMEOUT_MS = 10_000;
const PING_EVERY_MS = 5_000;
const PONG_TIMEOUT_MS = 10_000;

/** `bye` codes that say the token, not the seat, is the trouble: another one may do. */
const STALE_TOKEN: readonly string[] = ["bad-token", "expired"];

/**
 * The room's WebSocket: joins, keeps the seat with the resume token across lost connections and server restarts,
 * notices a dead line by unanswered pings. It knows nothing of what the messages mean beyond that.
 */
export class Connection {
  private socket: Socket | null = null;
  private current: ConnectionState = "idle";
  private token: string | null = null;
  private resume: string | null = null;
  private joinedAt: number | null = null;
  private everJoined = false;
  private renewed = false;
  private bye: Problem | null = null;
  private readonly backoff = new Backoff();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setTimeout> | undefined;
  private pingSentAt = 0;
  private pings = 0;

  /** Round trip of the last ping, in milliseconds. */
  roundTrip: number | null = null;

  constructor(private readonly options: ConnectionOptions) {}

  get state(): ConnectionState {
    return this.current;
  }

  /** Starts joining; how it goes is told by the events. */
  start(): void {
    this.enter("connecting");
    void this.attempt();
  }

  /** Sends if there is a seat; `false` when there is none at the moment. */
  send(message: ClientMessage): boolean {
    if (this.current !== "connected" || !this.socket) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Gives the seat up. */
  leave(): void {
    this.send({ type: "leave" });
    this.end(null, 1000);
  }

  /** Ends the line without leaving the seat, and takes it again with the resume token. */
  renew(): void {
    if (this.current !== "connected") return;
    this.lost(BYE_STATUS);
  }

  /** Tries at once instead of waiting for the back-off: the network is back. */
  retryNow(): void {
    if (this.retry === undefined) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    void this.attempt();
  }

  private async attempt(): Promise<void> {
    this.retry = undefined;
    this.bye = null;
    let token: string;
    try {
      token = this.token ??= await this.options.token();
    } catch (error) {
      const problem = asProblem(error, "unreachable");
      if (this.everJoined && problem.code === "unreachable") this.later();
      else this.end(problem);
      return;
    }
    if (this.current === "closed") return;
    this.watch(JOIN_TIMEOUT_MS);
    const socket = this.options.open(this.options.url, {
      open: () => {
        if (this.socket !== socket) return;
        const resume = this.resume === null ? {} : { resume: this.resume };
        socket.send(
          JSON.stringify({
            type: "join",
            version: PROTOCOL_VERSION,
            token,
            name: this.options.name,
            ...resume,
          }),
        );
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
    const message = parseServerMessage(data);
    if (message.type === "fault") {
      if (message.reason === "malformed")
        console.warn("continuum: a message was not understood:", message.detail);
      return;
    }
    switch (message.type) {
      case "joined":
        this.resume = message.resume;
        this.everJoined = true;
        this.renewed = false;
        this.joinedAt = performance.now();
        clearTimeout(this.watchdog);
        this.enter("connected");
        this.beat();
        break;
      case "pong":
        this.roundTrip = performance.now() - this.pingSentAt;
        clearTimeout(this.watchdog);
        this.beat();
        break;
      case "bye":
        this.bye = new Problem(message.code, message.message);
        break;
    }
    this.options.events.message(message);
  }

  /** The next ping; the one after it waits for the answer. */
  private beat(): void {
    clearTimeout(this.heartbeat);
    this.heartbeat = setTimeout(() => {
      this.pings += 1;
      this.pingSentAt = performance.now();
      this.watch(PONG_TIMEOUT_MS);
      this.send({ type: "ping", id: `ping-${this.pings}` });
    }, PING_EVERY_MS);
  }

  /** Unless an answer comes first, the line is taken for dead after `ms`. */
  private watch(ms: number): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lost(BYE_STATUS), ms);
  }

  private lost(status?: number): void {
    const heldMs = this.joinedAt === null ? 0 : performance.now() - this.joinedAt;
    this.release(status);
    const problem = this.bye;
    if (problem && STALE_TOKEN.includes(problem.code) && !this.renewed) {
      this.renewed = true;
      this.token = null;
      this.resume = null;
      if (this.everJoined) this.enter("reconnecting");
      void this.attempt();
      return;
    }
    if (problem && problem.code !== "restarting") return this.end(problem);
    if (!this.everJoined) return this.end(problem ?? new Problem("unreachable", "the server did not answer"));
    this.backoff.ended(heldMs);
    this.enter("reconnecting");
    this.later();
  }

  private later(): void {
    this.retry = setTimeout(() => void this.attempt(), this.backoff.next());
  }

  private end(problem: Problem | null, status?: number): void {
    this.release(status);
    clearTimeout(this.retry);
    this.retry = undefined;
    if (this.current === "closed") return;
    this.enter("closed");
    this.options.events.ended(problem);
  }

  private release(status?: number): void {
    clearTimeout(this.watchdog);
    clearTimeout(this.heartbeat);
    this.joinedAt = null;
    const socket = this.socket;
    this.socket = null;
    socket?.close(status);
  }

  private enter(state: ConnectionState): void {
    if (state === this.current) return;
    this.current = state;
    this.options.events.state(state);
  }
}
