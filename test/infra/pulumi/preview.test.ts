import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exec } from "../../../scripts/lib/exec.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { copyClone } from "../package/consumer.ts";

const COMPONENT = { azure: "ChioContainerApp", gcp: "ChioCloudRunService" } as const;
/** What the README leaves to its reader. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/"user:\$\([^)]*\)"/, "user:somebody@example.com"],
  [/"\$\(az keyvault secret show [^)]*\)"/, "https://vault.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef"],
  [/NEW_DIGEST|DIGEST/, "0".repeat(64)],
  [/YOUR_ADDRESS/, "192.0.2.1"],
  [/PROJECT_ID/g, "chio-preview"],
  [/REGISTRY/g, "chiopreview"],
  [/\bVAULT\b/g, "vault"],
];
/** Nothing is created, and nobody accepts these: they only let the providers be configured. */
const CREDENTIALS = {
  GOOGLE_OAUTH_ACCESS_TOKEN: "none",
  ARM_CLIENT_ID: "00000000-0000-0000-0000-000000000000",
  ARM_CLIENT_SECRET: "none",
  ARM_TENANT_ID: "00000000-0000-0000-0000-000000000000",
  ARM_SUBSCRIPTION_ID: "00000000-0000-0000-0000-000000000000",
};

const version = await exec("pulumi", ["version"]);

/** The examples in Pulumi's own command line, set up as their READMEs say. Elsewhere the programs run under the SDK's mocks. */
describe.skipIf(version.code !== 0)("pulumi preview, where pulumi is on PATH", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "chio-pulumi-"));
    copyClone(join(home, "clone"));
    mkdirSync(join(home, "state"));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each(["gcp", "azure"] as const)(
    "of infra/examples/%s shows the service",
    async (platform) => {
      const cwd = join(home, "clone", "infra", "examples", platform);
      const state = { PULUMI_BACKEND_URL: `file://${join(home, "state")}`, PULUMI_CONFIG_PASSPHRASE: "", PULUMI_SKIP_UPDATE_CHECK: "true" };
      const run = async (command: string) => {
        const result = await exec("sh", ["-c", command], { cwd, env: { ...process.env, ...state, ...CREDENTIALS }, timeoutMs: 300_000 });
        expect(result.code, `${command}\n${result.output}`).toBe(0);
        return result.output;
      };
      const readme = readFileSync(inRoot("infra", "examples", platform, "README.md"), "utf8");
      const setUp = readme.match(/^pulumi (stack init|config set) .*$/gm) ?? [];
      expect(setUp.length).toBeGreaterThan(3);
      for (const line of setUp) await run(VALUES.reduce((text, [placeholder, value]) => text.replace(placeholder, value), line));
      const preview = await run("pulumi preview --non-interactive --color never");
      expect(preview).toContain(COMPONENT[platform]);
      expect(preview).not.toMatch(/^\s*error:/m);
    },
    600_000,
  );
});
