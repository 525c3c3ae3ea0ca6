import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";

// Runs in a container of its own, under the runtime of the sidecar's image. HTTPS for receipts, plain HTTP for the test that rules over it.

const { ENGINE_CERT = "", ENGINE_KEY = "", ENGINE_TOKEN = "", ENGINE_PORT = "", ENGINE_CONTROL_PORT = "" } = process.env;

/** As `EngineState` of the module beside this one, which is in no bundle with it. */
let state = { mode: "up", delayMs: 0 };
/** Of what was confirmed, in order of arrival, repeats included. */
const receipts: string[] = [];
const sockets = new Set<Socket>();
let server: Server | null = null;

function listen(): void {
  server = createServer({ cert: ENGINE_CERT, key: ENGINE_KEY }, (request, response) => void take(request, response));
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(Number(ENGINE_PORT), "0.0.0.0");
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request);
  if (state.mode === "stuck") return;
  if (state.mode === "slow") await new Promise((resolve) => setTimeout(resolve, state.delayMs));
  if (response.destroyed) return;
  if (request.headers.authorization !== `Bearer ${ENGINE_TOKEN}`) return void response.writeHead(401).end();
  const records = body.split("\n").filter((line) => line !== "");
  for (const line of records) {
    const record = JSON.parse(line) as { event: string; receipt?: { id: string } };
    if (record.event === "receipt" && record.receipt !== undefined) receipts.push(record.receipt.id);
  }
  response.writeHead(204).end();
}

/** Whatever waits in the old state is cut off: who sent it sends it again. */
async function change(next: typeof state): Promise<void> {
  const before = state;
  state = next;
  if (before.mode !== next.mode && (before.mode === "stuck" || next.mode === "down")) for (const socket of sockets) socket.destroy();
  if (next.mode === "down" && server !== null) {
    const closing = server;
    server = null;
    closing.closeAllConnections();
    await new Promise<void>((resolve) => closing.close(() => resolve()));
  }
  if (next.mode !== "down" && server === null) listen();
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

listen();
createHttpServer((request, response) => {
  void (async () => {
    if (request.method === "PUT") await change(JSON.parse(await textOf(request)) as typeof state);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...state, receipts }));
  })();
}).listen(Number(ENGINE_CONTROL_PORT), "0.0.0.0");
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
