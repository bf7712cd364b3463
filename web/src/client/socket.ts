/** The part of a WebSocket that a connection needs; `FakeSocket` ships beside it. */
export interface Socket {
  send(frame: string): void;
  close(status?: number): void;
}

export interface SocketEvents {
  open(): void;
  frame(data: unknown): void;
  closed(status: number): void;
}

export type OpenSocket = (url: string, events: SocketEvents) => Socket;

export const openWebSocket: OpenSocket = (url, events) => {
  const socket = new WebSocket(url);
  socket.onopen = () => events.open();
  socket.onmessage = (event) => events.frame(event.data);
  socket.onclose = (event) => events.closed(event.code);
  return {
    send: (frame) => socket.send(frame),
    close: (status) => socket.close(status),
  };
};

/** Where the room's WebSocket is for a server's origin. */
export function socketUrl(server: string): string {
  const url = new URL("/ws", server);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  return url.href;
}
