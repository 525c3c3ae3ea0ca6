import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SETTING_LIST, type SettingName } from "../../../sidecar/service/settings.ts";
import type { ServiceConfig } from "../../../sidecar/service/types.ts";
import { type Given, load, OTHER_KEY, PUBLIC_KEY, SEED } from "./load.ts";

/** Three valid texts that come to different values, and where the value shows in the configuration. */
interface Case {
  texts: [string, string, string];
  read: (config: ServiceConfig) => unknown;
}

const SEEDS = [SEED, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "00".repeat(31).concat("01")] as const;
const FILES = { "/k1": SEEDS[0], "/k2": SEEDS[1], "/k3": SEEDS[2] };

const numbers = (read: Case["read"], ...texts: Case["texts"]): Case => ({ texts, read });

const CASES: Partial<Record<SettingName, Case>> = {
  listen: numbers((c) => `${c.listen.host}:${c.listen.port}`, "0.0.0.0:1", "127.0.0.1:2", "[::1]:3"),
  healthPath: numbers((c) => c.healthPath, "/a", "/b/c", "/d"),
  upstream: numbers((c) => c.upstream.href, "http://a:1", "http://b:2", "https://c"),
  specPath: numbers((c) => c.specPath, "/a.yaml", "/b.yaml", "file:///c.yaml"),
  policySource: numbers((c) => c.policyPath, "/a.yaml", "/b.yaml", "file:///c.yaml"),
  policyRefresh: numbers((c) => c.policyRefreshMs, "30s", "5m", "1h"),
  safeMethods: { texts: ["session_allow", "deny_by_default", "session_allow"], read: (c) => c.safeMethods },
  trustedIssuers: numbers(
    (c) => c.trustedIssuers.join(),
    OTHER_KEY,
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
  ),
  maxDelegationDepth: numbers((c) => c.maxDelegationDepth, "1", "2", "3"),
  signingKeyFile: numbers((c) => c.signingSeedHex, "/k1", "/k2", "/k3"),
  capabilityAuthorityUrl: numbers((c) => c.capabilityAuthorityUrl?.href, "https://a", "https://b", "https://c"),
  receiptStore: numbers((c) => c.receiptStore, "/a.db", "sqlite:///b.db", "/c.db"),
  receiptSink: numbers((c) => c.receiptStore, "sqlite:///a.db", "sqlite:///b.db", "sqlite:///c.db"),
  trustForwarded: { texts: ["true", "false", "true"], read: (c) => c.trustForwarded },
  allowEphemeralReceipts: { texts: ["true", "false", "true"], read: (c) => c.allowEphemeralReceipts },
  queueLimit: numbers((c) => c.queueLimit, "1", "2", "3"),
  checkpointBatch: numbers((c) => c.checkpoint.batchSize, "1", "2", "3"),
  checkpointInterval: numbers((c) => c.checkpoint.intervalMs, "1s", "2s", "3s"),
  retentionDays: numbers((c) => c.retention.maxAgeDays, "1", "2", "3"),
  retentionBytes: numbers((c) => c.retention.maxBytes, "1MiB", "2MiB", "3GiB"),
  logLevel: numbers((c) => c.logLevel, "debug", "warn", "error"),
  shutdownDrain: numbers((c) => c.shutdownDrainMs, "1", "2", "8000"),
  maxHeaderBytes: numbers((c) => c.limits.maxHeaderBytes, "2048", "3072", "32KiB"),
  maxHeaderCount: numbers((c) => c.limits.maxHeaderCount, "1", "2", "3"),
  maxTargetBytes: numbers((c) => c.limits.maxTargetBytes, "64", "65", "1KiB"),
  maxQueryParameters: numbers((c) => c.limits.maxQueryParameters, "1", "2", "3"),
  maxBodyBytes: numbers((c) => c.limits.maxBodyBytes, "0", "1MB", "1MiB"),
  maxConnections: numbers((c) => c.limits.maxConnections, "1", "2", "3"),
  maxConcurrentRequests: numbers((c) => c.limits.maxConcurrentRequests, "1", "2", "3"),
  headerTimeoutMs: numbers((c) => c.limits.headerTimeoutMs, "1", "2s", "3"),
  bodyTimeoutMs: numbers((c) => c.limits.bodyTimeoutMs, "1", "2s", "3"),
  idleTimeoutMs: numbers((c) => c.limits.idleTimeoutMs, "1", "2s", "3"),
  upstreamConnectTimeoutMs: numbers((c) => c.limits.upstreamConnectTimeoutMs, "1", "2s", "3"),
  upstreamTimeoutMs: numbers((c) => c.limits.upstreamTimeoutMs, "1", "2s", "3"),
};

/** Settings with one source or one usable value only; config.test.ts has them. */
const ELSEWHERE: SettingName[] = [
  "kernelConfigPath",
  "home",
  "signingKey",
  "controlToken",
  "controlTlsCert",
  "controlTlsKey",
  "allowRoot",
  "acknowledge",
  "receiptSinkToken",
];

const BASE = { CHIO_UPSTREAM: "http://base:9", CHIO_SIGNING_KEY: SEED };

/** A kernel.yaml with one value at a dotted path. */
function yamlWith(path: string, text: string): string {
  const keys = path.split(".");
  return keys.map((key, depth) => `${"  ".repeat(depth)}${key}:${depth === keys.length - 1 ? ` ${JSON.stringify(text)}` : ""}`).join("\n");
}

