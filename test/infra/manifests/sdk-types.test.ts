import { describe, expect, it } from "vitest";
import { cloudRunService, containerAppTemplate, type DataObject, ecsTaskDefinition } from "../../../infra/manifests/index.ts";
import { apiProtect, defineTopology } from "../../../infra/topology/index.ts";
import { PROPS } from "../../unit/topology/fixtures.ts";
import { complaints } from "./complaints.ts";

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
