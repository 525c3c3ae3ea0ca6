import type { IPeer, IVpc } from "aws-cdk-lib/aws-ec2";
import type { FargateService } from "aws-cdk-lib/aws-ecs";
import type { ApplicationLoadBalancer, ApplicationTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import type { Construct } from "constructs";
import { cdk, ec2, elbv2 } from "./cdk.ts";
import { AwsPropsError } from "./errors.ts";
import { defined, type EcsGraph } from "./model.ts";
import type { ChioFargateServiceProps } from "./service-props.ts";

/** One listener, one target group, on the sidecar's port; the tasks' security group opens to the load balancer there. */
export function addLoadBalancer(
  scope: Construct,
  { ingress, settings }: EcsGraph,
  service: FargateService,
  vpc: IVpc,
  props: ChioFargateServiceProps,
): { loadBalancer: ApplicationLoadBalancer; targetGroup: ApplicationTargetGroup } {
  const loadBalancer = new elbv2.ApplicationLoadBalancer(scope, "LoadBalancer", {
    vpc,
    internetFacing: ingress.exposure === "external",
    idleTimeout: cdk.Duration.seconds(ingress.requestTimeoutSeconds),
    dropInvalidHeaderFields: true,
    deletionProtection: props.loadBalancerDeletionProtection ?? false,
    ...defined({ vpcSubnets: props.loadBalancerSubnets }),
  });
  if (props.accessLogs !== undefined) loadBalancer.logAccessLogs(props.accessLogs.bucket, props.accessLogs.prefix);
  const { path, intervalSeconds, timeoutSeconds, healthyThreshold, unhealthyThreshold } = settings.loadBalancer.healthCheck;
  const targetGroup = new elbv2.ApplicationTargetGroup(scope, "TargetGroup", {
    vpc,
    port: ingress.port,
    protocol: elbv2.ApplicationProtocol.HTTP,
    targetType: elbv2.TargetType.IP,
    targets: [service.loadBalancerTarget({ containerName: ingress.container, containerPort: ingress.port })],
    deregistrationDelay: cdk.Duration.seconds(settings.deregistrationDelaySeconds),
    healthCheck: {
      path,
      healthyHttpCodes: "200",
      interval: cdk.Duration.seconds(intervalSeconds),
      timeout: cdk.Duration.seconds(timeoutSeconds),
      healthyThresholdCount: healthyThreshold,
      unhealthyThresholdCount: unhealthyThreshold,
    },
  });
  const secure = props.certificate !== undefined;
  const port = props.listenerPort ?? (secure ? 443 : 80);
  loadBalancer.addListener("Listener", {
    port,
    protocol: secure ? elbv2.ApplicationProtocol.HTTPS : elbv2.ApplicationProtocol.HTTP,
    open: false,
    defaultTargetGroups: [targetGroup],
    ...(props.certificate === undefined ? {} : { certificates: [props.certificate], sslPolicy: elbv2.SslPolicy.RECOMMENDED_TLS }),
  });
  for (const peer of props.allowFrom ?? defaultPeers(scope, vpc, ingress.exposure)) {
    loadBalancer.connections.allowFrom(peer, ec2.Port.tcp(port), "Callers");
  }
  return { loadBalancer, targetGroup };
}

function defaultPeers(scope: Construct, vpc: IVpc, exposure: "internal" | "external"): IPeer[] {
  if (exposure === "external") return [ec2.Peer.anyIpv4()];
  try {
    return [ec2.Peer.ipv4(vpc.vpcCidrBlock)];
  } catch (cause) {
    const message = `${scope.node.path}: the imported VPC does not say its addresses`;
    throw new AwsPropsError("vpc_addresses", message, "give allowFrom, or import it with vpcCidrBlock", { cause });
  }
}
