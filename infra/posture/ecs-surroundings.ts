import { DEFAULTS } from "../topology/defaults.ts";
import { LIMITS } from "../topology/limits.ts";
import { readinessAsked, replicaHealthPath } from "../topology/replica-health.ts";
import { healthPath } from "../topology/rules/rule.ts";
import type { EcsSettings, IamStatement, SecurityGroupRule } from "../topology/settings.ts";
import type { Scaling } from "../topology/types.ts";
import type { At } from "./at.ts";
import type { EcsWords } from "./ecs-words.ts";
import type { ReadContainer, Reading } from "./reading.ts";

/** A value, and where it stands. */
export interface Placed<T> {
  readonly value: T;
  readonly at: At;
}

export interface BalancerTarget {
  readonly container: string;
  readonly port: number;
  readonly at: At;
}

/** Of several targets the one that is past the sidecar, if there is one: that is what a rule has to see. */
export function ingressTarget({ targets = [] }: EcsSurroundings, sidecar: string): BalancerTarget | undefined {
  return targets.find(({ container }) => container !== sidecar) ?? targets[0];
}

/** What a document says around a task definition. Undefined: it says nothing, and what hangs on it is not known. */
export interface EcsSurroundings {
  readonly name?: string;
  /** The ECS service, by whose absence a rule can tell that nothing is known. */
  readonly service?: At;
  readonly circuitBreaker?: Placed<{ readonly enable: boolean; readonly rollback: boolean }>;
  readonly exec?: Placed<boolean>;
  readonly healthGraceSeconds?: Placed<number>;
  /** Where load balancers send requests. */
  readonly targets?: readonly BalancerTarget[];
  /** False: there are more, and where they send is not known. */
  readonly allTargets?: boolean;
  /** What each target group asks, and on which port where that is not the target's own. */
  readonly targetHealth?: readonly { readonly path: Placed<string>; readonly port: Placed<number> | null }[];
  readonly deregistrationSeconds?: Placed<number>;
  /** `complete`: no group, and no rule of one, is missing. */
  readonly securityGroup?: { readonly rules: readonly Placed<SecurityGroupRule>[]; readonly complete: boolean };
  /** Of the load balancer: after this time without a byte it closes the connection. */
  readonly requestTimeoutSeconds?: Placed<number>;
  readonly exposure?: Placed<"internal" | "external">;
  /** HTTPS at the listener. */
  readonly certificate?: Placed<string | null>;
  readonly scaling?: { readonly min: number; readonly max: number; readonly at: At };
  readonly taskRole?: { readonly statements: readonly Placed<IamStatement>[]; readonly at: At };
}

const NOTHING = "is not in this document";

