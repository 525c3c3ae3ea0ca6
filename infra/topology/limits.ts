import type { Architecture, Platform, Resources, StartCondition, VolumeKind } from "./types.ts";

/** Both ends count. `max` null: none is stated. */
export interface Range {
  readonly min: number;
  readonly max: number | null;
}

export interface ProbeLimits {
  readonly initialDelaySeconds: Range;
  readonly periodSeconds: Range;
  readonly timeoutSeconds: Range;
  readonly failureThreshold: Range;
  readonly successThreshold: Range;
  readonly kinds: readonly ("http" | "tcp" | "exec")[];
}

export interface HealthCheckLimits {
  readonly intervalSeconds: Range;
  readonly timeoutSeconds: Range;
  readonly retries: Range;
  readonly startPeriodSeconds: Range;
}

export interface PlatformLimits {
  readonly maxContainers: number;
  readonly graceSeconds: Range & { readonly default: number };
  /** Null where a network probe decides. */
  readonly healthCheck: HealthCheckLimits | null;
  /** Null where there is none. */
  readonly probes: { readonly startup: ProbeLimits; readonly liveness: ProbeLimits; readonly readiness: ProbeLimits } | null;
  /** Longest time from start to the last allowed startup failure. Null: no limit of its own. */
  readonly startupWindowSeconds: number | null;
  readonly startTimeoutSeconds: Range | null;
  readonly restartPeriodSeconds: Range | null;
  readonly requestTimeoutSeconds: Range;
  readonly replicas: Range;
  readonly minimum: Resources;
  readonly fields: {
    readonly user: boolean;
    readonly readOnlyRoot: boolean;
    readonly capabilities: boolean;
    readonly tmpfs: boolean;
    readonly initContainers: boolean;
  };
  readonly startConditions: readonly StartCondition[];
  readonly architectures: readonly Architecture[];
  readonly volumes: readonly VolumeKind[];
  readonly name: { readonly pattern: RegExp; readonly text: string };
  /** Where the numbers come from. */
  readonly sources: readonly string[];
}

const range = (min: number, max: number | null): Range => ({ min, max });
const DNS_NAME = { pattern: /^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/, text: "1 to 49 lower-case letters, digits and hyphens, from a letter on" };

const CLOUD_RUN_STARTUP: ProbeLimits = {
  initialDelaySeconds: range(0, 240),
  periodSeconds: range(1, 240),
  timeoutSeconds: range(1, 240),
  failureThreshold: range(1, null),
  successThreshold: range(1, 1),
  kinds: ["http", "tcp"],
};

const ACA_STARTUP: ProbeLimits = {
  initialDelaySeconds: range(0, 60),
  periodSeconds: range(1, 240),
  timeoutSeconds: range(1, 240),
  // The reference says 10; the service takes these (azurerm provider, pull request 31989).
  failureThreshold: range(1, 240),
  successThreshold: range(1, 1),
  kinds: ["http", "tcp"],
};

/** Docker and systemd set few limits; these keep a local run close to a cloud's. */
const ANY_PROBE: ProbeLimits = {
  initialDelaySeconds: range(0, null),
  periodSeconds: range(1, null),
  timeoutSeconds: range(1, null),
  failureThreshold: range(1, null),
  successThreshold: range(1, null),
  kinds: ["http", "tcp", "exec"],
};

