/** One step of the drain. It ends by itself when its work is done. */
export interface DrainPhase {
  name: string;
  /** `remainingMs`: what this phase may take. A rejection fails the drain, not the phases after it. */
  run(remainingMs: number): Promise<void>;
  /** What is undone, like `3 requests`; null when nothing is. Asked when the phase has ended or its time is up. */
  left(): string | null;
  /** Kept back from the phases before, so that this one has some time even when they used all of theirs. */
  reserveMs?: number;
}

export interface DrainResult {
  clean: boolean;
  tookMs: number;
  /** One sentence for each phase that did not come to its end. */
  left: string[];
}

/** Runs the phases in order within `budgetMs` altogether. Never rejects and never takes longer than the budget. */
export async function drain(
  phases: readonly DrainPhase[],
  budgetMs: number,
  now: () => number = performance.now.bind(performance),
): Promise<DrainResult> {
  const start = now();
  const left: string[] = [];
  for (const [at, phase] of phases.entries()) {
    const reserved = phases.slice(at + 1).reduce((sum, later) => sum + (later.reserveMs ?? 0), 0);
    const remaining = Math.max(0, budgetMs - (now() - start) - reserved);
    const ended = await within(remaining, phase.run(remaining));
    const undone = phase.left();
    if (ended !== "done" || undone !== null) {
      const why = ended === "done" ? "" : ended === "late" ? " (out of time)" : ` (${ended.message})`;
      left.push(`${phase.name}: ${undone ?? "not finished"}${why}`);
    }
  }
  return { clean: left.length === 0, tookMs: now() - start, left };
}

async function within(ms: number, work: Promise<void>): Promise<"done" | "late" | Error> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, ms, "late");
  });
  const outcome = work.then(
    () => "done" as const,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}
