import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { cloudRunService, containerAppTemplate, type DataObject, ecsTaskDefinition } from "../../../infra/manifests/index.ts";
import { apiProtect, defineTopology } from "../../../infra/topology/index.ts";
import { PROPS } from "../../unit/topology/fixtures.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** With every optional part that a manifest can have. */
const topology = defineTopology({
  ...PROPS,
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml", extraArgs: ["--safe-methods", "session_allow"] }),
  app: { ...PROPS.app, command: ["node", "server.js"], args: ["--port", "8080"], workingDirectory: "/srv", env: { A: "b" } },
  auxiliary: [{ name: "collector", image: PROPS.app.image, listens: [4317] }],
  cloudRun: {
    serviceAccount: "chio@team.iam.gserviceaccount.com",
    readinessProbe: true,
    binaryAuthorization: "default",
    vpc: { kind: "direct", network: "n", subnetwork: "s", tags: ["t"], egress: "all-traffic" },
  },
  ecs: {
    executionRoleArn: "arn:aws:iam::123456789012:role/execution",
    taskRoleArn: "arn:aws:iam::123456789012:role/task",
    region: "us-east-1",
  },
  aca: { environmentId: "/subscriptions/x", registries: ["team.azurecr.io"], revisionsMode: "Multiple", workloadProfile: "Consumption" },
});

/** What the clouds' own clients say of `document satisfies Type`: the compiler's complaints, none when the document is one. */
async function complaints(name: string, type: string, from: string, document: unknown): Promise<string[]> {
  const directory = `${root}/.cache/sdk-types`;
  mkdirSync(directory, { recursive: true });
  const file = `${directory}/${name}.ts`;
  writeFileSync(
    file,
    `import type { ${type.split(".")[0]} } from ${JSON.stringify(from)};\nexport const document = ${JSON.stringify(document, null, 1)} satisfies ${type};\n`,
  );
  try {
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--moduleResolution",
      "nodenext",
      "--target",
      "es2024",
      "--types",
      "node",
    ];
    await promisify(execFile)(`${root}/node_modules/.bin/tsc`, [...options, file], { cwd: root });
    return [];
  } catch (error) {
    return String((error as { stdout?: string }).stdout)
      .trim()
      .split("\n");
  } finally {
    rmSync(file);
  }
}

describe("rendered documents have the types of the clouds' own clients", () => {
  const service = cloudRunService(topology);
  const definition = ecsTaskDefinition(topology);
  const [resource] = containerAppTemplate(topology).resources as DataObject[];
  const { type: _type, apiVersion: _version, name: _name, properties, ...rest } = resource ?? {};
  const app = { ...rest, ...(properties as DataObject) };

  it.each([
    ["cloud-run", "run_v1.Schema$Service", "@googleapis/run", service],
    ["ecs", "RegisterTaskDefinitionCommandInput", "@aws-sdk/client-ecs", definition],
    ["aca", "ContainerApp", "@azure/arm-appcontainers", app],
  ] as const)("%s", async (name, type, from, document) => {
    expect(await complaints(name, type, from, document)).toEqual([]);
    expect((await complaints(`${name}-unknown`, type, from, { ...document, noSuchField: 1 })).join("\n")).toContain("noSuchField");
  });
});
