import { setTimeout as sleep } from "node:timers/promises";
import type { BoundPorts, WaitStrategy } from "testcontainers";
import { call } from "../../../scripts/lib/demo/calls.mjs";
import { containerLog } from "./container-log.ts";
import { engine } from "./engine.ts";

type Container = Parameters<WaitStrategy["waitUntilReady"]>[0];

/** Asks the health endpoint every few milliseconds and notes when it first answered 200. */
export class FirstAnswer implements WaitStrategy {
  #timeoutMs = 30_000;
  /** Unix milliseconds. */
  at = Number.NaN;

  async waitUntilReady(container: Container, ports: BoundPorts): Promise<void> {
    const url = `http://127.0.0.1:${ports.getBinding(9090)}`;
    for (const deadline = Date.now() + this.#timeoutMs; Date.now() < deadline; await sleep(5)) {
      const answer = await call(url, "GET", "/chio/health").catch(() => null);
      this.at = Date.now();
      if (answer?.status === 200) return;
      const { State } = await (await engine()).getContainer(container.id).inspect();
      if (!State.Running) throw new Error(`the sidecar ended with ${State.ExitCode}:\n${await containerLog(container.id)}`);
    }
    throw new Error(`the sidecar was not healthy after ${this.#timeoutMs} ms:\n${await containerLog(container.id)}`);
  }

  withStartupTimeout(timeoutMs: number): this {
    this.#timeoutMs = timeoutMs;
    return this;
  }

  isStartupTimeoutSet(): boolean {
    return true;
  }

  getStartupTimeout(): number {
    return this.#timeoutMs;
  }
}
