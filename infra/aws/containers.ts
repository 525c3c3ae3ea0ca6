import type {
  Capability,
  ContainerDefinition,
  ContainerDefinitionOptions,
  ContainerDependencyCondition,
  HealthCheck as EcsHealthCheck,
  Volume as EcsVolume,
  LinuxParameters,
  Secret,
  TaskDefinition,
} from "aws-cdk-lib/aws-ecs";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { type Container, cpuUnits, type HealthCheck, type SecretBinding, type StartCondition, type Volume } from "../topology/index.ts";
import { cdk, ecs } from "./cdk.ts";
import { defined, type EcsGraph, type Model } from "./model.ts";
import { isParameter } from "./stored-secret.ts";

export interface LogGroups {
  readonly app: ILogGroup;
  readonly sidecar: ILogGroup;
}

const CONDITIONS: { readonly [C in StartCondition]: ContainerDependencyCondition } = {
  started: ecs.ContainerDependencyCondition.START,
  healthy: ecs.ContainerDependencyCondition.HEALTHY,
  completed: ecs.ContainerDependencyCondition.COMPLETE,
  succeeded: ecs.ContainerDependencyCondition.SUCCESS,
};

/** Adds the graph's containers that `wanted` names, with their start order. The scope gets the children that are no containers. */
export function addContainers(
  scope: Construct,
  taskDefinition: TaskDefinition,
  model: Model,
  logs: LogGroups,
  wanted: (container: Container) => boolean = () => true,
): ReadonlyMap<string, ContainerDefinition> {
  const { graph } = model;
  const containers = new Map<string, ContainerDefinition>();
  for (const one of graph.containers.filter(wanted)) {
    const container = taskDefinition.addContainer(one.name, containerOptions(scope, model, one, logs));
    for (const { volume, path, readOnly } of one.mounts) {
      container.addMountPoints({ sourceVolume: volume, containerPath: path, readOnly });
    }
    containers.set(one.name, container);
  }
  for (const { container, dependsOn, condition } of graph.startOrder) {
    const [waits, first] = [containers.get(container), containers.get(dependsOn)];
    if (waits !== undefined && first !== undefined) waits.addContainerDependencies({ container: first, condition: CONDITIONS[condition] });
  }
  for (const volume of graph.volumes) taskDefinition.addVolume(ecsVolume(volume));
  return containers;
}

function containerOptions(scope: Construct, model: Model, one: Container, logs: LogGroups): ContainerDefinitionOptions {
  const { graph, images } = model;
  const image = images.get(one.name);
  if (image === undefined) throw new Error(`container ${one.name} has no image`);
  return {
    containerName: one.name,
    image: image.image(scope, graph.architecture),
    essential: one.essential,
    cpu: cpuUnits(one.resources.cpuMilli),
    memoryLimitMiB: one.resources.memoryMiB,
    environment: { ...one.env },
    secrets: Object.fromEntries(one.secrets.flatMap((binding) => secretVariable(model, binding))),
    portMappings: one.ports.map((port) => ({ containerPort: port })),
    readonlyRootFilesystem: one.readOnlyRoot,
    linuxParameters: linuxParameters(scope, one),
    stopTimeout: cdk.Duration.seconds(one.graceSeconds),
    logging: logDriver(graph, one, logs),
    ...(one.restart === null
      ? {}
      : {
          enableRestartPolicy: true,
          restartAttemptPeriod: cdk.Duration.seconds(one.restart.attemptPeriodSeconds),
          ...(one.restart.ignoredExitCodes.length === 0 ? {} : { restartIgnoredExitCodes: [...one.restart.ignoredExitCodes] }),
        }),
    ...defined({
      entryPoint: one.entrypoint === null ? undefined : [...one.entrypoint],
      command: one.args === null ? undefined : [...one.args],
      workingDirectory: one.workingDirectory ?? undefined,
      user: one.user ?? undefined,
      startTimeout: one.startTimeoutSeconds === null ? undefined : cdk.Duration.seconds(one.startTimeoutSeconds),
      healthCheck: one.healthCheck === null ? undefined : healthCheck(one.healthCheck),
    }),
  };
}

/** CMD is written out: the CDK turns a single word without it into a shell command. */
function healthCheck(check: HealthCheck): EcsHealthCheck {
  return {
    command: ["CMD", ...check.command],
    interval: cdk.Duration.seconds(check.intervalSeconds),
    timeout: cdk.Duration.seconds(check.timeoutSeconds),
    retries: check.retries,
    startPeriod: cdk.Duration.seconds(check.startPeriodSeconds),
  };
}

function secretVariable(model: Model, { target, ref }: SecretBinding): [string, Secret][] {
  if (target.kind !== "env" || (ref.kind !== "aws-secrets-manager" && ref.kind !== "aws-ssm-parameter")) return [];
  const secret = model.secrets.get(ref.arn);
  if (secret === undefined) throw new Error(`variable ${target.env} has no secret`);
  if (isParameter(secret)) return [[target.env, ecs.Secret.fromSsmParameter(secret)]];
  if (ref.kind !== "aws-secrets-manager") return [];
  const version = defined({ versionStage: ref.versionStage ?? undefined, versionId: ref.versionId ?? undefined });
  const field = ref.field ?? undefined;
  const value =
    Object.keys(version).length === 0
      ? ecs.Secret.fromSecretsManager(secret, field)
      : ecs.Secret.fromSecretsManagerVersion(secret, version, field);
  return [[target.env, value]];
}

function linuxParameters(scope: Construct, one: Container): LinuxParameters {
  const parameters = new ecs.LinuxParameters(scope, `${one.name}-linux`, { initProcessEnabled: one.initProcess });
  parameters.dropCapabilities(...one.capabilities.drop.map((name) => name as Capability));
  if (one.capabilities.add.length > 0) parameters.addCapabilities(...one.capabilities.add.map((name) => name as Capability));
  for (const { path, sizeMiB } of one.tmpfs) parameters.addTmpfs({ containerPath: path, size: sizeMiB });
  return parameters;
}

function logDriver({ settings }: EcsGraph, one: Container, logs: LogGroups) {
  const sidecar = one.role === "sidecar";
  const mode = sidecar ? settings.logs.sidecarMode : settings.logs.appMode;
  return ecs.LogDrivers.awsLogs({
    logGroup: sidecar ? logs.sidecar : logs.app,
    streamPrefix: one.name,
    ...(mode === "blocking"
      ? { mode: ecs.AwsLogDriverMode.BLOCKING }
      : { mode: ecs.AwsLogDriverMode.NON_BLOCKING, maxBufferSize: cdk.Size.mebibytes(settings.logs.appMaxBufferMiB) }),
  });
}

function ecsVolume(volume: Volume): EcsVolume {
  if (volume.kind !== "efs") return { name: volume.name };
  return {
    name: volume.name,
    efsVolumeConfiguration: {
      fileSystemId: volume.fileSystemId,
      transitEncryption: volume.transitEncryption ? "ENABLED" : "DISABLED",
      authorizationConfig: {
        iam: volume.iam ? "ENABLED" : "DISABLED",
        ...defined({ accessPointId: volume.accessPointId ?? undefined }),
      },
      ...defined({ rootDirectory: volume.rootDirectory ?? undefined }),
    },
  };
}
