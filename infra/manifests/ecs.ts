import {
  type AnyTopology,
  type Container,
  cpuUnits,
  formatSecretRef,
  isRemoteSink,
  type SecretBinding,
  type StartCondition,
  type TopologyFor,
  type Volume,
} from "../topology/index.ts";
import { checked, compact, type DataObject, Gaps, type RenderOptions, refuseDeferred, registryImage, some } from "./common.ts";

type Graph = TopologyFor<"ecs">;

const CONDITIONS: { readonly [C in StartCondition]: string } = {
  started: "START",
  healthy: "HEALTHY",
  completed: "COMPLETE",
  succeeded: "SUCCESS",
};

/** The input of `aws ecs register-task-definition`. Throws `TopologyError` on findings, `TopologyInputError` on missing values. */
export function ecsTaskDefinition(topology: AnyTopology, options: RenderOptions = {}): DataObject {
  const { graph } = checked(topology, "ecs", options);
  const gaps = new Gaps();
  const { settings } = graph;
  const definition = compact({
    family: settings.family,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: String(cpuUnits(graph.resources.cpuMilli)),
    memory: String(graph.resources.memoryMiB),
    executionRoleArn: gaps.need(
      settings.executionRoleArn,
      "ecs.executionRoleArn",
      "the execution role resolves the secrets and pulls the images",
    ),
    taskRoleArn: needsTaskRole(graph)
      ? gaps.need(settings.taskRoleArn, "ecs.taskRoleArn", "the sidecar reaches its policy, sink or file system with the task role")
      : (settings.taskRoleArn ?? undefined),
    runtimePlatform: { cpuArchitecture: graph.architecture === "arm64" ? "ARM64" : "X86_64", operatingSystemFamily: "LINUX" },
    pidMode: settings.pidMode ?? undefined,
    containerDefinitions: graph.containers.map((one) => container(graph, one, gaps)),
    volumes: some(graph.volumes.map((volume) => volumeSource(volume, gaps))),
  });
  gaps.throwIfAny();
  return definition;
}

/** The same as JSON text. */
export function ecsTaskDefinitionJson(topology: AnyTopology, options: RenderOptions = {}): string {
  const definition = ecsTaskDefinition(topology, options);
  const gaps = new Gaps();
  refuseDeferred(definition, gaps);
  gaps.throwIfAny();
  return `${JSON.stringify(definition, null, 2)}\n`;
}

/** Nothing in the containers may act in AWS unless the sidecar has to. */
function needsTaskRole({ policySource, receipts, config }: Graph): boolean {
  const aws = receipts.sinks.some((sink) => isRemoteSink(sink) && (sink.kind === "dynamodb" || sink.kind === "s3"));
  return aws || policySource?.kind === "s3" || config.kind === "efs" || (config.kind === "fetched" && config.base.startsWith("s3://"));
}

function container(graph: Graph, one: Container, gaps: Gaps): DataObject {
  return compact({
    name: one.name,
    image: registryImage(one.image, `containers.${one.name}.image`, gaps),
    essential: one.essential,
    cpu: cpuUnits(one.resources.cpuMilli),
    memory: one.resources.memoryMiB,
    portMappings: some(one.ports.map((port) => ({ containerPort: port, hostPort: port, protocol: "tcp" }))),
    entryPoint: one.entrypoint === null ? undefined : [...one.entrypoint],
    command: one.args === null ? undefined : [...one.args],
    workingDirectory: one.workingDirectory ?? undefined,
    environment: some(Object.entries(one.env).map(([name, value]) => ({ name, value }))),
    secrets: some(one.secrets.flatMap((secret, index) => secretVariable(secret, `containers.${one.name}.secrets[${index}]`, gaps))),
    mountPoints: some(one.mounts.map(({ volume, path, readOnly }) => ({ sourceVolume: volume, containerPath: path, readOnly }))),
    dependsOn: some(
      graph.startOrder
        .filter((edge) => edge.container === one.name)
        .map(({ dependsOn, condition }) => ({ containerName: dependsOn, condition: CONDITIONS[condition] })),
    ),
    healthCheck:
      one.healthCheck === null
        ? undefined
        : {
            command: ["CMD", ...one.healthCheck.command],
            interval: one.healthCheck.intervalSeconds,
            timeout: one.healthCheck.timeoutSeconds,
            retries: one.healthCheck.retries,
            startPeriod: one.healthCheck.startPeriodSeconds,
          },
    startTimeout: one.startTimeoutSeconds ?? undefined,
    stopTimeout: one.graceSeconds,
    restartPolicy:
      one.restart === null
        ? undefined
        : { enabled: true, ignoredExitCodes: [...one.restart.ignoredExitCodes], restartAttemptPeriod: one.restart.attemptPeriodSeconds },
    readonlyRootFilesystem: one.readOnlyRoot,
    user: one.user ?? undefined,
    linuxParameters: compact({
      initProcessEnabled: one.initProcess,
      capabilities: compact({ drop: some([...one.capabilities.drop]), add: some([...one.capabilities.add]) }),
      tmpfs: some(one.tmpfs.map(({ path, sizeMiB }) => ({ containerPath: path, size: sizeMiB }))),
    }),
    logConfiguration: logs(graph, one, gaps),
  });
}

function secretVariable({ name, target, ref }: SecretBinding, path: string, gaps: Gaps): DataObject[] {
  const known = ref.kind === "aws-secrets-manager" || ref.kind === "aws-ssm-parameter";
  if (!known || target.kind === "file")
    gaps.add(path, `ECS has no field for ${name}: ${known ? "secrets come in variables" : "it is in no store of AWS"}`);
  return target.kind === "file" ? [] : [{ name: target.env, valueFrom: formatSecretRef(ref) }];
}

function logs({ settings }: Graph, one: Container, gaps: Gaps): DataObject {
  const sidecar = one.role === "sidecar";
  const mode = sidecar ? settings.logs.sidecarMode : settings.logs.appMode;
  return {
    logDriver: "awslogs",
    options: compact({
      "awslogs-group": sidecar ? settings.logs.sidecarGroup : settings.logs.appGroup,
      "awslogs-region": gaps.need(settings.region, "ecs.region", "the log driver names its region"),
      "awslogs-stream-prefix": one.name,
      mode,
      "max-buffer-size": mode === "non-blocking" ? `${settings.logs.appMaxBufferMiB}m` : undefined,
    }),
  };
}

function volumeSource(volume: Volume, gaps: Gaps): DataObject {
  if (volume.kind === "empty") return { name: volume.name };
  if (volume.kind !== "efs") {
    gaps.add(`volumes.${volume.name}`, `ECS has no ${volume.kind} volumes`);
    return { name: volume.name };
  }
  return {
    name: volume.name,
    efsVolumeConfiguration: compact({
      fileSystemId: volume.fileSystemId,
      rootDirectory: volume.rootDirectory ?? undefined,
      transitEncryption: volume.transitEncryption ? "ENABLED" : "DISABLED",
      authorizationConfig: compact({ accessPointId: volume.accessPointId ?? undefined, iam: volume.iam ? "ENABLED" : "DISABLED" }),
    }),
  };
}
