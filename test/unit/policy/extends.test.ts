import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { loadPolicy } from "../../../sidecar/policy/load.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";

const read = (name: string) => readFileSync(new URL(`../../fixtures/policy/extends/${name}`, import.meta.url), "utf8");
const load = (name: string) =>
  loadPolicy(read(name), name, { readRelative: (reference) => ({ text: read(reference), origin: reference }) });

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
  throw new Error("the policy was accepted");
}

describe("extends", () => {
  test("keeps the base's blocks that the child does not write, and takes the child's whole", () => {
    const policy = load("child.yaml");
    expect(policy.name).toBe("base");
    expect(policy.guards).toEqual({
      forbidden_path: { patterns: ["/base/**"], exceptions: [] },
      egress_allowlist: { allow: ["child.example.com"], block: [], default: "block" },
    });
  });

  test("the source hash covers every file", () => {
    const hashes = ["child.yaml", "base.yaml"].map((name) => sha256Hex(read(name)));
    expect(load("child.yaml").sourceHash).toBe(sha256Hex(canonicalize(hashes)));
  });

  test("merge does the same", () => {
    const text = read("child.yaml").replace("extends", "merge_strategy: merge\nextends");
    const policy = loadPolicy(text, "child.yaml", { readRelative: () => ({ text: read("base.yaml"), origin: "base.yaml" }) });
    expect(policy.guards).toEqual(load("child.yaml").guards);
  });

  test("replace forgets the base, a block without a guard included", () => {
    const policy = load("replace.yaml");
    expect(policy.name).toBe("alone");
    expect(Object.keys(policy.guards)).toEqual(["tool_access"]);
  });

  test("a base's block without a guard is refused where it stands", () => {
    const text = 'hushspec: "0.1.0"\nextends: base.yaml\n';
    const message = messageOf(() => loadPolicy(text, "c.yaml", { readRelative: () => ({ text: read("base.yaml"), origin: "base.yaml" }) }));
    expect(message).toContain('base.yaml:6:3: rules.shell_commands: this release has no guard for the block "shell_commands"');
  });

  test("problems of the base and of the child come together", () => {
    const text = 'hushspec: "0.1.0"\nextends: base.yaml\nrulez: {}\n';
    const message = messageOf(() => loadPolicy(text, "c.yaml", { readRelative: () => ({ text: read("base.yaml"), origin: "base.yaml" }) }));
    expect(message).toContain("base.yaml:6:3");
    expect(message).toContain("c.yaml:3:1");
  });

  test.each([
    [
      "circle-a.yaml",
      "circle-b.yaml:2:10: extends: policies extend one another in a circle: circle-a.yaml -> circle-b.yaml -> circle-a.yaml",
    ],
  ])("%s is a circle", (name, message) => expect(messageOf(() => load(name))).toContain(message));

  test("more than eight deep is refused", () => {
    const chain = (level: number) => ({ text: `hushspec: "0.1.0"\nextends: p${level + 1}.yaml\n`, origin: `p${level}.yaml` });
    const readRelative = (reference: string) => chain(Number(/\d+/.exec(reference)?.[0]));
    expect(messageOf(() => loadPolicy(chain(0).text, "p0.yaml", { readRelative }))).toContain("extend one another more than 8 deep");
  });

  test("eight deep is read", () => {
    const file = (level: number) => ({
      text: `hushspec: "0.1.0"\n${level < 8 ? `extends: p${level + 1}.yaml` : "name: root"}\n`,
      origin: `p${level}.yaml`,
    });
    const readRelative = (reference: string) => file(Number(/\d+/.exec(reference)?.[0]));
    expect(loadPolicy(file(0).text, "p0.yaml", { readRelative }).name).toBe("root");
  });

  test.each([
    ["https://example.com/p.yaml", "must be the path of a file beside this one"],
    ["", "must be the path of a file beside this one"],
    ["missing.yaml", 'extends: "missing.yaml" cannot be read: ENOENT'],
    ["chio.yaml", "only HushSpec policies can be extended"],
  ])("%j is refused", (reference, message) => {
    const text = `hushspec: "0.1.0"\nextends: ${JSON.stringify(reference)}\n`;
    const readRelative = (name: string) => ({ text: read(name), origin: name });
    expect(messageOf(() => loadPolicy(text, "c.yaml", { readRelative }))).toContain(message);
  });
});
