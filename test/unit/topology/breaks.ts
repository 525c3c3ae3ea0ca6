import { mcpServeHttp, type Platform, type TopologyProps } from "../../../infra/topology/index.ts";
import { APP_IMAGE, container, KEY_ARN, type Loose, SIDECAR_IMAGE } from "./fixtures.ts";

export interface Break {
  readonly what: string;
  readonly platform: Platform;
  readonly props?: Partial<TopologyProps>;
  readonly change?: (graph: Loose) => void;
}

const auxiliary = { name: "collector", image: APP_IMAGE.replace("/app@", "/collector@") };
const app = (change: (one: Loose) => void) => (graph: Loose) => change(container(graph, "app"));
const sidecar = (change: (one: Loose) => void) => (graph: Loose) => change(container(graph, "sidecar"));
const settings = (change: (one: Loose) => void) => (graph: Loose) => change(graph.settings);
const appSecret = (ref: Loose, env: string, purpose = "other") =>
  app((one) => one.secrets.push({ name: "stolen", purpose, target: { kind: "env", env }, ref }));
const keyRef = { kind: "aws-secrets-manager", arn: KEY_ARN, field: null, versionStage: null, versionId: null };

/** For each rule, ways to break it and nothing else. */
export const BREAKS: Readonly<Record<string, readonly Break[]>> = {
  "CHIO-START-ORDER": (["ecs", "cloud-run", "aca", "local"] as const).flatMap((platform): Break[] => [
    { what: "no edge", platform, change: (graph) => (graph.startOrder = []) },
    ...(platform === "cloud-run"
      ? []
      : [{ what: "waits only for the start", platform, change: (graph: Loose) => (graph.startOrder[0].condition = "started") }]),
  ]),
  "CHIO-START-CONDITION": [
    {
      what: "healthy without a health check",
      platform: "ecs",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "healthy" }),
    },
    {
      what: "success of an essential container",
      platform: "ecs",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "succeeded" }),
    },
    {
      what: "a condition Cloud Run has not",
      platform: "cloud-run",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "started" }),
    },
    {
      what: "healthy without a startup probe",
      platform: "cloud-run",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "healthy" }),
    },
  ],
  "CHIO-START-CYCLE": [
    {
      what: "two wait for each other",
      platform: "ecs",
      change: (graph) => graph.startOrder.push({ container: "chio-sidecar", dependsOn: "app", condition: "started" }),
    },
    {
      what: "one waits for itself",
      platform: "ecs",
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "app", condition: "started" }),
    },
  ],
  "CHIO-START-UNKNOWN": [
    {
      what: "unknown target",
      platform: "ecs",
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "nobody", condition: "started" }),
    },
    {
      what: "unknown container",
      platform: "aca",
      change: (graph) => graph.startOrder.push({ container: "nobody", dependsOn: "chio-sidecar", condition: "healthy" }),
    },
  ],
  "CHIO-START-DEADLOCK": [
    { what: "spec null in the mode", platform: "cloud-run", props: { mode: { kind: "api-protect", spec: null } } },
    {
      what: "spec taken out of the arguments",
      platform: "aca",
      change: sidecar((one) => (one.args = one.args.filter((arg: string) => arg !== "--spec" && !arg.endsWith("openapi.yaml")))),
    },
  ],
  "CHIO-START-GATE": [
    { what: "gate asked for without a command", platform: "aca", props: { aca: { startGate: true } } },
    {
      what: "musl program in a glibc image",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"] }, sidecar: { image: SIDECAR_IMAGE, flavor: "alpine" } },
    },
    {
      what: "static image",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"], libc: "none" }, aca: { startGate: true } },
    },
    {
      what: "app not started through it",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"] } },
      change: app((one) => (one.entrypoint = ["/app"])),
    },
    {
      what: "volume not mounted",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"] } },
      change: app((one) => (one.mounts = [])),
    },
  ],
  "CHIO-INGRESS-TARGET": [
    { what: "traffic to the app", platform: "ecs", change: (graph) => (graph.ingress.container = "app") },
    {
      what: "sidecar on loopback",
      platform: "cloud-run",
      change: sidecar((one) => (one.args[one.args.indexOf("--listen") + 1] = "127.0.0.1:9090")),
    },
    {
      what: "sidecar listens elsewhere",
      platform: "aca",
      change: sidecar((one) => (one.args[one.args.indexOf("--listen") + 1] = "0.0.0.0:9191")),
    },
    { what: "a port nobody announces", platform: "aca", change: (graph) => Object.assign(graph.ingress, { port: 8080 }) },
  ],
  "CHIO-INGRESS-SOURCE": [
    {
      what: "the app's port",
      platform: "ecs",
      change: settings((one) => one.securityGroupIngress.push({ source: "load-balancer", port: 8080 })),
    },
    { what: "everybody", platform: "ecs", change: settings((one) => (one.securityGroupIngress[0].source = "0.0.0.0/0")) },
    { what: "everybody, IPv6", platform: "ecs", change: settings((one) => (one.securityGroupIngress[0].source = "::/0")) },
  ],
  "CHIO-EXTRA-PORT": [
    { what: "the app announces its port", platform: "ecs", change: app((one) => (one.ports = [8080])) },
    { what: "the app announces its port", platform: "cloud-run", change: app((one) => (one.ports = [8080])) },
    { what: "a mapping beside the ingress", platform: "aca", change: (graph) => (graph.ingress.additionalPorts = [8080]) },
    { what: "a second port of the sidecar", platform: "local", change: sidecar((one) => one.ports.push(9091)) },
  ],
  "CHIO-UPSTREAM": [
    {
      what: "another machine",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://10.0.0.7:8080" } },
    },
    {
      what: "the sidecar itself",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1:9090" } },
    },
    {
      what: "a name that looks like loopback",
      platform: "aca",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1.example.com:8080" } },
    },
    {
      what: "a port without listener",
      platform: "cloud-run",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1:8081" } },
    },
    {
      what: "https",
      platform: "cloud-run",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "https://127.0.0.1:8080" } },
    },
    {
      what: "no URL",
      platform: "local",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "127.0.0.1:8080" } },
    },
    {
      what: "credentials",
      platform: "local",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://user@127.0.0.1:8080" } },
    },
  ],
  "CHIO-PLAIN-HTTP": [
    { what: "allowInsecure", platform: "aca", change: (graph) => (graph.ingress.allowInsecure = true) },
    { what: "external without a certificate", platform: "ecs", props: { exposure: "external" } },
  ],
  "CHIO-PORT-CLASH": [
    { what: "app on the sidecar's port", platform: "cloud-run", props: { auxiliary: [{ ...auxiliary, listens: [9090] }] } },
    { what: "two apps on one port", platform: "ecs", props: { auxiliary: [{ ...auxiliary, listens: [8080] }] } },
  ],
  "CHIO-APP-BIND": (["ecs", "cloud-run", "aca", "local"] as const).map((platform) => ({
    what: "all interfaces",
    platform,
    props: { app: { image: APP_IMAGE, bind: "0.0.0.0" } },
  })),
  "CHIO-SIGNING-KEY-MISSING": (["ecs", "cloud-run", "aca", "local"] as const).map((platform) => ({
    what: "no key",
    platform,
    props: { secrets: {} },
  })),
  "CHIO-SIGNING-KEY-SCOPE": [
    { what: "reference on the app", platform: "ecs", change: appSecret(keyRef, "KEY") },
    { what: "one field of it on the app", platform: "ecs", change: appSecret({ ...keyRef, field: "seed" }, "KEY") },
    {
      what: "by the variable's name",
      platform: "ecs",
      change: appSecret({ ...keyRef, arn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:other" }, "CHIO_SIGNING_KEY"),
    },
    {
      what: "plain value on the app",
      platform: "cloud-run",
      props: { app: { image: APP_IMAGE, env: { CHIO_SIGNING_KEY: "00".repeat(32) } } },
    },
    {
      what: "plain value on the sidecar",
      platform: "aca",
      props: { sidecar: { image: SIDECAR_IMAGE, env: { CHIO_SIGNING_KEY: "00".repeat(32) } } },
    },
    { what: "by the value of a variable", platform: "ecs", props: { app: { image: APP_IMAGE, env: { WHERE: `aws:${KEY_ARN}` } } } },
    {
      what: "in a volume of the app",
      platform: "cloud-run",
      change: (graph) => {
        const ref = container(graph, "sidecar").secrets.find((one: Loose) => one.purpose === "signing-key").ref;
        graph.volumes.push({ kind: "secret", name: "stolen", files: [{ secretName: "stolen", ref, path: "key" }] });
        container(graph, "app").mounts.push({ volume: "stolen", path: "/stolen", readOnly: true });
      },
    },
  ],
  "CHIO-SECRET-SCOPE": [
    {
      what: "authority on the app",
      platform: "ecs",
      change: appSecret({ ...keyRef, arn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:chio/capability-authority-url" }, "WHERE"),
    },
    {
      what: "control token as a plain value",
      platform: "aca",
      props: { sidecar: { image: SIDECAR_IMAGE, env: { CHIO_SIDECAR_CONTROL_TOKEN: "0123456789abcdef" } } },
    },
    {
      what: "authority as a plain value of the app",
      platform: "cloud-run",
      props: { app: { image: APP_IMAGE, env: { CHIO_CAPABILITY_AUTHORITY_URL: "https://authority.internal" } } },
    },
    {
      what: "the sidecar's state mounted by the app",
      platform: "ecs",
      change: app((one) => one.mounts.push({ volume: "chio-state", path: "/state", readOnly: true })),
    },
    {
      what: "kernel.yaml mounted by the app",
      platform: "cloud-run",
      change: app((one) => one.mounts.push({ volume: "chio-kernel-config", path: "/kernel", readOnly: true })),
    },
  ],
  "CHIO-SIGNING-KEY-VERSION": [
    { what: "latest", platform: "cloud-run", props: { secrets: { signingKey: "secrets/chio-signing-key/versions/latest" } } },
  ],
  "CHIO-SIGNING-KEY-FLOATING": [
    { what: "no version", platform: "aca", props: { secrets: { signingKey: "https://team.vault.azure.net/secrets/chio-signing-key" } } },
  ],
  "CHIO-SECRET-STORE": [
    { what: "an ARN on Cloud Run", platform: "cloud-run", props: { secrets: { signingKey: KEY_ARN } } },
    { what: "a file on Azure", platform: "aca", props: { secrets: { signingKey: "env:SEED" } } },
    {
      what: "a vault on ECS",
      platform: "ecs",
      props: { secrets: { signingKey: "https://team.vault.azure.net/secrets/chio-signing-key" } },
    },
    { what: "a cloud secret locally", platform: "local", props: { secrets: { signingKey: KEY_ARN } } },
    {
      what: "a secret file on ECS",
      platform: "ecs",
      change: sidecar(
        (one) =>
          (one.secrets.find((secret: Loose) => secret.purpose === "signing-key").target = {
            kind: "file",
            path: "/run/secrets/key",
            env: null,
          }),
      ),
    },
  ],
  "CHIO-SECRET-NAMES": [
    {
      what: "names that differ in punctuation",
      platform: "aca",
      props: {
        app: {
          image: APP_IMAGE,
          secrets: { DB_KEY: "https://team.vault.azure.net/secrets/one", DB__KEY: "https://team.vault.azure.net/secrets/two" },
        },
      },
    },
  ],
  "CHIO-VARIABLE-TWICE": [
    {
      what: "plain and secret",
      platform: "ecs",
      props: { app: { image: APP_IMAGE, env: { TOKEN: "x" }, secrets: { TOKEN: "arn:aws:ssm:us-east-1:123456789012:parameter/token" } } },
    },
  ],
  "CHIO-SECRET-VOLUME": [
    { what: "no list", platform: "aca", change: (graph) => graph.volumes.push({ kind: "secret", name: "all", files: null }) },
    { what: "empty list", platform: "aca", change: (graph) => graph.volumes.push({ kind: "secret", name: "all", files: [] }) },
  ],
  "CHIO-TASK-ROLE": [
    {
      what: "the very secret",
      platform: "ecs",
      props: {
        ecs: { taskRoleStatements: [{ effect: "Allow", actions: ["secretsmanager:GetSecretValue"], resources: [`${KEY_ARN}-a1B2c3`] }] },
      },
    },
    {
      what: "wildcards",
      platform: "ecs",
      props: {
        ecs: {
          taskRoleStatements: [
            { effect: "Allow", actions: ["secretsmanager:*"], resources: ["arn:aws:secretsmanager:*:*:secret:chio/signing*"] },
          ],
        },
      },
    },
    {
      what: "everything but for one denied action",
      platform: "ecs",
      props: {
        ecs: {
          taskRoleStatements: [
            { effect: "Allow", actions: ["*"], resources: [KEY_ARN] },
            { effect: "Deny", actions: ["secretsmanager:GetSecretValue"], resources: ["*"] },
          ],
        },
      },
    },
  ],
  "CHIO-IDENTITY-EXPOSED": (["All", "Main", "Init"] as const).map((identityLifecycle) => ({
    what: identityLifecycle,
    platform: "aca",
    props: { aca: { identityLifecycle } },
  })),
  "CHIO-SHARED-PROCESSES": [{ what: "pidMode task", platform: "ecs", props: { ecs: { pidMode: "task" } } }],
  "CHIO-WRITABLE-ROOT": [
    { what: "sidecar", platform: "ecs", props: { sidecar: { image: SIDECAR_IMAGE, readOnlyRoot: false } } },
    { what: "app", platform: "ecs", props: { app: { image: APP_IMAGE, readOnlyRoot: false } } },
    { what: "sidecar", platform: "local", props: { sidecar: { image: SIDECAR_IMAGE, readOnlyRoot: false } } },
  ],
  "CHIO-ROOT-USER": [
    ...(["0", "0:0", "0:65532", "00", "root", "nonroot", "65532:0", "65532:root", "-1"] as const).map(
      (user): Break => ({ what: user, platform: "ecs", props: { sidecar: { image: SIDECAR_IMAGE, user } } }),
    ),
    { what: "the app as root", platform: "local", props: { app: { image: APP_IMAGE, user: "0:0" } } },
    { what: "told to", platform: "cloud-run", props: { sidecar: { image: SIDECAR_IMAGE, env: { CHIO_ALLOW_ROOT: "true" } } } },
    { what: "no user", platform: "ecs", change: sidecar((one) => (one.user = null)) },
  ],
  "CHIO-IMAGE-USER": [{ what: "left to the image", platform: "ecs", props: { app: { image: APP_IMAGE, user: "image" } } }],
  "CHIO-CAPABILITIES": [
    { what: "kept", platform: "ecs", change: sidecar((one) => (one.capabilities.drop = [])) },
    { what: "one dropped", platform: "local", change: app((one) => (one.capabilities.drop = ["NET_RAW"])) },
    { what: "added", platform: "ecs", change: app((one) => (one.capabilities.add = ["SYS_PTRACE"])) },
  ],
  "CHIO-EXEC": [{ what: "on", platform: "ecs", props: { ecs: { enableExecuteCommand: true } } }],
  "CHIO-STORE-PLACE": [
    {
      what: "on the read-only root",
      platform: "ecs",
      props: { receipts: { sink: "dynamodb://chio-receipts", store: "/data/receipts.sqlite" } },
    },
    {
      what: "read-only mount",
      platform: "aca",
      change: sidecar((one) => (one.mounts.find((mount: Loose) => mount.volume === "chio-state").readOnly = true)),
    },
    {
      what: "a volume that belongs to root",
      platform: "ecs",
      change: (graph) => {
        graph.receipts.store = "/data/receipts.sqlite";
        container(graph, "sidecar").mounts.find((mount: Loose) => mount.volume === "chio-state").path = "/data";
      },
    },
  ],
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
      what: "one string",
      platform: "ecs",
      props: { sidecar: { image: SIDECAR_IMAGE, healthCommand: { command: ["curl -fsS http://localhost:9090/chio/health"] } } },
    },
    {
      what: "a shell",
      platform: "ecs",
      props: { sidecar: { image: SIDECAR_IMAGE, healthCommand: { command: ["/bin/sh", "-c", "chio health"] } } },
    },
    {
      what: "CMD-SHELL",
      platform: "ecs",
      props: { sidecar: { image: SIDECAR_IMAGE, healthCommand: { command: ["CMD-SHELL", "chio health"] } } },
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
