import { parsePublicKey } from "../wire/keys.ts";
import { LIMIT_SETTINGS } from "./limit-settings.ts";
import { type AnySetting, list, type Setting, setting } from "./setting.ts";
import { receiptSink } from "./sink-choice.ts";
import {
  boolean,
  bytes,
  filePath,
  healthPath,
  httpUrl,
  integer,
  interval,
  listenAddress,
  milliseconds,
  oneOf,
  ValueError,
} from "./values.ts";

/**
 * Every setting of `chio api protect`, once. The flags of the command, the reading of the environment, the schema of kernel.yaml, the help text and
 * the table in docs/configuration.md all come from here.
 */
export const SETTINGS = {
  kernelConfigPath: setting({
    group: "Service",
    flag: "--config",
    argument: "<file>",
    env: ["CHIO_KERNEL_CONFIG_PATH"],
    parse: filePath,
    default: null,
    defaultText: "`/etc/chio/kernel.yaml` if it exists",
    doc: "kernel.yaml: these settings in one file. A file that was named must be there",
  }),
  home: setting({
    group: "Service",
    env: ["CHIO_HOME"],
    parse: filePath,
    default: "/var/lib/chio",
    doc: "Directory of everything that must survive a restart",
  }),
  listen: setting({
    group: "Service",
    flag: "--listen",
    argument: "<host:port>",
    env: ["CHIO_LISTEN_ADDR"],
    yaml: "listen",
    parse: listenAddress,
    default: { host: "127.0.0.1", port: 9090 },
    defaultText: "`127.0.0.1:9090`; the images set `0.0.0.0:9090`",
    doc: "Address to listen on. Port 0 takes a free one",
  }),
  healthPath: setting({
    group: "Service",
    flag: "--health-path",
    argument: "<path>",
    env: ["CHIO_HEALTH_PATH"],
    yaml: "health_path",
    parse: healthPath,
    default: "/chio/health",
    doc: "Path of the readiness answer. Liveness is always `/chio/live`",
  }),
  upstream: setting({
    group: "Service",
    flag: "--upstream",
    argument: "<url>",
    env: ["CHIO_UPSTREAM"],
    yaml: "upstream",
    parse: httpUrl,
    default: null,
    defaultText: "required",
    doc: "The app behind the sidecar, like `http://127.0.0.1:8080`",
  }),
  specPath: setting({
    group: "Policy",
    flag: "--spec",
    argument: "<file>",
    env: ["CHIO_SPEC"],
    yaml: "spec",
    parse: filePath,
    default: null,
    defaultText: "asked from the app: `/openapi.json`, `/openapi.yaml`, `/swagger.json`, `/api-docs`",
    doc: "OpenAPI document of the app. Name it where the app starts after the sidecar, as on Cloud Run and ECS",
  }),
  policySource: setting({
    group: "Policy",
    flag: "--policy",
    argument: "<source>",
    env: ["CHIO_POLICY_SOURCE"],
    yaml: "policy_source",
    parse: filePath,
    default: null,
    defaultText: "the built-in policy",
    doc: "HushSpec or Chio policy: a file path or a `file://` URL",
  }),
  policyRefresh: setting({
    group: "Policy",
    flag: "--policy-refresh",
    argument: "<interval>",
    env: ["CHIO_POLICY_REFRESH"],
    yaml: "policy_refresh",
    parse: interval(1_000, 86_400_000),
    default: null,
    defaultText: "`off`",
    doc: "Look for a changed policy this often, like `30s` or `5m`, and swap it atomically. A bad one is refused and the old one stays",
  }),
  safeMethods: setting({
    group: "Policy",
    flag: "--safe-methods",
    argument: "<mode>",
    env: ["CHIO_HTTP_SAFE_METHODS"],
    yaml: "http.safe_methods",
    parse: oneOf(["deny_by_default", "session_allow"]),
    default: "deny_by_default",
    doc: "`session_allow` lets GET, HEAD and OPTIONS through without a capability",
  }),
  trustForwarded: setting({
    group: "Service",
    flag: "--trust-forwarded",
    env: ["CHIO_TRUST_FORWARDED"],
    yaml: "http.trust_forwarded",
    parse: boolean,
    default: false,
    doc: "Pass X-Forwarded headers of the caller on to the app: only where a load balancer in front of the sidecar sets them",
  }),
  trustedIssuers: list({
    group: "Keys",
    flag: "--trusted-issuer-key",
    argument: "<hex>",
    env: ["CHIO_TRUSTED_ISSUER_KEY", "CHIO_TRUSTED_ISSUER_KEYS"],
    yaml: "trusted_issuers",
    parse: issuerKey,
    default: [],
    defaultText: "only the sidecar's own key",
    doc: "Ed25519 public keys whose capabilities are accepted, beside our own. Repeat the flag; separate with commas in a variable. Both variables are united",
  }),
  maxDelegationDepth: setting({
    group: "Keys",
    env: ["CHIO_MAX_DELEGATION_DEPTH"],
    yaml: "max_delegation_depth",
    parse: integer(0, 64),
    default: 4,
    doc: "Longest delegation chain. The policy can only make it shorter",
  }),
  signingKey: setting({
    group: "Keys",
    env: ["CHIO_SIGNING_KEY"],
    secret: true,
    parse: (text) => text,
    default: null,
    defaultText: "required, unless a file is named",
    doc: "Ed25519 seed that signs receipts: 64 hex digits (0x allowed) or base64 of 32 bytes. From a secret store, never from a file in the image",
  }),
  signingKeyFile: setting({
    group: "Keys",
    flag: "--signing-key-file",
    flagAliases: ["--authority-seed-file"],
    argument: "<file>",
    env: ["CHIO_SIGNING_KEY_FILE"],
    yaml: "signing_key_file",
    parse: filePath,
    default: null,
    defaultText: "none",
    doc: "File with the same seed, for secrets that are mounted. Not together with `CHIO_SIGNING_KEY`",
  }),
  controlToken: setting({
    group: "Keys",
    env: ["CHIO_SIDECAR_CONTROL_TOKEN", "CHIO_API_PROTECT_CONTROL_TOKEN"],
    secret: true,
    parse: controlToken,
    default: null,
    defaultText: "none: loopback callers only",
    doc: "Bearer token of the control routes. The second variable is read where the first is empty",
  }),
  capabilityAuthorityUrl: setting({
    group: "Keys",
    flag: "--capability-authority-url",
    argument: "<url>",
    env: ["CHIO_CAPABILITY_AUTHORITY_URL"],
    yaml: "capability_authority_url",
    parse: httpUrl,
    default: null,
    defaultText: "none",
    doc: "The authority that issues capabilities. Checked, but not asked by this version: trust comes from the issuer keys",
  }),
  controlTlsCert: setting({
    group: "Keys",
    env: ["CHIO_CONTROL_TLS_CLIENT_CERT"],
    parse: (text) => text,
    default: null,
    defaultText: "none",
    doc: "Client certificate for the capability authority. Not used by this version",
  }),
  controlTlsKey: setting({
    group: "Keys",
    env: ["CHIO_CONTROL_TLS_CLIENT_KEY"],
    secret: true,
    parse: (text) => text,
    default: null,
    defaultText: "none",
    doc: "Key of that certificate. Not used by this version",
  }),
  receiptSink: list({
    group: "Receipts",
    flag: "--receipt-sink",
    argument: "<sink>",
    env: ["CHIO_RECEIPT_SINK"],
    yaml: "receipt_sink",
    parse: receiptSink,
    default: [],
    defaultText: "`sqlite`",
    doc: "`sqlite`, `sqlite:///path`, `stdout` or `https://host/path`. The store is kept with the others too, which get each receipt once it is durable",
  }),
  receiptSinkToken: setting({
    group: "Receipts",
    env: ["CHIO_RECEIPT_SINK_TOKEN"],
    secret: true,
    parse: controlToken,
    default: null,
    defaultText: "none",
    doc: "Bearer token for `https://` sinks",
  }),
  receiptStore: setting({
    group: "Receipts",
    flag: "--receipt-store",
    flagAliases: ["--receipt-db"],
    argument: "<file>",
    env: ["CHIO_RECEIPT_STORE"],
    yaml: "receipts.store",
    parse: storePath,
    default: null,
    defaultText: "`$CHIO_HOME/receipts.sqlite`",
    doc: "SQLite file of the receipts",
  }),
  allowEphemeralReceipts: setting({
    group: "Receipts",
    flag: "--allow-ephemeral-receipts",
    env: ["CHIO_ALLOW_EPHEMERAL_RECEIPTS"],
    yaml: "receipts.allow_ephemeral",
    parse: boolean,
    default: false,
    doc: "Keep receipts in memory only where no store was named. They are lost when the process ends",
  }),
  acknowledge: setting({
    group: "Receipts",
    flag: "--receipt-acknowledge",
    argument: "<level>",
    env: ["CHIO_RECEIPT_ACKNOWLEDGE"],
    yaml: "receipts.acknowledge",
    parse: oneOf(["ledger", "sink"]),
    default: "ledger",
    doc: "What an answer waits for: `ledger` (on the local disk) or `sink` (confirmed by a remote sink)",
  }),
  queueLimit: setting({
    group: "Receipts",
    env: ["CHIO_RECEIPT_QUEUE"],
    yaml: "receipts.queue",
    parse: integer(1, 1_000_000),
    default: 4096,
    doc: "Receipts that may wait for the disk. Past it requests are answered 503",
  }),
  checkpointBatch: setting({
    group: "Receipts",
    env: ["CHIO_CHECKPOINT_BATCH"],
    yaml: "receipts.checkpoint.batch",
    parse: integer(1, 1_000_000),
    default: null,
    defaultText: "the policy's, else `100`",
    doc: "Receipts in one checkpoint",
  }),
  checkpointInterval: setting({
    group: "Receipts",
    env: ["CHIO_CHECKPOINT_INTERVAL"],
    yaml: "receipts.checkpoint.interval",
    parse: milliseconds(100, 86_400_000),
    default: 60_000,
    defaultText: "`60s`",
    doc: "Longest time that a receipt stays outside a checkpoint",
  }),
  retentionDays: setting({
    group: "Receipts",
    env: ["CHIO_RETENTION_DAYS"],
    yaml: "receipts.retention.days",
    parse: integer(1, 36_500),
    default: 90,
    doc: "Age after which receipts move to the archive",
  }),
  retentionBytes: setting({
    group: "Receipts",
    env: ["CHIO_RETENTION_BYTES"],
    yaml: "receipts.retention.bytes",
    parse: bytes(1_048_576, 2 ** 50),
    default: 10 * 1024 ** 3,
    defaultText: "`10GiB`",
    doc: "Size of the store after which the oldest receipts move to the archive",
  }),
  logLevel: setting({
    group: "Service",
    flag: "--log-level",
    argument: "<level>",
    env: ["CHIO_LOG_LEVEL"],
    yaml: "log_level",
    parse: oneOf(["trace", "debug", "info", "warn", "error"], { warning: "warn" }),
    default: "info",
    doc: "`trace`, `debug`, `info`, `warn` or `error`",
  }),
  shutdownDrain: setting({
    group: "Service",
    flag: "--shutdown-drain-ms",
    argument: "<ms>",
    env: ["CHIO_SHUTDOWN_DRAIN_MS"],
    yaml: "shutdown_drain_ms",
    parse: milliseconds(0, 3_600_000),
    default: 25_000,
    doc: "Time for the drain after SIGTERM. Keep it about 2 s under the platform's grace period",
  }),
  allowRoot: setting({
    group: "Service",
    flag: "--allow-root",
    env: ["CHIO_ALLOW_ROOT"],
    parse: boolean,
    default: false,
    doc: "Run as uid 0, which is refused otherwise",
  }),
  ...LIMIT_SETTINGS,
} as const;

export type SettingName = keyof typeof SETTINGS;

/** What each setting comes to once it is resolved. */
export type SettingValues = { [K in SettingName]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never };

export const SETTING_LIST = Object.entries(SETTINGS) as [SettingName, AnySetting][];

function issuerKey(text: string): string {
  try {
    return parsePublicKey(text);
  } catch {
    throw new ValueError(
      "is not an Ed25519 public key",
      "give 64 hex digits, as `chio keygen` prints them under public_key",
      "issuer_key_invalid",
    );
  }
}

/** Trimmed by the reader; empty is unset. Never quoted. */
function controlToken(text: string): string {
  if (/[^\x21-\x7e]/.test(text))
    throw new ValueError("holds spaces or characters outside ASCII, which no Authorization header carries", "use printable ASCII");
  if (text.length < 4) throw new ValueError("is shorter than 4 characters", "use at least 16 random characters");
  return text;
}

function storePath(text: string): string {
  return filePath(text.replace(/^sqlite:\/\/(?=\/)/, ""));
}
