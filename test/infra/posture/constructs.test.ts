import { describe, expect, it } from "vitest";
import { ChioCloudRunService } from "../../../infra/gcp/index.ts";
import { verifyDocument } from "../../../infra/posture/index.ts";
import { validate } from "../../../infra/topology/index.ts";
import { goodService, templateOf, testStack } from "../aws/support.ts";
import { TYPES as AZURE } from "../azure/cloud.ts";
import { deploy as deployApp } from "../azure/deploy.ts";
import { TYPES as GOOGLE, settled, standIn } from "../gcp/cloud.ts";
import { ARGS } from "../gcp/fixtures.ts";
import { changed, codes, FAULTLESS, type Loose, only, unknownCodes } from "./documents.ts";

/** A stack's export with one resource, as `pulumi stack export` writes it. */
function stackExport(type: string, inputs: Loose, more: readonly Loose[] = []): string {
  const resource = { urn: `urn:pulumi:prod::project::${type}::tools`, custom: true, id: "id", type, inputs, outputs: {} };
  return JSON.stringify(
    { version: 3, deployment: { manifest: { time: "2026-01-01T00:00:00Z" }, resources: [resource, ...more] } },
    null,
    2,
  );
}

async function cloudRunInputs(): Promise<Loose> {
  const cloud = await standIn();
  new ChioCloudRunService("agent-tool-server", ARGS);
  await settled();
  return cloud.one(GOOGLE.service).inputs;
}

describe("what the constructs deploy", () => {
  it("has no finding: the CDK's template", () => {
    const stack = testStack();
    const { posture } = goodService(stack);
    const report = only(JSON.stringify(templateOf(stack).toJSON()));
    expect(report.findings).toEqual([]);
    expect(report.unknown.flatMap((one) => one.codes)).toEqual(["CHIO-APP-BIND", "CHIO-PORT-CLASH", "CHIO-CONFIG-DELIVERY"]);
    expect(report.posture.entries.map(({ invariant, level }) => [invariant, level])).toEqual(
      posture.entries.map(({ invariant, level }) => [invariant, level]),
    );
  });

  it("has no finding: Pulumi's Cloud Run service", async () => {
    const report = only(stackExport(GOOGLE.service, await cloudRunInputs()));
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({
      name: "agent-tool-server",
      platform: "cloud-run",
      sidecar: "chio-sidecar",
      path: "deployment.resources[0].inputs",
    });
  });

  it("has no finding: Pulumi's container app, of any API version", async () => {
    const { app } = await deployApp();
    for (const type of [AZURE.app, "azure-native:app/v20250701:ContainerApp"]) {
      const report = only(stackExport(type, app));
      expect(report.findings).toEqual([]);
      expect(report.graph.startGate).toMatchObject({ kind: "wrapper", container: "chio-gate" });
    }
  });

  it("has the two CPU settings of trap 12 told apart", async () => {
    const inputs = await cloudRunInputs();
    inputs.template.containers[0].resources.cpuIdle = true;
    const report = only(stackExport(GOOGLE.service, inputs));
    expect(codes(report)).toEqual(["CHIO-CPU-IDLE-MIXED"]);
  });
});

