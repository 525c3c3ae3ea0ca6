import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
export const CONTROL_TOKEN = "control-token-of-this-test";
/** Where the tests run as root, the sidecar has to be told that this is meant. */
export const AS_ROOT = process.getuid?.() === 0 ? ["--allow-root"] : [];

export const SPEC = `openapi: 3.1.0
info: { title: Test, version: "1" }
paths:
  /hello: { get: { x-chio-side-effects: false, responses: { "200": { description: ok } } } }
  /slow: { get: { x-chio-side-effects: false, responses: { "200": { description: ok } } } }
`;

export type LogLine = { severity: string; message: string; [field: string]: unknown };

/** A folder that is gone after the test, with what a start needs. */
export class Workbench {
  readonly dir = mkdtempSync(join(tmpdir(), "chio-protect-"));
  readonly #closers: (() => void)[] = [];

  constructor() {
    this.write("openapi.yaml", SPEC);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  write(name: string, text: string | Uint8Array): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  folder(name: string): string {
    mkdirSync(this.path(name));
    return this.path(name);
  }

  /** The app; answers as the handler says. */
  async upstream(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server: Server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Flags of a start that is in order, with the given ones in place of its own. */
  flags(changed: Record<string, string | null> = {}, asRoot: string[] = AS_ROOT): string[] {
    const flags: Record<string, string | null> = {
      "--upstream": "http://127.0.0.1:1",
      "--spec": this.path("openapi.yaml"),
      "--receipt-store": this.path("receipts.sqlite"),
      "--listen": "127.0.0.1:0",
      ...changed,
    };
    return [...Object.entries(flags).flatMap(([flag, value]) => (value === null ? [] : [flag, value])), ...asRoot];
  }

  /** `env`: on top of a signing key and a control token. */
  start(argv: string[], env: Record<string, string> = {}): SidecarProcess {
    const started = new SidecarProcess(argv, { CHIO_SIGNING_KEY: SEED, CHIO_SIDECAR_CONTROL_TOKEN: CONTROL_TOKEN, ...env });
    this.#closers.push(() => started.kill("SIGKILL"));
    return started;
  }

  [Symbol.dispose](): void {
    for (const close of this.#closers.splice(0).reverse()) close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The compiled program to run instead of the modules under Node. */
const BINARY = process.env.CHIO_TEST_BINARY;

/** `chio api protect` as a process of its own. */
export class SidecarProcess {
  readonly #child: ChildProcess;
  stdout = "";
  stderr = "";
  /** Resolves with the exit code; 128 and more for a signal. */
  readonly exited: Promise<number>;

  constructor(argv: string[], env: Record<string, string>) {
    // Nothing of this machine's environment but where programs are: a CHIO_ variable of the developer must not reach the test.
    const [program, ...first] = BINARY === undefined ? [process.execPath, "sidecar/cli/main.ts"] : [BINARY];
    this.#child = spawn(program!, [...first, "api", "protect", ...argv], { env: { PATH: process.env.PATH ?? "", ...env } });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => this.#child.once("close", (code) => resolve(code ?? 128)));
  }

  /** As when the reader of a pipe goes away. */
  closeStdout(): void {
    this.#child.stdout!.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  log(): LogLine[] {
    return this.stderr
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Waits for the log line with this beginning; fails with everything that was said when the process ends before. */
  async said(start: string): Promise<LogLine> {
    let ended = false;
    void this.exited.then(() => {
      ended = true;
    });
    for (;;) {
      const line = this.log().find(({ message }) => message.startsWith(start));
      if (line !== undefined) return line;
      if (ended) throw new Error(`ended without saying ${JSON.stringify(start)}:\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** `http://host:port`, once it listens. */
  async listening(): Promise<string> {
    return `http://${(await this.said("listening")).address as string}`;
  }
}
