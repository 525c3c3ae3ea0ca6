import type { Timeline, TimelineEvent } from "../types.ts";

type Pattern = Partial<Pick<TimelineEvent, "kind" | "container" | "replica" | "probe" | "signal" | "exitCode">>;

/** Events that have every field of the pattern, in order. */
export function eventsLike({ events }: Timeline, pattern: Pattern): TimelineEvent[] {
  const wanted = Object.entries(pattern) as [keyof Pattern, unknown][];
  return events.filter((event) => wanted.every(([field, value]) => event[field] === value));
}

/** Time of the first event like this, milliseconds; infinite when there was none. */
export function firstTime(timeline: Timeline, pattern: Pattern): number {
  return eventsLike(timeline, pattern)[0]?.at ?? Number.POSITIVE_INFINITY;
}

/** For a failure's message: the timeline, a line an event. */
export function told({ events }: Timeline): string {
  return events
    .map(({ at, replica, container, kind, detail, exitCode, signal, probe }) => {
      const more = [probe, signal, exitCode, detail].filter((one) => one !== undefined).join(" ");
      return `${(at / 1000).toFixed(2)} s ${replica ?? "-"}/${container ?? "-"} ${kind} ${more}`.trimEnd();
    })
    .join("\n");
}

/** Resolves once the condition holds; rejects with what was awaited after `timeoutMs`. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`${what}: not so after ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
