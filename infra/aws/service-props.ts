import type { Duration } from "aws-cdk-lib";
import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import type { IPeer, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { ICluster } from "aws-cdk-lib/aws-ecs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ChioAppProps, ChioAuxiliaryProps, ChioInitProps, ChioProps } from "./props.ts";

export interface ChioFargateServiceProps extends ChioProps {
  /** DNS label. @default made from the construct's id */
  readonly name?: string;
  /** Required for `apiProtect`. @default none */
  readonly app?: ChioAppProps;
  /** Further containers that wait for the sidecar too. @default none */
  readonly auxiliary?: readonly ChioAuxiliaryProps[];
  /** Containers that run to their end before the sidecar starts. @default none */
  readonly init?: readonly ChioInitProps[];
  /** @default one in `vpc`, with Container Insights */
  readonly cluster?: ICluster;
  /** @default the cluster's; with neither, one over two zones, with flow logs */
  readonly vpc?: IVpc;
  /** @default private subnets with egress */
  readonly taskSubnets?: SubnetSelection;
  /** @default private subnets, public ones when the exposure is external */
  readonly loadBalancerSubnets?: SubnetSelection;
  /** @default unique in account and region */
  readonly family?: string;
  /** @default internal */
  readonly exposure?: "internal" | "external";
  /** Makes the listener HTTPS. Required when the exposure is external. @default none: HTTP inside the VPC */
  readonly certificate?: ICertificate;
  /** @default 443 with a certificate, else 80 */
  readonly listenerPort?: number;
  /** Who may call the load balancer. @default the VPC's addresses; everybody when the exposure is external */
  readonly allowFrom?: readonly IPeer[];
  /** Access logs of the load balancer. The stack must name its region. @default none */
  readonly accessLogs?: {
    readonly bucket: IBucket;
    /** @default none */
    readonly prefix?: string;
  };
  /** @default false */
  readonly loadBalancerDeletionProtection?: boolean;
  /** `minReplicas` equal to `maxReplicas` turns autoscaling off. @default 1 to 4 */
  readonly replicas?: { readonly minReplicas?: number; readonly maxReplicas?: number };
  /** Average CPU of the tasks, in percent, that autoscaling holds. @default 60 */
  readonly scaleOnCpuPercent?: number;
  /** Longest request, and the load balancer's idle timeout. @default 60 seconds */
  readonly requestTimeout?: Duration;
  /** At least `requestTimeout`. @default `requestTimeout` */
  readonly deregistrationDelay?: Duration;
  /** @default over the slowest start of both containers, at least 60 seconds */
  readonly healthCheckGracePeriod?: Duration;
  /** @default enabled, with rollback */
  readonly circuitBreaker?: { readonly enable?: boolean; readonly rollback?: boolean };
  /** @default 100 */
  readonly minHealthyPercent?: number;
  /** @default 200 */
  readonly maxHealthyPercent?: number;
  /** A finding (CHIO-EXEC) unless accepted: it gives a shell that reads the sidecar's environment. @default false */
  readonly enableExecuteCommand?: boolean;
}
