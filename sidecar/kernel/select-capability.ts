import { capabilityTimeStatus } from "../wire/capability.ts";
import type { CapabilityToken } from "../wire/types.ts";
import { coversPrompt, coversResource } from "./grants.ts";
import type { Call } from "./types.ts";

/**
 * The session's token to decide a call with, when the call brings none: the first that names the target and is in time, else the first that names
 * the target, else the first. Only a choice: `decide` judges it like any other.
 */
export function selectCapability<T extends { token: CapabilityToken }>(held: readonly T[], call: Call, now: number): T | undefined {
  const naming = held.filter(({ token }) => names(token, call));
  return naming.find(({ token }) => capabilityTimeStatus(token, Math.floor(now / 1000)) === "valid") ?? naming[0] ?? held[0];
}

function names({ scope }: CapabilityToken, { tool, resource, prompt }: Call): boolean {
  if (tool !== undefined) {
    return (scope.grants ?? []).some(
      (grant) =>
        grant.operations.includes("invoke") &&
        (grant.server_id === "*" || grant.server_id === tool.serverId) &&
        (grant.tool_name === "*" || grant.tool_name === tool.toolName),
    );
  }
  if (resource !== undefined) return (scope.resource_grants ?? []).some((grant) => coversResource(grant, resource.uri, resource.operation));
  return prompt !== undefined && (scope.prompt_grants ?? []).some((grant) => coversPrompt(grant, prompt.name));
}
