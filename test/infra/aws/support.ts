import { App, type Environment, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AttributeType, type ITable, Table } from "aws-cdk-lib/aws-dynamodb";
import { type IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import { Bucket, type IBucket } from "aws-cdk-lib/aws-s3";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { apiProtect, ChioFargateService, type ChioFargateServiceProps, ChioImage } from "../../../infra/aws/index.ts";

export const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
export const APP_IMAGE = `registry.example.com/team/app@${DIGEST}`;
export const SIDECAR_IMAGE = `registry.example.com/chio-sidecar@${DIGEST}`;

export function testStack(id = "Test", app: App = testApp(), env: Environment = { region: "eu-central-1" }): Stack {
  return new Stack(app, id, { env });
}

export function testApp(): App {
  return new App({ context: { "aws:cdk:version-reporting": false } });
}

/** Props without a finding (the casts: the CDK is not written for exactOptionalPropertyTypes): spec in a layer of the sidecar's image, receipts in a table, policy in a bucket. */
export function goodProps(scope: Construct, prefix = ""): ChioFargateServiceProps {
  return {
    mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
    app: { image: APP_IMAGE },
    sidecar: { image: ChioImage.fromRegistry(SIDECAR_IMAGE) },
    signingKey: new Secret(scope, `${prefix}SigningKey`) as ISecret,
    policySource: { bucket: new Bucket(scope, `${prefix}Config`) as IBucket, key: "policy.yaml" },
    receipts: {
      sink: { table: new Table(scope, `${prefix}Receipts`, { partitionKey: { name: "id", type: AttributeType.STRING } }) as ITable },
    },
    vpc: new Vpc(scope, `${prefix}Vpc`, { maxAzs: 2, natGateways: 1 }) as IVpc,
  };
}

export function goodService(scope: Construct = testStack(), changes: Partial<ChioFargateServiceProps> = {}): ChioFargateService {
  return new ChioFargateService(scope, "Tools", { ...goodProps(scope), ...changes });
}

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation as it was written out
export type Json = any;

export function templateOf(stack: Stack): Template {
  return Template.fromStack(stack);
}

/** Properties of the only resource of its type. */
export function only(template: Template, type: string): Json {
  const found = Object.values(template.findResources(type));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`);
  return (found[0] as Json).Properties;
}

export function containerNamed(template: Template, name: string): Json {
  return only(template, "AWS::ECS::TaskDefinition").ContainerDefinitions.find((one: Json) => one.Name === name);
}
