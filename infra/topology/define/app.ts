import { DEFAULTS } from "../defaults.ts";
import { LIMITS } from "../limits.ts";
import type { ParsedProps } from "../schema/props.ts";
import type { PerPlatform } from "../schema/tools.ts";
import type { SecretRef } from "../secret-ref.ts";
import type { Container, ContainerRole, HealthCheck, ImageRef, Probe, ProbeAction, Probes, SecretBinding } from "../types.ts";
import { dnsLabel } from "./config.ts";
import { type Draft, defined } from "./draft.ts";
import { requestedResources } from "./resources.ts";

export const NO_PROBES: Probes = { startup: null, liveness: null, readiness: null };

type AnyContainerProps = Pick<
  NonNullable<ParsedProps["app"]>,
  "command" | "args" | "workingDirectory" | "env" | "secrets" | "resources" | "user" | "readOnlyRoot" | "writable"
> & {
  readonly image: PerPlatform<ImageRef>;
};

/** The app, or null when the user gave none for this platform. */
export function appContainer(draft: Draft, sidecar: Container): Container | null {
  const { props, platform } = draft;
  const app = props.app;
  const image = app?.image[platform] ?? null;
  if (app === undefined || image === null) return null;
  const port = app.port ?? DEFAULTS.app.port;
  const sidecarUrl = `http://127.0.0.1:${sidecar.ports[0] ?? DEFAULTS.sidecar.port}`;
  const base = userContainer(draft, app.name ?? DEFAULTS.app.name, "app", image, app);
  return {
    ...base,
    env: {
      CHIO_SIDECAR_URL: sidecarUrl,
      CHIO_SIDECAR_HEALTH_URL: `${sidecarUrl}${props.sidecar?.healthPath ?? DEFAULTS.sidecar.healthPath}`,
      ...base.env,
    },
    listens: [{ host: app.bind ?? DEFAULTS.app.bind, port }],
    probes: appProbes(draft, app.health ?? "tcp", port),
    healthCheck: LIMITS[platform].healthCheck === null || app.healthCommand === undefined ? null : healthCheckOf(app.healthCommand),
  };
}

export function auxiliaryContainers(draft: Draft, _sidecar: Container): Container[] {
  return (draft.props.auxiliary ?? []).flatMap((one) => {
    const image = one.image[draft.platform];
    if (image === null) return [];
    const container = userContainer(draft, one.name, "auxiliary", image, one);
    return [{ ...container, listens: (one.listens ?? []).map((port) => ({ host: DEFAULTS.auxiliary.bind, port })) }];
  });
}

export function initContainers(draft: Draft): Container[] {
  return (draft.props.init ?? []).flatMap((one) => {
    const image = one.image[draft.platform];
    if (image === null) return [];
    return [{ ...userContainer(draft, one.name, "init", image, one), essential: false, restart: null }];
  });
}

/** What all containers but the sidecar have in common. */
function userContainer(draft: Draft, name: string, role: ContainerRole, image: ImageRef, props: AnyContainerProps): Container {
  const { platform } = draft;
  const user = props.user ?? DEFAULTS.app.user;
  return {
    name,
    role,
    image,
    entrypoint: props.command ?? null,
    args: props.args ?? null,
    workingDirectory: props.workingDirectory ?? null,
    env: { ...props.env },
    secrets: secretBindings(name, props.secrets, platform),
    mounts: [],
    tmpfs: LIMITS[platform].fields.tmpfs ? (props.writable ?? DEFAULTS.app.writable).map((one) => ({ ...one })) : [],
    ports: [],
    listens: [],
    probes: NO_PROBES,
    healthCheck: null,
    resources: requestedResources(draft, role, props.resources),
    user: user === "image" ? null : user,
    readOnlyRoot: props.readOnlyRoot ?? true,
    capabilities: { drop: ["ALL"], add: [] },
    initProcess: true,
    essential: true,
    restart: restartFor(draft),
    graceSeconds: draft.graceSeconds,
    startTimeoutSeconds: null,
    cpuIdle: cpuIdleFor(draft),
  };
}

export function restartFor(draft: Draft): Container["restart"] {
  return LIMITS[draft.platform].restartPeriodSeconds === null ? null : { ...DEFAULTS.restart };
}

export function cpuIdleFor(draft: Draft): boolean {
  return draft.platform === "cloud-run" && (draft.props.cloudRun?.cpuIdle ?? DEFAULTS.cloudRun.cpuIdle);
}

/** Further secrets of a container, named after it: where a platform keeps all secrets in one list, no two containers meet. */
export function secretBindings(
  container: string,
  given: Readonly<Record<string, PerPlatform<SecretRef>>> | undefined,
  platform: Draft["platform"],
): SecretBinding[] {
  return Object.entries(given ?? {}).flatMap(([env, choice]) => {
    const ref = choice[platform];
    return ref === null
      ? []
      : [{ name: dnsLabel(`${container}-${env}`), purpose: "other" as const, target: { kind: "env" as const, env }, ref }];
  });
}

export function healthCheckOf(
  given: { command: readonly string[] } & { [K in keyof Omit<HealthCheck, "command">]?: number | undefined },
): HealthCheck {
  return { ...DEFAULTS.healthCheck, ...defined(given), command: [...given.command] };
}

function appProbes(draft: Draft, health: string, port: number): Probes {
  if (LIMITS[draft.platform].probes === null || draft.platform === "local" || health === "none") return NO_PROBES;
  const action: ProbeAction = health === "tcp" ? { kind: "tcp", port } : { kind: "http", path: health, port };
  const probe = (timing: Omit<Probe, "action">): Probe => ({ action, ...timing });
  return { startup: probe(DEFAULTS.appProbes.startup), liveness: probe(DEFAULTS.appProbes.liveness), readiness: null };
}
