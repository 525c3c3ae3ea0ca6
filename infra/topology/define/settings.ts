import { DEFAULTS } from "../defaults.ts";
import { replicaHealthPath } from "../replica-health.ts";
import type { AcaSettings, CloudRunSettings, EcsSettings, LocalSettings } from "../settings.ts";
import type { Container, HealthCheck } from "../types.ts";
import { type Draft, defined } from "./draft.ts";

/** What only this platform has, with a value for everything. */
export function settingsFor(
  draft: Draft,
  sidecar: Container,
  app: Container | null,
): EcsSettings | CloudRunSettings | AcaSettings | LocalSettings {
  switch (draft.platform) {
    case "ecs":
      return ecsSettings(draft, sidecar, app);
    case "cloud-run":
      return cloudRunSettings(draft);
    case "aca":
      return acaSettings(draft);
    case "local":
      return localSettings(draft, sidecar);
  }
}

function ecsSettings({ props }: Draft, sidecar: Container, app: Container | null): EcsSettings {
  const { logs, loadBalancer, circuitBreaker, ...given } = props.ecs ?? {};
  const port = sidecar.ports[0] ?? DEFAULTS.sidecar.port;
  const group = `/ecs/${props.name}`;
  return {
    family: props.name,
    executionRoleArn: null,
    taskRoleArn: null,
    taskRoleStatements: [],
    region: null,
    enableExecuteCommand: false,
    pidMode: null,
    securityGroupIngress: [{ source: "load-balancer", port }],
    deregistrationDelaySeconds: props.requestTimeoutSeconds?.ecs ?? DEFAULTS.requestTimeoutSeconds.ecs,
    healthCheckGracePeriodSeconds: Math.max(
      DEFAULTS.ecs.healthCheckGraceFloorSeconds,
      slowestStart(sidecar.healthCheck) + slowestStart(app?.healthCheck ?? null) + DEFAULTS.ecs.healthCheckGraceMarginSeconds,
    ),
    minHealthyPercent: DEFAULTS.ecs.minHealthyPercent,
    maxHealthyPercent: DEFAULTS.ecs.maxHealthyPercent,
    platformVersion: DEFAULTS.ecs.platformVersion,
    ...defined(given),
    circuitBreaker: { ...DEFAULTS.ecs.circuitBreaker, ...defined(circuitBreaker) },
    logs: {
      appGroup: `${group}/app`,
      sidecarGroup: `${group}/chio-sidecar`,
      retentionDays: DEFAULTS.ecs.logRetentionDays,
      sidecarMode: "blocking",
      appMode: "non-blocking",
      appMaxBufferMiB: DEFAULTS.ecs.appMaxBufferMiB,
      ...defined(logs),
    },
    loadBalancer: {
      certificateArn: loadBalancer?.certificateArn ?? null,
      healthCheck: {
        path: replicaHealthPath(props.sidecar?.healthPath ?? DEFAULTS.sidecar.healthPath),
        ...DEFAULTS.ecs.targetHealth,
        ...defined(loadBalancer?.healthCheck),
      },
    },
  };
}

/** Seconds until a container that never gets healthy is given up. */
export function slowestStart(check: HealthCheck | null): number {
  return check === null ? 0 : check.startPeriodSeconds + check.intervalSeconds * check.retries;
}

function cloudRunSettings({ props }: Draft): CloudRunSettings {
  const { cpuIdle: _, readinessProbe, ...given } = props.cloudRun ?? {};
  const internal = props.exposure?.["cloud-run"] === "internal";
  return {
    project: null,
    region: null,
    serviceAccount: null,
    ingress: internal ? "internal" : "all",
    executionEnvironment: DEFAULTS.cloudRun.executionEnvironment,
    startupCpuBoost: DEFAULTS.cloudRun.startupCpuBoost,
    launchStage: readinessProbe === true ? "BETA" : "GA",
    vpc: null,
    invokers: [],
    binaryAuthorization: null,
    ...defined(given),
  };
}

function acaSettings(draft: Draft): AcaSettings {
  const { props } = draft;
  const { startGate: _, ...given } = props.aca ?? {};
  return {
    environmentId: null,
    location: null,
    identityId: null,
    identityLifecycle: DEFAULTS.aca.identityLifecycle,
    workloadIdentityId: null,
    usesWorkloadIdentity: usesWorkloadIdentity(draft),
    revisionsMode: DEFAULTS.aca.revisionsMode,
    transport: DEFAULTS.aca.transport,
    workloadProfile: null,
    registries: [],
    maxInactiveRevisions: DEFAULTS.aca.maxInactiveRevisions,
    ...defined(given),
  };
}

/** What the sidecar does in Azure by itself. What the platform does for it, such as reading Key Vault, has an identity of its own. */
export function usesWorkloadIdentity({ props, platform, config, mode }: Draft): boolean {
  if (platform !== "aca") return false;
  const sinks = props.receipts?.sink?.aca ?? [];
  const files = [mode.kind === "api-protect" ? mode.spec : null, mode.policy, config.kernelConfig];
  return (
    sinks.some((sink) => sink.kind === "cosmosdb") ||
    props.policySource?.aca?.kind === "azblob" ||
    files.some((file) => file?.startsWith("azblob://"))
  );
}

function localSettings({ props }: Draft, sidecar: Container): LocalSettings {
  return { publishHost: DEFAULTS.local.publishHost, publishPort: sidecar.ports[0] ?? DEFAULTS.sidecar.port, ...defined(props.local) };
}
