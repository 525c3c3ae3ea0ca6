import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { afterAll, describe, expect, it } from "vitest";
import { ACKNOWLEDGED, acknowledge, TicketsStack } from "../../../infra/examples/aws/stack.ts";
import { removeBundledContexts } from "../../../infra/image/context.ts";
import { APP_IMAGE, containerNamed, templateOf } from "./support.ts";

const STRICT = { "@aws-cdk/core:validateAgainstDefaultRules": true };

function example(change: (app: App) => void = () => {}): { app: App; stack: TicketsStack } {
  const app = new App({ context: STRICT });
  const stack = new TicketsStack(app, "Tickets", {
    env: { region: "eu-central-1" },
    appImage: APP_IMAGE,
    signingKeyName: "chio/signing-key",
    certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000",
  });
  change(app);
  return { app, stack };
}

/** Rules of the pack that are broken in the assembly. */
function nagRules(app: App): string[] {
  const report = JSON.parse(readFileSync(join(app.outdir, "validation-report.json"), "utf8"));
  return [...new Set([...JSON.stringify(report).matchAll(/AwsSolutions-[A-Z]+\d+/g)].map(([id]) => id))].sort();
}

// Vitest ends its workers from outside.
afterAll(removeBundledContexts);

describe("the example", () => {
  it("passes cdk-nag's AwsSolutions pack and the CDK's own validator, as errors", () => {
    const { app, stack } = example((one) => Validations.of(one).addPlugins(new AwsSolutionsChecks(one)));
    acknowledge(stack);
    expect(() => app.synth()).not.toThrow();
    expect(stack.service.posture.accepted).toEqual([]);
  });

  it("acknowledges exactly what it breaks, and says why", () => {
    const { app } = example((one) => Validations.of(one).addPlugins(new AwsSolutionsChecks(one)));
    for (const { reason } of ACKNOWLEDGED) expect(reason.length).toBeGreaterThan(40);
    expect(() => app.synth()).toThrow(/AwsSolutions/);
    expect(nagRules(app)).toEqual(ACKNOWLEDGED.map((one) => one.id.replace(/\[.*/, "")).sort());
  });

  it("builds the sidecar from the kit's Dockerfile, with the configuration in it", () => {
    const { app, stack } = example();
    const assembly = app.synth();
    const image = JSON.stringify(containerNamed(templateOf(stack), "chio-sidecar").Image);
    expect(image).toContain("container-assets");
    const [directory] = readdirSync(assembly.directory).filter((name) => name.startsWith("asset."));
    const context = join(assembly.directory, String(directory));
    expect(readFileSync(join(context, "Dockerfile"), "utf8")).toMatch(/\nCOPY chio-config\/ \/etc\/chio\/\n$/);
    expect(readdirSync(join(context, "chio-config")).sort()).toEqual(["kernel.yaml", "openapi.yaml", "policy.yaml"]);
    expect(readdirSync(context)).toEqual(expect.arrayContaining(["package.json", "package-lock.json", "scripts", "sidecar", "toolchain"]));
    expect(readdirSync(context)).not.toContain("node_modules");
  });

  it("runs as its cdk.json says", async () => {
    const cwd = fileURLToPath(new URL("../../../infra/examples/aws", import.meta.url));
    const out = mkdtempSync(join(tmpdir(), "chio-example-"));
    const [command, ...words] = JSON.parse(readFileSync(join(cwd, "cdk.json"), "utf8")).app.split(" ");
    const run = (context: object) => {
      const env = { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify({ ...STRICT, ...context }) };
      return promisify(execFile)(command === "node" ? process.execPath : command, words, { cwd, env });
    };
    try {
      await run({ appImage: APP_IMAGE, signingKeyName: "chio/signing-key" });
      expect(readdirSync(out)).toContain("Tickets.template.json");
      await expect(run({ appImage: APP_IMAGE })).rejects.toThrow(/cdk deploy -c signingKeyName=VALUE is missing/);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
