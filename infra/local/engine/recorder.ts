import type { Platform } from "../../topology/index.ts";
import type { Timeline, TimelineEvent } from "../timeline/types.ts";

/** An event without its time, which is when it is recorded. */
export type NewEvent = Omit<TimelineEvent, "at">;

/** Writes the timeline. */
export class Recorder {
  readonly #began = performance.now();
  readonly #startedAt = new Date().toISOString();
  readonly #events: TimelineEvent[] = [];
  readonly #topology: string;
  readonly #platform: Platform;
  readonly #onEvent: ((event: TimelineEvent) => void) | undefined;

  constructor(topology: string, platform: Platform, onEvent?: (event: TimelineEvent) => void) {
    this.#topology = topology;
    this.#platform = platform;
    this.#onEvent = onEvent;
  }

  /** Milliseconds since the topology was started, to a tenth. */
  at(): number {
    return Math.round((performance.now() - this.#began) * 10) / 10;
  }

  record(event: NewEvent): void {
    const full = { at: this.at(), ...event };
    this.#events.push(full);
    this.#onEvent?.(full);
  }

  timeline(): Timeline {
    return { topology: this.#topology, platform: this.#platform, startedAt: this.#startedAt, events: [...this.#events] };
  }
}
