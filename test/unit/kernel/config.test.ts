import { describe, expect, it } from "vitest";
import { type KernelConfig, resolveConfig } from "../../../sidecar/kernel/config.ts";
import {
  ChioKernel,
  DEFAULT_CHECKPOINT_BATCH_SIZE,
  DEFAULT_MAX_STREAM_DURATION_SECS,
  DEFAULT_MAX_STREAM_TOTAL_BYTES,
  KernelError,
  Keypair,
} from "../../../sidecar/kernel/index.ts";
import { ISSUER, keyOf, POLICY_HASH } from "./support.ts";

const config = (overrides: object = {}): KernelConfig => ({ keypair: keyOf(7), policyHash: POLICY_HASH, ...overrides }) as KernelConfig;
const failure = (overrides: object): KernelError => {
  try {
    new ChioKernel(config(overrides));
  } catch (error) {
    return error as KernelError;
  }
  throw new Error("it was accepted");
};

describe("KernelConfig", () => {
  it("has the seed's defaults", () => {
    expect([DEFAULT_MAX_STREAM_DURATION_SECS, DEFAULT_MAX_STREAM_TOTAL_BYTES, DEFAULT_CHECKPOINT_BATCH_SIZE]).toEqual([
      300,
      256 * 1024 * 1024,
      100,
    ]);
    const keypair = keyOf(7);
    expect(resolveConfig({ keypair, policyHash: POLICY_HASH })).toEqual({
      keypair,
      trustedIssuers: new Set([keypair.publicKeyHex]),
      maxDelegationDepth: 4,
      policyHash: POLICY_HASH,
      allowSampling: false,
      allowSamplingToolUse: false,
      allowElicitation: false,
      maxStreamDurationSecs: 300,
      maxStreamTotalBytes: 268_435_456,
      checkpointBatchSize: 100,
      retention: { maxAgeDays: 90, maxBytes: 10 * 1024 ** 3 },
    });
  });

  it("takes every field of the seed", () => {
    const keypair = Keypair.fromSeedHex("07".repeat(32));
    const resolved = resolveConfig({
      keypair,
      caPublicKeys: [ISSUER.publicKeyHex],
      maxDelegationDepth: 2,
      policyHash: "dev-policy-hash",
      allowSampling: true,
      allowSamplingToolUse: true,
      allowElicitation: true,
      maxStreamDurationSecs: 10,
      maxStreamTotalBytes: 20,
      requireWeb3Evidence: false,
      checkpointBatchSize: 0,
      retentionConfig: { retentionDays: 1, maxSizeBytes: 2 },
    });
    expect([...resolved.trustedIssuers]).toEqual([keypair.publicKeyHex, ISSUER.publicKeyHex]);
    expect(resolved).toMatchObject({
      maxDelegationDepth: 2,
      allowSampling: true,
      checkpointBatchSize: 0,
      retention: { maxAgeDays: 1, maxBytes: 2 },
    });
  });

  it.each([
    ["keypair", undefined],
    ["keypair", "07".repeat(32)],
    ["keypair", { publicKeyHex: "00", sign: () => "" }],
    ["policyHash", undefined],
    ["policyHash", ""],
    ["policyHash", "two words"],
    ["policyHash", "x".repeat(257)],
    ["caPublicKeys", "aa"],
    ["caPublicKeys[1]", [ISSUER.publicKeyHex, "aa"]],
    ["maxDelegationDepth", -1],
    ["maxDelegationDepth", 1.5],
    ["maxDelegationDepth", 65],
    ["maxDelegationDepth", "4"],
    ["allowSampling", "yes"],
    ["allowSamplingToolUse", 1],
    ["allowElicitation", null],
    ["maxStreamDurationSecs", 0],
    ["maxStreamDurationSecs", Number.POSITIVE_INFINITY],
    ["maxStreamTotalBytes", 0],
    ["maxStreamTotalBytes", Number.NaN],
    ["requireWeb3Evidence", "false"],
    ["checkpointBatchSize", -1],
    ["retentionConfig", 90],
    ["retentionConfig.retentionDays", { retentionDays: 0 }],
    ["retentionConfig.maxSizeBytes", { maxSizeBytes: -1 }],
    ["days", { days: 3 }],
    ["allowsampling", true],
  ])("refuses %s = %j, and names the field", (field, value) => {
    const key = field.replace(/[[.].*/, "");
    const error = failure(key === "days" ? { retentionConfig: value } : { [key]: value });
    expect(error).toBeInstanceOf(KernelError);
    expect(error.code).toBe("kernel_config_invalid");
    expect(error.message.startsWith(`${field} `)).toBe(true);
  });

  it("guesses what a mistyped field was meant to be", () => {
    expect(failure({ maxDelegationDept: 3 }).fix).toBe("did you mean maxDelegationDepth?");
  });

  it("does not start with a promise that it cannot keep", () => {
    const error = failure({ requireWeb3Evidence: true });
    expect(error.code).toBe("kernel_evidence_unsupported");
    expect(error.fix).toContain("requireWeb3Evidence");
  });

  it("refuses a key that was wiped before", () => {
    const keypair = keyOf(7);
    keypair.wipe();
    expect(failure({ keypair }).message).toContain("wiped");
  });

  it("refuses options that cannot work", () => {
    for (const options of [
      { signingQueueLimit: 0 },
      { defaultGrants: { tools: [{ server: "s", tool: "t", operations: ["fly"], ttl: 1 }] } },
      { defaultGrants: { tools: [{ server: "s", tool: "t", operations: ["invoke"], ttl: 0 }] } },
    ]) {
      expect(() => new ChioKernel(config(), options)).toThrow(expect.objectContaining({ code: "kernel_option_invalid" }));
    }
  });
});
