import { canonicalize } from "../wire/canonical.ts";
import { isObject } from "../wire/fields.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { CapabilityToken, Money, Operation, ToolGrant } from "../wire/types.ts";

/**
 * The first statement of how the scope was narrowed (in a delegation link or in `scope_attenuations`) that the token's own scope contradicts;
 * null when all hold. Such a token grants what one of its own delegators took away. A statement of an unknown kind does not hold.
 */
export function violatedAttenuation(token: CapabilityToken): string | null {
  const statements = [...(token.scope_attenuations ?? []), ...(token.delegation_chain ?? []).flatMap((link) => link.attenuations ?? [])];
  for (const statement of statements) {
    if (!holds(statement, token)) {
      const kind = typeof statement.type === "string" ? statement.type.slice(0, 40) : "an untyped one";
      return `the scope contradicts an attenuation (${kind})`;
    }
  }
  return null;
}

function holds(statement: JsonObject, token: CapabilityToken): boolean {
  if (statement.type === "shorten_expiry") {
    const limit = statement.new_expires_at;
    return typeof limit === "number" && token.expires_at <= limit;
  }
  const { server_id: server, tool_name: tool } = statement;
  if (typeof server !== "string" || typeof tool !== "string") return false;
  const grants = (token.scope.grants ?? []).filter((grant) => touches(grant.server_id, server) && touches(grant.tool_name, tool));
  switch (statement.type) {
    case "remove_tool":
      return grants.length === 0;
    case "remove_operation":
      return (
        typeof statement.operation === "string" && grants.every((grant) => !grant.operations.includes(statement.operation as Operation))
      );
    case "add_constraint":
      return isObject(statement.constraint) && grants.every((grant) => carries(grant, statement.constraint as JsonObject));
    case "reduce_budget": {
      const limit = statement.max_invocations;
      return typeof limit === "number" && grants.every((grant) => grant.max_invocations !== undefined && grant.max_invocations <= limit);
    }
    case "reduce_cost_per_invocation":
      return grants.every((grant) => within(grant.max_cost_per_invocation, statement.max_cost_per_invocation));
    case "reduce_total_cost":
      return grants.every((grant) => within(grant.max_total_cost, statement.max_total_cost));
    default:
      return false;
  }
}

/** A wildcard on either side means that both can be about the same thing. */
function touches(granted: string, named: string): boolean {
  return granted === "*" || named === "*" || granted === named;
}

function carries(grant: ToolGrant, constraint: JsonObject): boolean {
  const wanted = canonicalize(constraint);
  return (grant.constraints ?? []).some((candidate) => canonicalize(candidate) === wanted);
}

function within(granted: Money | undefined, limit: Json | undefined): boolean {
  if (granted === undefined || !isObject(limit) || granted.currency !== limit.currency) return false;
  const units = limit.units;
  return (typeof units === "number" || typeof units === "bigint") && granted.units <= units;
}
