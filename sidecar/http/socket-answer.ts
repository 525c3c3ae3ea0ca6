import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { HttpRefusal } from "./errors.ts";
import { refusalJson } from "./exchange.ts";

/** Answers on a bare socket, where there is no response object (upgrades, parser errors), and ends it. */
export function refuseSocket(socket: Socket, refusal: HttpRefusal): void {
  answerSocket(socket, refusal.status, refusalJson(refusal), refusal.headers);
}

/** `body`: JSON text. `headers`: flat name, value, name, value. */
export function answerSocket(socket: Socket, status: number, body: string, headers: readonly string[] = []): void {
  // Whatever the peer does with the answer, an error on the socket must not become an uncaught one.
  socket.on("error", () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => {
    // Time for the peer to read before the reset that unread input would cause.
    const timer = setTimeout(() => socket.destroy(), 250);
    timer.unref();
    socket.on("close", () => clearTimeout(timer));
  });
  socket.resume();
}
