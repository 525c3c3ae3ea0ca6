import { vi } from "vitest";

// Every ledger starts a thread and waits for a real disk: on a busy machine that is slow, and no failure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
