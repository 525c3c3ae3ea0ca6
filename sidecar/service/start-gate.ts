import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LedgerError } from "../ledger/errors.ts";
import { PolicyError } from "../policy/errors.ts";
import { defaultPolicy, loadPolicy } from "../policy/load.ts";
import { loadOpenApi } from "../policy/openapi/load.ts";
import type { CompiledPolicy, RouteTable } from "../policy/types.ts";
import { ChioError } from "../wire/errors.ts";
import { describeFileError, type ServiceErrorCode, StartError, type StartProblem } from "./errors.ts";
import { discoverSpec } from "./spec-discovery.ts";
import type { ServiceConfig } from "./types.ts";

/** How long an app that is to be asked for its document may take to come up. */
const DISCOVERY_WAIT_MS = 10_000;

/** The policy that the configuration names, or the built-in one. Throws {@link StartError} or PolicyError. */
export function loadConfiguredPolicy(config: Pick<ServiceConfig, "policyPath">): CompiledPolicy {
  return config.policyPath === null ? defaultPolicy() : loadPolicyFile(config.policyPath);
}

/** The routes of the OpenAPI document that was named, or that the app has. */
export async function loadRoutes(
  config: Pick<ServiceConfig, "specPath" | "upstream" | "safeMethods">,
  options: { signal?: AbortSignal; waitMs?: number } = {},
): Promise<RouteTable> {
  const { text, origin } =
    config.specPath === null
      ? await discoverSpec(config.upstream, { waitMs: DISCOVERY_WAIT_MS, ...options })
      : {
          text: readText(config.specPath, "spec_unreadable", "mount the OpenAPI document there and make it readable for this user"),
          origin: config.specPath,
        };
  return loadOpenApi(text, origin, { safeMethods: config.safeMethods });
}

/** The policy at `path`, with the files it extends. */
export function loadPolicyFile(path: string): CompiledPolicy {
  return loadPolicy(readText(path, "policy_unreadable", "mount the policy there and make it readable for this user"), path, {
    readRelative(reference, fromOrigin) {
      const target = resolve(dirname(fromOrigin), reference);
      return { text: readText(target, "policy_unreadable", "mount the policy that is extended, too"), origin: target };
    },
  });
}

/** UTF-8 text of a file. A byte that is not UTF-8 refuses it, since two readers could see two documents. */
function readText(path: string, code: ServiceErrorCode, fix: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const message = error instanceof TypeError ? "is not UTF-8 text" : describeFileError(error);
    throw new StartError(code, [{ code, source: path, message, fix }]);
  }
}

/** Any error as lines for the log. What nobody expected is one line, too: the log is all that an operator of a container sees. */
export function problemsOf(error: unknown): StartProblem[] {
  if (error instanceof StartError) return [...error.problems];
  if (error instanceof PolicyError) {
    return error.problems.map(({ code, origin, line, column, path, message, fix }) => ({
      code,
      source: `${origin}${line > 0 ? `:${line}:${column}` : ""}${path === "" ? "" : ` (${path})`}`,
      message,
      ...(fix === undefined ? {} : { fix }),
    }));
  }
  if (error instanceof ChioError) {
    const source = error instanceof LedgerError ? "receipt store" : "start";
    return [{ code: error.code, source, message: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) }];
  }
  return [{ code: "internal_error", source: "start", message: error instanceof Error ? error.message : String(error), cause: error }];
}
