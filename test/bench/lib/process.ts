import { type ChildProcess, spawn } from "node:child_process";
import { connect, createServer } from "node:net";

/** A started child. Stopped by `stop`, also at the end of a `using` block. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly output: () => string;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a program and waits until `ready` is true; rejects with its output when it ends first. */
export async function start(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; ready: () => Promise<boolean> },
): Promise<Running> {
  const child: ChildProcess = spawn(command, args, { env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-16_384);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  let ended = false;
  const exit = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      output += error.message;
      ended = true;
      resolve(null);
    });
    child.once("exit", (code) => {
      ended = true;
      resolve(code);
    });
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (!ended) child.kill(signal);
    const forced = setTimeout(() => child.kill("SIGKILL"), 30_000);
    const code = await exit;
    clearTimeout(forced);
    child.stdout?.destroy();
    child.stderr?.destroy();
    return code;
  };
  const deadline = Date.now() + 20_000;
  while (!(await options.ready())) {
    if (ended || Date.now() > deadline) {
      await stop("SIGKILL");
      throw new Error(`${command} ${args.join(" ")} did not start:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { pid: child.pid ?? 0, output: () => output, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** Ready when the URL answers with the status. */
export function answers(url: string, status = 200): () => Promise<boolean> {
  return async () => {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      return response.status === status;
    } catch {
      return false;
    }
  };
}

/** The same over a bare socket: for a start that is timed, where the first use of `fetch` would cost more than the program. */
export function answersRaw(port: number, path: string): () => Promise<boolean> {
  return () =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`));
      socket.once("data", (bytes) => {
        socket.destroy();
        resolve(bytes.toString("latin1").startsWith("HTTP/1.1 200"));
      });
      socket.once("error", () => resolve(false));
    });
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
