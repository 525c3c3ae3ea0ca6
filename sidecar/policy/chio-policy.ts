import * as v from "valibot";
import type { JsonObject } from "../wire/json.ts";
import {
  actionSchema,
  byteCountSchema,
  egress,
  forbiddenPaths,
  forbiddenPathsEntries,
  isEnabled,
  reporter,
  secretPatterns,
  strings,
  toolAccess,
  toolAccessEntries,
} from "./blocks.ts";
import { DEFAULT_KERNEL } from "./defaults.ts";
import type { SourceDocument } from "./document.ts";
import type { PolicyProblem } from "./errors.ts";
import { checkSchema, soundMembers } from "./schema.ts";
import type { CompiledPolicy, GuardSettings } from "./types.ts";

/** Seconds. */
const DEFAULT_GRANT_TTL = 300;
const UNENFORCED_GUARDS = [
  "path_allowlist",
  "shell_command",
  "internal_network",
  "patch_integrity",
  "sql_query",
  "vector_db",
  "warehouse_cost",
  "query_result",
  "content_review",
  "cloud_guardrails",
  "threat_intel",
  "adapter",
];

const count = (least: number) =>
  v.pipe(
    v.number(),
    v.integer("must be a whole number"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(Number.MAX_SAFE_INTEGER, "is too large"),
  );
const flag = v.optional(v.boolean(), false);
const operations = (one: string) =>
  v.optional(v.array(v.picklist(["invoke", "read_result", "read", "subscribe", "get", "delegate"])), [one as "invoke"]);
const { default: _default, ...sharedToolEntries } = toolAccessEntries;

const schema = v.object({
  kernel: v.optional(
    v.object({
      max_capability_ttl: v.optional(count(1), DEFAULT_KERNEL.max_capability_ttl),
      delegation_depth_limit: v.optional(count(0), DEFAULT_KERNEL.delegation_depth_limit),
      allow_sampling: flag,
      allow_sampling_tool_use: flag,
      allow_elicitation: flag,
      require_web3_evidence: flag,
      allow_ephemeral_receipt_log: flag,
      checkpoint_batch_size: v.optional(count(1)),
    }),
    {},
  ),
  guards: v.optional(
    v.object({
      forbidden_path: v.optional(v.object({ ...forbiddenPathsEntries, additional_patterns: v.optional(strings) })),
      egress_allowlist: v.optional(
        v.object({ enabled: v.optional(v.boolean()), allowed_domains: v.optional(strings), blocked_domains: v.optional(strings) }),
      ),
      tool_access: v.optional(
        v.object({ ...sharedToolEntries, default_action: v.optional(actionSchema), max_args_size: v.optional(byteCountSchema) }),
      ),
      secret_patterns: v.optional(v.object({ enabled: v.optional(v.boolean()), skip_paths: v.optional(strings) })),
      ...Object.fromEntries(UNENFORCED_GUARDS.map((name) => [name, v.optional(v.any())])),
    }),
    {},
  ),
  capabilities: v.optional(
    v.object({
      default: v.optional(
        v.object({
          tools: v.optional(
            v.array(v.object({ server: v.string(), tool: v.string(), operations: operations("invoke"), ttl: v.optional(count(1)) })),
            [],
          ),
          resources: v.optional(v.array(v.object({ uri: v.string(), operations: operations("read"), ttl: v.optional(count(1)) })), []),
          prompts: v.optional(v.array(v.object({ prompt: v.string(), operations: operations("get"), ttl: v.optional(count(1)) })), []),
        }),
        {},
      ),
    }),
    {},
  ),
});

export const CHIO_POLICY_KEYS: readonly string[] = Object.keys(schema.entries);

export type ChioPolicyParts = Pick<CompiledPolicy, "guards" | "kernel" | "defaultGrants">;

/** Compiles the policy format of kernel, guards and capabilities blocks. */
export function compileChioPolicy(document: SourceDocument): { parts?: ChioPolicyParts; problems: PolicyProblem[] } {
  const { value, problems } = checkSchema(schema, document);
  checkKernelFlags(document, problems);
  const guards = compileGuards(document, soundMembers(document, ["guards"], problems), problems);
  if (value === undefined) return { problems };
  const { require_web3_evidence: _evidence, allow_ephemeral_receipt_log: _ephemeral, checkpoint_batch_size, ...kernel } = value.kernel;
  const longest = kernel.max_capability_ttl;
  const withTtl = <T extends { ttl?: number | undefined }>(kind: string, grants: readonly T[]): (T & { ttl: number })[] =>
    grants.map((grant, index) => {
      const { ttl = Math.min(DEFAULT_GRANT_TTL, longest) } = grant;
      const report = reporter(document, ["capabilities", "default", kind, index], problems);
      if (ttl > longest) report(["ttl"], "document_wrong_value", `is longer than kernel.max_capability_ttl, which is ${longest}`);
      return { ...grant, ttl };
    });
  const { tools, resources, prompts } = value.capabilities.default;
  const defaultGrants = {
    tools: withTtl("tools", tools),
    resources: withTtl("resources", resources),
    prompts: withTtl("prompts", prompts),
  };
  const parts = { guards, kernel: { ...kernel, ...(checkpoint_batch_size === undefined ? {} : { checkpoint_batch_size }) }, defaultGrants };
  return problems.length === 0 ? { parts, problems } : { problems };
}

function checkKernelFlags(document: SourceDocument, problems: PolicyProblem[]): void {
  const kernel = soundMembers(document, ["kernel"], problems);
  const report = reporter(document, ["kernel"], problems);
  if (kernel.require_web3_evidence === true) {
    report(["require_web3_evidence"], "policy_not_enforced", "this release produces no such evidence", "remove the key");
  }
  if (kernel.allow_ephemeral_receipt_log === true) {
    const fix = "remove the key and start with --allow-ephemeral-receipts";
    report(["allow_ephemeral_receipt_log"], "policy_not_enforced", "a policy cannot allow receipts that are not kept", fix);
  }
}

interface ChioGuards {
  forbidden_path?: Parameters<typeof forbiddenPaths>[0];
  egress_allowlist?: { allowed_domains?: string[]; blocked_domains?: string[] };
  tool_access?: Parameters<typeof toolAccess>[0] & { default_action?: "allow" | "block" };
  secret_patterns?: Parameters<typeof secretPatterns>[0];
}

function compileGuards(document: SourceDocument, written: JsonObject, problems: PolicyProblem[]): GuardSettings {
  const guards: GuardSettings = {};
  const on = (name: string) => isEnabled(written[name], true);
  const report = (name: string) => reporter(document, ["guards", name], problems);
  // The types were checked when the document was read.
  const { forbidden_path, egress_allowlist, tool_access, secret_patterns } = written as unknown as ChioGuards;
  if (forbidden_path !== undefined && on("forbidden_path"))
    guards.forbidden_path = forbiddenPaths(forbidden_path, report("forbidden_path"));
  if (egress_allowlist !== undefined && on("egress_allowlist")) {
    const block = { allow: egress_allowlist.allowed_domains, block: egress_allowlist.blocked_domains };
    guards.egress_allowlist = egress(block, { allow: "allowed_domains", block: "blocked_domains" }, report("egress_allowlist"));
  }
  if (tool_access !== undefined && on("tool_access")) {
    guards.tool_access = toolAccess({ ...tool_access, default: tool_access.default_action }, report("tool_access"));
  }
  if (secret_patterns !== undefined && on("secret_patterns")) {
    guards.secret_patterns = secretPatterns(secret_patterns, report("secret_patterns"));
  }
  for (const name of UNENFORCED_GUARDS) {
    if (on(name))
      report(name)(
        [],
        "policy_not_enforced",
        `this release has no guard for the block "${name}"`,
        "remove the block, or set enabled: false",
      );
  }
  return guards;
}
