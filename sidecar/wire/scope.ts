import { canonicalize } from "./canonical.ts";
import { parseConstraint } from "./constraint.ts";
import { FieldReader } from "./fields.ts";
import { sha256Hex } from "./hash.ts";
import type { Json } from "./json.ts";
import type { CapabilityScope, Constraint, Money, Operation, PromptGrant, ResourceGrant, Sha256Hex, ToolGrant } from "./types.ts";

export { KNOWN_CONSTRAINTS } from "./constraint.ts";

export const OPERATIONS: readonly Operation[] = ["invoke", "read_result", "read", "subscribe", "get", "delegate"];

const U32_MAX = 0xffffffff;
const SCOPE_FIELDS: ReadonlySet<string> = new Set(["grants", "resource_grants", "prompt_grants"]);
const TOOL_GRANT_FIELDS: ReadonlySet<string> = new Set([
  "server_id",
  "tool_name",
  "operations",
  "constraints",
  "max_invocations",
  "max_cost_per_invocation",
  "max_total_cost",
  "dpop_required",
]);
const RESOURCE_GRANT_FIELDS: ReadonlySet<string> = new Set(["uri_pattern", "operations"]);
const PROMPT_GRANT_FIELDS: ReadonlySet<string> = new Set(["prompt_name", "operations"]);
const MONEY_FIELDS: ReadonlySet<string> = new Set(["units", "currency"]);

/** SHA-256 of JCS(scope). */
export function scopeHash(scope: CapabilityScope): Sha256Hex {
  return sha256Hex(canonicalize(scope));
}

/** Reads a scope strictly. Empty lists are dropped, as every writer of the format does. */
export function parseScope(value: Json | undefined, path = "$.scope"): CapabilityScope {
  const reader = new FieldReader(value, path, "invalid_scope").only(SCOPE_FIELDS);
  const scope: CapabilityScope = {};
  const grants = reader.optionalArray("grants");
  if (grants) scope.grants = grants.map((grant, i) => parseToolGrant(reader.at(grant, `grants[${i}]`)));
  const resources = reader.optionalArray("resource_grants");
  if (resources) scope.resource_grants = resources.map((grant, i) => parseResourceGrant(reader.at(grant, `resource_grants[${i}]`)));
  const prompts = reader.optionalArray("prompt_grants");
  if (prompts) scope.prompt_grants = prompts.map((grant, i) => parsePromptGrant(reader.at(grant, `prompt_grants[${i}]`)));
  return scope;
}

function parseToolGrant(reader: FieldReader): ToolGrant {
  reader.only(TOOL_GRANT_FIELDS);
  const grant: ToolGrant = {
    server_id: reader.nonEmptyString("server_id"),
    tool_name: reader.nonEmptyString("tool_name"),
    operations: parseOperations(reader),
  };
  const constraints = reader.optionalArray("constraints");
  if (constraints) grant.constraints = constraints.map((item, i) => parseConstraint(item, `${reader.path}.constraints[${i}]`));
  const maxInvocations = reader.optionalInteger("max_invocations", U32_MAX);
  if (maxInvocations !== undefined) grant.max_invocations = maxInvocations;
  const perInvocation = parseMoney(reader, "max_cost_per_invocation");
  if (perInvocation) grant.max_cost_per_invocation = perInvocation;
  const total = parseMoney(reader, "max_total_cost");
  if (total) grant.max_total_cost = total;
  const dpop = reader.optionalBoolean("dpop_required");
  if (dpop !== undefined) grant.dpop_required = dpop;
  return grant;
}

function parseResourceGrant(reader: FieldReader): ResourceGrant {
  reader.only(RESOURCE_GRANT_FIELDS);
  return { uri_pattern: reader.nonEmptyString("uri_pattern"), operations: parseOperations(reader) };
}

function parsePromptGrant(reader: FieldReader): PromptGrant {
  reader.only(PROMPT_GRANT_FIELDS);
  return { prompt_name: reader.nonEmptyString("prompt_name"), operations: parseOperations(reader) };
}

function parseOperations(reader: FieldReader): Operation[] {
  const values = reader.array("operations");
  if (values.length === 0) throw reader.fail(`${reader.path}.operations is empty: a grant names at least one operation`);
  return values.map((value) => {
    const operation = OPERATIONS.find((candidate) => candidate === value);
    if (operation === undefined) throw reader.fail(`${reader.path}.operations holds something else than ${OPERATIONS.join(", ")}`);
    return operation;
  });
}

