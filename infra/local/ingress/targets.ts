/** A replica as the ingress sees it. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Called before a request is sent and after it has ended; the first may delay it. */
  readonly onRequest: { begin(): Promise<void>; end(): void } | null;
}

interface Entry {
  readonly target: Target;
  open: boolean;
  inFlight: number;
  readonly idle: Set<() => void>;
}

/** Who gets the next request: one after the other of those that are open. Counts what is in flight, also of those that get no more. */
export class Targets {
  readonly #entries = new Map<string, Entry>();
  #last = "";

  add(target: Target): void {
    this.#entries.set(target.name, { target, open: false, inFlight: 0, idle: new Set() });
  }

  remove(name: string): void {
    this.#entries.delete(name);
  }

  /** Whether new requests are sent there. Returns false when nothing changed. */
  setOpen(name: string, open: boolean): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.open === open) return false;
    entry.open = open;
    return true;
  }

  isOpen(name: string): boolean {
    return this.#entries.get(name)?.open ?? false;
  }

  /** Takes the next target for one request; `done` gives it back. Null when none is open. */
  take(): { target: Target; done: () => void } | null {
    const open = [...this.#entries.values()].filter((entry) => entry.open);
    const after = open.findIndex((entry) => entry.target.name === this.#last);
    const entry = open[(after + 1) % open.length];
    if (entry === undefined) return null;
    this.#last = entry.target.name;
    entry.inFlight++;
    let given = false;
    const done = () => {
      if (given) return;
      given = true;
      entry.inFlight--;
      if (entry.inFlight > 0) return;
      for (const resolve of entry.idle) resolve();
      entry.idle.clear();
    };
    return { target: entry.target, done };
  }

  inFlight(name: string): number {
    return this.#entries.get(name)?.inFlight ?? 0;
  }

  /** Resolves once no request of the target is in flight. */
  async idle(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.inFlight === 0) return;
    await new Promise<void>((resolve) => entry.idle.add(resolve));
  }
}
