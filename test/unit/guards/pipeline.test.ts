import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildGuards, runGuards } from "../../../sidecar/guards/pipeline.ts";
import type { Guard } from "../../../sidecar/guards/types.ts";
import { defaultPolicy, loadPolicy } from "../../../sidecar/policy/load.ts";
import { toolCall } from "./input.ts";

const guard = (name: string, check: Guard["check"]): Guard => ({ name, check });
const allowing = (name: string) => guard(name, () => ({ allow: true, details: `${name} saw nothing` }));
const input = toolCall("crm_search", {});

describe("running", () => {
  test("all must allow; the evidence has one entry each, in order", () => {
    expect(runGuards([allowing("a"), guard("b", () => ({ allow: true }))], input)).toEqual({
      allow: true,
      evidence: [
        { guard_name: "a", verdict: true, details: "a saw nothing" },
        { guard_name: "b", verdict: true },
      ],
    });
    expect(runGuards([], input)).toEqual({ allow: true, evidence: [] });
  });

  test("the first denial ends it", () => {
    const never = guard("c", () => expect.unreachable());
    expect(runGuards([allowing("a"), guard("b", () => ({ allow: false, details: "no" })), never], input)).toEqual({
      allow: false,
      guard: "b",
      reason: 'guard "b" denied the request',
      evidence: [
        { guard_name: "a", verdict: true, details: "a saw nothing" },
        { guard_name: "b", verdict: false, details: "no" },
      ],
    });
  });

  test.each<[string, Guard["check"]]>([
    [
      "an Error",
      () => {
        throw new TypeError("secret text");
      },
    ],
    [
      "anything else",
      () => {
        throw "secret text";
      },
    ],
  ])("a guard that throws %s denies, and does not say what it saw", (_name, check) => {
    const verdict = runGuards([guard("b", check), guard("c", () => expect.unreachable())], input);
    expect(verdict).toMatchObject({ allow: false, guard: "b", reason: 'guard "b" error (fail-closed)' });
    expect(JSON.stringify(verdict)).not.toContain("secret");
  });

  test.each([undefined, null, "yes", 1, {}])("a verdict that does not say allow: true is a denial: %j", (value) => {
    const verdict = runGuards([guard("b", () => value as never)], input);
    expect(verdict.allow).toBe(false);
    expect(runGuards([guard("b", () => ({ allow: value }) as never)], input).allow).toBe(false);
  });

  test("a malformed action is denied by the first guard, whichever it is", () => {
    const malformed = toolCall("read_file", { path: 7 });
    for (const one of buildGuards(defaultPolicy())) {
      expect(runGuards([one], malformed)).toMatchObject({
        allow: false,
        guard: one.name,
        evidence: [{ guard_name: one.name, verdict: false, details: "malformed action: tool read_file: argument path is not a string" }],
      });
    }
  });

  test("details are one bounded line of well-formed text", () => {
    const details = runGuards([guard("b", () => ({ allow: false, details: `a\r\nb\u2028\ud800${"x".repeat(1000)}` }))], input).evidence[0]
      ?.details;
    expect(details).toHaveLength(512);
    expect(details).toMatch(/^a\?\?b\?\ufffdx+…$/);
  });
});

describe("building", () => {
  test("the guards of the policy, in pipeline order", () => {
    expect(buildGuards(defaultPolicy()).map(({ name }) => name)).toEqual(["forbidden-path", "egress-allowlist", "mcp-tool", "secret-leak"]);
    const text = 'hushspec: "0.1.0"\nrules: {secret_patterns: {}, forbidden_paths: {}}\n';
    expect(buildGuards(loadPolicy(text, "p")).map(({ name }) => name)).toEqual(["forbidden-path", "secret-leak"]);
  });

  test("a whole policy decides as it reads", () => {
    const text = readFileSync(new URL("../../fixtures/policy/hushspec-full.yaml", import.meta.url), "utf8");
    const guards = buildGuards(loadPolicy(text, "p"));
    const decide = (tool: string, args: Parameters<typeof toolCall>[1]) => runGuards(guards, toolCall(tool, args)).guard ?? "allowed";
    expect(decide("read_file", { path: "/srv/app/a" })).toBe("allowed");
    expect(decide("read_file", { path: "/srv/customers/README.md" })).toBe("allowed");
    expect(decide("read_file", { path: "/srv/customers/ann.json" })).toBe("forbidden-path");
    expect(decide("fetch", { url: "https://api.example.com" })).toBe("allowed");
    expect(decide("fetch", { url: "https://legacy.wiki.example.com" })).toBe("egress-allowlist");
    expect(decide("crm_search", {})).toBe("allowed");
    expect(decide("crm_delete", {})).toBe("mcp-tool");
    expect(decide("bash", { command: "ls" })).toBe("mcp-tool");
    expect(decide("write_file", { path: "/srv/a", content: "tk_0123456789abcdef" })).toBe("secret-leak");
    expect(decide("write_file", { path: "/srv/fixtures/a", content: "tk_0123456789abcdef" })).toBe("allowed");
  });
});
