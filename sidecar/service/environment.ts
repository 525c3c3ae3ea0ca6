import { nearest } from "../policy/nearest.ts";
import { SETTING_LIST } from "./settings.ts";

/** Variables of other parts of the kit: known, so no typing error, but nothing that `chio api protect` reads. */
const ELSEWHERE: Record<string, string> = {
  CHIO_AUTH_TOKEN: "chio mcp serve-http",
  CHIO_ADMIN_TOKEN: "chio mcp serve-http",
  CHIO_SIDECAR_URL: "the app",
  CHIO_SIDECAR_HEALTH_URL: "the app",
  CHIO_POLICY_HASH: "a host of the in-process library",
};
const ELSEWHERE_PREFIX: [prefix: string, reader: string][] = [
  ["CHIO_MCP_", "chio mcp serve-http"],
  ["CHIO_AUTH_", "chio mcp serve-http"],
];
/** What Kubernetes puts into every pod for a Service called chio or chio-sidecar. */
const SERVICE_LINK = /^CHIO(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

const KNOWN = new Set(SETTING_LIST.flatMap(([, setting]) => setting.env));

/** The variable's value without surrounding space; undefined when it is unset or blank, which manifests use for "not set". */
export function envText(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}

/** One line for each CHIO_ variable that nothing here reads. Values are never named: a mistyped name may hold a secret. */
export function environmentWarnings(env: NodeJS.ProcessEnv): string[] {
  const warnings: string[] = [];
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith("CHIO_") || KNOWN.has(name) || SERVICE_LINK.test(name)) continue;
    const reader = ELSEWHERE[name] ?? ELSEWHERE_PREFIX.find(([prefix]) => name.startsWith(prefix))?.[1];
    const close = nearest(name, KNOWN);
    if (reader !== undefined) warnings.push(`${name}: read by ${reader}, not by chio api protect`);
    else warnings.push(`${name}: nothing reads this variable${close === undefined ? "" : `; did you mean ${close}?`}`);
  }
  return warnings;
}

/** Values that must never leave the process, as they stand in the environment, usable or not: a seed that is one digit short is still a secret. */
export function environmentSecrets(env: NodeJS.ProcessEnv): string[] {
  return SETTING_LIST.filter(([, setting]) => setting.secret === true)
    .flatMap(([, setting]) => setting.env)
    .map((name) => envText(env, name))
    .filter((text) => text !== undefined);
}
