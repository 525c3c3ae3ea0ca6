import { DEFAULTS } from "../defaults.ts";
import { deferred, WORKLOAD_CLIENT_ID } from "../deferred.ts";
import { LIMITS } from "../limits.ts";
import { formatPolicySource } from "../policy-source.ts";
import { formatReceiptSink, isRemoteSink } from "../receipt-sink.ts";
import { replicaHealthCommand } from "../replica-health.ts";
import type { PerPlatform } from "../schema/tools.ts";
import type { SecretRef } from "../secret-ref.ts";
import type { Container, HealthCheck, ImageRef, Probe, Probes, Receipts, SecretBinding, SecretPurpose, SidecarFlavor } from "../types.ts";
import { cpuIdleFor, healthCheckOf, restartFor, secretBindings } from "./app.ts";
import type { Draft } from "./draft.ts";
import { requestedResources } from "./resources.ts";
import { usesWorkloadIdentity } from "./settings.ts";

export function receiptsFor({ props, platform }: Draft): Receipts {
  const sinks = props.receipts?.sink?.[platform] ?? [{ kind: "stdout" as const }];
  const named = sinks.flatMap((sink) => (sink.kind === "sqlite" && sink.path !== null ? [sink.path] : []));
  return {
    sinks,
    acknowledge: props.receipts?.acknowledge?.[platform] ?? (sinks.some(isRemoteSink) ? "sink" : "ledger"),
    store: props.receipts?.store === undefined ? (named[0] ?? DEFAULTS.sidecar.store) : props.receipts.store,
  };
}

export function sidecarImage({ props, platform }: Draft): ImageRef {
  return props.sidecar?.image?.[platform] ?? { kind: "bundled", flavor: props.sidecar?.flavor ?? "distroless", configDirectory: null };
}

export function sidecarFlavor(draft: Draft): SidecarFlavor {
  const image = sidecarImage(draft);
  return image.kind === "bundled" ? image.flavor : (draft.props.sidecar?.flavor ?? "distroless");
}

export function sidecarContainer(draft: Draft, receipts: Receipts): Container {
  const { props, config } = draft;
  const sidecar = props.sidecar;
  const port = sidecar?.port ?? DEFAULTS.sidecar.port;
  const healthPath = sidecar?.healthPath ?? DEFAULTS.sidecar.healthPath;
  const stateMount = receipts.store?.startsWith(`${DEFAULTS.sidecar.stateDirectory}/`)
    ? [{ volume: DEFAULTS.volumes.state, path: DEFAULTS.sidecar.stateDirectory, readOnly: false }]
    : [];
  const healthCheck = execHealthCheck(draft);
  return {
    name: sidecar?.name ?? DEFAULTS.sidecar.name,
    role: "sidecar",
    image: sidecarImage(draft),
    entrypoint: null,
    args: sidecarArgs(draft, `${DEFAULTS.sidecar.bind}:${port}`),
    workingDirectory: null,
    env: { ...sidecarEnv(draft, receipts, port, healthPath), ...sidecar?.env },
    secrets: sidecarSecrets(draft),
    mounts: [...config.mounts, ...stateMount],
    tmpfs: [],
    ports: [port],
    listens: [{ host: DEFAULTS.sidecar.bind, port }],
    probes: sidecarProbes(draft, healthPath, port),
    healthCheck,
    resources: requestedResources(draft, "sidecar", sidecar?.resources),
    user: sidecar?.user ?? DEFAULTS.sidecar.user[sidecarFlavor(draft)],
    readOnlyRoot: sidecar?.readOnlyRoot ?? true,
    capabilities: { drop: ["ALL"], add: [] },
    // Its image starts it under tini already.
    initProcess: false,
    essential: true,
    restart: restartFor(draft),
    graceSeconds: draft.graceSeconds,
    startTimeoutSeconds: startTimeout(draft, healthCheck),
    cpuIdle: cpuIdleFor(draft),
  };
}

function sidecarArgs({ mode }: Draft, listen: string): string[] {
  if (mode.kind === "api-protect") {
    return [
      "api",
      "protect",
      "--upstream",
      mode.upstream,
      ...(mode.spec === null ? [] : ["--spec", mode.spec]),
      "--listen",
      listen,
      ...(mode.policy === null ? [] : ["--policy", mode.policy]),
      ...mode.extraArgs,
    ];
  }
  return [
    "mcp",
    "serve-http",
    "--policy",
    mode.policy,
    "--server-id",
    mode.serverId,
    ...(mode.serverName === null ? [] : ["--server-name", mode.serverName]),
    "--listen",
    listen,
    ...mode.extraArgs,
    ...(mode.command.length === 0 ? [] : ["--", ...mode.command]),
  ];
}

