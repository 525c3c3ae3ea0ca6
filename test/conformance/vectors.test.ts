import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bindingsChecks } from "./bindings.ts";
import { derivedChecks } from "./derived.ts";
import { runtimeChecks } from "./runtime.ts";

const checks = [...bindingsChecks, ...derivedChecks];
const files = [...new Set(checks.map((check) => check.file))];

test("every vector file is used", () => {
  const present = readdirSync(new URL("../fixtures/vectors/", import.meta.url)).filter((name) => name.endsWith(".json"));
  expect(present.length).toBeGreaterThan(0);
  expect([...files].sort()).toEqual(present.sort());
});

describe("runtime", () => {
  for (const check of runtimeChecks) test(check.id, check.run);
});

describe.each(files)("%s", (file) => {
  for (const check of checks.filter((candidate) => candidate.file === file)) test(check.id, check.run);
});
