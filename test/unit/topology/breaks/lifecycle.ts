import { APP_IMAGE, container, SIDECAR_IMAGE } from "../fixtures.ts";
import { app, type Breaks, settings, sidecar } from "./break.ts";

const healthCommand = (...command: string[]) => sidecar((one) => (one.healthCheck.command = command));

/** Rules about probes, drain and receipts. */
export const LIFECYCLE: Breaks = {
  "CHIO-PROBE-MISSING": [
    { what: "health check", platform: "ecs", change: sidecar((one) => (one.healthCheck = null)) },
    { what: "startup", platform: "cloud-run", change: sidecar((one) => (one.probes.startup = null)) },
    { what: "liveness", platform: "cloud-run", change: sidecar((one) => (one.probes.liveness = null)) },
    { what: "readiness", platform: "aca", change: sidecar((one) => (one.probes.readiness = null)) },
    { what: "health check", platform: "local", change: sidecar((one) => (one.healthCheck = null)) },
  ],
  "CHIO-PROBE-PATH": [
    { what: "liveness on readiness", platform: "cloud-run", change: sidecar((one) => (one.probes.liveness.action.path = "/chio/health")) },
    { what: "readiness on liveness", platform: "aca", change: sidecar((one) => (one.probes.readiness.action.path = "/chio/live")) },
    { what: "TCP", platform: "cloud-run", change: sidecar((one) => (one.probes.startup.action = { kind: "tcp", port: 9090 })) },
    { what: "the app's port", platform: "aca", change: sidecar((one) => (one.probes.startup.action.port = 8080)) },
    {
      what: "the app's health as a command",
      platform: "ecs",
      change: healthCommand("/usr/bin/curl", "-f", "http://127.0.0.1:8080/healthz"),
    },
    { what: "liveness as a command", platform: "local", change: healthCommand("/usr/bin/wget", "http://127.0.0.1:9090/chio/live") },
    { what: "a command that asks nothing", platform: "ecs", change: healthCommand("/usr/local/bin/chio", "--help") },
    {
      what: "the load balancer's path",
      platform: "ecs",
      props: {
        ecs: {
          loadBalancer: {
            certificateArn: null,
            healthCheck: { path: "/healthz", intervalSeconds: 10, timeoutSeconds: 5, healthyThreshold: 2, unhealthyThreshold: 3 },
          },
        },
      },
    },
    {
      what: "a check that cannot be left out",
      platform: "ecs",
      props: { ecs: { loadBalancer: { healthCheck: { path: "/chio/health?exclude=receipts" } } } },
    },
  ],
  "CHIO-PROBE-SINKS": [
    { what: "the program", platform: "ecs", change: sidecar((one) => (one.healthCheck.command = ["/usr/local/bin/chio", "health"])) },
    {
      what: "the program with a URL",
      platform: "ecs",
      props: {
        sidecar: {
          image: SIDECAR_IMAGE,
          healthCommand: { command: ["/usr/local/bin/chio", "health", "--url=http://[::1]:9090/chio/health"] },
        },
      },
    },
    {
      what: "curl",
      platform: "ecs",
      change: sidecar((one) => (one.healthCheck.command = ["/usr/bin/curl", "-fsS", "http://localhost:9090/chio/health"])),
    },
    {
      what: "a path of its own",
      platform: "ecs",
      props: { sidecar: { image: SIDECAR_IMAGE, healthPath: "/ready" } },
      change: sidecar((one) => (one.healthCheck.command = ["/usr/bin/curl", "-fsS", "localhost:9090/ready?a=b"])),
    },
    {
      what: "the load balancer",
      platform: "ecs",
      props: { ecs: { loadBalancer: { healthCheck: { path: "/chio/health" } } } },
    },
  ],
  "CHIO-PROBE-WINDOW": [{ what: "241 s", platform: "cloud-run", props: { sidecar: { image: SIDECAR_IMAGE, startup: { attempts: 241 } } } }],
  "CHIO-PROBE-TIMEOUT": [
    { what: "startup", platform: "cloud-run", change: sidecar((one) => (one.probes.startup.timeoutSeconds = 2)) },
    { what: "app liveness", platform: "aca", change: app((one) => (one.probes.liveness.timeoutSeconds = 11)) },
    { what: "health check", platform: "ecs", change: sidecar((one) => (one.healthCheck.timeoutSeconds = 11)) },
  ],
  "CHIO-PROBE-PORT": [
    { what: "app", platform: "cloud-run", change: app((one) => (one.probes.startup.action.port = null)) },
    { what: "app", platform: "aca", change: app((one) => (one.probes.liveness.action.port = null)) },
    { what: "sidecar", platform: "aca", change: sidecar((one) => (one.probes.liveness.action.port = null)) },
  ],
  "CHIO-PROBE-RANGE": [
    {
      what: "interval",
      platform: "ecs",
      change: sidecar((one) => Object.assign(one.healthCheck, { intervalSeconds: 4, timeoutSeconds: 3 })),
    },
    {
      what: "retries",
      platform: "ecs",
      change: (graph) => {
        Object.assign(container(graph, "sidecar").healthCheck, { retries: 11, intervalSeconds: 5, startPeriodSeconds: 0 });
      },
    },
    {
      what: "start period",
      platform: "ecs",
      change: (graph) => {
        container(graph, "sidecar").healthCheck.startPeriodSeconds = 301;
        graph.settings.healthCheckGracePeriodSeconds = 400;
      },
    },
    { what: "initial delay", platform: "cloud-run", change: sidecar((one) => (one.probes.startup.initialDelaySeconds = 241)) },
    { what: "exec", platform: "cloud-run", change: app((one) => (one.probes.startup.action = { kind: "exec", command: ["/probe"] })) },
    {
      what: "delay of readiness",
      platform: "cloud-run",
      props: { cloudRun: { readinessProbe: true } },
      change: sidecar((one) => (one.probes.readiness.initialDelaySeconds = 1)),
    },
    { what: "failures of liveness", platform: "aca", change: sidecar((one) => (one.probes.liveness.failureThreshold = 31)) },
    { what: "no number", platform: "aca", change: sidecar((one) => (one.probes.readiness.periodSeconds = Number.NaN)) },
  ],
  "CHIO-HEALTH-COMMAND": [
    {
      what: "curl that takes 503 for an answer",
      platform: "ecs",
      change: healthCommand("/usr/bin/curl", "-sS", "http://127.0.0.1:9090/chio/health?exclude=sinks"),
    },
    {
      what: "one string",
      platform: "ecs",
      props: {
        sidecar: { image: SIDECAR_IMAGE, healthCommand: { command: ["curl -fsS http://localhost:9090/chio/health?exclude=sinks"] } },
      },
    },
    {
      what: "a shell",
      platform: "ecs",
      props: { sidecar: { image: SIDECAR_IMAGE, healthCommand: { command: ["/bin/sh", "-c", "chio health --exclude=sinks"] } } },
    },
    {
      what: "CMD-SHELL",
      platform: "ecs",
      props: { sidecar: { image: SIDECAR_IMAGE, healthCommand: { command: ["CMD-SHELL", "chio health --exclude sinks"] } } },
    },
    { what: "always true", platform: "local", props: { app: { image: APP_IMAGE, healthCommand: { command: ["/bin/true"] } } } },
    {
      what: "or true",
      platform: "ecs",
      props: {
        app: { image: APP_IMAGE, healthCommand: { command: ["/bin/sh", "-c", "probe || exit 0"] } },
        ecs: { healthCheckGracePeriodSeconds: 300 },
      },
    },
  ],
  "CHIO-HEALTH-GRACE": [
    { what: "as long as the start", platform: "ecs", props: { ecs: { healthCheckGracePeriodSeconds: 45 } } },
    {
      what: "the app's start forgotten",
      platform: "ecs",
      props: { app: { image: APP_IMAGE, healthCommand: { command: ["/probe"] } }, ecs: { healthCheckGracePeriodSeconds: 60 } },
    },
  ],
  "CHIO-DRAIN": [
    { what: "as long as the grace", platform: "ecs", props: { shutdownDrainMs: 30_000 } },
    { what: "over Cloud Run's ten seconds", platform: "cloud-run", props: { shutdownDrainMs: 25_000 } },
    { what: "no number", platform: "aca", change: sidecar((one) => (one.env.CHIO_SHUTDOWN_DRAIN_MS = "28s")) },
    { what: "left out", platform: "aca", change: sidecar((one) => delete one.env.CHIO_SHUTDOWN_DRAIN_MS) },
  ],
  "CHIO-GRACE": [
    { what: "over Fargate's", platform: "ecs", props: { graceSeconds: 121 } },
    { what: "under 30 s", platform: "ecs", props: { graceSeconds: 29 } },
    { what: "under 30 s", platform: "aca", props: { graceSeconds: 20 } },
    { what: "over Azure's", platform: "aca", props: { graceSeconds: 601 } },
    { what: "other than Cloud Run's", platform: "cloud-run", change: app((one) => (one.graceSeconds = 30)) },
  ],
  "CHIO-GRACE-CLAMPED": [{ what: "30 s on Cloud Run", platform: "cloud-run", props: { graceSeconds: 30 } }],
  "CHIO-DEREGISTRATION": [
    { what: "shorter than a request", platform: "ecs", props: { requestTimeoutSeconds: 120, ecs: { deregistrationDelaySeconds: 60 } } },
  ],
  "CHIO-REQUEST-TIMEOUT": [
    { what: "over Azure's 240 s", platform: "aca", props: { requestTimeoutSeconds: 241 } },
    { what: "over an hour", platform: "cloud-run", props: { requestTimeoutSeconds: 3601 } },
    {
      what: "over the load balancer's",
      platform: "ecs",
      props: { requestTimeoutSeconds: 4001 },
      change: settings((one) => (one.deregistrationDelaySeconds = 4001)),
    },
  ],
  "CHIO-RECEIPTS-LOST": [
    { what: "only the local store", platform: "ecs", props: { receipts: { sink: "sqlite" } } },
    { what: "no sink", platform: "cloud-run", change: (graph) => Object.assign(graph.receipts, { sinks: [], acknowledge: "ledger" }) },
    { what: "waits for a sink that stdout is not", platform: "aca", props: { receipts: { sink: "stdout", acknowledge: "sink" } } },
  ],
  "CHIO-FAIL-OPEN": [
    { what: "not essential", platform: "ecs", change: sidecar((one) => (one.essential = false)) },
    { what: "exit code ignored", platform: "ecs", change: sidecar((one) => (one.restart.ignoredExitCodes = [1])) },
    { what: "no rollback", platform: "ecs", props: { ecs: { circuitBreaker: { enable: true, rollback: false } } } },
    { what: "not essential", platform: "aca", change: sidecar((one) => (one.essential = false)) },
  ],
};
