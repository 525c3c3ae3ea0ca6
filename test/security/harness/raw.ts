import { connect, type Socket } from "node:net";

export interface RawAnswer {
  status: number;
  headers: [name: string, value: string][];
  /** Decoded from chunks. */
  body: string;
  header(name: string): string | undefined;
  json(): Record<string, unknown>;
}

export interface RawTalk {
  /** Everything that came back, one character a byte. */
  text: string;
  answers: RawAnswer[];
  /** The server closed the connection. */
  closed: boolean;
}

/** Text stands for its Latin-1 bytes. */
export type Part = string | Uint8Array;

export interface TalkOptions {
  /** Stop after this many answers; without it, when the server closes, or has said something and then nothing for `quietMs`. */
  answers?: number;
  quietMs?: number;
  /** The server has to close the connection, and is waited for. */
  closes?: boolean;
  /** Nothing may come back: a first byte is not waited for any longer than a further one. */
  unanswered?: boolean;
  /** The answers are to HEAD. */
  head?: boolean;
  /** Called with each connection, for tests that cut it. */
  onSocket?: (socket: Socket) => void;
}

const PATIENCE_MS = 15_000;
/** Less than any time after which an idle connection is closed anyway. */
const CLOSING_MS = 8_000;

/** Sends bytes as they are; a number among the parts is a pause in milliseconds. */
export async function talk(port: number, parts: Part | (Part | number)[], options: TalkOptions = {}): Promise<RawTalk> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  options.onSocket?.(socket);
  const received: Buffer[] = [];
  let closed = false;
  let wake = () => {};
  socket.on("data", (bytes: Buffer) => {
    received.push(bytes);
    wake();
  });
  socket.on("close", () => {
    closed = true;
    wake();
  });
  socket.on("error", () => {});
  for (const part of Array.isArray(parts) ? parts : [parts]) {
    if (typeof part === "number") await pause(part);
    else if (!socket.destroyed) socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
  }
  const text = () => Buffer.concat(received).toString("latin1");
  let silentSince = Date.now();
  for (let seen = -1; !closed; ) {
    if (received.length !== seen) {
      seen = received.length;
      silentSince = Date.now();
    }
    if (options.answers !== undefined && parseAnswers(text(), options.head === true).length >= options.answers) break;
    if (Date.now() - silentSince > patience(options, received.length > 0)) break;
    await Promise.race([pause(20), new Promise<void>((resolve) => (wake = resolve))]);
  }
  socket.destroy();
  return { text: text(), answers: parseAnswers(text(), options.head === true), closed };
}

/** How long a silence is waited out, milliseconds. A busy machine is slow to answer and to close; only where nothing more is expected the wait is short. */
function patience({ answers, quietMs = 300, closes, unanswered }: TalkOptions, began: boolean): number {
  if (closes === true) return CLOSING_MS;
  if (answers !== undefined) return PATIENCE_MS;
  return began || unanswered === true ? quietMs : PATIENCE_MS;
}

/** Whole answers in a stream of them; 100 Continue is one of them, with status 100. */
export function parseAnswers(text: string, head = false): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) break;
    const [line, ...rest] = text.slice(at, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line ?? "")?.[1]);
    if (Number.isNaN(status)) break;
    const headers = rest.map((entry): [string, string] => [entry.slice(0, entry.indexOf(":")), entry.slice(entry.indexOf(":") + 1).trim()]);
    const header = (name: string) => headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    let body = "";
    at = end + 4;
    const none = head || status < 200 || status === 204 || status === 304;
    if (!none && header("transfer-encoding") !== undefined) {
      const chunked = decodeChunks(text, at);
      if (chunked === null) break;
      ({ body, end: at } = chunked);
    } else if (!none && header("content-length") !== undefined) {
      const length = Number(header("content-length"));
      if (text.length < at + length) break;
      body = text.slice(at, at + length);
      at += length;
    } else if (!none) {
      body = text.slice(at);
      at = text.length;
    }
    answers.push({
      status,
      headers,
      body,
      header,
      json: () => JSON.parse(Buffer.from(body, "latin1").toString()) as Record<string, unknown>,
    });
  }
  return answers;
}

function decodeChunks(text: string, from: number): { body: string; end: number } | null {
  let body = "";
  for (let at = from; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) {
      const end = text.indexOf("\r\n\r\n", lineEnd);
      return end < 0 ? null : { body, end: end + 4 };
    }
    if (text.length < lineEnd + 4 + size) return null;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
