import type { Stack } from "aws-cdk-lib";
import { type IVpc, Peer, Port, Vpc } from "aws-cdk-lib/aws-ec2";
import { Cluster, type ICluster } from "aws-cdk-lib/aws-ecs";
import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { describe, expect, it } from "vitest";
import { ChioFargateService } from "../../../infra/aws/index.ts";
import { TopologyError } from "../../../infra/topology/index.ts";
import { APP_IMAGE, goodProps, goodService, templateOf, testStack } from "./support.ts";

function caught(run: () => unknown): TopologyError {
  try {
    run();
  } catch (error) {
    if (error instanceof TopologyError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("what is refused", () => {
  it("comes as one error with every finding, before anything is made", () => {
    const stack = testStack();
    const error = caught(() =>
      goodService(stack, {
        exposure: "external",
        enableExecuteCommand: true,
        app: { image: "registry.example.com/team/app:latest", user: "0:0", bind: "0.0.0.0" },
      }),
    );
    expect(error.findings.map((one) => one.code)).toEqual(
      expect.arrayContaining(["CHIO-PLAIN-HTTP", "CHIO-EXEC", "CHIO-IMAGE-UNPINNED", "CHIO-ROOT-USER", "CHIO-APP-BIND"]),
    );
    expect(stack.node.tryFindChild("Tools")?.node.children).toEqual([]);
  });

  it("is taken on by code, with a reason, and then lowers the posture", () => {
    const service = goodService(testStack(), {
      app: { image: "registry.example.com/team/app:latest" },
      accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "mirror without digests, ticket 17" }],
    });
    const entry = service.posture.entries.find((one) => one.invariant === "INV-10");
    expect(entry).toMatchObject({ level: "unenforceable", brokenBy: ["CHIO-IMAGE-UNPINNED"] });
    expect(service.posture.accepted.map((one) => one.reason)).toEqual(["mirror without digests, ticket 17"]);
  });

  it("is not taken on without a reason", () => {
    const error = caught(() =>
      goodService(testStack(), {
        app: { image: "registry.example.com/team/app:latest" },
        accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: " " }],
      }),
    );
    expect(error.findings.map((one) => one.code)).toContain("CHIO-ACCEPTANCE-REASON");
  });

  it("is the signing key as a secret of the app", () => {
    const stack = testStack();
    const props = goodProps(stack);
    const error = caught(
      () => new ChioFargateService(stack, "Tools", { ...props, app: { image: APP_IMAGE, secrets: { SEED: props.signingKey } } }),
    );
    expect(error.findings.map((one) => one.code)).toContain("CHIO-SIGNING-KEY-SCOPE");
  });

  it("is a cluster with another VPC", () => {
    const stack = testStack();
    const cluster = new Cluster(stack, "Other", { vpc: new Vpc(stack, "OtherVpc") as IVpc }) as ICluster;
    expect(() => goodService(stack, { cluster })).toThrow(/the cluster is in another VPC; leave vpc out/);
  });
});

describe("what synthesis refuses", () => {
  const synth = (change: (service: ChioFargateService, stack: Stack) => void, accept: { code: string; reason: string }[] = []) => {
    const stack = testStack();
    const service = goodService(stack, { accept });
    change(service, stack);
    return () => templateOf(stack);
  };
  const key = (stack: Stack) => stack.node.findChild("SigningKey") as Secret;

  it.each<[string, (service: ChioFargateService, stack: Stack) => void]>([
    ["a grant", (service, stack) => key(stack).grantRead(service.taskDefinition.taskRole)],
    [
      "a wildcard over the account's secrets",
      ({ taskDefinition }) =>
        taskDefinition.addToTaskRolePolicy(
          new PolicyStatement({
            actions: ["secretsmanager:Get*"],
            resources: ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:*"],
          }),
        ),
    ],
    [
      "everything but one action",
      ({ taskDefinition }) => taskDefinition.addToTaskRolePolicy(new PolicyStatement({ notActions: ["iam:*"], resources: ["*"] })),
    ],
    [
      "a managed policy of AWS",
      ({ taskDefinition }) => taskDefinition.taskRole.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName("SecretsManagerReadWrite")),
    ],
    [
      "a managed policy of the app",
      ({ taskDefinition }, stack) => {
        const statements = [new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [key(stack).secretArn] })];
        taskDefinition.taskRole.addManagedPolicy(new ManagedPolicy(stack, "Managed", { statements }));
      },
    ],
    [
      "the secret's own policy",
      ({ taskDefinition }, stack) =>
        key(stack).addToResourcePolicy(
          new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: ["*"], principals: [taskDefinition.taskRole] }),
        ),
    ],
  ])("%s through which the task role reads the signing key", (_name, change) => {
    expect(synth(change)).toThrow(/CHIO-TASK-ROLE/);
  });

  it.each<[string, (service: ChioFargateService, stack: Stack) => void]>([
    ["another secret of the app", (service, stack) => new Secret(stack, "Other").grantRead(service.taskDefinition.taskRole)],
    [
      "a named secret",
      ({ taskDefinition }) =>
        taskDefinition.addToTaskRolePolicy(
          new PolicyStatement({
            actions: ["secretsmanager:GetSecretValue"],
            resources: ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:team/app-*"],
          }),
        ),
    ],
    ["another bucket", (service, stack) => new Bucket(stack, "Data").grantRead(service.taskDefinition.taskRole)],
  ])("not %s", (_name, change) => {
    expect(synth(change)).not.toThrow();
  });

  it.each<[string, (service: ChioFargateService) => void]>([
    ["a second port for the load balancer", ({ service, loadBalancer }) => service.connections.allowFrom(loadBalancer, Port.tcp(8080))],
    ["the sidecar's port for addresses", ({ service }) => service.connections.allowFrom(Peer.ipv4("10.0.0.0/8"), Port.tcp(9090))],
    ["all ports", ({ service }) => service.connections.allowFrom(Peer.ipv4("10.0.0.0/8"), Port.allTraffic())],
    ["a rule on the group itself", ({ securityGroup }) => securityGroup.addIngressRule(Peer.anyIpv4(), Port.tcp(8080))],
  ])("%s", (_name, change) => {
    expect(synth(change)).toThrow(/CHIO-INGRESS-SOURCE/);
  });

  it("takes an acceptance of what it finds, and refuses one that matches nothing", () => {
    const accept = [{ code: "CHIO-TASK-ROLE", reason: "until the vault is split, ticket 4" }];
    expect(synth((service, stack) => key(stack).grantRead(service.taskDefinition.taskRole), accept)).not.toThrow();
    expect(synth(() => {}, accept)).toThrow(/CHIO-ACCEPTANCE-UNMATCHED/);
  });
});
