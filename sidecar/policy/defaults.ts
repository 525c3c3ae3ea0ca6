import type { CompiledPolicy } from "./types.ts";

export const DEFAULT_FORBIDDEN_PATHS: readonly string[] = [
  "**/.ssh/**",
  "**/id_rsa*",
  "**/id_ed25519*",
  "**/id_ecdsa*",
  "**/.aws/**",
  "**/.env",
  "**/.env.*",
  "**/.git-credentials",
  "**/.gitconfig",
  "**/.gnupg/**",
  "**/.kube/**",
  "**/.docker/**",
  "**/.npmrc",
  "**/.password-store/**",
  "**/pass/**",
  "**/.1password/**",
  "/etc/shadow",
  "/etc/passwd",
  "/etc/sudoers",
  // Beyond upstream's list: the other halves of the files above, what a process keeps, and where containers keep their secrets.
  "/etc/gshadow",
  "/etc/sudoers.d/**",
  "/proc/**/environ",
  "/proc/**/fd/**",
  "/proc/**/mem",
  "/run/secrets/**",
  "/var/run/secrets/**",
];

/** Upstream's list without the public package registries: whoever needs one names it. */
export const DEFAULT_EGRESS_ALLOW: readonly string[] = ["*.openai.com", "*.anthropic.com", "api.github.com"];

export const DEFAULT_BLOCKED_TOOLS: readonly string[] = ["shell_exec", "run_command", "raw_file_write", "raw_file_delete"];

/** Bytes of canonical JSON. */
export const DEFAULT_MAX_ARGS_SIZE = 1 << 20;

/** Skipped by the built-in policy only: a policy file skips what it lists, and nothing else. */
export const DEFAULT_SECRET_SKIP_PATHS: readonly string[] = ["**/test/**", "**/tests/**", "**/*_test.*", "**/*.test.*"];

export const DEFAULT_KERNEL: CompiledPolicy["kernel"] = { max_capability_ttl: 3600, delegation_depth_limit: 5 };

export interface SecretPattern {
  name: string;
  pattern: string;
  /**
   * True for a token whose form alone says what it is. Only those are looked for in HTTP bodies, where `"password": "…"` is an ordinary login,
   * and only of those the first and last four characters may be shown.
   */
  token: boolean;
}

const NAME_GAP = `["']?\\s*[:=]\\s*["']?`;

export const SECRET_PATTERNS: readonly SecretPattern[] = [
  { name: "aws_access_key", pattern: "(?:AKIA|ASIA)[0-9A-Z]{16}", token: true },
  { name: "aws_secret_key", pattern: `(?i)aws[_-]?secret[_-]?(?:access[_-]?)?key${NAME_GAP}[A-Za-z0-9/+=]{40}`, token: false },
  { name: "github_token", pattern: "gh[pousr]_[A-Za-z0-9]{36}", token: true },
  { name: "github_pat", pattern: "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", token: true },
  { name: "openai_key", pattern: "sk-[A-Za-z0-9]{48}", token: true },
  { name: "openai_project_key", pattern: "sk-(?:proj|svcacct)-[A-Za-z0-9_-]{48}", token: true },
  { name: "anthropic_key", pattern: "sk-ant-[A-Za-z0-9-]{95}", token: true },
  { name: "anthropic_api03_key", pattern: "sk-ant-api03-[A-Za-z0-9_-]{93}", token: true },
  { name: "private_key", pattern: "-----BEGIN\\s+(?:[A-Z0-9]+\\s+){0,3}PRIVATE\\s+KEY(?:\\s+BLOCK)?-----", token: true },
  { name: "npm_token", pattern: "npm_[A-Za-z0-9]{36}", token: true },
  { name: "slack_token", pattern: "xox[abeprs]-[0-9]{10,13}-[0-9]{10,13}", token: true },
  { name: "stripe_secret_key", pattern: "sk_live_[A-Za-z0-9]{24}", token: true },
  { name: "stripe_restricted_key", pattern: "rk_live_[A-Za-z0-9]{24}", token: true },
  { name: "gcp_service_account", pattern: `"type"\\s*:\\s*"service_account"`, token: true },
  {
    name: "azure_key_vault_token",
    pattern: `(?i)azure[_-]?(?:key[_-]?vault|kv)[_-]?(?:secret|token|key)${NAME_GAP}[A-Za-z0-9+/=_-]{32}`,
    token: false,
  },
  { name: "gitlab_pat", pattern: "glpat-[A-Za-z0-9_-]{20}", token: true },
  { name: "generic_api_key", pattern: `(?i)api[_-]?key${NAME_GAP}[A-Za-z0-9]{32}`, token: false },
  { name: "generic_secret", pattern: `(?i)(?:secret|password|passwd|pwd)${NAME_GAP}[A-Za-z0-9!@#$%^&*]{8}`, token: false },
];
