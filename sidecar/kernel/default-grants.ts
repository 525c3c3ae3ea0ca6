import { ChioError } from "../wire/errors.ts";
import type { Json } from "../wire/json.ts";
import { parseScope } from "../wire/scope.ts";
import type { CapabilityScope, Operation } from "../wire/types.ts";
import { KernelError } from "./errors.ts";

/** What every new session may do. `ttl`: seconds. */
export interface DefaultGrants {
  tools?: readonly { server: string; tool: string; operations: readonly string[]; ttl: number }[];
  resources?: readonly { uri: string; operations: readonly string[]; ttl: number }[];
  prompts?: readonly { prompt: string; operations: readonly string[]; ttl: number }[];
}

/** One scope for each life time, longest first: grants of one token expire together. Throws KernelError `kernel_option_invalid`. */
export function defaultScopes(grants: DefaultGrants, maxTtl: number): { scope: CapabilityScope; ttl: number }[] {
  const scopes = new Map<number, Required<CapabilityScope>>();
  const scopeFor = (ttl: number): Required<CapabilityScope> => {
    if (!Number.isSafeInteger(ttl) || ttl < 1 || ttl > maxTtl) throw invalid(`ttl must be a whole number from 1 to ${maxTtl}`);
    let scope = scopes.get(ttl);
    if (scope === undefined) {
      scope = { grants: [], resource_grants: [], prompt_grants: [] };
      scopes.set(ttl, scope);
    }
    return scope;
  };
  for (const { server, tool, operations, ttl } of grants.tools ?? []) {
    scopeFor(ttl).grants.push({ server_id: server, tool_name: tool, operations: [...operations] as Operation[] });
  }
  for (const { uri, operations, ttl } of grants.resources ?? []) {
    scopeFor(ttl).resource_grants.push({ uri_pattern: uri, operations: [...operations] as Operation[] });
  }
  for (const { prompt, operations, ttl } of grants.prompts ?? []) {
    scopeFor(ttl).prompt_grants.push({ prompt_name: prompt, operations: [...operations] as Operation[] });
  }
  return [...scopes].sort(([a], [b]) => b - a).map(([ttl, scope]) => ({ ttl, scope: checked(scope) }));
}

function checked(scope: CapabilityScope): CapabilityScope {
  try {
    return parseScope(scope as unknown as Json, "defaultGrants");
  } catch (error) {
    throw error instanceof ChioError ? invalid(error.message) : error;
  }
}

function invalid(problem: string): KernelError {
  return new KernelError("kernel_option_invalid", `default grants: ${problem}`, {
    fix: "correct capabilities.default of the policy, or defaultGrants",
  });
}
