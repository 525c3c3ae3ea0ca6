import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { loadTopologyFile } from "../../../infra/manifests/index.ts";
import { findingLink, PLATFORMS, RULES, validate } from "../../../infra/topology/index.ts";
import { fill } from "./docs-sections.ts";

const file = new URL("../../../docs/topology.md", import.meta.url);

it("docs/topology.md shows what the code says", () => {
  const page = readFileSync(file, "utf8");
  const filled = fill(page);
  if (process.env.UPDATE_GENERATED === "1" && filled !== page) writeFileSync(file, filled);
  expect(readFileSync(file, "utf8"), "run the tests with UPDATE_GENERATED=1").toBe(filled);
});

it("docs/topology.md has the place that each finding links to", () => {
  const page = readFileSync(file, "utf8");
  for (const rule of RULES) expect(page).toContain(`<a id="${findingLink(rule.code).split("#")[1]}"></a>`);
});

it("every code that docs/topology.md speaks of is a finding", () => {
  const codes = new Set(readFileSync(file, "utf8").match(/\bCHIO-[A-Z]+(-[A-Z]+)*\b/g));
  const known = new Set<string>(RULES.map((rule) => rule.code));
  expect([...codes].filter((code) => !known.has(code))).toEqual([]);
});

it("the service.yaml in docs/topology.md is one, and has no errors", () => {
  const text = /```yaml\n([\s\S]*?)```/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  const topology = loadTopologyFile(text, "service.yaml");
  for (const platform of PLATFORMS) expect(validate(topology, platform).filter((one) => one.severity === "error")).toEqual([]);
});
