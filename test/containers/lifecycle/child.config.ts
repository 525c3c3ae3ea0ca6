import { defineConfig } from "vitest/config";

// For the runs of Vitest that a test starts: one file, which the run itself names.
export default defineConfig({
  test: {
    include: ["test/containers/lifecycle/*.child.ts"],
    setupFiles: ["test/containers/lifecycle/child-setup.ts"],
    hookTimeout: 300_000,
  },
});
