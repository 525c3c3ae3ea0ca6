import { vi } from "vitest";

/** Waits until `check` passes: long enough for a busy machine, and no longer than it takes. */
export function eventually(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, { timeout: 15_000, interval: 25 });
}
