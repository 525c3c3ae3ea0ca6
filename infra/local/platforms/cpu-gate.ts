/** Thousandths of a core that a container keeps where it has no CPU outside requests: nearly none, but enough to be ended in an orderly way. */
export const IDLE_CPU_MILLI = 10;

/** Gives CPU while somebody holds it, and takes it away when the last one has let go. Changes follow each other, never side by side. */
export class CpuGate {
  readonly #apply: (idle: boolean) => Promise<void>;
  #holders = 0;
  #idle = false;
  #enabled = false;
  #last: Promise<void> = Promise.resolve();

  constructor(apply: (idle: boolean) => Promise<void>) {
    this.#apply = apply;
  }

  /** The instance has started up: from here on CPU is for requests and probes. */
  enable(): void {
    this.#enabled = true;
    void this.#settle();
  }

  /** It stops: what is left to do is done at full speed. */
  async disable(): Promise<void> {
    this.#enabled = false;
    await this.#settle();
  }

  /** Resolves when the CPU is there. */
  async begin(): Promise<void> {
    this.#holders++;
    await this.#settle();
  }

  end(): void {
    this.#holders--;
    void this.#settle();
  }

  #settle(): Promise<void> {
    this.#last = this.#last.then(async () => {
      const idle = this.#enabled && this.#holders === 0;
      if (idle === this.#idle) return;
      this.#idle = idle;
      await this.#apply(idle);
    });
    return this.#last;
  }
}
