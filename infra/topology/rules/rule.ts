import { DEFAULTS } from "../defaults.ts";
import type { Container, InvariantId, Platform, PlatformTopology, Severity } from "../types.ts";

/** One thing that a rule found wrong. `fix` replaces the rule's own where the case knows better. */
export interface Breach {
  readonly path: string;
  readonly message: string;
  readonly fix?: string;
}

export interface Rule {
  /** Stable: acceptances name it. */
  readonly code: `CHIO-${string}`;
  readonly title: string;
  readonly severity: Severity;
  /** What happens to somebody who has this, in one or two sentences. */
  readonly why: string;
  readonly fix: string;
  readonly platforms: readonly Platform[];
  /** Invariants that it breaks. */
  readonly invariants: readonly InvariantId[];
  /** Numbers of the traps in traps.ts that it stands for. */
  readonly traps: readonly number[];
  check(topology: PlatformTopology): readonly Breach[];
}

export const ALL: readonly Platform[] = ["ecs", "cloud-run", "aca", "local"];
export const CLOUDS: readonly Platform[] = ["ecs", "cloud-run", "aca"];

/** The sidecar; null when there is none or more than one, which a rule of its own reports. */
export function theSidecar(topology: PlatformTopology): Container | null {
  const sidecars = topology.containers.filter((one) => one.role === "sidecar");
  return sidecars.length === 1 ? (sidecars[0] ?? null) : null;
}

/** Every container but the sidecar, and but the start gate, which is made of the sidecar's image and holds nothing. */
export function others(topology: PlatformTopology): Container[] {
  return topology.containers.filter((one) => one.role !== "sidecar");
}

/** What runs beside the sidecar while requests come in. */
export function beside(topology: PlatformTopology): Container[] {
  return topology.containers.filter((one) => one.role === "app" || one.role === "auxiliary");
}

export function at(container: Container, field = ""): string {
  return `containers.${container.name}${field === "" ? "" : `.${field}`}`;
}

/** The flag's value in an argument list, in either of its two forms; undefined when it is not there. */
export function flagValue(args: readonly string[], flag: string): string | undefined {
  const own = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
  const index = own.lastIndexOf(flag);
  if (index >= 0) return own[index + 1];
  return own.findLast((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

/** The health path that the sidecar was told. */
export function healthPath(sidecar: Container): string {
  return sidecar.env.CHIO_HEALTH_PATH ?? DEFAULTS.sidecar.healthPath;
}

/** Variables whose value is one of the sidecar's secrets. */
export const SIGNING_KEY_NAMES: readonly string[] = ["CHIO_SIGNING_KEY", "CHIO_SIGNING_KEY_FILE"];
export const SIDECAR_SECRET_NAMES: readonly string[] = [
  "CHIO_CAPABILITY_AUTHORITY_URL",
  "CHIO_SIDECAR_CONTROL_TOKEN",
  "CHIO_API_PROTECT_CONTROL_TOKEN",
  "CHIO_CONTROL_TLS_CLIENT_KEY",
];
