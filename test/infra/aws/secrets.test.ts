import type { Stack } from "aws-cdk-lib";
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type IKey, Key } from "aws-cdk-lib/aws-kms";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { type IParameter, StringParameter } from "aws-cdk-lib/aws-ssm";
import { describe, expect, it } from "vitest";
import { ChioFargateService, type ChioSecret } from "../../../infra/aws/index.ts";
import { containerNamed, goodProps, goodService, type Json, templateOf, testStack } from "./support.ts";

const KEY_NAME = "/tools/chio/signing-key";

function parameter(stack: Stack, encryptionKey?: IKey): IParameter {
  const attributes = { parameterName: KEY_NAME, version: 3 };
  return StringParameter.fromSecureStringParameterAttributes(stack, "KeyParameter", {
    ...attributes,
    ...(encryptionKey === undefined ? {} : { encryptionKey }),
  });
}

function withParameter(change: (service: ChioFargateService, stack: Stack) => void = () => {}) {
  const stack = testStack();
  const service = goodService(stack, { signingKey: parameter(stack) });
  change(service, stack);
  return stack;
}

/** Statements of a role's policies, by what the role is for. */
function statements(stack: Stack, role: RegExp): Json[] {
  const policies = Object.values(templateOf(stack).findResources("AWS::IAM::Policy")) as Json[];
  return policies
    .filter((one) => role.test(JSON.stringify(one.Properties.Roles)))
    .flatMap((one) => one.Properties.PolicyDocument.Statement);
}

describe("a signing key in Systems Manager", () => {
  it("is resolved into the sidecar by the execution role, which may read that one parameter", () => {
    const stack = withParameter();
    const sidecar = containerNamed(templateOf(stack), "chio-sidecar");
    expect(sidecar.Secrets).toEqual([{ Name: "CHIO_SIGNING_KEY", ValueFrom: expect.anything() }]);
    expect(JSON.stringify(sidecar.Secrets)).toContain(`:parameter${KEY_NAME}`);
    const reads = statements(stack, /ExecutionRole/).filter((one) => JSON.stringify(one.Action).includes("ssm:"));
    expect(reads).toHaveLength(1);
    expect(JSON.stringify(reads[0].Resource)).toMatch(new RegExp(`:parameter${KEY_NAME}"`));
    expect(JSON.stringify(statements(stack, /TaskRole/))).not.toContain("ssm:");
  });

  it("comes with its encryption key, for the execution role alone", () => {
    const stack = testStack();
    goodService(stack, { signingKey: parameter(stack, new Key(stack, "Encryption") as IKey) });
    expect(JSON.stringify(statements(stack, /ExecutionRole/))).toContain("kms:Decrypt");
    expect(JSON.stringify(statements(stack, /TaskRole/))).not.toContain("kms:");
  });

  it("is refused in plain text: made by the template, or of type String", () => {
    const refused = (make: (stack: Stack) => ChioSecret) => {
      const stack = testStack();
      return () => goodService(stack, { signingKey: make(stack) });
    };
    expect(refused((stack) => new StringParameter(stack, "Plain", { stringValue: "x" }) as IParameter)).toThrow(
      /Test\/Plain: a parameter that is no SecureString keeps the secret in plain text; put it as a SecureString/,
    );
    expect(refused((stack) => StringParameter.fromStringParameterName(stack, "Plain", KEY_NAME))).toThrow(/plain text/);
    expect(refused((stack) => ({ secret: parameter(stack), field: "seed" }) as unknown as ChioSecret)).toThrow(
      /no field, stage or version/,
    );
  });

  const arn = (path: string) => `arn:aws:ssm:eu-central-1:111122223333:parameter${path}`;
  const allow = (actions: string[], resources: string[]) => new PolicyStatement({ actions, resources });
  it.each<[string, PolicyStatement]>([
    ["a read of it", allow(["ssm:GetParameter"], [arn(KEY_NAME)])],
    ["a read of all parameters", allow(["ssm:Get*"], ["*"])],
    ["a read of the path above it", allow(["ssm:GetParametersByPath"], [arn("/tools")])],
    ["everything but Secrets Manager", new PolicyStatement({ notActions: ["secretsmanager:*"], resources: ["*"] })],
  ])("stops synthesis when the task role has %s", (_name, statement) => {
    expect(() => templateOf(withParameter(({ taskDefinition }) => taskDefinition.addToTaskRolePolicy(statement)))).toThrow(
      /CHIO-TASK-ROLE/,
    );
  });

  it.each<[string, PolicyStatement]>([
    ["another parameter", allow(["ssm:GetParameter"], [arn("/tools/chio/signing-key-2")])],
    ["one path beside it", allow(["ssm:GetParametersByPath"], [arn("/tools/app")])],
    ["secrets", allow(["secretsmanager:GetSecretValue"], ["*"])],
    ["everything but both stores", new PolicyStatement({ notActions: ["secretsmanager:*", "ssm:*"], resources: ["*"] })],
  ])("takes a task role that has %s", (_name, statement) => {
    expect(() => templateOf(withParameter(({ taskDefinition }) => taskDefinition.addToTaskRolePolicy(statement)))).not.toThrow();
  });

  it("is seen when it is a secret of the app as well", () => {
    const stack = testStack();
    const key = parameter(stack);
    const props = goodProps(stack);
    const run = () =>
      new ChioFargateService(stack, "Tools", { ...props, signingKey: key, app: { image: props.app?.image ?? "", secrets: { SEED: key } } });
    expect(run).toThrow(/CHIO-SIGNING-KEY-SCOPE/);
  });
});

describe("a role that was there before", () => {
  it("is checked with its inline policies", () => {
    const stack = testStack();
    const key = new Secret(stack, "OwnKey");
    const read = new PolicyStatement({ effect: Effect.ALLOW, actions: ["secretsmanager:GetSecretValue"], resources: [key.secretArn] });
    const role = new Role(stack, "Own", {
      assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com"),
      inlinePolicies: { Reads: new PolicyDocument({ statements: [read] }) },
    });
    const service = goodService(stack, { signingKey: key as ISecret });
    Reflect.set(service.taskDefinition, "taskRole", role);
    expect(() => templateOf(stack)).toThrow(/CHIO-TASK-ROLE/);
  });
});
