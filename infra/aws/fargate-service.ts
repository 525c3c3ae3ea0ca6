import type { ISecurityGroup, IVpc } from "aws-cdk-lib/aws-ec2";
import type {
  ContainerDefinition,
  FargatePlatformVersion,
  FargateService,
  FargateTaskDefinition,
  ICluster,
  ScalableTaskCount,
} from "aws-cdk-lib/aws-ecs";
import type { ApplicationLoadBalancer, ApplicationTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import type { Grant, IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { assertValid, cpuUnits, drainBudget, type PostureReport } from "../topology/index.ts";
import { awsLogs, cdk, ec2, ecs, iam } from "./cdk.ts";
import { checkServiceProps } from "./check-props.ts";
import { checkAtSynth, currentPosture, type LateCheck, postureLine, synthesizedPosture, type TreeIndex } from "./checks.ts";
import { addContainers, type LogGroups } from "./containers.ts";
import { AwsPropsError } from "./errors.ts";
import { grantSidecarAccess } from "./grants.ts";
import { addLoadBalancer } from "./load-balancer.ts";
import { defined, type EcsGraph, type Model, model } from "./model.ts";
import { comparableArn, roleStatements } from "./role-statements.ts";
import { ingressRules } from "./security-group.ts";
import type { ChioFargateServiceProps } from "./service-props.ts";

/**
 * A Fargate service behind its sidecar: task definition, service, load balancer on the sidecar's port alone, log groups, autoscaling.
 * Throws `TopologyError` with every finding at once; what only the finished app can show (the task role, the security group) fails synthesis.
 */
export class ChioFargateService extends Construct {
  readonly service: FargateService;
  readonly taskDefinition: FargateTaskDefinition;
  readonly sidecarContainer: ContainerDefinition;
  /** Undefined in mode `mcpServeHttp`, where the sidecar starts the server itself. */
  readonly appContainer: ContainerDefinition | undefined;
  readonly targetGroup: ApplicationTargetGroup;
  readonly loadBalancer: ApplicationLoadBalancer;
  /** Of the tasks: lets in the load balancer, on the sidecar's port. */
  readonly securityGroup: ISecurityGroup;
  readonly cluster: ICluster;
  /** Undefined when least and most replicas are the same. */
  readonly scaling: ScalableTaskCount | undefined;
  readonly logGroups: LogGroups;
  /** The complete deployment, frozen. */
  readonly topology: EcsGraph;
  readonly #check: LateCheck;

  constructor(scope: Construct, id: string, props: ChioFargateServiceProps) {
    super(scope, id);
    checkServiceProps(props, this.node.path);
    const built = buildModel(this, id, props);
    // Refused before anything is made.
    const review = assertValid(built.graph, "ecs");
    const graph = review.topology;
    this.topology = graph;
    const { settings } = graph;
    for (const found of review.findings) {
      const text = `${found.message}\nFix: ${found.fix}\nSee: ${found.link}`;
      if (found.severity === "warning") cdk.Annotations.of(this).addWarningV2(found.code, text);
      else cdk.Annotations.of(this).addInfo(`${found.code}: ${text}`);
    }

    this.cluster = ensureCluster(this, props);
    this.logGroups = logGroups(this, settings.logs.retentionDays, props);
    this.taskDefinition = new ecs.FargateTaskDefinition(this, "TaskDefinition", {
      family: settings.family,
      cpu: cpuUnits(graph.resources.cpuMilli),
      memoryLimitMiB: graph.resources.memoryMiB,
      runtimePlatform: {
        cpuArchitecture: graph.architecture === "arm64" ? ecs.CpuArchitecture.ARM64 : ecs.CpuArchitecture.X86_64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
      ...(settings.pidMode === null ? {} : { pidMode: ecs.PidMode.TASK }),
    });
    const containers = addContainers(this, this.taskDefinition, built, this.logGroups);
    const byRole = (role: string) => containers.get(graph.containers.find((one) => one.role === role)?.name ?? "");
    const sidecar = byRole("sidecar");
    if (sidecar === undefined) throw new Error("the topology has no sidecar");
    this.sidecarContainer = sidecar;
    this.appContainer = byRole("app");
    this.taskDefinition.defaultContainer = sidecar;
    grantSidecarAccess(this, this.taskDefinition.taskRole, built, props.config);

    this.securityGroup = new ec2.SecurityGroup(this, "SecurityGroup", {
      vpc: this.cluster.vpc,
      description: `Tasks of ${graph.name}: the load balancer on port ${graph.ingress.port}, and nothing else`,
    });
    this.service = fargateService(this, graph, this.cluster, this.taskDefinition, this.securityGroup, props);
    const balanced = addLoadBalancer(this, graph, this.service, this.cluster.vpc, props);
    this.loadBalancer = balanced.loadBalancer;
    this.targetGroup = balanced.targetGroup;
    if (props.config?.kind === "efs") this.service.connections.allowToDefaultPort(props.config.fileSystem);
    this.scaling = autoscale(this, graph, this.service, props.scaleOnCpuPercent);

    this.#check = {
      scope: this,
      graph: (index) => this.#seen(built, index),
      acceptances: built.lateAcceptances,
      rules: "late",
    };
    checkAtSynth(this.#check);
    cdk.Annotations.of(this).addInfo(drainBudget(graph, "ecs").text);
    new cdk.CfnOutput(this, "Posture", {
      description: `Posture of ${graph.name}`,
      value: cdk.Lazy.uncachedString({ produce: ({ preparing }) => (preparing ? "" : postureLine(synthesizedPosture(this.#check))) }),
    });
  }

  /** What holds each invariant, by whom, and what is left, as the app stands now. */
  get posture(): PostureReport {
    return currentPosture(this.#check);
  }

  /** Lets a grantee start a new deployment of what is defined, as after a new signing key, and watch it. */
  grantRedeploy(grantee: IGrantable): Grant {
    const actions = ["ecs:UpdateService", "ecs:DescribeServices"];
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [this.service.serviceArn] });
  }

  /** Lets a grantee read the receipts and the log of the sidecar. */
  grantReadReceiptLog(grantee: IGrantable): Grant {
    return this.logGroups.sidecar.grantRead(grantee);
  }

  /** Adds to the role that every container has, the app included. A statement that reads a secret of the sidecar fails synthesis. */
  grantToTasks(statement: PolicyStatement): void {
    this.taskDefinition.addToTaskRolePolicy(statement);
  }

  #seen({ graph, secrets }: Model, index: TreeIndex): EcsGraph {
    const all = [...secrets.values()];
    const copy = structuredClone(graph);
    const arns = new Map([...secrets].map(([arn, secret]) => [arn, comparableArn(secret)]));
    return {
      ...copy,
      containers: copy.containers.map((one) => ({
        ...one,
        secrets: one.secrets.map((binding) =>
          binding.ref.kind === "aws-secrets-manager" || binding.ref.kind === "aws-ssm-parameter"
            ? { ...binding, ref: { ...binding.ref, arn: arns.get(binding.ref.arn) ?? binding.ref.arn } }
            : binding,
        ),
      })),
      settings: {
        ...copy.settings,
        taskRoleStatements: roleStatements(this.taskDefinition.taskRole, index.policies, all),
        securityGroupIngress: ingressRules(
          this.service.connections.securityGroups,
          this.loadBalancer.connections.securityGroups,
          index.ingress,
        ),
      },
    };
  }
}

function buildModel(scope: Construct, id: string, props: ChioFargateServiceProps): Model {
  const name = props.name ?? dnsLabel(id);
  const family = props.family ?? cdk.Names.uniqueResourceName(scope, { maxLength: 200, separator: "-" });
  return model({
    name,
    props,
    app: props.app,
    auxiliary: props.auxiliary ?? [],
    init: props.init ?? [],
    ecs: {
      family,
      region: cdk.Stack.of(scope).region,
      logs: defined({
        retentionDays: props.logs?.retention,
        sidecarMode: props.logs?.sidecarMode,
        appMode: props.logs?.appMode,
      }),
      loadBalancer: { certificateArn: props.certificate?.certificateArn ?? null },
      ...defined({
        deregistrationDelaySeconds: props.deregistrationDelay?.toSeconds(),
        healthCheckGracePeriodSeconds: props.healthCheckGracePeriod?.toSeconds(),
        circuitBreaker: props.circuitBreaker,
        minHealthyPercent: props.minHealthyPercent,
        maxHealthyPercent: props.maxHealthyPercent,
        enableExecuteCommand: props.enableExecuteCommand,
      }),
    },
    more: defined({ exposure: props.exposure, scaling: props.replicas, requestTimeoutSeconds: props.requestTimeout?.toSeconds() }),
  });
}

function dnsLabel(id: string): string {
  return id
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}

function ensureCluster(scope: Construct, { cluster, vpc }: ChioFargateServiceProps): ICluster {
  if (cluster !== undefined) {
    if (vpc !== undefined && vpc.vpcId !== cluster.vpc.vpcId) {
      throw new AwsPropsError(
        "vpc_differs",
        `${scope.node.path}: vpc and cluster are given, and the cluster is in another VPC`,
        "leave vpc out",
      );
    }
    return cluster;
  }
  return new ecs.Cluster(scope, "Cluster", { vpc: vpc ?? ownVpc(scope), containerInsightsV2: ecs.ContainerInsights.ENABLED }) as ICluster;
}

function ownVpc(scope: Construct): IVpc {
  const vpc = new ec2.Vpc(scope, "Vpc", { maxAzs: 2 });
  const logGroup = new awsLogs.LogGroup(scope, "FlowLogs", {
    retention: awsLogs.RetentionDays.THREE_MONTHS,
    removalPolicy: cdk.RemovalPolicy.RETAIN,
  });
  vpc.addFlowLog("FlowLog", { destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup) });
  return vpc as IVpc;
}

/** Receipts outlive the stack: a log that ends with the service proves nothing about it. */
function logGroups(scope: Construct, retention: number, { logs }: ChioFargateServiceProps): LogGroups {
  const group = (id: string) =>
    new awsLogs.LogGroup(scope, id, {
      retention,
      removalPolicy: cdk.RemovalPolicy.RETAIN,
      ...defined({ encryptionKey: logs?.encryptionKey }),
    });
  return { app: group("AppLogs"), sidecar: group("SidecarLogs") };
}

function fargateService(
  scope: Construct,
  { settings, scaling }: EcsGraph,
  cluster: ICluster,
  taskDefinition: FargateTaskDefinition,
  securityGroup: ISecurityGroup,
  { taskSubnets }: ChioFargateServiceProps,
): FargateService {
  const service = new ecs.FargateService(scope, "Service", {
    cluster,
    taskDefinition,
    securityGroups: [securityGroup],
    assignPublicIp: false,
    desiredCount: scaling.minReplicas,
    platformVersion: settings.platformVersion as FargatePlatformVersion,
    deploymentController: { type: ecs.DeploymentControllerType.ECS },
    ...(settings.circuitBreaker.enable ? { circuitBreaker: { enable: true, rollback: settings.circuitBreaker.rollback } } : {}),
    minHealthyPercent: settings.minHealthyPercent,
    maxHealthyPercent: settings.maxHealthyPercent,
    healthCheckGracePeriod: cdk.Duration.seconds(settings.healthCheckGracePeriodSeconds),
    enableExecuteCommand: settings.enableExecuteCommand,
    enableECSManagedTags: true,
    ...defined({ vpcSubnets: taskSubnets }),
  });
  const resource = service.node.defaultChild;
  // With autoscaling a count in the template would undo it at every deployment.
  if (resource instanceof ecs.CfnService && scaling.maxReplicas > scaling.minReplicas) resource.addPropertyDeletionOverride("DesiredCount");
  return service;
}

function autoscale(_scope: Construct, { scaling }: EcsGraph, service: FargateService, percent = 60): ScalableTaskCount | undefined {
  if (scaling.maxReplicas <= scaling.minReplicas) return undefined;
  const count = service.autoScaleTaskCount({ minCapacity: scaling.minReplicas, maxCapacity: scaling.maxReplicas });
  count.scaleOnCpuUtilization("Cpu", { targetUtilizationPercent: percent });
  return count;
}
