import * as v from "valibot";
import type { Json, JsonObject } from "../wire/json.ts";
import {
  egress,
  egressEntries,
  forbiddenPaths,
  forbiddenPathsEntries,
  isEnabled,
  reporter,
  secretPatterns,
  secretPatternsEntries,
  toolAccess,
  toolAccessEntries,
} from "./blocks.ts";
import type { SourceDocument } from "./document.ts";
import type { PolicyProblem } from "./errors.ts";
import { checkSchema, soundMembers } from "./schema.ts";
import type { GuardSettings } from "./types.ts";

export const HUSHSPEC_VERSIONS: readonly string[] = ["0.1.0"];

/** Blocks that no guard of this release enforces: their keys, and whether they are on without `enabled`. */
const UNENFORCED_BLOCKS: Readonly<Record<string, { on: boolean; keys: readonly string[] }>> = {
  path_allowlist: { on: false, keys: ["read", "write", "patch"] },
  patch_integrity: { on: true, keys: ["max_additions", "max_deletions", "forbidden_patterns", "require_balance", "max_imbalance_ratio"] },
  shell_commands: { on: true, keys: ["forbidden_patterns"] },
  computer_use: { on: false, keys: ["mode", "allowed_actions"] },
  remote_desktop_channels: { on: false, keys: ["clipboard", "file_transfer", "audio", "drive_mapping"] },
  input_injection: { on: false, keys: ["allowed_types", "require_postcondition_probe"] },
  browser_automation: {
    on: false,
    keys: ["allowed_domains", "blocked_domains", "allowed_verbs", "credential_detection", "extra_credential_patterns"],
  },
  code_execution: {
    on: false,
    keys: ["language_allowlist", "module_denylist", "network_access", "max_execution_time_ms", "max_scan_bytes"],
  },
  velocity: {
    on: true,
    keys: [
      "max_invocations_per_window",
      "max_spend_per_window",
      "max_requests_per_agent",
      "max_requests_per_session",
      "window_secs",
      "burst_factor",
    ],
  },
  human_in_loop: { on: true, keys: ["require_confirmation", "approve_above", "approve_above_currency", "timeout_seconds", "on_timeout"] },
};
const UNENFORCED_TOOL_KEYS = [
  "require_runtime_assurance_tier",
  "prefer_runtime_assurance_tier",
  "require_workload_identity",
  "prefer_workload_identity",
] as const;
const METADATA_KEYS = [
  "author",
  "approved_by",
  "approval_date",
  "classification",
  "change_ticket",
  "lifecycle_state",
  "policy_version",
  "effective_date",
  "expiry_date",
];
const EXTENSIONS = ["posture", "origins", "detection", "reputation", "runtime_assurance", "chio"];

const anyEntries = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, v.optional(v.any())]));

const schema = v.object({
  hushspec: v.string(),
  name: v.optional(v.string()),
  description: v.optional(v.string()),
  extends: v.optional(v.string()),
  merge_strategy: v.optional(v.picklist(["replace", "merge", "deep_merge"])),
  rules: v.optional(
    v.object({
      forbidden_paths: v.optional(v.object(forbiddenPathsEntries)),
      egress: v.optional(v.object(egressEntries)),
      secret_patterns: v.optional(v.object(secretPatternsEntries)),
      tool_access: v.optional(v.object({ ...toolAccessEntries, ...anyEntries(UNENFORCED_TOOL_KEYS) })),
      ...Object.fromEntries(
        Object.entries(UNENFORCED_BLOCKS).map(([name, { keys }]) => [
          name,
          v.optional(v.object({ enabled: v.optional(v.boolean()), ...anyEntries(keys) })),
        ]),
      ),
    }),
  ),
  extensions: v.optional(v.object(anyEntries(EXTENSIONS))),
  metadata: v.optional(v.object(anyEntries(METADATA_KEYS))),
});

/** A HushSpec document: the parts of it whose keys and types are right. */
export interface HushSpecDocument {
  document: SourceDocument;
  name?: string;
  extends?: string;
  mergeStrategy: "replace" | "merge" | "deep_merge";
  rules: JsonObject;
  extensions: JsonObject;
}