/** The numbers of each platform, in one place. A construct, a rule or a test that needs one reads it here. */
export const LIMITS: { readonly [P in Platform]: PlatformLimits } = {
  ecs: {
    maxContainers: 10,
    graceSeconds: { min: 2, max: 120, default: 30 },
    healthCheck: { intervalSeconds: range(5, 300), timeoutSeconds: range(2, 60), retries: range(1, 10), startPeriodSeconds: range(0, 300) },
    probes: null,
    startupWindowSeconds: null,
    startTimeoutSeconds: range(2, 120),
    restartPeriodSeconds: range(60, 1800),
    requestTimeoutSeconds: range(1, 4000),
    replicas: range(0, null),
    minimum: { cpuMilli: 250, memoryMiB: 512 },
    fields: { user: true, readOnlyRoot: true, capabilities: true, tmpfs: true, initContainers: true },
    startConditions: ["started", "healthy", "completed", "succeeded"],
    architectures: ["amd64", "arm64"],
    volumes: ["empty", "efs"],
    name: { pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/, text: "1 to 255 letters, digits, hyphens and underscores" },
    sources: [
      "Amazon ECS API reference: ContainerDefinition (stopTimeout, startTimeout), HealthCheck, ContainerRestartPolicy",
      "Amazon ECS developer guide: Fargate task sizes; tmpfs on Fargate since January 2026 (containers-roadmap 736)",
      "Elastic Load Balancing: Application Load Balancer idle timeout, deregistration delay",
    ],
  },
  "cloud-run": {
    maxContainers: 10,
    graceSeconds: { min: 10, max: 10, default: 10 },
    healthCheck: null,
    probes: {
      startup: CLOUD_RUN_STARTUP,
      liveness: {
        ...CLOUD_RUN_STARTUP,
        initialDelaySeconds: range(0, 3600),
        periodSeconds: range(1, 3600),
        timeoutSeconds: range(1, 3600),
      },
      readiness: {
        ...CLOUD_RUN_STARTUP,
        initialDelaySeconds: range(0, 0),
        periodSeconds: range(1, 300),
        timeoutSeconds: range(1, 300),
        successThreshold: range(1, null),
        kinds: ["http"],
      },
    },
    startupWindowSeconds: 240,
    startTimeoutSeconds: null,
    restartPeriodSeconds: null,
    requestTimeoutSeconds: range(1, 3600),
    replicas: range(0, null),
    minimum: { cpuMilli: 1000, memoryMiB: 512 },
    fields: { user: false, readOnlyRoot: false, capabilities: false, tmpfs: false, initContainers: false },
    startConditions: ["healthy"],
    architectures: ["amd64"],
    volumes: ["empty", "secret", "gcs"],
    name: DNS_NAME,
    sources: [
      "Cloud Run Admin API v2: Container, Probe; container runtime contract (10 s from SIGTERM to SIGKILL)",
      "Cloud Run documentation: container health checks, multiple containers, CPU and memory limits",
    ],
  },
  aca: {
    // Not stated anywhere; the value is what a replica was seen to take.
    maxContainers: 20,
    graceSeconds: { min: 1, max: 600, default: 30 },
    healthCheck: null,
    probes: {
      startup: ACA_STARTUP,
      liveness: { ...ACA_STARTUP, failureThreshold: range(1, 30) },
      readiness: { ...ACA_STARTUP, failureThreshold: range(1, 48), successThreshold: range(1, 10) },
    },
    startupWindowSeconds: null,
    startTimeoutSeconds: null,
    restartPeriodSeconds: null,
    requestTimeoutSeconds: range(1, 240),
    replicas: range(0, 1000),
    minimum: { cpuMilli: 250, memoryMiB: 512 },
    fields: { user: false, readOnlyRoot: false, capabilities: false, tmpfs: false, initContainers: true },
    startConditions: ["started", "healthy", "completed", "succeeded"],
    architectures: ["amd64"],
    volumes: ["empty", "secret", "azure-file"],
    name: {
      pattern: /^(?!.*--)[a-z][a-z0-9-]{0,30}[a-z0-9]$/,
      text: "2 to 32 lower-case letters, digits and single hyphens, from a letter on",
    },
    sources: [
      "Azure Container Apps REST API: ContainerAppProbe, Template (terminationGracePeriodSeconds; 600 is in use in the field)",
      "azurerm provider, pull request 31989: probe ranges that the service takes",
      "Azure Container Apps documentation: containers (CPU and memory), ingress (240 s), scaling",
    ],
  },
  local: {
    maxContainers: 50,
    graceSeconds: { min: 1, max: null, default: 30 },
    healthCheck: {
      intervalSeconds: range(1, null),
      timeoutSeconds: range(1, null),
      retries: range(1, null),
      startPeriodSeconds: range(0, null),
    },
    probes: { startup: ANY_PROBE, liveness: ANY_PROBE, readiness: ANY_PROBE },
    startupWindowSeconds: null,
    startTimeoutSeconds: null,
    restartPeriodSeconds: null,
    requestTimeoutSeconds: range(1, null),
    replicas: range(0, null),
    minimum: { cpuMilli: 1, memoryMiB: 6 },
    fields: { user: true, readOnlyRoot: true, capabilities: true, tmpfs: true, initContainers: true },
    startConditions: ["started", "healthy", "succeeded"],
    architectures: ["amd64", "arm64"],
    volumes: ["empty", "secret", "host"],
    name: { pattern: /^[a-z0-9][a-z0-9_-]{0,62}$/, text: "1 to 63 lower-case letters, digits, hyphens and underscores" },
    sources: ["Compose specification: services, healthcheck, stop_grace_period", "Docker Engine API: container limits"],
  },
};