function parseMoney(reader: FieldReader, name: string): Money | undefined {
  if (reader.get(name) === undefined) return undefined;
  const money = reader.object(name).only(MONEY_FIELDS);
  return { units: money.u64("units"), currency: money.nonEmptyString("currency") };
}

/**
 * True when nothing that the child allows is outside the parent: each child grant is covered by a parent grant. Where a parent grant has a
 * budget (`max_invocations`, `max_total_cost`), the child grants that it covers must fit into it together, so splitting a grant multiplies nothing.
 * Fails closed: a child that only fits when grants are matched in another order than first fit is refused.
 */
export function isScopeSubset(child: CapabilityScope, parent: CapabilityScope): boolean {
  const budgets = (parent.grants ?? []).map((grant) => new RemainingBudget(grant));
  return (
    (child.grants ?? []).every((grant) => budgets.some((budget) => budget.cover(grant))) &&
    (child.resource_grants ?? []).every((grant) =>
      (parent.resource_grants ?? []).some(
        (by) => uriPatternCovers(by.uri_pattern, grant.uri_pattern) && operationsCovered(grant.operations, by.operations),
      ),
    ) &&
    (child.prompt_grants ?? []).every((grant) =>
      (parent.prompt_grants ?? []).some(
        (by) => nameCovers(by.prompt_name, grant.prompt_name) && operationsCovered(grant.operations, by.operations),
      ),
    )
  );
}

/** What is left of a parent grant's totals while child grants are assigned to it. */
class RemainingBudget {
  readonly #grant: ToolGrant;
  #invocations: number | undefined;
  #units: bigint | undefined;

  constructor(grant: ToolGrant) {
    this.#grant = grant;
    this.#invocations = grant.max_invocations;
    this.#units = grant.max_total_cost === undefined ? undefined : BigInt(grant.max_total_cost.units);
  }

  cover(child: ToolGrant): boolean {
    if (!toolGrantCovers(this.#grant, child)) return false;
    const invocations = child.max_invocations ?? 0;
    const units = BigInt(child.max_total_cost?.units ?? 0);
    if (this.#invocations !== undefined && invocations > this.#invocations) return false;
    if (this.#units !== undefined && units > this.#units) return false;
    if (this.#invocations !== undefined) this.#invocations -= invocations;
    if (this.#units !== undefined) this.#units -= units;
    return true;
  }
}

function toolGrantCovers(parent: ToolGrant, child: ToolGrant): boolean {
  return (
    nameCovers(parent.server_id, child.server_id) &&
    nameCovers(parent.tool_name, child.tool_name) &&
    operationsCovered(child.operations, parent.operations) &&
    constraintsKept(child.constraints ?? [], parent.constraints ?? []) &&
    (parent.max_invocations === undefined || (child.max_invocations !== undefined && child.max_invocations <= parent.max_invocations)) &&
    moneyCovered(child.max_cost_per_invocation, parent.max_cost_per_invocation) &&
    moneyCovered(child.max_total_cost, parent.max_total_cost) &&
    (parent.dpop_required !== true || child.dpop_required === true)
  );
}

function nameCovers(parent: string, child: string): boolean {
  return parent === "*" || parent === child;
}

/**
 * A resource grant's pattern over a URI, or over a child's pattern: equal, `*` alone, or `*` as the end of a prefix. A URI that climbs (`..`) or hides
 * dots or slashes is covered by nothing but itself and `*`. One rule for both, so that a child never names what its parent would not cover.
 */
export function uriPatternCovers(pattern: string, uri: string): boolean {
  if (nameCovers(pattern, uri)) return true;
  if (!pattern.endsWith("*") || pattern.indexOf("*") !== pattern.length - 1) return false;
  return uri.startsWith(pattern.slice(0, -1)) && !/(^|[/\\])\.\.([/\\?#]|$)|%(2e|2f|5c)/i.test(uri);
}

function operationsCovered(child: readonly Operation[], parent: readonly Operation[]): boolean {
  return child.every((operation) => parent.includes(operation));
}

function constraintsKept(child: readonly Constraint[], parent: readonly Constraint[]): boolean {
  if (parent.length === 0) return true;
  const kept = new Set(child.map((constraint) => canonicalize(constraint)));
  return parent.every((constraint) => kept.has(canonicalize(constraint)));
}

function moneyCovered(child: Money | undefined, parent: Money | undefined): boolean {
  return parent === undefined || (child !== undefined && child.currency === parent.currency && child.units <= parent.units);
}
