import { ChioError } from "../wire/errors.ts";

/** Codes of start and configuration problems. */
export const SERVICE_ERRORS = {
  config_invalid: "The configuration as a whole was refused; each problem follows under its own code.",
  config_value_invalid: "A flag, variable or key of kernel.yaml has a value that cannot be used.",
  config_value_missing: "A setting without a default was set nowhere.",
  config_conflict: "Two settings contradict each other.",
  config_unsupported: "The value names something that this build does not serve.",
  config_file_unreadable: "kernel.yaml was named and cannot be read.",
  config_file_invalid: "kernel.yaml is not valid YAML, or not a mapping.",
  config_key_unknown: "kernel.yaml has a key that nothing reads.",
  config_secret_in_file: "kernel.yaml holds a secret.",
  signing_key_missing: "No signing key was given.",
  signing_key_invalid: "The signing key is not an Ed25519 seed.",
  signing_key_unreadable: "The file of the signing key cannot be read.",
  issuer_key_invalid: "A trusted issuer key is not an Ed25519 public key.",
  start_refused: "Something that the sidecar needs is not there or not sound; each problem follows under its own code.",
  spec_not_found: "No OpenAPI document was named, and the app has none at the usual paths.",
  spec_unreadable: "The OpenAPI document cannot be read.",
  policy_unreadable: "The policy file cannot be read.",
  listen_failed: "The address cannot be listened on.",
  running_as_root: "The sidecar was started as uid 0.",
  internal_error: "Something failed that nobody expected.",
} as const;

export type ServiceErrorCode = keyof typeof SERVICE_ERRORS;

/** One thing that is wrong, where it was said, and what to do. None of it ever carries a secret. */
export interface StartProblem {
  /** Of this module, or of the one that refused: `policy_invalid`, `ledger_in_use`. */
  code: string;
  /** `--listen`, `CHIO_LISTEN_ADDR`, `/etc/chio/kernel.yaml:3:1 (listen)`. */
  source: string;
  message: string;
  fix?: string;
  /** Of an error that nobody expected, for its stack. */
  cause?: unknown;
}

/** A problem of the configuration always knows its fix. */
export interface ConfigProblem extends StartProblem {
  code: ServiceErrorCode;
  fix: string;
}

/** Why the sidecar does not start: everything that is wrong, at once. */
export class StartError extends ChioError {
  readonly problems: readonly StartProblem[];

  constructor(code: ServiceErrorCode, problems: readonly StartProblem[]) {
    super(code, problems.map(describeProblem).join("\n"), { fix: "mend every problem above, then start again" });
    this.problems = problems;
  }
}

/** Everything that is wrong with flags, environment and kernel.yaml. */
export class ConfigError extends StartError {
  declare readonly problems: readonly ConfigProblem[];
  /** What was found beside them, and may be their cause: a variable with a mistyped name. */
  readonly warnings: readonly string[];

  constructor(problems: readonly ConfigProblem[], warnings: readonly string[] = []) {
    super("config_invalid", problems);
    this.warnings = warnings;
  }
}

/** Why the address cannot be listened on; `code` is the operating system's. */
export function listenError({ host, port }: { host: string; port: number }, code: string): StartError {
  const [message, fix] = LISTEN_CAUSES[code] ?? [`cannot listen there (${code})`, "name another address with --listen"];
  return new StartError("listen_failed", [{ code: "listen_failed", source: `${host}:${port}`, message, fix }]);
}

const LISTEN_CAUSES: Readonly<Record<string, [message: string, fix: string]>> = {
  EADDRINUSE: ["the address is in use", "end what listens there, or name another address with --listen"],
  EADDRNOTAVAIL: [
    "this machine does not have the address",
    "name one that it has with --listen: 127.0.0.1, or 0.0.0.0 for all; IPv6 may be switched off",
  ],
  EACCES: ["this user may not listen there", "name a port from 1024 on with --listen"],
};

/** `CHIO_LISTEN_ADDR: cause. Fix: …` on one line. */
export function describeProblem({ source, message, fix }: StartProblem): string {
  const line = fix === undefined ? `${source}: ${message}` : `${source}: ${message}. Fix: ${fix}`;
  return line.replace(/\s*\n\s*/g, "; ");
}

/** What the file system said, without the path, which stands in front of it already. */
export function describeFileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "does not exist";
    case "EACCES":
    case "EPERM":
      return "may not be read by this user";
    case "EISDIR":
      return "is a directory";
    default:
      return `cannot be read (${code ?? message})`;
  }
}
