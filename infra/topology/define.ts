import { DEFAULTS } from "./defaults.ts";
import { appContainer, auxiliaryContainers, initContainers } from "./define/app.ts";
import { type ConfigPlan, planConfig } from "./define/config.ts";
import { type Draft, defined } from "./define/draft.ts";
import { shareResources } from "./define/resources.ts";
import { settingsFor } from "./define/settings.ts";
import { receiptsFor, sidecarContainer } from "./define/sidecar.ts";
import { planStartGate } from "./define/start-gate.ts";
import { type InputIssue, TopologyInputError } from "./errors.ts";
import { DRAIN_RESERVE_SECONDS, LIMITS } from "./limits.ts";
import type { TopologyProps } from "./props.ts";
import { parseProps } from "./schema/parse.ts";
import type { ParsedProps } from "./schema/props.ts";
import type { SettingsOf } from "./settings.ts";
import type {
  Adjustment,
  AnyTopology,
  Container,
  GraphOf,
  Platform,
  PlatformTopology,
  SidecarMode,
  StartEdge,
  Topology,
  TopologyFor,
  Volume,
} from "./types.ts";

/**
 * The deployment from what the user said, complete for every platform. Throws `TopologyInputError` with every wrong property at once. It does not judge:
 * a topology may break rules until `validate` or `assertValid` sees it.
 */
export function defineTopology(input: TopologyProps): Topology {
  const props = parseProps(input);
  refuseManagedVariables(props);
  return deepFreeze({
    kind: "topology",
    name: props.name,
    graphs: {
      ecs: graphFor(props, "ecs"),
      "cloud-run": graphFor(props, "cloud-run"),
      aca: graphFor(props, "aca"),
      local: graphFor(props, "local"),
    },
  });
}

/** One platform's graph. A graph of that platform comes back as it is; one of another platform is refused. */
export function resolveFor<P extends Platform>(topology: AnyTopology, platform: P): GraphOf<P> {
  if (topology.kind === "topology") {
    const graph: PlatformTopology = topology.graphs[platform];
    return graph as GraphOf<P>;
  }
  if (topology.platform !== platform) {
    throw new TopologyInputError(
      [
        {
          path: "platform",
          message: `this topology was resolved for ${topology.platform}, not for ${platform}; pass what defineTopology returned`,
        },
      ],
      {
        code: "platform_mismatch",
      },
    );
  }
  return topology as GraphOf<P>;
}

function graphFor<P extends Platform>(props: ParsedProps, platform: P): TopologyFor<P> {
  const adjustments: Adjustment[] = [];
  const graceSeconds = graceFor(props, platform, adjustments);
  const drainMs = props.shutdownDrainMs?.[platform] ?? Math.max(0, graceSeconds - DRAIN_RESERVE_SECONDS) * 1000;
  const config = planConfig(props, platform);
  const draft: Draft = { props, platform, mode: modeFor(props, config), config, graceSeconds, drainMs, adjustments };

  const receipts = receiptsFor(draft);
  const gate = planStartGate(draft);
  const sidecar = sidecarContainer(draft, receipts);
  const init = [...initContainers(draft), ...(gate.container === null ? [] : [gate.container])];
  const app = appContainer(draft, sidecar);
  const beside = [...(app === null ? [] : [gate.wrap(app)]), ...auxiliaryContainers(draft, sidecar)];
  const shared = shareResources(draft, [...init, sidecar, ...beside]);
  return {
    kind: "platform-topology",
    platform,
    name: props.name,
    mode: draft.mode,
    architecture: props.architecture ?? DEFAULTS.architecture,
    containers: shared.containers,
    startOrder: edges(props, init, sidecar, beside, gate.container),
    startGate: gate.startGate,
    volumes: volumes(sidecar, config.volumes, gate.volume, platform),
    ingress: {
      container: sidecar.name,
      port: sidecar.ports[0] ?? DEFAULTS.sidecar.port,
      exposure: props.exposure?.[platform] ?? DEFAULTS.exposure[platform],
      additionalPorts: [],
      allowInsecure: false,
      requestTimeoutSeconds: props.requestTimeoutSeconds?.[platform] ?? DEFAULTS.requestTimeoutSeconds[platform],
    },
    scaling: { ...DEFAULTS.scaling[platform], ...defined(props.scaling?.[platform]) },
    resources: shared.total,
    policySource: props.policySource?.[platform] ?? null,
    receipts,
    config: config.delivery,
    settings: settingsFor(draft, sidecar, app) as SettingsOf[P],
    adjustments,
    accept: (props.accept ?? []).map((one) => ({
      code: one.code,
      reason: one.reason,
      ...defined({ path: one.path, platform: one.platform }),
    })),
  };
}

