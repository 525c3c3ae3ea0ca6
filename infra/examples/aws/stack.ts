import { fileURLToPath } from "node:url";
import { CfnOutput, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { Certificate, type ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from "aws-cdk-lib/aws-s3";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
// Outside this repository: from "chio-kit/aws".
import { apiProtect, ChioFargateService, ChioImage } from "../../aws/index.ts";

export interface TicketsStackProps extends StackProps {
  /** `REPOSITORY@sha256:DIGEST` of the app, which listens on 127.0.0.1:8080. */
  readonly appImage: string;
  /** Name of the secret that holds the signing seed. It is made before the stack, by hand: no template should hold it. */
  readonly signingKeyName: string;
  /** @default HTTP inside the VPC */
  readonly certificateArn?: string;
}

/** A service that no agent calls unchecked. */
export class TicketsStack extends Stack {
  readonly service: ChioFargateService;

  constructor(scope: Construct, id: string, props: TicketsStackProps) {
    super(scope, id, props);
    const accessLogs = new Bucket(this, "AccessLogs", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.service = new ChioFargateService(this, "Tickets", {
      mode: apiProtect({ spec: "/etc/chio/openapi.yaml", policy: "/etc/chio/policy.yaml" }),
      app: { image: props.appImage },
      sidecar: { image: ChioImage.bundled({ configDirectory: fileURLToPath(new URL("config", import.meta.url)) }) },
      signingKey: Secret.fromSecretNameV2(this, "SigningKey", props.signingKeyName),
      accessLogs: { bucket: accessLogs as IBucket },
      replicas: { minReplicas: 2, maxReplicas: 6 },
      ...(props.certificateArn === undefined
        ? {}
        : { certificate: Certificate.fromCertificateArn(this, "Certificate", props.certificateArn) as ICertificate }),
    });
    new CfnOutput(this, "Address", { value: this.service.loadBalancer.loadBalancerDnsName });
    new CfnOutput(this, "ClusterName", { value: this.service.cluster.clusterName });
    new CfnOutput(this, "ServiceName", { value: this.service.service.serviceName });
    new CfnOutput(this, "SidecarLogGroup", { value: this.service.logGroups.sidecar.logGroupName });
  }
}

/** Findings of cdk-nag's AwsSolutions pack that this stack has on purpose. */
export const ACKNOWLEDGED = [
  {
    id: "AwsSolutions-ECS2",
    reason: "The plain variables are addresses, paths and limits. Every secret is a reference that the execution role resolves.",
  },
  {
    id: "AwsSolutions-IAM5[Resource::*]",
    reason: "ecr:GetAuthorizationToken, with which the execution role pulls the built image, takes no resource.",
  },
  {
    id: "AwsSolutions-EC23",
    reason: "The load balancer lets in the VPC's own addresses alone; the rule cannot read a reference to them.",
  },
  { id: "AwsSolutions-S1", reason: "The bucket is the one for access logs; it does not log itself." },
] as const;

export function acknowledge(stack: Stack): void {
  for (const one of ACKNOWLEDGED) Validations.of(stack).acknowledge(one);
}
