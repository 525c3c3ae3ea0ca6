import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_EGRESS_ALLOW, DEFAULT_FORBIDDEN_PATHS } from "../../../sidecar/policy/defaults.ts";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { policyHash } from "../../../sidecar/policy/hash.ts";
import { defaultPolicy, loadPolicy } from "../../../sidecar/policy/load.ts";
import { loadOpenApi } from "../../../sidecar/policy/openapi/index.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/policy/${name}`, import.meta.url), "utf8");

function refusal(text: string, origin = "policy.yaml"): PolicyError {
  try {
    loadPolicy(text, origin);
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error("the policy was accepted");
}

describe("HushSpec", () => {
  test("every enforced block is compiled, and switched-off blocks are accepted", () => {
    const text = fixture("hushspec-full.yaml");
    const policy = loadPolicy(text, "hushspec-full.yaml");
    expect(policy).toEqual({
      name: "support-agent",
      format: "hushspec",
      sourceHash: sha256Hex(text),
      guards: {
        forbidden_path: { patterns: ["**/.ssh/**", "**/.env", "/srv/customers/**"], exceptions: ["/srv/customers/README.md"] },
        egress_allowlist: { allow: ["api.example.com", "*.wiki.example.com"], block: ["legacy.wiki.example.com"], default: "block" },
        tool_access: {
          allow: ["read_file", "write_file", "fetch", "crm_*"],
          block: ["crm_delete"],
          default: "block",
          max_args_size: 65536,
        },
        secret_patterns: {
          patterns: [{ name: "ticket_key", pattern: "(?i)\\btk_[a-z0-9]{16}\\b", severity: "critical" }],
          skip_paths: ["**/fixtures/**"],
        },
      },
      kernel: { max_capability_ttl: 3600, delegation_depth_limit: 5 },
      defaultGrants: { tools: [] },
    });
  });

  test("a block that says nothing has the defaults, and a block that is absent has no guard", () => {
    const { guards } = loadPolicy(
      'hushspec: "0.1.0"\nrules: {forbidden_paths: {}, egress: {}, tool_access: {}, secret_patterns: {}}\n',
      "p",
    );
    const builtin = defaultPolicy().guards;
    expect(guards).toEqual({ ...builtin, secret_patterns: { patterns: [], skip_paths: [] } });
    expect(loadPolicy('hushspec: "0.1.0"\n', "p").guards).toEqual({});
    expect(loadPolicy('hushspec: "0.1.0"\nrules: {egress: {enabled: false}}\n', "p").guards).toEqual({});
  });

  test("an empty list of hosts is not the default list; an empty list of forbidden paths is", () => {
    const egress = (block: string) => loadPolicy(`hushspec: "0.1.0"\nrules: {egress: ${block}}`, "p").guards.egress_allowlist;
    expect(egress("{allow: []}")?.allow).toEqual([]);
    expect(egress("{default: block}")?.allow).toEqual([]);
    expect(egress("{block: [x.example.com]}")?.allow).toEqual(DEFAULT_EGRESS_ALLOW);
    const paths = loadPolicy('hushspec: "0.1.0"\nrules: {forbidden_paths: {patterns: []}}', "p").guards.forbidden_path;
    expect(paths?.patterns).toEqual(DEFAULT_FORBIDDEN_PATHS);
  });

  test("JSON is read, too", () => {
    expect(
      loadPolicy('{"hushspec":"0.1.0","name":"j","rules":{"egress":{"allow":["a.example.com"]}}}', "p.json").guards.egress_allowlist?.allow,
    ).toEqual(["a.example.com"]);
  });

  test.each([
    "path_allowlist: {enabled: true}",
    "patch_integrity: {}",
    "shell_commands: {}",
    "computer_use: {enabled: true}",
    "remote_desktop_channels: {enabled: true}",
    "input_injection: {enabled: true}",
    "browser_automation: {enabled: true}",
    "code_execution: {enabled: true}",
    "velocity: {}",
    "human_in_loop: {}",
  ])("the enabled block %s is refused by name", (block) => {
    const name = block.split(":", 1)[0];
    const { problems } = refusal(`hushspec: "0.1.0"\nrules:\n  ${block}\n`);
    expect(problems).toEqual([expect.objectContaining({ code: "policy_not_enforced", path: `rules.${name}`, line: 3, column: 3 })]);
    expect(problems[0]?.message).toContain(`"${name}"`);
  });

  test("a block that is off by default and only configured is accepted as off", () => {
    expect(loadPolicy('hushspec: "0.1.0"\nrules: {path_allowlist: {read: [/srv/**]}}', "p").guards).toEqual({});
  });

  test.each(["posture: {initial: a}", "origins: {default_behavior: deny}", "detection: {jailbreak: {}}", "chio: {market_hours: {}}"])(
    "the extension %s is refused",
    (extension) => {
      expect(refusal(`hushspec: "0.1.0"\nextensions:\n  ${extension}\n`).problems[0]?.code).toBe("policy_not_enforced");
    },
  );
});

describe("Chio policy", () => {
  test("every enforced block is compiled", () => {
    const text = fixture("chio-full.yaml");
    expect(loadPolicy(text, "chio-full.yaml")).toEqual({
      name: "chio-full.yaml",
      format: "chio",
      sourceHash: sha256Hex(text),
      guards: {
        forbidden_path: { patterns: [...DEFAULT_FORBIDDEN_PATHS, "/srv/customers/**"], exceptions: ["**/.env.example"] },
        egress_allowlist: { allow: ["api.example.com"], block: ["*.internal.example.com"], default: "block" },
        tool_access: { allow: [], block: ["raw_file_write"], default: "allow", max_args_size: 1024 },
        secret_patterns: { patterns: [], skip_paths: [] },
      },
      kernel: {
        max_capability_ttl: 600,
        delegation_depth_limit: 2,
        allow_sampling: true,
        allow_sampling_tool_use: false,
        allow_elicitation: false,
        checkpoint_batch_size: 50,
      },
      defaultGrants: {
        tools: [
          { server: "crm", tool: "search", operations: ["invoke"], ttl: 300 },
          { server: "crm", tool: "export", operations: ["invoke"], ttl: 300 },
        ],
        resources: [{ uri: "crm://tickets/*", operations: ["read", "subscribe"], ttl: 60 }],
        prompts: [{ prompt: "summary", operations: ["get"], ttl: 300 }],
      },
    });
  });

  test("a grant's default lifetime never exceeds the longest one", () => {
    const text = "kernel: {max_capability_ttl: 60}\ncapabilities: {default: {tools: [{server: s, tool: t}]}}\n";
    expect(loadPolicy(text, "p").defaultGrants.tools[0]?.ttl).toBe(60);
  });
});

describe("problems", () => {
  test.each(["bad-hushspec", "unenforced-hushspec", "bad-chio", "unenforced-chio", "guard-list"])(
    "%s: all of them, each with its place",
    (name) => {
      const error = refusal(fixture(`${name}.yaml`), `${name}.yaml`);
      expect(error.code).toBe("policy_invalid");
      expect(`${error.message}\n`).toBe(fixture(`${name}.txt`));
      expect(error.message).toContain(`${error.problems.length} problem`);
    },
  );

  test.each([
    ["", "policy.yaml: is empty"],
    ["just text", "policy.yaml:1:1: is not a mapping of keys"],
    ["- a\n", "policy.yaml:1:1: is not a mapping of keys"],
    ["hushpsec: x\n", 'did you mean "hushspec" by "hushpsec"?'],
    ["rules: {}\n", 'add the line hushspec: "0.1.0"'],
    ["adapters: []\nedges: []\n", "is no policy format that chio reads"],
    ['hushspec: "9.9"\n', 'HushSpec version "9.9" is not supported (this release reads 0.1.0)'],
    ["hushspec: 0.1\n", "hushspec: must be a string, not a number"],
    ['hushspec: "0.1.0"\nrules: {egress: }\n', "rules.egress: must be a mapping, not empty"],
    ['hushspec: "0.1.0"\nextends: base.yaml\n', 'extends: "base.yaml" cannot be read from here (write the rules of both into one file)'],
  ])("%j", (text, message) => expect(refusal(text).message).toContain(message));

  test("one problem carries its fix", () => {
    expect(refusal('hushspec: "0.1.0"\nrule: {}\n').fix).toBe('did you mean "rules"?');
  });
});

describe("hash", () => {
  const spec = 'openapi: "3.0.0"\ninfo: {title: t, version: "1"}\npaths: {}\n';

  test("of one document is the SHA-256 of its text; of two the hash over both hashes", () => {
    const text = fixture("hushspec-full.yaml");
    const policy = loadPolicy(text, "p");
    const routes = loadOpenApi(spec, "s");
    expect(policyHash(policy, null)).toBe(sha256Hex(text));
    expect(policyHash(defaultPolicy(), routes)).toBe(sha256Hex(spec));
    expect(policyHash(policy, routes)).toBe(sha256Hex(canonicalize({ policy: sha256Hex(text), routes: sha256Hex(spec) })));
  });

  test("of the built-in policy covers its settings", () => {
    const { guards, kernel, sourceHash } = defaultPolicy();
    expect(policyHash(defaultPolicy(), null)).toBe(sourceHash);
    expect(sourceHash).toBe(sha256Hex(canonicalize({ guards, kernel })));
  });

  test("the built-in policy cannot be changed through what it returned before", () => {
    defaultPolicy().guards.forbidden_path?.patterns.splice(0);
    expect(defaultPolicy().guards.forbidden_path?.patterns).toEqual(DEFAULT_FORBIDDEN_PATHS);
  });
});
