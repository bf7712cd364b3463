import type { ClientMessage } from "./protocol.js";
import type { OpenSocket, Socket, SocketEvents } from "./socket.js";

/** One end of a WebSocket that a test holds the other end of. */
export class FakeSocket implements Socket {
  readonly sent: ClientMessage[] = [];
  closedWith: number | undefined | null = null;

  constructor(
    readonly url: string,
    private readonly events: SocketEvents,
  ) {}

  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as ClientMessage);
  }

  close(status?: number): void {
    this.closedWith = status;
  }

  open(): void {
    this.events.open();
  }

  receive(message: object | string): void {
    this.events.frame(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The connection ends from the far side or by the network. */
  drop(status = 1006): void {
    this.events.closed(status);
  }
}

/** An `OpenSocket` that keeps every socket it opened. */
export function fakeSockets(): { open: OpenSocket; opened: FakeSocket[] } {
  const opened: FakeSocket[] = [];
  return {
    opened,
    open: (url, events) => {
      const socket = new FakeSocket(url, events);
      opened.push(socket);
      return socket;
    },
  };
}
