import { INVARIANTS } from "../topology/capabilities.ts";
import { DEFAULTS } from "../topology/defaults.ts";
import { RULES, SIDECAR_SECRET_NAMES, SIGNING_KEY_NAMES } from "../topology/rules/index.ts";

export interface PreventionOptions {
  /** Name of the sidecar's container, by which rules outside the program know it. @default chio-sidecar */
  readonly sidecar?: string;
  /** @default 9090 */
  readonly port?: number;
  /** Refuse services without a sidecar too. @default false: they are nobody's concern */
  readonly requireSidecar?: boolean;
  /** Google's numeric organization id, for the names of custom constraints. @default ORGANIZATION_ID, to be replaced */
  readonly organization?: string;
}

export interface Known {
  readonly sidecar: string;
  readonly port: number;
  readonly requireSidecar: boolean;
  readonly organization: string;
}

/** Throws `TypeError` on a name that is no DNS label: it goes into expressions of other languages. */
export function knownOptions(options: PreventionOptions): Known {
  const {
    sidecar = DEFAULTS.sidecar.name,
    port = DEFAULTS.sidecar.port,
    requireSidecar = false,
    organization = "ORGANIZATION_ID",
  } = options;
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(sidecar))
    throw new TypeError(`sidecar ${JSON.stringify(sidecar)} is not a container name: a DNS label`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new TypeError(`port ${port} is not a port`);
  if (organization !== "ORGANIZATION_ID" && !/^\d+$/.test(organization))
    throw new TypeError(`organization ${JSON.stringify(organization)} is not a number; \`gcloud organizations list\` shows it`);
  return { sidecar, port, requireSidecar, organization };
}

/** Where others see a value: never. */
export const KEY_VARIABLES = SIGNING_KEY_NAMES;
export const SECRET_VARIABLES = SIDECAR_SECRET_NAMES;

export interface RuleText {
  readonly title: string;
  readonly why: string;
  readonly fix: string;
  /** `INV-2 (…)`, for a reader who does not know the codes. */
  readonly invariants: readonly string[];
}

/** What the topology's rule of this code says: exported rules have no words of their own. */
export function ruleText(code: string): RuleText {
  const rule = RULES.find((one) => one.code === code);
  if (rule === undefined) throw new Error(`there is no rule ${code}`);
  return { title: rule.title, why: rule.why, fix: rule.fix, invariants: rule.invariants.map((id) => `${id} (${INVARIANTS[id]})`) };
}
