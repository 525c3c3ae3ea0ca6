import { endOf } from "./lanes.ts";
import type { TimelineEvent } from "./types.ts";

/** A quiet stretch that is drawn shorter than it was. */
export interface Fold {
  readonly from: number;
  readonly to: number;
  /** Pixels. */
  readonly left: number;
  readonly right: number;
}

export interface Axis {
  /** Milliseconds to pixels. Never backwards. */
  readonly x: (at: number) => number;
  readonly folds: readonly Fold[];
  readonly ticks: readonly { readonly at: number; readonly x: number; readonly label: string }[];
}

export const FOLD_WIDTH = 74;
/** Nothing but probes that pass, for longer than this and than this part of the whole, is folded but for a margin at both ends. */
const QUIET = { ms: 4000, part: 0.2, margin: 0.04 } as const;
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];
const TICK_SPACE = 68;

/** Time between `left` and `right`, in pixels. */
export function axisOf(events: readonly TimelineEvent[], left: number, right: number): Axis {
  const end = endOf(events);
  const loud = [0, ...events.filter((event) => event.kind !== "probe-passed").map((event) => event.at), end].sort((a, b) => a - b);
  const stretches = loud.slice(1).map((to, index) => ({ from: loud[index] ?? 0, to }));
  const quiet = stretches
    .filter(({ from, to }) => to - from > QUIET.ms && to - from > QUIET.part * end)
    .map(({ from, to }) => {
      const margin = Math.min((to - from) / 4, Math.max(500, QUIET.margin * (end - (to - from))));
      return { from: from + margin, to: to - margin };
    });
  const shown = end - quiet.reduce((sum, { from, to }) => sum + to - from, 0);
  const scale = (right - left - quiet.length * FOLD_WIDTH) / shown;

  const folds: Fold[] = [];
  for (const { from, to } of quiet) {
    const last = folds.at(-1);
    const start = last === undefined ? left + from * scale : last.right + (from - last.to) * scale;
    folds.push({ from, to, left: start, right: start + FOLD_WIDTH });
  }
  const x = (at: number): number => {
    let [time, pixel] = [0, left];
    for (const fold of folds) {
      if (at < fold.from) break;
      if (at <= fold.to) return fold.left + ((at - fold.from) / (fold.to - fold.from)) * FOLD_WIDTH;
      [time, pixel] = [fold.to, fold.right];
    }
    return pixel + (at - time) * scale;
  };
  const step = STEPS.find((one) => one * scale >= TICK_SPACE) ?? STEPS.at(-1) ?? end;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step)
    .filter((at) => folds.every((fold) => at < fold.from || at > fold.to))
    .map((at) => ({ at, x: x(at), label: tickLabel(at, step) }));
  return { x, folds, ticks };
}

function tickLabel(at: number, step: number): string {
  if (step >= 60_000) return `${at / 60_000} min`;
  if (step >= 1000) return `${at / 1000} s`;
  return step >= 100 ? `${(at / 1000).toFixed(1)} s` : `${at} ms`;
}
