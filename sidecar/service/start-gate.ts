import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PolicyError } from "../policy/errors.ts";
import { policyHash } from "../policy/hash.ts";
import { defaultPolicy, loadPolicy } from "../policy/load.ts";
import { loadOpenApi } from "../policy/openapi/load.ts";
import type { CompiledPolicy, RouteTable } from "../policy/types.ts";
import { ChioError } from "../wire/errors.ts";
import type { Sha256Hex } from "../wire/types.ts";
import { describeFileError, type ServiceErrorCode, StartError, type StartProblem } from "./errors.ts";
import { discoverSpec } from "./spec-discovery.ts";
import type { ServiceConfig } from "./types.ts";

/** Everything that decides about requests, read and compiled. */
export interface Rules {
  policy: CompiledPolicy;
  routes: RouteTable;
  policyHash: Sha256Hex;
}

/** How long an app that is to be asked for its document may take to come up. */
const DISCOVERY_WAIT_MS = 10_000;

type Inputs = Pick<ServiceConfig, "policyPath" | "specPath" | "upstream" | "safeMethods">;

/** Policy and OpenAPI document. Throws one {@link StartError} with the problems of both. */
export async function loadRules(config: Inputs, options: { signal?: AbortSignal; waitMs?: number } = {}): Promise<Rules> {
  const problems: StartProblem[] = [];
  const policy = attempt(problems, () => (config.policyPath === null ? defaultPolicy() : loadPolicyFile(config.policyPath)));
  let routes: RouteTable | undefined;
  try {
    const { text, origin } = await specText(config, options);
    routes = loadOpenApi(text, origin, { safeMethods: config.safeMethods });
  } catch (error) {
    problems.push(...problemsOf(error));
  }
  if (policy === undefined || routes === undefined) throw new StartError("start_refused", problems);
  return { policy, routes, policyHash: policyHash(policy, routes) };
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

async function specText(config: Inputs, options: { signal?: AbortSignal; waitMs?: number }): Promise<{ text: string; origin: string }> {
  if (config.specPath === null) return await discoverSpec(config.upstream, { waitMs: DISCOVERY_WAIT_MS, ...options });
  return {
    text: readText(config.specPath, "spec_unreadable", "mount the OpenAPI document there and make it readable for this user"),
    origin: config.specPath,
  };
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

function attempt<T>(problems: StartProblem[], load: () => T): T | undefined {
  try {
    return load();
  } catch (error) {
    problems.push(...problemsOf(error));
    return undefined;
  }
}

/** Any deliberate error as lines for the log. What nobody expected is thrown on. */
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
  if (!(error instanceof ChioError)) throw error;
  return [{ code: error.code, source: "start", message: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) }];
}
