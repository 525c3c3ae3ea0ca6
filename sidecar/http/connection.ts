import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What the server knows about one client connection. */
export interface ClientConnection {
  /** Address of the peer, IPv4 where it is mapped into IPv6; `unknown` when the socket is already gone. */
  readonly peer: string;
  readonly loopback: boolean;
  /** No further request is taken from it: it ends with the answer at work. */
  closing: boolean;
  /** A request of this connection is at work. */
  busy: boolean;
  /** The answer to that request. */
  answer: ServerResponse | null;
  /** Its body is being read whole: nothing was decided yet. */
  readingBody: boolean;
  /** Requests that came while one was at work, in order. */
  waiting: (() => void)[];
  /** Requests so far. */
  requests: number;
}

const connections = new WeakMap<Socket, ClientConnection>();

export function connectionOf(socket: Socket): ClientConnection {
  let connection = connections.get(socket);
  if (connection === undefined) {
    const peer = normalizeAddress(socket.remoteAddress);
    connection = {
      peer,
      loopback: isLoopbackAddress(peer),
      closing: false,
      busy: false,
      answer: null,
      readingBody: false,
      waiting: [],
      requests: 0,
    };
    connections.set(socket, connection);
  }
  return connection;
}

function normalizeAddress(address: string | undefined): string {
  if (address === undefined) return "unknown";
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
