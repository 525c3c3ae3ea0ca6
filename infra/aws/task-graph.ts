import type { Stack } from "aws-cdk-lib";
import type { CfnTaskDefinition, ContainerDefinition, TaskDefinition } from "aws-cdk-lib/aws-ecs";
import {
  awsSecret,
  type Container,
  ECS_DEFAULTS,
  type HealthCheck,
  type ImageRef,
  type SecretBinding,
  type StartCondition,
  type StartEdge,
  shareRest,
  ssmParameter,
} from "../topology/index.ts";
import { cdk, ecs } from "./cdk.ts";
import { namedImage } from "./image.ts";
import type { EcsGraph } from "./model.ts";
import { comparableArn, textIn } from "./role-statements.ts";
import { arnOf, type StoredSecret } from "./stored-secret.ts";

const CONDITIONS: Readonly<Record<string, StartCondition>> = {
  START: "started",
  HEALTHY: "healthy",
  COMPLETE: "completed",
  SUCCESS: "succeeded",
};

type Rendered = CfnTaskDefinition.ContainerDefinitionProperty;

export function containersOf(taskDefinition: TaskDefinition): ContainerDefinition[] {
  return taskDefinition.node.children.filter((one) => one instanceof ecs.ContainerDefinition);
}

/** The graph with the containers that the task definition really has, as they will be written out. */
export function graphOfTask(
  planned: EcsGraph,
  taskDefinition: TaskDefinition,
  appName: string,
  secrets: readonly StoredSecret[],
): EcsGraph {
  const stack = cdk.Stack.of(taskDefinition);
  const rendered = containersOf(taskDefinition).map((one) => stack.resolve(one.renderContainerDefinition()) as Rendered);
  const resource = stack.resolve(
    Object.fromEntries(["cpu", "memory", "pidMode"].map((key) => [key, Reflect.get(taskDefinition.node.defaultChild ?? {}, key)])),
  ) as { cpu?: string; memory?: string; pidMode?: string };
  const { sidecar } = rolesOf(planned);
  const resources = { cpuMilli: (Number(resource.cpu) * 1000) / 1024, memoryMiB: Number(resource.memory) };
  const containers = rendered.map((one) =>
    one.name === sidecar.name ? readSidecar(sidecar, one, stack, secrets) : readOther(one, appName, planned, stack, secrets),
  );
  return {
    ...planned,
    containers: shareRest(containers, resources),
    startOrder: rendered.flatMap(edges),
    resources,
    adjustments: [],
    settings: { ...planned.settings, pidMode: resource.pidMode === "task" ? "task" : null },
  };
}

export function rolesOf({ containers }: EcsGraph): { sidecar: Container; app: Container | undefined } {
  const sidecar = containers.find((one) => one.role === "sidecar");
  if (sidecar === undefined) throw new Error("the topology has no sidecar");
  return { sidecar, app: containers.find((one) => one.role === "app") };
}

/** What others may have added to it. The rest is as it was planned. */
function readSidecar(planned: Container, one: Rendered, stack: Stack, secrets: readonly StoredSecret[]): Container {
  const known = readSecrets(one, stack, secrets);
  return {
    ...planned,
    ports: ports(one),
    secrets: [
      ...planned.secrets.flatMap((binding) => {
        const found = known.find(
          ({ target }) => target.kind === "env" && binding.target.kind === "env" && target.env === binding.target.env,
        );
        return found === undefined ? [] : [{ ...binding, ref: found.ref }];
      }),
      ...known.filter(({ name }) => !planned.secrets.some(({ target }) => target.kind === "env" && target.env === name)),
    ],
    env: environment(one),
  };
}