function graceFor(props: ParsedProps, platform: Platform, adjustments: Adjustment[]): number {
  const limits = LIMITS[platform].graceSeconds;
  const requested = props.graceSeconds?.[platform];
  if (requested == null) return limits.default;
  // Where the platform has one value and no other, asking for more cannot be granted; elsewhere a rule says that it is out of range.
  if (limits.min !== limits.max || requested === limits.min) return requested;
  adjustments.push({
    kind: "grace",
    path: "graceSeconds",
    requested: `${requested} s`,
    used: `${limits.min} s`,
    why: "the platform's grace is fixed",
  });
  return limits.min;
}

function modeFor(props: ParsedProps, config: ConfigPlan): SidecarMode {
  if (props.mode.kind === "api-protect") {
    const { upstream, spec, policy, extraArgs } = props.mode;
    return {
      kind: "api-protect",
      upstream: upstream ?? `http://127.0.0.1:${props.app?.port ?? DEFAULTS.app.port}`,
      spec: spec === null ? null : config.locate(spec),
      policy: policy === undefined ? null : config.locate(policy),
      extraArgs,
    };
  }
  const { serverId, serverName, policy, command, extraArgs } = props.mode;
  return { kind: "mcp-serve-http", serverId, serverName: serverName ?? null, policy: config.locate(policy), command, extraArgs };
}

function edges(
  _props: ParsedProps,
  init: readonly Container[],
  sidecar: Container,
  beside: readonly Container[],
  gate: Container | null,
): StartEdge[] {
  return [
    ...init
      .filter((one) => one !== gate)
      .map((one): StartEdge => ({ container: sidecar.name, dependsOn: one.name, condition: "succeeded" })),
    ...beside.map((one): StartEdge => ({ container: one.name, dependsOn: sidecar.name, condition: "healthy" })),
    ...beside
      .filter((one) => gate !== null && one.role === "app")
      .map((one): StartEdge => ({ container: one.name, dependsOn: gate?.name ?? "", condition: "succeeded" })),
  ];
}

function volumes(sidecar: Container, config: readonly Volume[], gate: Volume | null, platform: Platform): Volume[] {
  const state = sidecar.mounts.some((mount) => mount.volume === DEFAULTS.volumes.state);
  const memory = platform === "cloud-run";
  return [
    ...config,
    ...(state
      ? [
          {
            kind: "empty" as const,
            name: DEFAULTS.volumes.state,
            medium: memory ? ("memory" as const) : ("disk" as const),
            sizeMiB: memory ? DEFAULTS.cloudRunStateMiB : null,
          },
        ]
      : []),
    ...(gate === null ? [] : [gate]),
  ];
}

/** Variables that the kit derives from other properties: set twice, they would disagree sooner or later. */
const MANAGED: Readonly<Record<string, string>> = {
  CHIO_LISTEN_ADDR: "sidecar.port",
  CHIO_HEALTH_PATH: "sidecar.healthPath",
  CHIO_KERNEL_CONFIG_PATH: "sidecar.kernelConfig",
  CHIO_POLICY_SOURCE: "policySource",
  CHIO_POLICY_REFRESH: "sidecar.policyRefresh",
  CHIO_RECEIPT_SINK: "receipts.sink",
  CHIO_RECEIPT_STORE: "receipts.store",
  CHIO_RECEIPT_ACKNOWLEDGE: "receipts.acknowledge",
  CHIO_ALLOW_EPHEMERAL_RECEIPTS: "receipts.store: null",
  CHIO_LOG_LEVEL: "sidecar.logLevel",
  CHIO_SHUTDOWN_DRAIN_MS: "shutdownDrainMs",
  CHIO_TRUSTED_ISSUER_KEY: "sidecar.trustedIssuers",
  CHIO_TRUSTED_ISSUER_KEYS: "sidecar.trustedIssuers",
  CHIO_UPSTREAM: "mode.upstream",
  CHIO_SPEC: "mode.spec",
};
const MANAGED_APP: Readonly<Record<string, string>> = { CHIO_SIDECAR_URL: "sidecar.port", CHIO_SIDECAR_HEALTH_URL: "sidecar.healthPath" };

function refuseManagedVariables(props: ParsedProps): void {
  const check = (path: string, env: Record<string, string> | undefined, managed: Readonly<Record<string, string>>): InputIssue[] =>
    Object.keys(env ?? {})
      .filter((name) => Object.hasOwn(managed, name))
      .map((name) => ({ path: `${path}.${name}`, message: `is derived by the kit; set ${managed[name]} instead` }));
  const issues = [...check("sidecar.env", props.sidecar?.env, MANAGED), ...check("app.env", props.app?.env, MANAGED_APP)];
  if (issues.length > 0) throw new TopologyInputError(issues);
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
