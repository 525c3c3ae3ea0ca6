import { Match, type Template } from "aws-cdk-lib/assertions";
import { Bucket, type IBucket } from "aws-cdk-lib/aws-s3";
import { describe, expect, it } from "vitest";
import { ChioFargateService, type ChioFargateServiceProps, ChioImage, mcpServeHttp } from "../../../infra/aws/index.ts";
import { APP_IMAGE, containerNamed, goodProps, type Json, only, templateOf, testStack } from "./support.ts";

function made(changes: (props: ChioFargateServiceProps) => Partial<ChioFargateServiceProps>) {
  const stack = testStack();
  const props = goodProps(stack);
  const service = new ChioFargateService(stack, "Tools", { ...props, ...changes(props) });
  return { service, template: templateOf(stack) };
}

const dependsOn = (template: Template, name: string) =>
  containerNamed(template, name).DependsOn?.map((one: Json) => `${one.ContainerName} ${one.Condition}`);

describe("exec", () => {
  it("is on when the user takes it on by code, and the posture says so", () => {
    const reason = "incident response of team tools, ticket 12";
    const codes = ["CHIO-EXEC"];
    const { service, template } = made(() => ({ enableExecuteCommand: true, accept: codes.map((code) => ({ code, reason })) }));
    expect(only(template, "AWS::ECS::Service").EnableExecuteCommand).toBe(true);
    expect(service.posture.accepted.map((one) => one.code)).toEqual(codes);
    expect(service.posture.entries.filter((one) => one.brokenBy.includes("CHIO-EXEC")).map((one) => one.level)).not.toContain("enforced");
    const [output] = Object.values(template.findOutputs("*")) as Json[];
    expect(output.Value).toMatch(/accepted=CHIO-EXEC$/);
  });
});

describe("writable places", () => {
  it("of the app are memory, as many as it asks for", () => {
    const writable = [
      { path: "/tmp", sizeMiB: 16 },
      { path: "/var/cache/app", sizeMiB: 32 },
    ];
    const { template } = made(() => ({ app: { image: APP_IMAGE, writable } }));
    const { LinuxParameters, MountPoints, ReadonlyRootFilesystem } = containerNamed(template, "app");
    expect(ReadonlyRootFilesystem).toBe(true);
    expect(LinuxParameters.Tmpfs).toEqual(writable.map(({ path, sizeMiB }) => ({ ContainerPath: path, Size: sizeMiB })));
    expect(MountPoints).toBeUndefined();
  });

  it("of the sidecar are a volume of the task, for its receipts, and nothing else", () => {
    const { template } = made(() => ({}));
    const sidecar = containerNamed(template, "chio-sidecar");
    const writable = sidecar.MountPoints.filter((one: Json) => !one.ReadOnly);
    expect(writable.map((one: Json) => one.ContainerPath)).toEqual(["/var/lib/chio"]);
    expect(containerNamed(template, "app").MountPoints).toBeUndefined();
    const names = only(template, "AWS::ECS::TaskDefinition").Volumes.map((one: Json) => one.Name);
    expect(names).toEqual(writable.map((one: Json) => one.SourceVolume));
  });
});

describe("start order", () => {
  const image = APP_IMAGE;

  it("is: what runs to its end, the sidecar, everything else", () => {
    const { template } = made(() => ({
      init: [{ containerName: "migrate", image }],
      auxiliary: [{ containerName: "cache", image, listens: [6379] }],
    }));
    expect(containerNamed(template, "migrate").Essential).toBe(false);
    expect(dependsOn(template, "migrate")).toBeUndefined();
    expect(dependsOn(template, "chio-sidecar")).toEqual(["migrate SUCCESS"]);
    expect(dependsOn(template, "cache")).toEqual(["chio-sidecar HEALTHY"]);
    expect(dependsOn(template, "app")).toContain("chio-sidecar HEALTHY");
    for (const name of ["migrate", "cache"]) {
      expect(containerNamed(template, name)).toMatchObject({
        ReadonlyRootFilesystem: true,
        User: "1000:1000",
        LinuxParameters: { Capabilities: { Drop: ["ALL"] }, InitProcessEnabled: true },
      });
      expect(containerNamed(template, name).PortMappings).toBeUndefined();
    }
  });
});

describe("rollout", () => {
  it("without the circuit breaker is a finding, and off when it is taken on", () => {
    expect(() => made(() => ({ circuitBreaker: { rollback: false } }))).toThrow(/CHIO-FAIL-OPEN/);
    const accept = [{ code: "CHIO-FAIL-OPEN", reason: "rolled back by the pipeline, ticket 3" }];
    const { template } = made(() => ({ circuitBreaker: { enable: false }, accept }));
    expect(only(template, "AWS::ECS::Service").DeploymentConfiguration.DeploymentCircuitBreaker).toBeUndefined();
  });

  it("gives requests their time: idle timeout, deregistration, both stops", () => {
    const { template } = made(() => ({ graceSeconds: 90 }));
    for (const name of ["app", "chio-sidecar"]) expect(containerNamed(template, name).StopTimeout).toBe(90);
    expect(containerNamed(template, "chio-sidecar").Environment).toContainEqual({ Name: "CHIO_SHUTDOWN_DRAIN_MS", Value: "88000" });
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::LoadBalancer", {
      LoadBalancerAttributes: Match.arrayWith([{ Key: "idle_timeout.timeout_seconds", Value: "60" }]),
    });
  });
});

describe("the configuration's place", () => {
  const left = (service: ChioFargateService) => service.posture.entries.find((one) => one.invariant === "INV-8")?.residualRisk;

  it("is in the posture, with who decides the policy by it", () => {
    expect(left(made(() => ({ config: { kind: "image" } })).service)).toContain("whoever may deploy another image decides the policy");
    const stack = testStack();
    const bucket = new Bucket(stack, "Files") as IBucket;
    const fetched = new ChioFargateService(stack, "Tools", { ...goodProps(stack), config: { kind: "fetched", bucket } });
    expect(left(fetched)).toMatch(/whoever may write the objects decides .* while they cannot be read none starts/);
  });
});

describe("other shapes", () => {
  it("run on arm64", () => {
    const { template } = made(() => ({ architecture: "arm64" }));
    expect(only(template, "AWS::ECS::TaskDefinition").RuntimePlatform).toEqual({
      CpuArchitecture: "ARM64",
      OperatingSystemFamily: "LINUX",
    });
  });

  it("take the smallest sum that Fargate has", () => {
    const { template } = made(() => ({ app: { image: APP_IMAGE, resources: { cpu: 1, memory: "3Gi" } } }));
    expect(only(template, "AWS::ECS::TaskDefinition")).toMatchObject({ Cpu: "2048", Memory: "4096" });
  });

  it("refuse an MCP server that the bundled image does not have", () => {
    const run = () =>
      made(() => ({
        sidecar: { image: ChioImage.bundled() },
        mode: mcpServeHttp({ serverId: "tools", policy: "/etc/chio/policy.yaml", command: ["/srv/server"] }),
      }));
    expect(run).toThrow(/CHIO-MCP-COMMAND at mode\.command\[0\][\s\S]*build an image FROM the sidecar's/);
  });
});