/** What Amazon ECS takes where a task definition is silent. Source: Amazon ECS API reference, HealthCheck and ContainerDefinition. */
export const ECS_DEFAULTS = { stopTimeout: 30, interval: 30, timeout: 5, retries: 3, startPeriod: 0 } as const;

/** Fargate task sizes: CPU units, and the memory in MiB that goes with them. Source: Amazon ECS developer guide, task CPU and memory. */
export const FARGATE_SIZES: readonly { readonly cpuUnits: number; readonly memoryMiB: readonly number[] }[] = [
  { cpuUnits: 256, memoryMiB: [512, 1024, 2048] },
  { cpuUnits: 512, memoryMiB: steps(1024, 4096, 1024) },
  { cpuUnits: 1024, memoryMiB: steps(2048, 8192, 1024) },
  { cpuUnits: 2048, memoryMiB: steps(4096, 16384, 1024) },
  { cpuUnits: 4096, memoryMiB: steps(8192, 30720, 1024) },
  { cpuUnits: 8192, memoryMiB: steps(16384, 61440, 4096) },
  { cpuUnits: 16384, memoryMiB: steps(32768, 122880, 8192) },
  { cpuUnits: 32768, memoryMiB: [61440, 122880, 249856] },
];

/** CPU that one Cloud Run container may ask for above one core. Source: Cloud Run Admin API v2, ResourceRequirements. */
export const CLOUD_RUN_CORES: readonly number[] = [1000, 2000, 4000, 6000, 8000];
/** Least CPU for an amount of memory, and least memory for a number of cores. Source: Cloud Run documentation, memory limits. */
export const CLOUD_RUN_MEMORY: readonly { readonly cpuMilli: number; readonly minMiB: number; readonly maxMiB: number }[] = [
  { cpuMilli: 1000, minMiB: 128, maxMiB: 4096 },
  { cpuMilli: 2000, minMiB: 128, maxMiB: 8192 },
  { cpuMilli: 4000, minMiB: 2048, maxMiB: 16384 },
  { cpuMilli: 6000, minMiB: 4096, maxMiB: 24576 },
  { cpuMilli: 8000, minMiB: 4096, maxMiB: 32768 },
];

/** Container Apps without a dedicated profile: quarter cores, with exactly 2 GiB a core. Source: Azure Container Apps, containers. */
export const ACA_STEP: Resources = { cpuMilli: 250, memoryMiB: 512 };
export const ACA_MAX_STEPS = { consumptionOnly: 8, consumptionProfile: 16 } as const;

/** Seconds that the sidecar's drain leaves of its grace, to write its last line and exit. */
export const DRAIN_RESERVE_SECONDS = 2;

function steps(from: number, to: number, by: number): number[] {
  return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}

export function inRange(value: number, limits: Range): boolean {
  return value >= limits.min && (limits.max === null || value <= limits.max);
}

export function rangeText(limits: Range): string {
  if (limits.max === limits.min) return `exactly ${limits.min}`;
  return limits.max === null ? `at least ${limits.min}` : `${limits.min} to ${limits.max}`;
}
