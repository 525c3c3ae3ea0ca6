import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { runtimes } from "../ledger/runtimes.ts";

/** The compiled program where it is named; else the source under every runtime that is here. */
const BINARY = process.env.CHIO_TEST_BINARY;
export const PROGRAMS: [name: string, command: string[]][] =
  BINARY === undefined
    ? runtimes.map(([name, executable]) => [name, [executable, `${process.cwd()}/sidecar/cli/main.ts`]])
    : [["compiled", [BINARY]]];

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export class Running {
  readonly #child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ended>;

  constructor([program, ...args]: readonly string[], env: Record<string, string>, cwd?: string) {
    this.#child = spawn(program!, args, { env, ...(cwd === undefined ? {} : { cwd }), stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for text on standard output; fails with everything that was said when the process ends before. */
  async says(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      const ended = await Promise.race([this.ended, new Promise<null>((resolve) => setTimeout(resolve, 5, null))]);
      if (ended !== null && !this.stdout.includes(text)) throw new Error(`ended without saying ${text}: ${JSON.stringify(ended)}`);
    }
  }
}

/** A server in place of a sidecar that is not ready until it is told to be. */
export class Gate {
  ready = false;
  asked = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((_request, response) => {
      this.asked++;
      response.writeHead(this.ready ? 200 : 503, { "content-type": "application/json" });
      response.end(this.ready ? '{"ok":true}' : `{"ok":false,"reasons":["ledger: disk full"],"uptime_seconds":${this.asked}}`);
    });
  }

  static async open(): Promise<Gate> {
    const gate = new Gate();
    await new Promise<void>((resolve) => gate.#server.listen(0, "127.0.0.1", resolve));
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/chio/health`;
  }

  /** Resolves once it was asked that many times in all. */
  async hasBeenAsked(times: number): Promise<void> {
    while (this.asked < times) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
