import { mcpServeHttp } from "../../../../infra/topology/index.ts";
import { APP_IMAGE, container, type Loose, SIDECAR_IMAGE } from "../fixtures.ts";
import { app, auxiliary, type Breaks, sidecar } from "./break.ts";

/** Rules about command, images, resources, names and files. */
export const SHAPE: Breaks = {
  "CHIO-SIDECAR-COMMAND": [
    { what: "no arguments", platform: "cloud-run", change: sidecar((one) => (one.args = [])) },
    { what: "arguments left to the image", platform: "ecs", change: sidecar((one) => (one.args = null)) },
    { what: "another entrypoint", platform: "aca", change: sidecar((one) => (one.entrypoint = ["/usr/local/bin/chio"])) },
    { what: "another command", platform: "local", change: sidecar((one) => (one.args[1] = "observe")) },
    {
      what: "a flag twice",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", extraArgs: ["--upstream=http://10.0.0.1"] } },
    },
    {
      what: "root allowed by flag",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", extraArgs: ["--allow-root"] } },
    },
  ],
  "CHIO-MCP-COMMAND": [
    {
      what: "nothing to wrap",
      platform: "ecs",
      props: { mode: mcpServeHttp({ serverId: "search", policy: "/etc/chio/policy.yaml" }), policySource: undefined as never },
    },
    {
      what: "a server that the bundled image does not have",
      platform: "ecs",
      props: {
        mode: mcpServeHttp({ serverId: "search", policy: "/etc/chio/policy.yaml", command: ["/srv/server"] }),
        policySource: undefined as never,
        sidecar: { image: { kind: "bundled", flavor: "distroless", configDirectory: "config" } },
        config: { kind: "image" },
      },
    },
  ],
  "CHIO-SIDECAR-COUNT": [
    {
      what: "none",
      platform: "ecs",
      change: (graph) => {
        graph.containers = graph.containers.filter((one: Loose) => one.role !== "sidecar");
        graph.startOrder = [];
      },
    },
    {
      what: "two",
      platform: "local",
      change: (graph) => {
        const first = container(graph, "sidecar");
        graph.containers.push({ ...structuredClone(first), name: "second", listens: [], ports: [], secrets: [], env: {} });
        graph.resources.cpuMilli += first.resources.cpuMilli;
        graph.resources.memoryMiB += first.resources.memoryMiB;
      },
    },
  ],
  "CHIO-APP-MISSING": [
    { what: "no image for this platform", platform: "ecs", props: { app: { image: { byPlatform: { aca: APP_IMAGE } } } } },
  ],
  "CHIO-IMAGE-UNPINNED": [
    { what: "latest", platform: "ecs", props: { sidecar: { image: "ghcr.io/backbay-labs/chio-sidecar:latest" } } },
    { what: "a version tag", platform: "cloud-run", props: { app: { image: "registry.example.com:5000/team/app:1.2.3" } } },
    { what: "nothing", platform: "aca", props: { app: { image: "registry.example.com:5000/team/app" } } },
  ],
  "CHIO-IMAGE-UNREACHABLE": [
    { what: "localhost", platform: "ecs", props: { app: { image: APP_IMAGE.replace("registry.example.com", "localhost:5000") } } },
    {
      what: "an address of this machine",
      platform: "aca",
      props: { app: { image: APP_IMAGE.replace("registry.example.com", "127.0.0.1:5000") } },
    },
    {
      what: "a name of this network",
      platform: "cloud-run",
      props: { app: { image: APP_IMAGE.replace("registry.example.com", "nas.local") } },
    },
  ],
  "CHIO-ARCHITECTURE": [
    { what: "arm64 on Cloud Run", platform: "cloud-run", props: { architecture: "arm64" } },
    { what: "arm64 on Azure", platform: "aca", props: { architecture: "arm64" } },
  ],
  "CHIO-RESOURCES": [
    { what: "more than Fargate has", platform: "ecs", props: { app: { image: APP_IMAGE, resources: { cpu: 64, memory: "512Gi" } } } },
    { what: "more than Azure has", platform: "aca", props: { app: { image: APP_IMAGE, resources: { cpu: 3, memory: "6Gi" } } } },
    { what: "a pair Fargate has not", platform: "ecs", change: (graph) => (graph.resources.memoryMiB = 1100) },
    { what: "containers over the task", platform: "ecs", change: app((one) => (one.resources.memoryMiB = 1024)) },
    { what: "a sum Azure has not", platform: "aca", change: app((one) => (one.resources.memoryMiB = 2048)) },
    {
      what: "1.5 cores for one container",
      platform: "cloud-run",
      change: (graph) => {
        container(graph, "app").resources.cpuMilli = 1500;
        graph.resources.cpuMilli = 2000;
      },
    },
  ],
  "CHIO-RESOURCES-ROUNDED": [
    { what: "up to a pair", platform: "ecs", props: { app: { image: APP_IMAGE, resources: { cpu: "300m", memory: "700Mi" } } } },
    { what: "up to a sum", platform: "aca", props: { app: { image: APP_IMAGE, resources: { cpu: "600m", memory: "1Gi" } } } },
    { what: "up to even cores", platform: "cloud-run", props: { app: { image: APP_IMAGE, resources: { cpu: 3, memory: "1Gi" } } } },
  ],
  "CHIO-CPU-IDLE-MIXED": [{ what: "sidecar only", platform: "cloud-run", change: sidecar((one) => (one.cpuIdle = true)) }],
  "CHIO-CPU-IDLE": [
    {
      what: "background flush",
      platform: "cloud-run",
      props: { receipts: { sink: "bigquery://team.chio.receipts", acknowledge: "ledger" }, cloudRun: { cpuIdle: true } },
    },
    {
      what: "background refresh",
      platform: "cloud-run",
      props: { sidecar: { image: SIDECAR_IMAGE, policyRefresh: "5m" }, cloudRun: { cpuIdle: true } },
    },
  ],
  "CHIO-SCALING": [
    { what: "more at least than at most", platform: "ecs", props: { scaling: { minReplicas: 5, maxReplicas: 4 } } },
    { what: "more than Azure has", platform: "aca", props: { scaling: { maxReplicas: 1001 } } },
    { what: "concurrency over 1000", platform: "cloud-run", props: { scaling: { concurrency: 1001 } } },
  ],
  "CHIO-CONTAINER-NAMES": [
    { what: "capitals", platform: "ecs", props: { app: { image: APP_IMAGE, name: "App" } } },
    { what: "underscore", platform: "cloud-run", props: { app: { image: APP_IMAGE, name: "my_app" } } },
    { what: "too long", platform: "aca", props: { app: { image: APP_IMAGE, name: "a".repeat(64) } } },
    {
      what: "eleven containers",
      platform: "cloud-run",
      props: {
        app: { image: APP_IMAGE, resources: { cpu: "500m", memory: "512Mi" } },
        auxiliary: Array.from({ length: 9 }, (_, index) => ({ ...auxiliary, name: `aux-${index}` })),
      },
    },
  ],
  "CHIO-NAME": [
    { what: "too long for Azure", platform: "aca", props: { name: "a".repeat(33) } },
    { what: "too long for Cloud Run", platform: "cloud-run", props: { name: "a".repeat(50) } },
    { what: "two hyphens", platform: "aca", props: { name: "agent--tools" } },
  ],
  "CHIO-EFS": [
    { what: "no transit encryption", platform: "ecs", props: { config: { kind: "efs", fileSystemId: "fs-1", transitEncryption: false } } },
    { what: "no IAM", platform: "ecs", props: { config: { kind: "efs", fileSystemId: "fs-1", iam: false } } },
    {
      what: "root directory beside an access point",
      platform: "ecs",
      props: { config: { kind: "efs", fileSystemId: "fs-1", accessPointId: "fsap-1", rootDirectory: "/chio" } },
    },
  ],
  "CHIO-CONFIG-DELIVERY": [
    { what: "not in the bundled image", platform: "ecs", props: { sidecar: { image: "bundled" }, config: { kind: "image" } } },
    { what: "another directory", platform: "ecs", props: { mode: { kind: "api-protect", spec: "/etc/spec/openapi.yaml" } } },
    { what: "another file", platform: "cloud-run", props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/swagger.yaml" } } },
    {
      what: "EFS on Azure",
      platform: "aca",
      change: (graph) =>
        (graph.config = {
          kind: "efs",
          fileSystemId: "fs-1",
          accessPointId: null,
          rootDirectory: null,
          transitEncryption: true,
          iam: true,
          mountPath: "/etc/chio",
        }),
    },
  ],
  "CHIO-VOLUMES": [
    {
      what: "unknown volume",
      platform: "ecs",
      change: app((one) => one.mounts.push({ volume: "nothing", path: "/nothing", readOnly: true })),
    },
    {
      what: "two at one path",
      platform: "ecs",
      change: (graph) => {
        graph.volumes.push({ kind: "empty", name: "cache", medium: "disk", sizeMiB: null });
        container(graph, "app").mounts.push({ volume: "cache", path: "/tmp", readOnly: false });
      },
    },
    {
      what: "two of one name",
      platform: "aca",
      change: (graph) => graph.volumes.push({ kind: "empty", name: "chio-state", medium: "disk", sizeMiB: null }),
    },
    { what: "a kind Fargate has not", platform: "ecs", change: (graph) => graph.volumes.push({ kind: "host", name: "host", source: "/" }) },
    {
      what: "two secrets in one directory",
      platform: "cloud-run",
      props: {
        config: {
          kind: "secret-files",
          files: [
            { path: "/etc/chio/spec/openapi.yaml", ref: "secrets/spec/versions/1" },
            { path: "/etc/chio/spec/policy.yaml", ref: "secrets/policy/versions/1" },
          ],
        },
      },
    },
  ],
  "CHIO-POLICY-TWICE": [
    {
      what: "flag and source",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", policy: "/etc/chio/policy.yaml" } },
    },
  ],
  "CHIO-PLATFORM-FIELD": [
    {
      what: "init on Cloud Run",
      platform: "cloud-run",
      props: { init: [] },
      change: (graph) =>
        graph.containers.push({
          ...structuredClone(container(graph, "app")),
          name: "init",
          role: "init",
          listens: [],
          essential: false,
          resources: { cpuMilli: 250, memoryMiB: 128 },
        }) && Object.assign(graph.resources, { cpuMilli: 1750, memoryMiB: 896 }),
    },
    { what: "tmpfs on Azure", platform: "aca", change: app((one) => (one.tmpfs = [{ path: "/tmp", sizeMiB: 64 }])) },
    {
      what: "health command on Cloud Run",
      platform: "cloud-run",
      change: app(
        (one) => (one.healthCheck = { command: ["/probe"], intervalSeconds: 10, timeoutSeconds: 5, retries: 3, startPeriodSeconds: 0 }),
      ),
    },
    {
      what: "network probe on ECS",
      platform: "ecs",
      change: app(
        (one) =>
          (one.probes.liveness = {
            action: { kind: "tcp", port: 8080 },
            initialDelaySeconds: 0,
            periodSeconds: 10,
            timeoutSeconds: 1,
            failureThreshold: 3,
            successThreshold: 1,
          }),
      ),
    },
    { what: "throttling on ECS", platform: "ecs", change: (graph) => Object.assign(container(graph, "app"), { cpuIdle: true }) },
  ],
};
