import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../../infra/cli/commands.ts";
import { INIT_PLATFORMS, type InitPlatform, TEMPLATES } from "../../../infra/cli/init/templates.ts";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { Workbench } from "../../unit/cli/sidecar-process.ts";
import { Consumer } from "../package/consumer.ts";
import { NAME, NewProject } from "./new-project.ts";

interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const consumer = new Consumer();
const projects = new Map<InitPlatform, NewProject>();
const of = (platform: InitPlatform) => projects.get(platform)!;

beforeAll(async () => {
  await consumer.install();
  // The package's own imports of what the programs import are looked for where the package stands.
  consumer.link(...new Set(INIT_PLATFORMS.flatMap((platform) => TEMPLATES[platform].dependencies)));
  for (const platform of INIT_PLATFORMS) projects.set(platform, await NewProject.make(consumer, platform));
}, 300_000);
afterAll(() => consumer.remove());

describe.each(INIT_PLATFORMS)("a new project for %s", (platform) => {
  it("type-checks, as its package.json says", async () => {
    const { code, output } = await of(platform).shell("npm run check");
    expect({ code, output }).toEqual({ code: 0, output: expect.not.stringContaining("error TS") });
  });

  it("is checked in earnest: a wrong prop is an error", async () => {
    const program = platform === "aws" ? "stack.ts" : "index.ts";
    const wrong = `sed 's/mode: apiProtect(/mode: (/' ${program} > wrong.ts; trap 'rm wrong.ts' EXIT; ! npm run check`;
    const { code, output } = await of(platform).shell(wrong);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^wrong\.ts\(\d+,\d+\): error TS/m) });
  });

  it("keeps nothing of the example's name", () => {
    for (const path of ["package.json", "README.md", "config/policy.yaml", ".github/workflows/deploy.yml"]) {
      expect(of(platform).read(path), path).not.toMatch(/agent-tool-server|chio-signing-key|Tickets|# tickets|tickets\/|"tickets"/);
    }
    expect(of(platform).manifest.name).toBe(NAME);
    expect(of(platform).read("config/policy.yaml")).toContain(`name: ${NAME}`);
  });

  it("asks for the versions that the kit is tested with", () => {
    const { dependencies, devDependencies } = of(platform).manifest;
    const kit = JSON.parse(readFileSync("package.json", "utf8"));
    expect(dependencies["chio-kit"]).toBe(`^${kit.version}`);
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      if (name !== "chio-kit") expect(range, name).toBe(kit.peerDependencies[name] ?? kit.devDependencies[name]);
    }
  });

  it("has a workflow whose commands exist and whose actions are pinned", () => {
    const { scripts, dependencies, devDependencies } = of(platform).manifest;
    const bins = Object.keys({ ...dependencies, ...devDependencies }).flatMap((name) => {
      const path = name === "chio-kit" ? "package.json" : `node_modules/${name}/package.json`;
      return Object.keys(JSON.parse(readFileSync(path, "utf8")).bin ?? {});
    });
    const commands = of(platform).commands();
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) {
      const [program, first, second] = command.split(/\s+/);
      if (program === "npm" && first === "run") expect(Object.keys(scripts), command).toContain(second);
      else if (program === "npm") expect(["ci"], command).toContain(first);
      else if (program === "npx") {
        expect(bins, command).toContain(second === undefined ? "" : first);
        expect(
          COMMANDS.map(({ name }) => name),
          command,
        ).toContain(second);
      } else expect(["pulumi"], command).toContain(program);
    }
    const uses = Object.values(of(platform).workflow.jobs).flatMap(({ steps }) => steps.flatMap((step) => step.uses ?? []));
    for (const action of uses) expect(action).toMatch(/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/);
    expect(Object.values(scripts).map((script) => script.split(" ")[0])).toEqual(expect.arrayContaining(["tsc"]));
  });

  it("has a policy, a spec and a kernel.yaml that the sidecar starts with", async () => {
    using bench = new Workbench();
    const flags = bench.flags({ "--spec": of(platform).path("config/openapi.yaml"), "--policy": of(platform).path("config/policy.yaml") });
    const sidecar = bench.start(flags, { CHIO_KERNEL_CONFIG_PATH: of(platform).path("config/kernel.yaml") });
    const url = await sidecar.listening();
    const health = await fetch(`${url}/chio/health`);
    expect(health.status).toBe(200);
    const refused = await fetch(`${url}/anything`);
    expect(refused.status).toBe(403);
    expect(sidecar.log().filter(({ severity }) => severity === "WARNING")).toEqual([]);
  });
});