function sidecarEnv(draft: Draft, receipts: Receipts, port: number, healthPath: string): Record<string, string> {
  const { props, platform, config } = draft;
  const policySource = props.policySource?.[platform] ?? null;
  const entries: (readonly [string, string | null])[] = [
    ["CHIO_LISTEN_ADDR", `${DEFAULTS.sidecar.bind}:${port}`],
    ["CHIO_HEALTH_PATH", healthPath],
    // The images name a file of their own: only an empty variable takes that back.
    ["CHIO_KERNEL_CONFIG_PATH", props.sidecar?.kernelConfig === null ? "" : config.kernelConfig],
    ["CHIO_POLICY_SOURCE", policySource === null ? null : formatPolicySource(policySource)],
    ["CHIO_POLICY_REFRESH", props.sidecar?.policyRefresh ?? null],
    ["CHIO_RECEIPT_SINK", receipts.sinks.map(formatReceiptSink).join(",")],
    ["CHIO_RECEIPT_STORE", receipts.store],
    ["CHIO_RECEIPT_ACKNOWLEDGE", receipts.acknowledge],
    ["CHIO_ALLOW_EPHEMERAL_RECEIPTS", receipts.store === null ? "true" : null],
    ["CHIO_TRUSTED_ISSUER_KEYS", props.sidecar?.trustedIssuers?.join(",") || null],
    ["CHIO_LOG_LEVEL", props.sidecar?.logLevel ?? DEFAULTS.sidecar.logLevel],
    ["CHIO_SHUTDOWN_DRAIN_MS", String(draft.drainMs)],
    // Azure's SDKs ask which of several identities to use; only the deployment knows its client id.
    ["AZURE_CLIENT_ID", usesWorkloadIdentity(draft) ? deferred(WORKLOAD_CLIENT_ID) : null],
  ];
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[1] !== null));
}

function sidecarSecrets({ props, platform }: Draft): SecretBinding[] {
  const { signingKey, authorityUrl, controlToken } = DEFAULTS.secrets;
  const bind = (
    purpose: SecretPurpose,
    names: { name: string; env: string; file?: string; fileEnv?: string },
    choice: PerPlatform<SecretRef> | undefined,
  ): SecretBinding[] => {
    const ref = choice?.[platform] ?? null;
    if (ref === null) return [];
    const target =
      ref.kind === "file" && names.file !== undefined
        ? { kind: "file" as const, path: names.file, env: names.fileEnv ?? null }
        : { kind: "env" as const, env: names.env };
    return [{ name: names.name, purpose, target, ref }];
  };
  return [
    ...bind("authority-url", authorityUrl, props.secrets?.capabilityAuthorityUrl),
    ...bind("signing-key", signingKey, props.secrets?.signingKey),
    ...bind("control-token", controlToken, props.secrets?.controlToken),
    ...secretBindings(props.sidecar?.name ?? DEFAULTS.sidecar.name, props.secrets?.env, platform),
  ];
}

function sidecarProbes(draft: Draft, healthPath: string, port: number): Probes {
  const { platform, props } = draft;
  if (LIMITS[platform].probes === null || platform === "local") return { startup: null, liveness: null, readiness: null };
  const probe = (path: string, timing: Omit<Probe, "action">): Probe => ({ action: { kind: "http", path, port }, ...timing });
  const { startup, liveness, readiness } = DEFAULTS.sidecarProbes;
  const given = props.sidecar?.startup;
  return {
    startup: probe(healthPath, {
      ...startup,
      periodSeconds: given?.periodSeconds ?? startup.periodSeconds,
      failureThreshold: given?.attempts ?? startup.failureThreshold,
    }),
    liveness: probe(DEFAULTS.sidecar.livePath, liveness),
    // A preview of Cloud Run, so only on request there.
    readiness: platform === "cloud-run" && props.cloudRun?.readinessProbe !== true ? null : probe(healthPath, readiness),
  };
}

function execHealthCheck(draft: Draft): HealthCheck | null {
  if (LIMITS[draft.platform].healthCheck === null) return null;
  const given = draft.props.sidecar?.healthCommand;
  const { program } = DEFAULTS.sidecar;
  // On this machine nobody replaces a container for its health: there it shows readiness whole.
  const own = draft.platform === "ecs" ? replicaHealthCommand(program) : [program, "health"];
  return healthCheckOf({ ...given, command: given?.command ?? own });
}

function startTimeout(draft: Draft, healthCheck: HealthCheck | null): number | null {
  const limits = LIMITS[draft.platform].startTimeoutSeconds;
  if (limits === null || healthCheck === null) return null;
  const slowest = healthCheck.startPeriodSeconds + healthCheck.intervalSeconds * healthCheck.retries + DEFAULTS.startTimeoutMarginSeconds;
  return Math.min(slowest, limits.max ?? slowest);
}
