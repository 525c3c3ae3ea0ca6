import type { Platform } from "../topology/types.ts";
import type { DocumentFormat } from "./types.ts";

type Words = "knative" | "cloud-run" | "ecs" | "aca" | "any";

/** What to do in the platform's own words, where the rule speaks of the topology's properties. */
const FIXES: Readonly<Record<string, { readonly [W in Words]?: string }>> = {
  "CHIO-START-ORDER": {
    knative:
      'add the annotation run.googleapis.com/container-dependencies: \'{"APP":["SIDECAR"]}\' to the revision (spec.template.metadata)',
    "cloud-run": "add the sidecar to the container's dependsOn",
    ecs: "add dependsOn {containerName: the sidecar, condition: HEALTHY} to the container",
    aca: "start the app through `chio wait --for http://127.0.0.1:9090/chio/health -- COMMAND`",
  },
  "CHIO-START-CONDITION": {
    ecs: "give the container that is waited for a healthCheck, or wait for START",
    "cloud-run": "give the container that is waited for a startupProbe",
    knative: "give the container that is waited for a startupProbe",
  },
  "CHIO-START-UNKNOWN": { any: "name one of the containers of this service" },
  "CHIO-START-DEADLOCK": { any: 'add "--spec" and the path of the OpenAPI document inside the sidecar to its arguments' },
  "CHIO-START-GATE": { aca: "leave the wait program where the app starts it from, and put the app's own command after its `--`" },
  "CHIO-INGRESS-TARGET": {
    knative: "declare ports on the sidecar alone, with the port that it listens on",
    "cloud-run": "declare ports on the sidecar alone, with the port that it listens on",
    ecs: "let the target group send to the sidecar's container and to the port that it listens on",
    aca: "set ingress.targetPort to the port that the sidecar listens on",
  },
  "CHIO-EXTRA-PORT": {
    aca: "remove additionalPortMappings",
    ecs: "remove portMappings from every container but the sidecar",
    any: "remove ports from every container but the sidecar",
  },
  "CHIO-UPSTREAM": { any: "set --upstream to http://127.0.0.1 with the app's port, which is not the sidecar's" },
  "CHIO-PLAIN-HTTP": {
    aca: "set ingress.allowInsecure to false",
    ecs: "give the listener a certificate and the protocol HTTPS, or make the load balancer internal",
  },
  "CHIO-SIGNING-KEY-MISSING": {
    knative: "add CHIO_SIGNING_KEY to the sidecar's env with valueFrom.secretKeyRef",
    "cloud-run": "add CHIO_SIGNING_KEY to the sidecar's env with valueSource.secretKeyRef",
    ecs: "add CHIO_SIGNING_KEY to the sidecar's secrets with the ARN of the secret",
    aca: "add CHIO_SIGNING_KEY to the sidecar's env with a secretRef, and the secret with its keyVaultUrl",
  },
  "CHIO-SIGNING-KEY-SCOPE": {
    any: "give the key to the sidecar alone, as a reference to the secret store; if a value was written down, replace the key",
  },
  "CHIO-SECRET-SCOPE": { any: "give the secret to the sidecar alone, as a reference to the secret store" },
  "CHIO-SIGNING-KEY-VERSION": { any: "name the version's number in place of latest, and deploy a new revision to rotate" },
  "CHIO-SECRET-STORE": {
    ecs: "keep the secret in Secrets Manager or Systems Manager, and name its ARN",
    aca: "keep the secret in Key Vault, and name it with keyVaultUrl and identity",
    any: "keep the secret in Secret Manager, and name it with secretKeyRef",
  },
  "CHIO-SECRET-VOLUME": { any: "list each secret of the volume with its path" },
  "CHIO-SECRET-NAMES": { any: "give each secret a name of its own" },
  "CHIO-TASK-ROLE": { any: "take the read off the task role; the execution role resolves the secret" },
  "CHIO-IDENTITY-EXPOSED": {
    aca: "add {identity: the one that reads Key Vault, lifecycle: 'None'} to configuration.identitySettings (API 2024-02-02-preview or later)",
  },
  "CHIO-SHARED-PROCESSES": { any: "remove pidMode" },
  "CHIO-WRITABLE-ROOT": { ecs: "set readonlyRootFilesystem to true, and give each directory that must be writable a tmpfs or a volume" },
  "CHIO-ROOT-USER": {
    ecs: 'set user to a numeric uid and gid that are not 0, such as "65532:65532" for the distroless sidecar',
    any: "remove CHIO_ALLOW_ROOT",
  },
  "CHIO-IMAGE-USER": { any: "set user to a numeric uid and gid" },
  "CHIO-CAPABILITIES": { any: 'set linuxParameters.capabilities.drop to ["ALL"], and add none' },
  "CHIO-EXEC": { any: "set enableExecuteCommand to false" },
  "CHIO-STORE-PLACE": { any: "mount a writable volume at /var/lib/chio, which both images own, and keep the store there" },
  "CHIO-PROBE-MISSING": {
    ecs: 'add healthCheck {command: ["CMD", "/usr/local/bin/chio", "health", "--exclude", "sinks"], interval: 10, timeout: 5, retries: 3, startPeriod: 15}',
    aca: "add Startup and Readiness probes on the health path and a Liveness probe on /chio/live, all with the sidecar's port",
    any: "add a startupProbe on the health path and a livenessProbe on /chio/live, both with the sidecar's port",
  },
  "CHIO-PROBE-PATH": {
    ecs: "set the target group's health check path to the sidecar's (CHIO_HEALTH_PATH, by default /chio/health), with ?exclude=sinks",
    any: "probe CHIO_HEALTH_PATH (by default /chio/health) for startup and readiness, /chio/live for liveness, over HTTP on the sidecar's port",
  },
  "CHIO-PROBE-SINKS": {
    ecs: 'leave the sinks out: ["CMD", "/usr/local/bin/chio", "health", "--exclude", "sinks"] as health command, ?exclude=sinks behind the path of the target group\'s check',
  },
  "CHIO-HEALTH-COMMAND": { any: 'write the exec form: ["CMD", "/usr/local/bin/chio", "health"]' },
  "CHIO-HEALTH-GRACE": { any: "make healthCheckGracePeriodSeconds longer than the start of sidecar and app together" },
  "CHIO-DRAIN": {
    ecs: "set CHIO_SHUTDOWN_DRAIN_MS to the sidecar's stopTimeout less 2 s: 28000 for 30 s",
    aca: "set CHIO_SHUTDOWN_DRAIN_MS to terminationGracePeriodSeconds less 2 s: 28000 for 30 s",
    any: 'set CHIO_SHUTDOWN_DRAIN_MS to "8000": Cloud Run kills after 10 s',
  },
  "CHIO-GRACE": { ecs: "set stopTimeout to 30 or more, at most 120", aca: "set terminationGracePeriodSeconds to 30 or more, at most 600" },
  "CHIO-DEREGISTRATION": {
    any: "make deregistration_delay.timeout_seconds at least the load balancer's idle timeout, which is the longest request",
  },
  "CHIO-REQUEST-TIMEOUT": { any: "set the timeout within the range" },
  "CHIO-RECEIPTS-LOST": {
    any: "set CHIO_RECEIPT_SINK to an engine that outlives the replica (bigquery://, dynamodb://, cosmosdb://, postgres://, s3://, gs://, https://), or to stdout where logs are kept",
  },
  "CHIO-FAIL-OPEN": {
    any: "keep the sidecar essential, ignore none of its exit codes, and set deploymentCircuitBreaker to {enable: true, rollback: true}",
  },
  "CHIO-SIDECAR-COMMAND": {
    knative: 'leave command out, and set args to ["api", "protect", "--upstream", …] or ["mcp", "serve-http", …]',
    "cloud-run": 'leave command out, and set args to ["api", "protect", "--upstream", …] or ["mcp", "serve-http", …]',
    ecs: 'leave entryPoint out, and set command to ["api", "protect", "--upstream", …] or ["mcp", "serve-http", …]',
    aca: 'leave command out, and set args to ["api", "protect", "--upstream", …] or ["mcp", "serve-http", …]',
  },
  "CHIO-MCP-COMMAND": { any: "add \"--\" and the wrapped server's program and arguments to the sidecar's arguments" },
  "CHIO-SIDECAR-COUNT": { any: "keep one sidecar in the service" },
  "CHIO-APP-MISSING": { any: "add the app's container beside the sidecar" },
  "CHIO-IMAGE-UNPINNED": { any: "write REPOSITORY@sha256:DIGEST" },
  "CHIO-ARCHITECTURE": { any: "use linux/amd64, or ECS for arm64" },
  "CHIO-RESOURCES": {
    ecs: "take one of Fargate's task sizes, with room for the sum of the containers",
    aca: "make the sum over the containers one of 0.25/0.5Gi, 0.5/1Gi, … with 2 GiB for each core",
    any: "take 1, 2, 4, 6 or 8 cores or less than one, at least 1 core and 512Mi over all containers",
  },
  "CHIO-CPU-IDLE-MIXED": { any: "set resources.cpuIdle to the same value on every container" },
  "CHIO-CPU-IDLE": {
    knative: 'set the annotation run.googleapis.com/cpu-throttling to "false" on the revision',
    any: "set resources.cpuIdle to false on every container",
  },
  "CHIO-SCALING": { any: "make the most replicas at least the fewest, within the platform's range" },
  "CHIO-EFS": { any: "set transitEncryption and authorizationConfig.iam to ENABLED; with an access point leave rootDirectory out" },
  "CHIO-CONFIG-DELIVERY": { any: "mount the file at that path, or correct the path" },
  "CHIO-POLICY-TWICE": { any: "give --policy or CHIO_POLICY_SOURCE, not both" },
};

/** The rule's own words where they hold for any document. */
export function fixFor(code: string, format: DocumentFormat, platform: Platform, otherwise: string): string {
  const words = FIXES[code];
  const family: Words = platform === "local" ? "any" : format === "cloud-run-v1" ? "knative" : platform;
  return words?.[family] ?? words?.any ?? otherwise;
}