function readOther(one: Rendered, appName: string, planned: EcsGraph, stack: Stack, secrets: readonly StoredSecret[]): Container {
  const app = one.name === appName;
  const linux = one.linuxParameters as CfnTaskDefinition.LinuxParametersProperty | undefined;
  const capabilities = linux?.capabilities as CfnTaskDefinition.KernelCapabilitiesProperty | undefined;
  const mounts = (one.mountPoints ?? []) as CfnTaskDefinition.MountPointProperty[];
  return {
    name: one.name,
    role: app ? "app" : one.essential === false ? "init" : "auxiliary",
    image: image(one.image),
    entrypoint: one.entryPoint ?? null,
    args: one.command ?? null,
    workingDirectory: one.workingDirectory ?? null,
    env: environment(one),
    secrets: readSecrets(one, stack, secrets),
    mounts: mounts.flatMap(({ sourceVolume = "", containerPath = "", readOnly }) =>
      planned.volumes.some((volume) => volume.name === sourceVolume)
        ? [{ volume: sourceVolume, path: containerPath, readOnly: readOnly === true }]
        : [],
    ),
    tmpfs: [],
    ports: ports(one),
    listens: app ? (rolesOf(planned).app?.listens ?? []) : [],
    probes: { startup: null, liveness: null, readiness: null },
    healthCheck: healthCheck(one.healthCheck as CfnTaskDefinition.HealthCheckProperty | undefined),
    resources: { cpuMilli: ((one.cpu ?? 0) * 1000) / 1024, memoryMiB: one.memory ?? one.memoryReservation ?? 0 },
    user: one.user ?? null,
    readOnlyRoot: one.readonlyRootFilesystem === true,
    capabilities: { drop: capabilities?.drop ?? [], add: capabilities?.add ?? [] },
    initProcess: linux?.initProcessEnabled === true,
    essential: one.essential !== false,
    restart: null,
    graceSeconds: one.stopTimeout ?? ECS_DEFAULTS.stopTimeout,
    startTimeoutSeconds: one.startTimeout ?? null,
    cpuIdle: false,
  };
}

function edges(one: Rendered): StartEdge[] {
  return ((one.dependsOn ?? []) as CfnTaskDefinition.ContainerDependencyProperty[]).map(({ containerName = "", condition = "" }) => ({
    container: one.name,
    dependsOn: containerName,
    condition: CONDITIONS[condition] ?? "started",
  }));
}

function environment(one: Rendered): Record<string, string> {
  return Object.fromEntries(
    ((one.environment ?? []) as CfnTaskDefinition.KeyValuePairProperty[]).map(({ name = "", value }) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function ports(one: Rendered): number[] {
  return ((one.portMappings ?? []) as CfnTaskDefinition.PortMappingProperty[]).flatMap(({ containerPort }) => containerPort ?? []);
}

/** A secret is recognized by its ARN, whichever field or version of it is read. */
function readSecrets(one: Rendered, stack: Stack, secrets: readonly StoredSecret[]): SecretBinding[] {
  return ((one.secrets ?? []) as CfnTaskDefinition.SecretProperty[]).map(({ name, valueFrom }) => {
    const text = JSON.stringify(valueFrom);
    const known = secrets.find((secret) => {
      const arn = textIn(stack, secret, arnOf(secret));
      return arn !== null && text.includes(arn.replace(/^"|"$/g, ""));
    });
    const arn = known === undefined ? text.replace(/^"|"$/g, "") : comparableArn(known);
    return {
      name,
      purpose: "other",
      target: { kind: "env", env: name },
      ref: /^arn:[^:]*:ssm:/.test(arn) ? ssmParameter(arn) : awsSecret(arn),
    };
  });
}

function healthCheck(check: CfnTaskDefinition.HealthCheckProperty | undefined): HealthCheck | null {
  if (check === undefined) return null;
  const [form, ...words] = check.command ?? [];
  return {
    command: form === "CMD" ? words : (check.command ?? []),
    intervalSeconds: check.interval ?? ECS_DEFAULTS.interval,
    timeoutSeconds: check.timeout ?? ECS_DEFAULTS.timeout,
    retries: check.retries ?? ECS_DEFAULTS.retries,
    startPeriodSeconds: check.startPeriod ?? ECS_DEFAULTS.startPeriod,
  };
}

/** An asset's tag is the hash of its content. */
function image(resolved: unknown): ImageRef {
  const text = imageText(resolved);
  if (/container-assets-.*:[0-9a-f]{64}$/.test(text)) return { kind: "provided", reference: text, pinnedBy: "content-hash" };
  return namedImage(text);
}

function imageText(value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, argument] = ["", null]] = Object.entries(value ?? {});
  if (name === "Fn::Sub" && typeof argument === "string") return argument.replace(/\$\{[^}]*\}/g, "unresolved");
  if (name === "Fn::Join" && Array.isArray(argument) && Array.isArray(argument[1])) return argument[1].map(imageText).join("");
  return "unresolved";
}
