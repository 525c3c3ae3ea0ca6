/** How often a probe that has never passed is tried in between. */
export const EAGER_MS = 100;

export interface ScheduleOptions {
  /** From the start of the container to the first probe of the platform. */
  readonly firstMs: number;
  /** From one probe of the platform to the next. */
  readonly periodMs: number;
  /** Tries in between, until one succeeds. Null: none. */
  readonly eagerMs: number | null;
}

export interface Turn {
  /** Milliseconds since the container started. */
  readonly atMs: number;
  /** Whether the platform probes at this time too: only then does a failure count. */
  readonly counts: boolean;
}

/**
 * When a container is probed next. The platform's times are `first`, `first + period`, …; a time that has passed while a probe ran is left out.
 * In between come eager tries, whose failures do not count, so that a container that works is seen early and one that does not is given up no
 * earlier than on the platform.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  #nextPlatformMs: number;
  #eager: boolean;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#nextPlatformMs = options.firstMs;
    this.#eager = options.eagerMs !== null;
  }

  /** The next turn, `nowMs` being the time since the container started. */
  next(nowMs: number): Turn {
    const { eagerMs } = this.#options;
    if (this.#eager && eagerMs !== null && nowMs + eagerMs < this.#nextPlatformMs) return { atMs: nowMs + eagerMs, counts: false };
    const atMs = Math.max(nowMs, this.#nextPlatformMs);
    while (this.#nextPlatformMs <= atMs) this.#nextPlatformMs += this.#options.periodMs;
    return { atMs, counts: true };
  }

  /** For a probe whose period begins when the one before has ended. */
  ended(turn: Turn, nowMs: number): void {
    if (turn.counts) this.#nextPlatformMs = nowMs + this.#options.periodMs;
  }

  /** The container has passed: from `nowMs` on only the platform's period is left. */
  passed(nowMs: number): void {
    if (!this.#eager) return;
    this.#eager = false;
    this.#nextPlatformMs = nowMs + this.#options.periodMs;
  }
}