function givenFor(name: SettingName, text: { flag?: string; env?: string; yaml?: string }): Given {
  const setting = SETTING_LIST.find(([key]) => key === name)![1];
  const env: Record<string, string> = { ...BASE };
  if (name === "upstream") delete env.CHIO_UPSTREAM;
  if (name === "signingKeyFile") delete env.CHIO_SIGNING_KEY;
  if (text.env !== undefined) env[setting.env[0]!] = text.env;
  return {
    bare: true,
    env,
    files: FILES,
    ...(text.flag === undefined ? {} : { flags: { [name]: text.flag } }),
    ...(text.yaml === undefined ? {} : { yaml: yamlWith(setting.yaml!, text.yaml) }),
  };
}

describe("precedence", () => {
  it("covers every setting of the table", () => {
    const tested = new Set([...Object.keys(CASES), ...ELSEWHERE]);
    expect(SETTING_LIST.map(([name]) => name).filter((name) => !tested.has(name))).toEqual([]);
  });

  for (const [name, setting] of SETTING_LIST) {
    const one = CASES[name];
    if (one === undefined) continue;
    it(`${name}: flag, then ${setting.env[0]}, then ${setting.yaml}`, () => {
      const alone = one.texts.map((text) => one.read(load(givenFor(name, { env: text })).config));
      fc.assert(
        fc.property(
          fc.nat({ max: 2 }),
          fc.nat({ max: 2 }),
          fc.nat({ max: 2 }),
          fc.boolean(),
          fc.boolean(),
          (f, e, y, withFlag, withEnv) => {
            const useFlag = withFlag && setting.flag !== undefined;
            const given = givenFor(name, {
              yaml: one.texts[y]!,
              ...(withEnv ? { env: one.texts[e]! } : {}),
              ...(useFlag ? { flag: one.texts[f]! } : {}),
            });
            const winner = useFlag ? f : withEnv ? e : y;
            expect(one.read(load(given).config)).toEqual(alone[winner]);
          },
        ),
        { numRuns: 40 },
      );
    });

    it(`${name}: a blank variable is not set, and the default stands`, () => {
      if (name === "upstream" || name === "signingKeyFile") return;
      const without = one.read(load(givenFor(name, {})).config);
      expect(one.read(load(givenFor(name, { env: "  " })).config)).toEqual(without);
    });
  }

  it("unites both issuer variables and adds the sidecar's own key", () => {
    const third = "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e";
    const { config } = load({
      env: { CHIO_TRUSTED_ISSUER_KEY: OTHER_KEY, CHIO_TRUSTED_ISSUER_KEYS: `0x${third.toUpperCase()}, ${OTHER_KEY},` },
    });
    expect(config.trustedIssuers).toEqual([OTHER_KEY, third, PUBLIC_KEY]);
  });

  it("trusts only its own key where none is configured", () => {
    expect(load().config.trustedIssuers).toEqual([PUBLIC_KEY]);
  });

  it("reads the control token, then its older name, trimmed", () => {
    const token = (env: Record<string, string>) => load({ env }).config.controlToken;
    expect(token({ CHIO_SIDECAR_CONTROL_TOKEN: " first-token-of-all \n", CHIO_API_PROTECT_CONTROL_TOKEN: "second" })).toBe(
      "first-token-of-all",
    );
    expect(token({ CHIO_SIDECAR_CONTROL_TOKEN: "  ", CHIO_API_PROTECT_CONTROL_TOKEN: "second-token" })).toBe("second-token");
    expect(token({ CHIO_SIDECAR_CONTROL_TOKEN: "" })).toBeNull();
    expect(load({ env: { CHIO_SIDECAR_CONTROL_TOKEN: "" } }).warnings).toEqual([
      expect.stringMatching(/^CHIO_SIDECAR_CONTROL_TOKEN: not set; .*mint/),
    ]);
  });

  it("keeps receipts under CHIO_HOME unless told otherwise", () => {
    expect(load().config.receiptStore).toBe("/var/lib/chio/receipts.sqlite");
    expect(load({ env: { CHIO_HOME: "/data" } }).config.receiptStore).toBe("/data/receipts.sqlite");
    expect(load({ env: { CHIO_RECEIPT_SINK: "stdout" } }).config).toMatchObject({
      receiptStore: "/var/lib/chio/receipts.sqlite",
      receiptSinks: [{ kind: "sqlite" }, { kind: "stdout" }],
    });
    expect(load({ flags: { allowEphemeralReceipts: "true" } }).config).toMatchObject({ receiptStore: null, receiptSinks: [] });
    expect(load({ flags: { allowEphemeralReceipts: "true", receiptStore: "/x.db" } }).config.receiptStore).toBe("/x.db");
    expect(load({ flags: { allowEphemeralReceipts: "true", receiptSink: "sqlite,stdout" } }).config.receiptStore).toBe(
      "/var/lib/chio/receipts.sqlite",
    );
  });

  it("has the documented defaults", () => {
    expect(load().config).toMatchObject({
      listen: { host: "127.0.0.1", port: 9090 },
      healthPath: "/chio/health",
      specPath: null,
      policyPath: null,
      policyRefreshMs: null,
      kernelConfigPath: null,
      acknowledge: "ledger",
      logLevel: "info",
      safeMethods: "deny_by_default",
      shutdownDrainMs: 25_000,
      checkpoint: { batchSize: null, intervalMs: 60_000 },
      retention: { maxAgeDays: 90, maxBytes: 10_737_418_240 },
    });
  });
});