describe("the project for aws", () => {
  const env = { APP_IMAGE: `registry.example.com/app@${DIGEST}`, SIGNING_KEY_NAME: "order-desk/signing-key", AWS_REGION: "eu-central-1" };

  it("passes its workflow's checks, command for command", async () => {
    const [install, ...checks] = of("aws").commands("check");
    expect(install).toBe("npm ci --ignore-scripts");
    expect(checks).toHaveLength(3);
    for (const command of checks) {
      const { code, output } = await of("aws").shell(command, { ...env, CDK_DEFAULT_REGION: env.AWS_REGION, CI: "true" });
      expect({ command, code, output }).toEqual({ command, code: 0, output: expect.any(String) });
    }
    const template = JSON.parse(of("aws").read("cdk.out/OrderDesk.template.json"));
    const types = Object.values(template.Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
    expect(types).toEqual(expect.arrayContaining(["AWS::ECS::TaskDefinition", "AWS::ECS::Service"]));
  }, 180_000);
});

/** Runs a project's program as Pulumi would, with a stand-in for the cloud behind the real SDK. Settings: those that its README sets. */
async function runPulumi(
  platform: InitPlatform,
  settings: Readonly<Record<string, string>>,
): Promise<{ outputs: string[]; declared: Declared[] }> {
  const readme = of(platform).read("README.md");
  const set = [...readme.matchAll(/pulumi config set (?:--path )?'?([\w-]+:)?(\w+)/g)].map(([, of = "project:", key]) => of + key);
  expect(set.length).toBeGreaterThan(3);
  for (const key of set) expect(Object.keys(settings)).toContain(key);
  const program = `
    import * as pulumi from "@pulumi/pulumi";
    import { settled, standIn } from ${JSON.stringify(inRoot("test/infra", platform, "cloud.ts"))};
    const cloud = await standIn();
    pulumi.runtime.setAllConfig(JSON.parse(process.env.SETTINGS));
    const outputs = Object.keys(await import("./index.ts"));
    await settled();
    console.log(JSON.stringify({ outputs, declared: cloud.declared.map(({ type, name, shown }) => ({ type, name, inputs: shown })) }));`;
  const run = of(platform).shell(`node --input-type=module --eval "$PROGRAM"`, { PROGRAM: program, SETTINGS: JSON.stringify(settings) });
  const { code, output } = await run;
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('{"outputs"') });
  expect(output).not.toContain("agent-tool-server");
  const result = JSON.parse(output.split("\n").findLast((line) => line.startsWith('{"outputs"'))!);
  for (const [, name] of readme.matchAll(/pulumi stack output (\w+)/g)) expect(result.outputs).toContain(name);
  return result;
}

describe("the project for gcp", () => {
  it("runs under Pulumi, with the settings that its README sets", async () => {
    const image = (name: string) => `us-central1-docker.pkg.dev/team/apps/${name}@${DIGEST}`;
    const { declared } = await runPulumi("gcp", {
      "gcp:project": "team",
      "gcp:region": "us-central1",
      "project:appImage": image("app"),
      "project:sidecarImage": image("chio-sidecar"),
      "project:signingKeyVersion": "1",
      "project:callers": '["user:somebody@example.com"]',
    });
    const service = declared.find(({ type }) => type === "gcp:cloudrunv2/service:Service");
    expect(service).toMatchObject({ name: NAME, inputs: { name: NAME, location: "us-central1" } });
    const secrets = declared.filter(({ type }) => type === "gcp:secretmanager/secret:Secret").map(({ name }) => name);
    expect(secrets.sort()).toEqual([`${NAME}-kernel-config`, `${NAME}-openapi-spec`, `${NAME}-policy`]);
    expect(JSON.stringify(service)).toContain(`${NAME}-signing-key`);
  });
});

describe("the project for azure", () => {
  it("runs under Pulumi, with the settings that its README sets", async () => {
    const { declared } = await runPulumi("azure", {
      "azure-native:location": "eastus",
      "project:resourceGroup": NAME,
      "project:vault": "team",
      "project:registry": "team",
      "project:appImage": `team.azurecr.io/app@${DIGEST}`,
      "project:appCommand": '["node","server.js"]',
      "project:sidecarImage": `team.azurecr.io/chio-sidecar@${DIGEST}`,
      "project:signingKey": `https://team.vault.azure.net/secrets/${NAME}-signing-key/0123456789abcdef0123456789abcdef`,
      "project:callers": '["203.0.113.7/32"]',
    });
    const app = declared.find(({ type }) => type === "azure-native:app:ContainerApp");
    expect(app).toMatchObject({ inputs: { containerAppName: NAME, resourceGroupName: NAME } });
    const secrets = declared.filter(({ type }) => type === "azure-native:keyvault:Secret").map(({ name }) => name);
    expect(secrets.sort()).toEqual([`${NAME}-kernel-config`, `${NAME}-openapi-spec`, `${NAME}-policy`]);
    expect(JSON.stringify(app)).toContain(`${NAME}-signing-key`);
  });
});