describe("a stack's export", () => {
  it("is read with its ECS task definition as text, and the one service around it", () => {
    const task = JSON.parse(FAULTLESS.ecs);
    const inputs = { ...task, containerDefinitions: JSON.stringify(task.containerDefinitions) };
    const service = {
      urn: "urn:pulumi:prod::project::aws:ecs/service:Service::tools",
      type: "aws:ecs/service:Service",
      inputs: {
        enableExecuteCommand: true,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        healthCheckGracePeriodSeconds: 90,
        loadBalancers: [{ containerName: "chio-sidecar", containerPort: 9090 }],
      },
    };
    const report = only(stackExport("aws:ecs/taskDefinition:TaskDefinition", inputs, [service]));
    expect(codes(report)).toEqual(["CHIO-EXEC"]);
    expect(report.findings[0]?.path).toBe("deployment.resources[1].inputs.enableExecuteCommand");
    expect(unknownCodes(report)).not.toContain("CHIO-FAIL-OPEN");
    expect(unknownCodes(report)).toContain("CHIO-INGRESS-SOURCE");
  });

  const task = () => {
    const { containerDefinitions, ...rest } = JSON.parse(FAULTLESS.ecs);
    return { ...rest, containerDefinitions: JSON.stringify(containerDefinitions) };
  };
  const service = (name: string, inputs: object) => ({
    urn: `urn:pulumi:prod::project::aws:ecs/service:Service::${name}`,
    type: "aws:ecs/service:Service",
    inputs: {
      name,
      taskDefinition: "arn:task",
      deploymentCircuitBreaker: { enable: true, rollback: true },
      healthCheckGracePeriodSeconds: 90,
      ...inputs,
    },
  });

  it("is read once for each ECS service that runs the task", () => {
    const target = (containerName: string) => ({ loadBalancers: [{ containerName, containerPort: 9090 }] });
    const text = changed(
      stackExport("aws:ecs/taskDefinition:TaskDefinition", task(), [
        service("front", target("chio-sidecar")),
        service("back", target("app")),
      ]),
      (state) => (state.deployment.resources[0].outputs = { arn: "arn:task" }),
    );
    const { services } = verifyDocument(text, "stack.json");
    expect(services.map((one) => [one.name, codes(one)])).toEqual([
      ["front", []],
      ["back", ["CHIO-INGRESS-TARGET"]],
    ]);
  });

  it("does not know what a service gets at its deployment", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const inputs = { enableExecuteCommand: unknown, deploymentCircuitBreaker: { enable: unknown }, healthCheckGracePeriodSeconds: unknown };
    const report = only(stackExport("aws:ecs/taskDefinition:TaskDefinition", task(), [service("front", inputs)]));
    expect(report.findings).toEqual([]);
    expect([...unknownCodes(report)]).toEqual(expect.arrayContaining(["CHIO-EXEC", "CHIO-FAIL-OPEN", "CHIO-HEALTH-GRACE"]));
  });

  it("names a task whose containers cannot be read", () => {
    const broken = {
      urn: "urn:pulumi:prod::project::aws:ecs/taskDefinition:TaskDefinition::broken",
      type: "aws:ecs/taskDefinition:TaskDefinition",
      inputs: { family: "broken", containerDefinitions: "[{" },
    };
    const { unguarded } = verifyDocument(stackExport("aws:ecs/taskDefinition:TaskDefinition", task(), [broken]), "stack.json");
    expect(unguarded.map(({ name }) => name)).toEqual(["broken"]);
  });

  it("does not know what is encrypted, and reads what is in clear", async () => {
    const inputs = await cloudRunInputs();
    const secret = (content: object) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ...content });
    inputs.template.containers[0].image = secret({ ciphertext: "AAABAK" });
    inputs.template.containers[1].image = secret({ plaintext: '"registry.example.com/app:latest"' });
    const report = only(stackExport(GOOGLE.service, inputs));
    expect(codes(report)).toEqual(["CHIO-IMAGE-UNPINNED"]);
    expect(report.findings[0]?.message).toContain("registry.example.com/app:latest");
    expect(unknownCodes(report)).toContain("CHIO-IMAGE-UNPINNED");
  });

  it("leaves out what waits for its deletion", async () => {
    const text = changed(stackExport(GOOGLE.service, await cloudRunInputs()), (state) => (state.deployment.resources[0].delete = true));
    expect(() => only(text)).toThrow("no service with containers");
  });
});

describe("a Cloud Run service of the second version", () => {
  it("is read as the Admin API gives it", async () => {
    const { template, ...service } = await cloudRunInputs();
    const rest = {
      ...service,
      name: "projects/team/locations/us-central1/services/agent-tool-server",
      template: {
        ...template,
        containers: template.containers.map(({ envs, dependsOns, ports, ...one }: Loose) => ({
          ...one,
          env: envs,
          dependsOn: dependsOns,
          ports: ports === undefined ? undefined : [ports],
        })),
      },
    };
    const report = only(JSON.stringify(rest));
    expect(report.name).toBe("agent-tool-server");
    expect(report.findings).toEqual([]);
    expect(validate(report.graph, "cloud-run")).toEqual([]);
    rest.template.containers[1].dependsOn = [];
    expect(codes(only(JSON.stringify(rest)))).toEqual(["CHIO-START-ORDER"]);
  });
});
