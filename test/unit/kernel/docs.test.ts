import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../sidecar/kernel/config.ts";
import { KNOWN_CONSTRAINTS } from "../../../sidecar/wire/scope.ts";
import { keyOf, POLICY_HASH, SUBJECT } from "./support.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DOC = readFileSync(join(ROOT, "docs/kernel.md"), "utf8");

describe("docs/kernel.md", () => {
  it("has an example that runs as it stands", () => {
    const source = /```ts\n([\s\S]*?)```/.exec(DOC)![1]!;
    expect(source).toContain('from "chio-kit/kernel"');
    const folder = mkdtempSync(join(tmpdir(), "chio-docs-"));
    try {
      const file = join(folder, "example.ts");
      writeFileSync(file, source.replace("chio-kit/kernel", pathToFileURL(join(ROOT, "sidecar/kernel/index.ts")).href));
      const env = { ...process.env, CHIO_SIGNING_KEY: "07".repeat(32), CHIO_POLICY_HASH: POLICY_HASH, AGENT_KEY: SUBJECT.publicKeyHex };
      const output = execFileSync(process.execPath, [file], { env, encoding: "utf8", timeout: 20_000 });
      expect(output.trim().split("\n")).toEqual([
        "read { read: '/workspace/a.md' } receipt 64",
        "denied scope_mismatch",
        "receipts 2 checkpoints 1",
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("names every field of the configuration and every constraint", () => {
    const fields = [
      ...Object.keys(resolveConfig({ keypair: keyOf(7), policyHash: POLICY_HASH })),
      "caPublicKeys",
      "requireWeb3Evidence",
      "retentionConfig",
    ];
    for (const field of fields.filter((name) => name !== "trustedIssuers" && name !== "retention")) expect(DOC).toContain(`\`${field}\``);
    for (const type of KNOWN_CONSTRAINTS) expect(DOC).toMatch(new RegExp(`\`${type}[\` ]`));
  });
});
