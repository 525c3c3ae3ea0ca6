import type { Architecture, Platform, Resources, Scaling } from "./types.ts";

/** Every value that the topology has when nobody gave one. `defineTopology` is the only reader. */
export const DEFAULTS = {
  app: { name: "app", port: 8080, bind: "127.0.0.1", user: "1000:1000", libc: "glibc", writable: [{ path: "/tmp", sizeMiB: 64 }] },
  auxiliary: { bind: "127.0.0.1" },
  sidecar: {
    name: "chio-sidecar",
    port: 9090,
    bind: "0.0.0.0",
    healthPath: "/chio/health",
    livePath: "/chio/live",
    logLevel: "info",
    user: { distroless: "65532:65532", alpine: "10001:10001" },
    stateDirectory: "/var/lib/chio",
    store: "/var/lib/chio/receipts.sqlite",
    program: "/usr/local/bin/chio",
    kernelConfig: "/etc/chio/kernel.yaml",
    configMount: "/etc/chio",
  },
  secrets: {
    signingKey: {
      name: "chio-signing-key",
      env: "CHIO_SIGNING_KEY",
      fileEnv: "CHIO_SIGNING_KEY_FILE",
      file: "/run/secrets/chio-signing-key",
    },
    authorityUrl: { name: "chio-capability-authority-url", env: "CHIO_CAPABILITY_AUTHORITY_URL" },
    controlToken: { name: "chio-sidecar-control-token", env: "CHIO_SIDECAR_CONTROL_TOKEN" },
  },
  volumes: { state: "chio-state", config: "chio-config", gate: "chio-gate" },
  startGate: { container: "chio-gate", directory: "/opt/chio" },
  architecture: "amd64" as Architecture,
  /** Time between two probes of the app and attempts until it counts as failed to start: 60 s, as the reference manifests give it. */
  appProbes: {
    startup: { initialDelaySeconds: 2, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 30, successThreshold: 1 },
    liveness: { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 },
  },
  sidecarProbes: {
    startup: { initialDelaySeconds: 1, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 30, successThreshold: 1 },
    liveness: { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 },
    readiness: { initialDelaySeconds: 0, periodSeconds: 5, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 },
  },
  /** Of the sidecar (ECS): over its slowest start, and no more than the platform takes. */
  startTimeoutMarginSeconds: 15,
  healthCheck: { intervalSeconds: 10, timeoutSeconds: 5, retries: 3, startPeriodSeconds: 15 },
  restart: { attemptPeriodSeconds: 60, ignoredExitCodes: [] as readonly number[] },
  exposure: { ecs: "internal", "cloud-run": "external", aca: "internal", local: "internal" } as const satisfies Record<
    Platform,
    "internal" | "external"
  >,
  requestTimeoutSeconds: { ecs: 60, "cloud-run": 300, aca: 240, local: 300 } satisfies Record<Platform, number>,
  scaling: {
    ecs: { minReplicas: 1, maxReplicas: 4, concurrency: 80 },
    "cloud-run": { minReplicas: 1, maxReplicas: 100, concurrency: 80 },
    aca: { minReplicas: 1, maxReplicas: 20, concurrency: 50 },
    local: { minReplicas: 1, maxReplicas: 1, concurrency: 80 },
  } satisfies Record<Platform, Scaling>,
  resources: {
    app: {
      ecs: { cpuMilli: 375, memoryMiB: 896 },
      "cloud-run": { cpuMilli: 1000, memoryMiB: 512 },
      aca: { cpuMilli: 750, memoryMiB: 1536 },
      local: { cpuMilli: 1000, memoryMiB: 512 },
    },
    // Cloud Run keeps the receipt store in memory: twice what the process needs.
    sidecar: {
      ecs: { cpuMilli: 125, memoryMiB: 128 },
      "cloud-run": { cpuMilli: 500, memoryMiB: 256 },
      aca: { cpuMilli: 250, memoryMiB: 512 },
      local: { cpuMilli: 500, memoryMiB: 128 },
    },
    /** The sidecar with a wrapped MCP server in its container, and no app beside it. */
    mcpSidecar: {
      ecs: { cpuMilli: 500, memoryMiB: 1024 },
      "cloud-run": { cpuMilli: 1000, memoryMiB: 512 },
      aca: { cpuMilli: 1000, memoryMiB: 2048 },
      local: { cpuMilli: 1000, memoryMiB: 512 },
    },
    /** Init and auxiliary containers. */
    other: {
      ecs: { cpuMilli: 125, memoryMiB: 128 },
      "cloud-run": { cpuMilli: 250, memoryMiB: 128 },
      aca: { cpuMilli: 250, memoryMiB: 512 },
      local: { cpuMilli: 250, memoryMiB: 128 },
    },
  } satisfies Record<string, Record<Platform, Resources>>,
  /** Bound of the in-memory state volume on Cloud Run. */
  cloudRunStateMiB: 64,
  ecs: {
    logRetentionDays: 90,
    appMaxBufferMiB: 25,
    circuitBreaker: { enable: true, rollback: true },
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    platformVersion: "1.4.0",
    targetHealth: { intervalSeconds: 10, timeoutSeconds: 5, healthyThreshold: 2, unhealthyThreshold: 3 },
    /** Least grace before the load balancer's checks count, and what it has over the slowest start. */
    healthCheckGraceFloorSeconds: 60,
    healthCheckGraceMarginSeconds: 15,
  },
  cloudRun: { executionEnvironment: "gen2", startupCpuBoost: true, cpuIdle: false },
  aca: { identityLifecycle: "None", revisionsMode: "Single", transport: "auto", maxInactiveRevisions: 10 },
  local: { publishHost: "127.0.0.1" },
} as const;
