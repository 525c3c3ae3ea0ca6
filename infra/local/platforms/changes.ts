/** Lets several parts wait until something that they look at has changed. */
export class Changes {
  #waiting: (() => void)[] = [];

  tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves with true once `condition` holds; with false when the signal comes first. It is looked at after each change. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<boolean> {
    const aborted = () => this.tell();
    signal.addEventListener("abort", aborted);
    try {
      for (;;) {
        if (signal.aborted) return false;
        if (condition()) return true;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }
}
