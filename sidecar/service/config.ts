import { environmentWarnings } from "./environment.ts";
import { ConfigError, type ConfigProblem, describeFileError } from "./errors.ts";
import { type KernelYaml, readKernelYaml } from "./kernel-yaml.ts";
import { DEFAULT_LIMITS } from "./limit-settings.ts";
import { receiptSettings } from "./receipt-settings.ts";
import { type FlagValues, type Getter, type Resolved, resolve, type Sources } from "./resolve.ts";
import { resolveSigningKey } from "./signing-key.ts";
import type { Limits, ServiceConfig } from "./types.ts";

/** Where kernel.yaml is looked for when nobody names one. */
export const DEFAULT_KERNEL_CONFIG = "/etc/chio/kernel.yaml";

export interface ConfigInput {
  flags: FlagValues;
  env: NodeJS.ProcessEnv;
  /** Throws the file system's error. */
  readFile: (path: string) => Uint8Array;
  /** Permission bits, null where there are none to see. */
  fileMode?: (path: string) => number | null;
  /** Of this process; null where the platform has no uids. */
  uid?: number | null;
}

export interface LoadedConfig {
  config: ServiceConfig;
  /** Sentences for the log, each with its setting's name in front. */
  warnings: string[];
}

/**
 * Everything that flags, environment and kernel.yaml say, resolved, checked, and closed against doubt. Reads no file but kernel.yaml and the
 * signing key's. Throws one {@link ConfigError} with all problems.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const warnings = environmentWarnings(input.env);
  const named = resolve("kernelConfigPath", { flags: input.flags, env: input.env, file: new Map() }, problems);
  const file = readConfigFile(named, input.readFile, problems);
  problems.push(...file.problems);
  warnings.push(...file.warnings);

  const sources: Sources = { flags: input.flags, env: input.env, file: file.values };
  const get: Getter = (name) => resolve(name, sources, problems);

  const upstream = get("upstream");
  if (upstream.origin === "default") {
    problems.push({
      code: "config_value_missing",
      source: "--upstream",
      message: "no app to protect was named",
      fix: "pass --upstream http://127.0.0.1:8080 or set CHIO_UPSTREAM",
    });
  }
  const listen = get("listen");
  if (upstream.value !== null && pointsAt(upstream.value, listen.value)) {
    problems.push({
      code: "config_conflict",
      source: upstream.source,
      message: "is the sidecar's own address",
      fix: "name the app's port, or listen on another one",
    });
  }
  const policyRefresh = get("policyRefresh");
  const policySource = get("policySource");
  if (policyRefresh.value !== null && policySource.origin === "default") {
    warnings.push(`${policyRefresh.source}: there is no policy source to look at; the built-in policy never changes`);
  }
  const receipts = receiptSettings(get, problems, warnings);
  const key = resolveSigningKey(get, input, problems, warnings);
  const trusted = get("trustedIssuers").value;

  const controlToken = get("controlToken");
  if (controlToken.value === null) {
    warnings.push(
      "CHIO_SIDECAR_CONTROL_TOKEN: not set; every process that shares this network namespace, the app's container too, may mint and revoke capabilities",
    );
  } else if (controlToken.value.length < 16) {
    warnings.push(`${controlToken.source}: shorter than 16 characters; use a longer random one`);
  }
  const authorityUrl = authority(get, problems, warnings);

  const allowRoot = get("allowRoot").value;
  if (input.uid === 0 && !allowRoot) {
    problems.push({
      code: "running_as_root",
      source: "process",
      message: "runs as uid 0",
      fix: "run as another user (the images do), or pass --allow-root or CHIO_ALLOW_ROOT=1",
    });
  }
  const settled: Omit<ServiceConfig, "upstream" | "signingSeedHex"> = {
    listen: { ...listen.value },
    healthPath: get("healthPath").value,
    specPath: get("specPath").value,
    policyPath: policySource.value,
    policyRefreshMs: policyRefresh.value,
    kernelConfigPath: file.path,
    ...receipts,
    allowRoot,
    logLevel: get("logLevel").value,
    trustedIssuers: [...new Set([...trusted, ...(key === null ? [] : [key.publicKeyHex])])],
    capabilityAuthorityUrl: authorityUrl,
    controlToken: controlToken.value,
    safeMethods: get("safeMethods").value,
    trustForwarded: get("trustForwarded").value,
    shutdownDrainMs: get("shutdownDrain").value,
    maxDelegationDepth: get("maxDelegationDepth").value,
    limits: Object.fromEntries(
      (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map((name) => [name, get(name).value]),
    ) as unknown as Limits,
  };
  if (problems.length > 0 || upstream.value === null || key === null) throw new ConfigError(problems, warnings);
  return { config: { ...settled, upstream: upstream.value, signingSeedHex: key.seedHex }, warnings };
}

const WILDCARDS = new Set(["0.0.0.0", "::"]);

/**
 * Where a sidecar with these settings answers for its health, for a caller on the same machine. Reads kernel.yaml only where flags and
 * environment leave something open. Throws {@link ConfigError}.
 */