export function readHushSpec(document: SourceDocument, problems: PolicyProblem[]): HushSpecDocument {
  problems.push(...checkSchema(schema, document).problems);
  const { hushspec, name, extends: base, merge_strategy } = soundMembers(document, [], problems);
  if (typeof hushspec === "string" && !HUSHSPEC_VERSIONS.includes(hushspec)) {
    const fix = `this release reads ${HUSHSPEC_VERSIONS.join(", ")}`;
    problems.push(
      document.problem("document_unsupported_version", ["hushspec"], `HushSpec version "${hushspec}" is not supported`, { fix }),
    );
  }
  const spec: HushSpecDocument = {
    document,
    mergeStrategy: merge_strategy === "replace" || merge_strategy === "merge" ? merge_strategy : "deep_merge",
    rules: soundMembers(document, ["rules"], problems),
    extensions: soundMembers(document, ["extensions"], problems),
  };
  if (typeof name === "string") spec.name = name;
  if (typeof base === "string") spec.extends = base;
  return spec;
}

/** What a chain of documents comes to. Every block remembers the document that it was written in. */
export interface MergedHushSpec {
  name?: string;
  rules: Map<string, { block: Json; document: SourceDocument }>;
  extensions: Map<string, { block: Json; document: SourceDocument }>;
}

/**
 * `base` is what the extended document came to. `replace` forgets it. `merge` and `deep_merge` keep its rule blocks that the child does not write;
 * a block that the child writes stands as the child wrote it, with nothing of the base's inside.
 */
export function mergeHushSpec(base: MergedHushSpec | null, child: HushSpecDocument): MergedHushSpec {
  const kept = child.mergeStrategy === "replace" ? null : base;
  const merged: MergedHushSpec = { rules: new Map(kept?.rules), extensions: new Map(kept?.extensions) };
  const name = child.name ?? kept?.name;
  if (name !== undefined) merged.name = name;
  for (const part of ["rules", "extensions"] as const) {
    for (const [key, block] of Object.entries(child[part])) merged[part].set(key, { block, document: child.document });
  }
  return merged;
}

export function compileHushSpec(merged: MergedHushSpec, problems: PolicyProblem[]): GuardSettings {
  const guards: GuardSettings = {};
  for (const [name, { block, document }] of merged.rules) {
    const report = reporter(document, ["rules", name], problems);
    const unenforced = UNENFORCED_BLOCKS[name];
    if (!isEnabled(block, unenforced?.on ?? true)) continue;
    // The types were checked when the document was read.
    const settings = block as never;
    if (name === "forbidden_paths") guards.forbidden_path = forbiddenPaths(settings, report);
    else if (name === "egress") guards.egress_allowlist = egress(settings, { allow: "allow", block: "block" }, report);
    else if (name === "secret_patterns") guards.secret_patterns = secretPatterns(settings, report);
    else if (name === "tool_access") {
      guards.tool_access = toolAccess(settings, report);
      for (const key of UNENFORCED_TOOL_KEYS) {
        if ((block as JsonObject)[key] !== undefined)
          report([key], "policy_not_enforced", "this release does not enforce it", "remove the key");
      }
    } else
      report([], "policy_not_enforced", `this release has no guard for the block "${name}"`, "remove the block, or set enabled: false");
  }
  for (const [name, { block, document }] of merged.extensions) {
    if (isOff(block)) continue;
    const report = reporter(document, ["extensions", name], problems);
    report([], "policy_not_enforced", `this release does not enforce the extension "${name}"`, "remove it");
  }
  return guards;
}

/** True for an extension that asks for nothing: empty, or made of parts that are all `enabled: false`. */
function isOff(block: Json): boolean {
  if (block === null) return true;
  if (typeof block !== "object" || Array.isArray(block)) return false;
  if (block.enabled === false) return true;
  const parts = Object.values(block);
  return parts.every((part) => part !== null && typeof part === "object" && !Array.isArray(part) && part.enabled === false);
}
