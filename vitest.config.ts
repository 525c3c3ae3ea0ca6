import { defineConfig } from "vitest/config";

// One project per suite: the fast ones run alone in seconds (`npm run test:fast`); container tests own the Docker engine and run in sequence.
export default defineConfig({
  test: {
    // By default one core is kept free, which on two cores is half of them.
    maxWorkers: "100%",
    projects: [
      // Not isolated: a worker loads each module once, not once a test file, which takes a third off the time.
      // Many wait for a real disk or process: on a busy machine that is slow, and no failure.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, isolate: false } },
      { test: { name: "conformance", include: ["test/conformance/**/*.test.ts"], isolate: false } },
      { test: { name: "security", include: ["test/security/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, isolate: false } },
      { test: { name: "infra", include: ["test/infra/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "containers",
          include: ["test/containers/**/*.test.ts"],
          exclude: ["test/containers/lifecycle/**"],
          globalSetup: ["test/containers/support/global-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        // After the others, two files at a time: they wait for probes and drains more than they work, and count only what is their own.
        test: {
          name: "lifecycle",
          include: ["test/containers/lifecycle/**/*.test.ts"],
          globalSetup: ["test/containers/support/global-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