export function healthEndpoint(input: Pick<ConfigInput, "flags" | "env" | "readFile">): { host: string; port: number; path: string } {
  const problems: ConfigProblem[] = [];
  const read = (file: KernelYaml["values"]) => {
    const sources: Sources = { flags: input.flags, env: input.env, file };
    return { listen: resolve("listen", sources, problems), path: resolve("healthPath", sources, problems) };
  };
  let found = read(new Map());
  if (found.listen.origin === "default" || found.path.origin === "default") {
    problems.length = 0;
    const named = resolve("kernelConfigPath", { flags: input.flags, env: input.env, file: new Map() }, problems);
    const file = readConfigFile(named, input.readFile, problems);
    problems.push(...file.problems);
    found = read(file.values);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const { host, port } = found.listen.value;
  return { host: WILDCARDS.has(host) ? "127.0.0.1" : host, port, path: found.path.value };
}

function readConfigFile(
  named: Resolved<string | null>,
  readFile: ConfigInput["readFile"],
  problems: ConfigProblem[],
): KernelYaml & { path: string | null } {
  const path = named.value ?? DEFAULT_KERNEL_CONFIG;
  const empty = { values: new Map(), problems: [], warnings: [], path: null };
  // A name that could not be read is a problem already, and must not fall back to another file.
  if (named.origin !== "default" && named.value === null) return empty;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFile(path));
    return { ...readKernelYaml(text, path), path };
  } catch (error) {
    if (named.origin === "default" && (error as NodeJS.ErrnoException).code === "ENOENT") return empty;
    problems.push({
      code: error instanceof TypeError ? "config_file_invalid" : "config_file_unreadable",
      source: named.origin === "default" ? path : `${named.source} (${path})`,
      message: error instanceof TypeError ? "is not UTF-8 text" : describeFileError(error),
      fix:
        named.origin === "default"
          ? "make it readable for this user, or remove it"
          : "mount the file there and make it readable, or take the setting away",
    });
    return empty;
  }
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]", "::1", "0.0.0.0", "::", "[::]"]);

/** A proxy that forwards to itself would answer nobody. */
function pointsAt(upstream: URL, listen: { host: string; port: number }): boolean {
  const port = Number(upstream.port || (upstream.protocol === "https:" ? 443 : 80));
  if (port !== listen.port) return false;
  return upstream.hostname === listen.host || (LOOPBACK.has(upstream.hostname) && LOOPBACK.has(listen.host));
}

/** Accepted because manifests set them, and said aloud because this version does nothing with them. */
function authority(get: Getter, problems: ConfigProblem[], warnings: string[]): URL | null {
  const url = get("capabilityAuthorityUrl");
  if (url.value !== null) {
    warnings.push(`${url.source}: the authority is not contacted by this version; its key must be among the trusted issuer keys`);
  }
  const certificate = get("controlTlsCert");
  const key = get("controlTlsKey");
  if ((certificate.value === null) !== (key.value === null)) {
    const [set, other] = certificate.value === null ? [key, "CHIO_CONTROL_TLS_CLIENT_CERT"] : [certificate, "CHIO_CONTROL_TLS_CLIENT_KEY"];
    problems.push({
      code: "config_conflict",
      source: set.source,
      message: `is set without ${other}`,
      fix: "set both of the pair, or none",
    });
  } else if (certificate.value !== null) {
    warnings.push("CHIO_CONTROL_TLS_CLIENT_CERT, CHIO_CONTROL_TLS_CLIENT_KEY: not used by this version, which calls no control plane");
  }
  return url.value;
}
