/** Something that must have happened by `at` (milliseconds of `performance.now`); `expire` is called when it has not, and may set a later `at`. */
export interface Deadline {
  at: number;
  expire(): void;
}

/**
 * Deadlines of everything that is at work, looked at a few times a second. A timer of its own for each body and each upstream answer would cost
 * more than the answer; nobody minds that a timeout of seconds comes a little late.
 */
export class Deadlines {
  readonly #waiting = new Set<Deadline>();
  readonly #timer: NodeJS.Timeout;

  constructor(intervalMs = 250) {
    this.#timer = setInterval(() => this.check(performance.now()), intervalMs);
    this.#timer.unref();
  }

  add(deadline: Deadline): void {
    this.#waiting.add(deadline);
  }

  delete(deadline: Deadline): void {
    this.#waiting.delete(deadline);
  }

  check(now: number): void {
    for (const deadline of this.#waiting) {
      if (deadline.at > now) continue;
      deadline.expire();
      if (deadline.at <= now) this.#waiting.delete(deadline);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }
}
