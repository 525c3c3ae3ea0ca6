import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix, resolve } from "node:path";
import type { StartTopologyOptions } from "../../local/index.ts";
import {
  type Container,
  formatPolicySource,
  isDeferred,
  isRemoteSink,
  type PlatformTopology,
  sidecarAccess,
} from "../../topology/index.ts";
import { KitError } from "../errors.ts";
import type { Named, SecretSource } from "./flags.ts";

export interface InputFlags {
  readonly secret?: Named<SecretSource>;
  readonly key?: string;
  readonly config?: string;
  readonly file?: Named<string>;
  readonly env?: Named<Readonly<Record<string, string>>>;
}

/** What a run is given in place of what only a cloud has. */
export interface Inputs {
  readonly options: Pick<StartTopologyOptions, "secrets" | "configDirectory" | "files" | "env" | "baseDirectory">;
  /** Seed that the sidecar signs with, as text; null where the topology gives it no key. Never printed. */
  readonly signingSeed: string | null;
  /** The OpenAPI document, where it is a file that was found. */
  readonly spec: string | null;
  /** For the reader: what differs from the cloud, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Values for everything that the topology names and this machine does not have. The signing key is made for the run where none is given; other
 * secrets have to be given. Files are looked for beside the service.yaml, and in `config` there. Throws `KitError` with all that is missing.
 */
export function gatherInputs(graph: PlatformTopology, servicePath: string, flags: InputFlags, env: NodeJS.ProcessEnv): Inputs {
  const base = servicePath === "-" ? process.cwd() : dirname(resolve(servicePath));
  const { secrets, signingSeed, notes } = gatherSecrets(graph, base, flags, env);
  const files = gatherFiles(graph, base, flags);
  const variables = gatherVariables(graph, flags);
  const sidecar = sidecarOf(graph);
  const { mode } = graph;
  const spec = mode.kind === "api-protect" && mode.spec !== null ? files.found.get(mode.spec) : undefined;
  return {
    options: {
      baseDirectory: base,
      secrets,
      files: Object.fromEntries(files.given),
      ...(files.directory === null ? {} : { configDirectory: files.directory }),
      env: variables.env,
    },
    signingSeed: sidecar?.secrets.some((one) => one.purpose === "signing-key") === true ? signingSeed : null,
    spec: spec === undefined ? null : Buffer.from(spec).toString("utf8"),
    notes: [...notes, ...variables.notes],
  };
}

const sidecarOf = ({ containers }: PlatformTopology): Container | undefined => containers.find((one) => one.role === "sidecar");

function gatherSecrets(graph: PlatformTopology, base: string, { secret, key }: InputFlags, env: NodeJS.ProcessEnv) {
  const bindings = graph.containers.flatMap((one) => one.secrets);
  const given = new Map(secret);
  const values: Record<string, string> = {};
  const missing: string[] = [];
  const notes: string[] = [];
  let signingSeed: string | null = null;
  const take = (name: string) => {
    const source = given.get(name);
    given.delete(name);
    return source;
  };
  for (const { name, purpose, target, ref } of bindings) {
    if (values[name] !== undefined) continue;
    const variable = target.kind === "env" ? target.env : null;
    const source =
      take(name) ??
      (variable === null ? undefined : take(variable)) ??
      (purpose === "signing-key" && key !== undefined ? file(key) : undefined);
    const local =
      ref.kind === "file"
        ? file(resolve(base, ref.path))
        : ref.kind === "environment"
          ? ({ kind: "environment", variable: ref.variable } as const)
          : null;
    // What was named has to be there; what the model names may be.
    let value = source === undefined ? (local === null ? null : readIfThere(local, env)) : read(source, name, env);
    if (value === null && purpose === "signing-key") {
      value = randomBytes(32).toString("hex");
      notes.push("the signing key was made for this run, and is gone with it (--key FILE gives another)");
    }
    if (value === null) missing.push(`${name}${variable === null || variable === name ? "" : ` (${variable})`}`);
    else values[name] = value;
    if (purpose === "signing-key") signingSeed = value;
  }
  // The files of a secret volume are secrets too.
  for (const volume of graph.volumes) {
    for (const { secretName } of volume.kind === "secret" ? (volume.files ?? []) : []) {
      const source = take(secretName);
      if (source !== undefined) values[secretName] = read(source, secretName, env);
    }
  }
  const [stranger] = given.keys();
  if (stranger !== undefined) {
    throw new KitError("secret_unknown", `the topology has no secret ${JSON.stringify(stranger)}`, {
      fix: `its secrets are ${[...new Set(bindings.map((one) => one.name))].join(", ") || "none"}`,
    });
  }
  if (missing.length > 0) {
    throw new KitError(
      "secret_missing",
      `this machine has no value for ${missing.length === 1 ? "secret" : "secrets"} ${missing.join(", ")}`,
      {
        fix: `give ${missing.length === 1 ? "it" : "each"}: ${missing.map((one) => `--secret ${one.split(" ")[0]}=@FILE`).join(" ")} (or =env:VARIABLE)`,
      },
    );
  }
  return { secrets: values, signingSeed, notes };
}

const file = (path: string): SecretSource => ({ kind: "file", path });

function readIfThere(source: SecretSource, env: NodeJS.ProcessEnv): string | null {
  if (source.kind === "environment") return env[source.variable] ?? null;
  return existsSync(source.path) ? readFileSync(source.path, "utf8") : null;
}

function read(source: SecretSource, name: string, env: NodeJS.ProcessEnv): string {
  if (source.kind === "file") return readFileSync(source.path, "utf8");
  const value = env[source.variable];
  if (value === undefined || value === "")
    throw new KitError("secret_missing", `variable ${source.variable}, which was named for secret ${name}, is not set`, {
      fix: `set ${source.variable}`,
    });
  return value;
}

/** The files that the sidecar reads, each from the first place that has it: `--file`, `--config`, `config` beside the service.yaml, beside it. */
function gatherFiles(graph: PlatformTopology, base: string, { config, file: named }: InputFlags) {
  const beside = join(base, "config");
  const directory = config !== undefined ? resolve(config) : isDirectory(beside) ? beside : null;
  const places = config !== undefined ? [resolve(config)] : [beside, base];
  const root = "mountPath" in graph.config ? graph.config.mountPath : "/etc/chio";
  const given = new Map<string, Uint8Array>();
  for (const [path, source] of named ?? []) given.set(path, readFileSync(source));
  const found = new Map(given);
  for (const path of wantedFiles(graph)) {
    if (found.has(path)) continue;
    const relative = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : basename(path);
    const candidates = places.flatMap((place) => [join(place, relative), join(place, posix.basename(path))]);
    const there = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
    if (there === undefined) continue;
    const content = readFileSync(there);
    found.set(path, content);
    // What the model mounts from this machine is there already.
    if (graph.config.kind !== "host") given.set(path, content);
  }
  return { given, found, directory: graph.config.kind === "host" && config === undefined ? null : directory };
}

function wantedFiles(graph: PlatformTopology): string[] {
  const { mode, config } = graph;
  const sidecar = sidecarOf(graph);
  return [
    mode.kind === "api-protect" ? mode.spec : null,
    mode.policy,
    graph.policySource?.kind === "file" ? graph.policySource.path : null,
    sidecar?.env.CHIO_KERNEL_CONFIG_PATH || null,
    ...(config.kind === "secret-files" ? config.files.map((one) => one.path) : []),
    ...sidecarAccess(graph).reads.map(formatPolicySource),
  ].filter((path): path is string => path !== null && !isDeferred(path));
}

const isDirectory = (path: string) => existsSync(path) && statSync(path).isDirectory();

/** Receipts of a trial do not belong into the engine of production: they go to the sidecar's log, unless a variable says otherwise. */
function gatherVariables(graph: PlatformTopology, flags: InputFlags) {
  const env: Record<string, Record<string, string>> = Object.fromEntries([...(flags.env ?? [])].map(([name, own]) => [name, { ...own }]));
  const sidecar = sidecarOf(graph);
  const remote = graph.receipts.sinks.filter(isRemoteSink);
  const notes: string[] = [];
  if (sidecar !== undefined && remote.length > 0 && env[sidecar.name]?.CHIO_RECEIPT_SINK === undefined) {
    env[sidecar.name] = { CHIO_RECEIPT_SINK: "stdout", CHIO_RECEIPT_ACKNOWLEDGE: "ledger", ...env[sidecar.name] };
    notes.push(`receipts stay here, in the sidecar's store and log, and do not go to ${remote.map((sink) => sink.kind).join(", ")}`);
  }
  return { env, notes };
}
