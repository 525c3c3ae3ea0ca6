import { App } from "aws-cdk-lib";
import { AttributeType, type ITable, Table } from "aws-cdk-lib/aws-dynamodb";
import {
  Capability,
  Compatibility,
  ContainerImage,
  Secret as EcsSecret,
  FargateTaskDefinition,
  LinuxParameters,
  NetworkMode,
  TaskDefinition,
} from "aws-cdk-lib/aws-ecs";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { describe, expect, it } from "vitest";
import { apiProtect, ChioImage, ChioSidecar, type ChioSidecarProps } from "../../../infra/aws/index.ts";
import { APP_IMAGE, containerNamed, type Json, only, SIDECAR_IMAGE, templateOf, testStack } from "./support.ts";

interface Options {
  readonly order?: "before" | "after";
  readonly container?: Record<string, unknown>;
  readonly props?: Partial<ChioSidecarProps>;
  readonly cpu?: number;
}

function extended({ order = "after", container = {}, props = {}, cpu = 512 }: Options = {}) {
  const stack = testStack("Test", new App());
  const taskDefinition = new FargateTaskDefinition(stack, "Task", { cpu, memoryLimitMiB: 1024 });
  const signingKey = new Secret(stack, "Key");
  const table = new Table(stack, "Receipts", { partitionKey: { name: "id", type: AttributeType.STRING } }) as ITable;
  const sidecar = new ChioSidecar({
    mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
    signingKey: signingKey as ISecret,
    sidecar: { image: ChioImage.fromRegistry(SIDECAR_IMAGE) },
    receipts: { sink: { table } },
    ...props,
  });
  const linuxParameters = new LinuxParameters(stack, "Linux", { initProcessEnabled: true });
  linuxParameters.dropCapabilities(Capability.ALL);
  const addContainer = () =>
    taskDefinition.addContainer("app", {
      image: ContainerImage.fromRegistry(APP_IMAGE),
      user: "1000:1000",
      readonlyRootFilesystem: true,
      linuxParameters,
      ...(container.signingKey === true ? { secrets: { SEED: EcsSecret.fromSecretsManager(signingKey as ISecret, "seed") } } : container),
    });
  if (order === "before") addContainer();
  taskDefinition.addExtension(sidecar);
  if (order === "after") addContainer();
  return { stack, taskDefinition, sidecar, signingKey };
}

function thrown(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe("an existing task definition", () => {
  it.each(["before", "after"] as const)("gets the sidecar when its app was added %s", (order) => {
    const { stack, sidecar, taskDefinition } = extended({ order });
    const template = templateOf(stack);
    const app = containerNamed(template, "app");
    expect(app.DependsOn).toEqual([{ ContainerName: "chio-sidecar", Condition: "HEALTHY" }]);
    expect(app.Environment).toContainEqual({ Name: "CHIO_SIDECAR_URL", Value: "http://127.0.0.1:9090" });
    const own = containerNamed(template, "chio-sidecar");
    expect(own).toMatchObject({ ReadonlyRootFilesystem: true, User: "65532:65532", Secrets: [{ Name: "CHIO_SIGNING_KEY" }] });
    expect(own.HealthCheck.Command).toEqual(["CMD", "/usr/local/bin/chio", "health", "--exclude", "sinks"]);
    expect(taskDefinition.defaultContainer).toBe(sidecar.container);
    expect(sidecar.posture.entries.find((one) => one.invariant === "INV-1")?.level).toBe("enforced");
    const table = JSON.stringify(template.findResources("AWS::IAM::Policy"));
    expect(table).toContain("dynamodb:PutItem");
  });

  it("is synthesized twice to the same", () => {
    const { stack } = extended();
    const app = stack.node.root as App;
    const text = () => JSON.stringify(app.synth({ force: true }).getStackArtifact(stack.artifactId).template);
    expect(text()).toBe(text());
  });

  it.each<[string, Options]>([
    ["CHIO-IMAGE-UNPINNED", { container: { image: ContainerImage.fromRegistry("nginx:latest") } }],
    ["CHIO-WRITABLE-ROOT", { container: { readonlyRootFilesystem: false } }],
    ["CHIO-ROOT-USER", { container: { user: "0" } }],
    ["CHIO-EXTRA-PORT", { container: { portMappings: [{ containerPort: 8080 }] } }],
    ["CHIO-SIGNING-KEY-SCOPE", { container: { signingKey: true } }],
    ["CHIO-APP-MISSING", { props: { app: { containerName: "web" } } }],
    ["CHIO-RESOURCES", { cpu: 300 }],
  ])("with %s fails synthesis, in either order", (code, options) => {
    for (const order of ["before", "after"] as const) {
      expect(() => templateOf(extended({ ...options, order }).stack)).toThrow(new RegExp(`error ${code} at`));
    }
  });

  it("says all that is wrong at once", () => {
    const { stack } = extended({ container: { readonlyRootFilesystem: false, user: "root", image: ContainerImage.fromRegistry("nginx") } });
    const text = String(thrown(() => templateOf(stack)));
    for (const code of ["CHIO-IMAGE-UNPINNED", "CHIO-WRITABLE-ROOT", "CHIO-ROOT-USER"]) expect(text).toContain(code);
  });

  it("passes with an acceptance, and not with one that matches nothing", () => {
    const accept = [{ code: "CHIO-WRITABLE-ROOT", reason: "writes its cache there, ticket 9" }];
    const { stack, sidecar } = extended({ container: { readonlyRootFilesystem: false }, props: { accept } });
    expect(only(templateOf(stack), "AWS::ECS::TaskDefinition").ContainerDefinitions).toHaveLength(2);
    expect(sidecar.posture.accepted.map((one: Json) => one.code)).toEqual(["CHIO-WRITABLE-ROOT"]);
    expect(() => templateOf(extended({ props: { accept } }).stack)).toThrow(/CHIO-ACCEPTANCE-UNMATCHED/);
  });

  it("whose task role reads the key fails synthesis", () => {
    const { stack, taskDefinition, signingKey } = extended();
    signingKey.grantRead(taskDefinition.taskRole);
    expect(() => templateOf(stack)).toThrow(/CHIO-TASK-ROLE/);
  });

  it("is refused when it is not for Fargate, and an object is used once", () => {
    const { stack, sidecar } = extended();
    expect(() => new FargateTaskDefinition(stack, "Second").addExtension(sidecar)).toThrow(/one object extends one task definition/);
    const fresh = new ChioSidecar({ mode: apiProtect({ spec: "/s" }), signingKey: new Secret(stack, "K2") as ISecret });
    const onHosts = new TaskDefinition(stack, "Hosts", { compatibility: Compatibility.EC2, networkMode: NetworkMode.BRIDGE });
    expect(() => onHosts.addExtension(fresh)).toThrow(/needs a Fargate task definition/);
    expect(() => fresh.container).toThrow(/call taskDefinition.addExtension/);
  });
});
