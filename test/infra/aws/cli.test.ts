import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exec } from "../../../scripts/lib/exec.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { copyClone } from "../package/consumer.ts";
import { APP_IMAGE, DIGEST, type Json } from "./support.ts";

/** The CDK's own command line on the example of a fresh clone, with no account, no credentials and nothing sent anywhere. */
describe("cdk", () => {
  const home = mkdtempSync(join(tmpdir(), "chio-cdk-"));
  const clone = join(home, "clone");
  const example = join(clone, "infra", "examples", "aws");
  beforeAll(() => {
    copyClone(clone);
    mkdirSync(join(home, "empty"));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const cdk = async (args: readonly string[], context: Record<string, string> = { appImage: APP_IMAGE, signingKeyName: "tickets/key" }) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|CDK)_/.test(name)));
    const flags = ["--no-notices", "--no-color", ...Object.entries(context).flatMap(([key, value]) => ["--context", `${key}=${value}`])];
    return await exec(process.execPath, [inRoot("node_modules/aws-cdk/bin/cdk"), ...args, ...flags], {
      cwd: example,
      env: {
        ...env,
        HOME: join(home, "empty"),
        AWS_EC2_METADATA_DISABLED: "true",
        CDK_DISABLE_CLI_TELEMETRY: "1",
        CDK_DEFAULT_REGION: "eu-central-1",
      },
      timeoutMs: 110_000,
    });
  };
  const synthesized = join(home, "synth.out");
  const templatePath = join(synthesized, "Tickets.template.json");

  it("synth writes the stack with its image's context, and prints posture and drain", async () => {
    const { code, output } = await cdk(["synth", "--quiet", "--output", synthesized]);
    expect(code, output).toBe(0);
    expect(output).toContain("Posture of tickets on ecs");
    expect(output).toContain("deregistration 60 s + app stop 30 s + sidecar stop 30 s = 120 s");
    expect(output).not.toMatch(/^(ERROR|WARN)/m);
    const template = JSON.parse(readFileSync(templatePath, "utf8")) as Json;
    const types = Object.values(template.Resources).map((one) => (one as Json).Type);
    expect(types.filter((type) => type === "AWS::ECS::Service")).toHaveLength(1);
    const [asset] = readdirSync(synthesized).filter((name) => name.startsWith("asset."));
    expect(readdirSync(join(synthesized, String(asset)))).toContain("Dockerfile");
  }, 120_000);

  it("diff finds nothing in what was synthesized from the same clone", async () => {
    const { code, output } = await cdk(["diff", "--fail", "--template", templatePath, "--output", join(home, "same.out")]);
    expect(code, output).toBe(0);
    expect(output).toContain("Number of stacks with differences: 0");
  }, 120_000);

  it("diff shows a new image of the app as a new task definition and nothing else", async () => {
    const image = `registry.example.com/team/app@${DIGEST.replace("0", "f")}`;
    const { code, output } = await cdk(["diff", "--fail", "--template", templatePath, "--output", join(home, "other.out")], {
      appImage: image,
      signingKeyName: "tickets/key",
    });
    expect(code).toBe(1);
    expect(output).toContain(`"Image": "${image}"`);
    expect([...output.matchAll(/^\[[-+~]\] (\S+)/gm)].map(([, type]) => type)).toEqual(["AWS::ECS::TaskDefinition"]);
  }, 120_000);

  it("says which value is missing", async () => {
    const { code, output } = await cdk(["synth", "--quiet", "--output", join(home, "none.out")], { appImage: APP_IMAGE });
    expect(code).not.toBe(0);
    expect(output).toContain("cdk deploy -c signingKeyName=VALUE is missing");
  }, 120_000);
});
