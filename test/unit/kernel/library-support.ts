import type { KernelConfig } from "../../../sidecar/kernel/config.ts";
import { ChioKernel, type KernelOptions } from "../../../sidecar/kernel/kernel.ts";
import { MemoryReceiptStore } from "../../../sidecar/kernel/memory-receipt-store.ts";
import type { ReceiptStoreSource, StoredReceipt } from "../../../sidecar/kernel/receipt-store.ts";
import type { ToolServer } from "../../../sidecar/kernel/registry.ts";
import type { System } from "../../../sidecar/kernel/system.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { keyOf, NOW, POLICY_HASH, SUBJECT } from "./support.ts";

/** A system whose time stands still until the test moves it. */
export class TestSystem implements System {
  time = NOW * 1000;
  #counter = 0;
  #timers: { due: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  randomBytes(length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(++this.#counter, length - 4);
    return bytes;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { due: this.time + milliseconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
    for (const timer of this.#timers.filter(({ due }) => due <= this.time)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.callback();
    }
  }
}

/** A receipt store that can be held up and made to fail. */
export class TestStore extends MemoryReceiptStore {
  groups: StoredReceipt[][] = [];
  failing: Error | null = null;
  hold: Promise<void> | null = null;
  opens = 0;
  flushes = 0;
  closes = 0;

  override open(...args: Parameters<MemoryReceiptStore["open"]>): this {
    this.opens++;
    return super.open(...args);
  }

  override async append(receipts: readonly StoredReceipt[]): Promise<void> {
    if (this.hold !== null) await this.hold;
    if (this.failing !== null) throw this.failing;
    this.groups.push([...receipts]);
    await super.append(receipts);
  }

  override async flush(): Promise<void> {
    this.flushes++;
  }

  override async close(): Promise<{ undelivered: number }> {
    this.closes++;
    return super.close();
  }
}

export interface Fixture {
  kernel: ChioKernel;
  system: TestSystem;
  store: TestStore;
  config: KernelConfig;
}

export const echo: ToolServer = {
  id: "srv",
  tools: { echo: { invoke: (args) => args, sideEffects: false }, write: { invoke: () => ({ written: true }) } },
};

/** A kernel with the tools of `echo`, of which new sessions may use all, unless told otherwise. */
export function fixture(
  options: Partial<KernelOptions> & { config?: Partial<KernelConfig>; servers?: readonly ToolServer[]; source?: ReceiptStoreSource } = {},
): Fixture {
  const { config: overrides, servers = [echo], source, ...rest } = options;
  const system = new TestSystem();
  const store = new TestStore();
  const config: KernelConfig = { keypair: keyOf(7), policyHash: POLICY_HASH, ...overrides };
  const kernel = new ChioKernel(config, {
    store: source ?? store,
    system,
    defaultGrants: { tools: [{ server: "*", tool: "*", operations: ["invoke"], ttl: 300 }] },
    ...rest,
  });
  for (const server of servers) kernel.registerToolServer(server);
  return { kernel, system, store, config };
}

export const agentKey = SUBJECT.publicKeyHex;

/** A server with one tool, `srv`/`tool`. */
export const serverWith = (invoke: ToolServer["tools"][string]["invoke"], rest: object = {}): ToolServer => ({
  id: "srv",
  tools: { tool: { invoke, ...rest } },
});

export async function* chunks(...values: Json[]): AsyncGenerator<Json> {
  for (const value of values) yield value;
}

/** Lets everything that is ready run. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
