import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { GUARD_CODES, guardRules } from "../../../infra/prevention/index.ts";
import { RULES } from "../../../infra/topology/index.ts";
import { goodService as cdkService, templateOf, testStack } from "../aws/support.ts";
import type { Loose } from "../posture/documents.ts";
import { faults, goodTemplate } from "./bad-documents.ts";

// The real program, in a package for development only.
const SYSTEM = process.platform === "darwin" ? "macos" : "ubuntu";
const MACHINE = process.arch === "arm64" ? "aarch64" : "x86_64";
const GUARD = `node_modules/@cdklabs/cdk-validator-cfnguard/bin/${SYSTEM}/${MACHINE}/cfn-guard`;
const directory = mkdtempSync(join(tmpdir(), "chio-guard-"));
afterAll(() => rmSync(directory, { recursive: true }));

const KEY_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:other";

/** Names of the rules that a template fails. */
function failing(template: unknown, rules = guardRules()): string[] {
  const [rulesFile, data] = [join(directory, "chio.guard"), join(directory, "template.json")];
  writeFileSync(rulesFile, rules);
  writeFileSync(data, JSON.stringify(template));
  chmodSync(GUARD, 0o755);
  const args = ["validate", "--rules", rulesFile, "--data", data, "--structured", "--output-format", "json", "--show-summary", "none"];
  let text: string;
  try {
    text = execFileSync(GUARD, args, { encoding: "utf8" });
  } catch (error) {
    // 19: rules are broken. Anything else is a broken rules file.
    if ((error as { status: number }).status !== 19) throw error;
    text = (error as { stdout: string }).stdout;
  }
  const [report] = JSON.parse(text) as [{ not_compliant: { Rule: { name: string } }[] }];
  return report.not_compliant.map(({ Rule }) => Rule.name);
}

const containers = (template: Loose) => template.Resources.Task.Properties.ContainerDefinitions;

/** Faults of a task definition; those of what is around it come from the other tests' documents. */
const TASK_FAULTS: Readonly<Record<string, (app: Loose, sidecar: Loose, template: Loose) => void>> = {
  "CHIO-START-ORDER": (app) => (app.DependsOn[0].Condition = "START"),
  "CHIO-START-DEADLOCK": (_app, sidecar) => sidecar.Command.splice(4, 2),
  "CHIO-EXTRA-PORT": (app) => (app.PortMappings = [{ ContainerPort: 8080 }]),
  "CHIO-SIGNING-KEY-MISSING": (_app, sidecar) => delete sidecar.Secrets,
  "CHIO-SIGNING-KEY-SCOPE": (app) => (app.Secrets = [{ Name: "CHIO_SIGNING_KEY", ValueFrom: KEY_ARN }]),
  "CHIO-SECRET-SCOPE": (app) => app.Environment.push({ Name: "CHIO_SIDECAR_CONTROL_TOKEN", Value: "x" }),
  "CHIO-SHARED-PROCESSES": (_app, _sidecar, template) => (template.Resources.Task.Properties.PidMode = "task"),
  "CHIO-WRITABLE-ROOT": (app) => delete app.ReadonlyRootFilesystem,
  "CHIO-ROOT-USER": (app) => (app.User = "0:0"),
  "CHIO-CAPABILITIES": (app) => (app.LinuxParameters.Capabilities = { Drop: ["NET_RAW"] }),
  "CHIO-PROBE-MISSING": (_app, sidecar) => delete sidecar.HealthCheck,
  "CHIO-HEALTH-COMMAND": (_app, sidecar) => (sidecar.HealthCheck.Command = ["CMD-SHELL", "chio health"]),
  "CHIO-DRAIN": (_app, sidecar) =>
    (sidecar.Environment = sidecar.Environment.filter((one: Loose) => one.Name !== "CHIO_SHUTDOWN_DRAIN_MS")),
  "CHIO-GRACE": (_app, sidecar) => (sidecar.StopTimeout = 5),
  "CHIO-FAIL-OPEN": (_app, sidecar) => (sidecar.Essential = false),
  "CHIO-SIDECAR-COMMAND": (_app, sidecar) => (sidecar.EntryPoint = ["/usr/local/bin/chio"]),
  "CHIO-IMAGE-UNPINNED": (app) => (app.Image = "registry.example.com/app:1"),
  "CHIO-EFS": (_app, _sidecar, template) =>
    (template.Resources.Task.Properties.Volumes[1].EFSVolumeConfiguration.TransitEncryption = "DISABLED"),
  "CHIO-EXEC": (_app, _sidecar, template) => (template.Resources.Service.Properties.EnableExecuteCommand = true),
};

const ruleName = (code: string) => code.toLowerCase().replaceAll("-", "_");

describe("the Guard rules", () => {
  it("pass a template by hand, and what the CDK construct synthesizes", () => {
    expect(failing(goodTemplate(), guardRules({ requireSidecar: true }))).toEqual([]);
    const stack = testStack();
    cdkService(stack);
    expect(failing(templateOf(stack).toJSON(), guardRules({ requireSidecar: true }))).toEqual([]);
  });

  it.each(GUARD_CODES)("%s is refused, and nothing else", (code) => {
    const template = goodTemplate();
    const [app, sidecar] = containers(template);
    const fault = TASK_FAULTS[code];
    if (fault === undefined) throw new Error(`no fault for ${code}`);
    fault(app, sidecar, template);
    expect(failing(template)).toEqual([ruleName(code)]);
  });

  it("refuse the same faults as `verify` does, where they can see them", () => {
    const blind = new Set(["cloudformation: a tag from a parameter", "cloudformation: the app as target"]);
    for (const { code, what, document } of faults("cloudformation")) {
      if (!GUARD_CODES.includes(code) || blind.has(what)) continue;
      expect([what, failing(document)]).toEqual([what, expect.arrayContaining([ruleName(code)])]);
    }
  });

  it("leave other task definitions alone, unless a sidecar is required", () => {
    const template = goodTemplate();
    containers(template).pop();
    expect(failing(template)).toEqual([]);
    expect(failing(template, guardRules({ requireSidecar: true }))).toEqual(["chio_sidecar_count"]);
  });

  it("know another name", () => {
    const template = JSON.parse(JSON.stringify(goodTemplate()).replaceAll("chio-sidecar", "guard"));
    containers(template)[0].User = "0";
    expect(failing(template)).toEqual([]);
    expect(failing(template, guardRules({ sidecar: "guard" }))).toEqual(["chio_root_user"]);
    expect(() => guardRules({ sidecar: "x' or true" })).toThrow("not a container name");
  });

  it("speak of rules that there are, with the topology's words", () => {
    expect(GUARD_CODES.filter((code) => !RULES.some((rule) => rule.code === code))).toEqual([]);
    expect(guardRules()).toContain("CHIO-EXTRA-PORT: A second port is announced. Fix: remove portMappings");
  });
});