/** The settings that the document gives, with values that no rule objects to in place of the others. */
export function ecsSettings(
  reading: Reading,
  at: At,
  words: EcsWords,
  around: EcsSurroundings,
  sidecar: ReadContainer,
): { settings: EcsSettings; scaling: Scaling } {
  const place = <T>(path: string, given: Placed<T> | undefined): T | undefined => {
    if (given !== undefined) reading.place(path, given.at);
    return given?.value;
  };
  const [pid, network] = [words(at, "pidMode"), words(at, "networkMode")];
  reading.place("settings.pidMode", pid);
  if (pid.unresolved)
    reading.ask(["CHIO-SHARED-PROCESSES"], pid, "whether the containers share their processes is known only when it is deployed");
  if (network.unresolved) reading.ask(["CHIO-INGRESS-TARGET"], network, "the network mode is known only when it is deployed");
  else if (network.given && network.text()?.toLowerCase() !== "awsvpc")
    reading.wrong(
      network,
      `the network mode is ${JSON.stringify(network.value)}: Fargate takes awsvpc, in which app and sidecar share a loopback`,
    );
  const target = ingressTarget(around, sidecar.container.name);
  if (target !== undefined) reading.place("ingress", target.at);
  const health = healthPath(sidecar.container);
  for (const { port } of around.targetHealth ?? [])
    if (port !== null && !sidecar.container.ports.includes(port.value))
      reading.breach(
        "CHIO-PROBE-PATH",
        port.at,
        `the load balancer asks port ${port.value}, which is not one of ${sidecar.container.name}`,
      );
  for (const [index, one] of (around.securityGroup?.rules ?? []).entries())
    reading.place(`settings.securityGroupIngress[${index}]`, one.at);
  for (const [index, one] of (around.taskRole?.statements ?? []).entries()) reading.place(`settings.taskRoleStatements[${index}]`, one.at);
  if (around.scaling !== undefined) reading.place("scaling", around.scaling.at);
  ask(reading, at, around, words);
  const settings: EcsSettings = {
    family: words(at, "family").text() ?? "",
    executionRoleArn: words(at, "executionRoleArn").text() ?? null,
    taskRoleArn: words(at, "taskRoleArn").text() ?? null,
    taskRoleStatements: (around.taskRole?.statements ?? []).map(({ value }) => value),
    region: null,
    logs: { appGroup: "", sidecarGroup: "", retentionDays: 0, sidecarMode: "blocking", appMode: "non-blocking", appMaxBufferMiB: 0 },
    enableExecuteCommand: place("settings.enableExecuteCommand", around.exec) ?? false,
    // With the host's, they see each other and all else.
    pidMode: pid.unresolved || !/^(task|host)$/i.test(pid.text() ?? "") ? null : "task",
    securityGroupIngress: (around.securityGroup?.rules ?? []).map(({ value }) => value),
    loadBalancer: {
      certificateArn: place("settings.loadBalancer.certificateArn", around.certificate) ?? null,
      healthCheck: {
        path: place("settings.loadBalancer.healthCheck.path", worstPath(around, health)) ?? replicaHealthPath(health),
        ...DEFAULTS.ecs.targetHealth,
      },
    },
    deregistrationDelaySeconds:
      place("settings.deregistrationDelaySeconds", around.deregistrationSeconds) ?? LIMITS.ecs.requestTimeoutSeconds.max ?? 0,
    healthCheckGracePeriodSeconds: place("settings.healthCheckGracePeriodSeconds", around.healthGraceSeconds) ?? Number.MAX_SAFE_INTEGER,
    circuitBreaker: place("settings.circuitBreaker", around.circuitBreaker) ?? { enable: true, rollback: true },
    minHealthyPercent: DEFAULTS.ecs.minHealthyPercent,
    maxHealthyPercent: DEFAULTS.ecs.maxHealthyPercent,
    platformVersion: DEFAULTS.ecs.platformVersion,
  };
  const scaling = { minReplicas: around.scaling?.min ?? 1, maxReplicas: around.scaling?.max ?? 1, concurrency: 1 };
  return { settings, scaling };
}

/** Of several paths the one that a rule objects to, if there is one. */
function worstPath({ targetHealth = [] }: EcsSurroundings, health: string): Placed<string> | undefined {
  const paths = targetHealth.map(({ path }) => path);
  const asked = (one: Placed<string>) => readinessAsked(one.value, health);
  return paths.find((one) => asked(one) === null) ?? paths.find((one) => asked(one)?.sinks === true) ?? paths[0];
}

function ask(reading: Reading, at: At, around: EcsSurroundings, words: EcsWords): void {
  const lacks = (given: unknown, codes: readonly string[], what: string, where: At = around.service ?? at) => {
    if (given === undefined) reading.ask(codes, where, `${what} ${NOTHING}`);
  };
  lacks(around.circuitBreaker, ["CHIO-FAIL-OPEN"], "whether a failed deployment is rolled back");
  lacks(around.exec, ["CHIO-EXEC"], "whether ECS Exec is on");
  lacks(around.healthGraceSeconds, ["CHIO-HEALTH-GRACE"], "the health-check grace of the service");
  lacks(
    around.allTargets === false ? undefined : around.targets,
    ["CHIO-INGRESS-TARGET"],
    "to which container and port the load balancer sends",
  );
  lacks(around.targetHealth, ["CHIO-PROBE-PATH", "CHIO-PROBE-SINKS"], "which path the load balancer asks");
  lacks(
    around.deregistrationSeconds,
    ["CHIO-DEREGISTRATION", "CHIO-REQUEST-TIMEOUT"],
    "how long a target is deregistered before it is stopped, and how long a request may take",
  );
  lacks(around.securityGroup?.complete === true ? true : undefined, ["CHIO-INGRESS-SOURCE"], "what the security group lets in");
  lacks(around.exposure, ["CHIO-PLAIN-HTTP"], "whether callers come over HTTPS");
  lacks(around.scaling, ["CHIO-SCALING"], "how many replicas there are");
  const [role, execution] = [words(at, "taskRoleArn"), words(at, "executionRoleArn")];
  const told = !role.unresolved || role.text()?.startsWith("${deferred:Parameter.") === true;
  if (around.taskRole === undefined && role.given && told && role.text() === execution.text())
    reading.breach(
      "CHIO-TASK-ROLE",
      role,
      "the task role is the execution role, which reads the secrets: every container has its credentials",
    );
  if (role.given) lacks(around.taskRole, ["CHIO-TASK-ROLE"], "what the task role may read", role);
}
