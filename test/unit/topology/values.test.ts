import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  awsSecret,
  cpuQuantity,
  cpuUnits,
  deferred,
  type deferredParts,
  formatPolicySource,
  formatReceiptSink,
  formatSecretRef,
  imagePin,
  isDeferred,
  keyVaultParts,
  mapDeferred,
  memoryQuantity,
  parseCpu,
  parseImage,
  parseMemory,
  parsePolicySource,
  parseReceiptSink,
  parseSecretRef,
  sameSecret,
} from "../../../infra/topology/index.ts";
import { DIGEST, KEY_ARN, KEY_VAULT } from "./fixtures.ts";

describe("policy sources", () => {
  it.each([
    ["s3://ACCOUNT-chio-config/policy.yaml", { kind: "s3", bucket: "ACCOUNT-chio-config", key: "policy.yaml" }],
    ["gs://PROJECT_ID-chio-config/a/b/policy.yaml", { kind: "gs", bucket: "PROJECT_ID-chio-config", object: "a/b/policy.yaml" }],
    ["azblob://team/config/policies/p.yaml", { kind: "azblob", account: "team", container: "config", blob: "policies/p.yaml" }],
    ["https://example.com/policy.yaml?v=2", { kind: "https", url: "https://example.com/policy.yaml?v=2" }],
    ["/etc/chio/policy.yaml", { kind: "file", path: "/etc/chio/policy.yaml" }],
  ])("reads and writes %s", (text, source) => {
    expect(parsePolicySource(text)).toEqual(source);
    expect(formatPolicySource(parsePolicySource(text))).toBe(text);
  });

  it("takes a file URL for a path", () => {
    expect(parsePolicySource("file:///etc/chio/policy.yaml")).toEqual({ kind: "file", path: "/etc/chio/policy.yaml" });
  });

  it.each([
    "",
    "policy.yaml",
    "s3://bucket",
    "s3://bucket/",
    "s3:///key",
    "s3://bucket/dir/",
    "gs://b/k?x=1",
    "azblob://account/container",
    "ftp://h/x",
    "file://host/x",
    "/etc/../shadow",
    "/etc/",
    "http://h/x",
  ])("refuses %j", (text) => {
    expect(() => parsePolicySource(text)).toThrow(TypeError);
  });

  it("never shows credentials that stand in a URL", () => {
    expect(() => parsePolicySource("https://user:hunter2@example.com/p.yaml")).toThrow(/credentials/);
    expect(() => parsePolicySource("https://user:hunter2@example.com/p.yaml")).not.toThrow(/hunter2/);
  });
});

describe("receipt sinks", () => {
  it.each([
    "stdout",
    "sqlite",
    "sqlite:///var/lib/chio/receipts.sqlite",
    "dynamodb://chio-receipts",
    "dynamodb://chio-receipts?region=eu-west-1",
    "bigquery://PROJECT_ID.chio.receipts",
    "cosmosdb://chio-receipts",
    "cosmosdb://account/database/container",
    "postgres://db.internal/receipts",
    "postgres://chio@db.internal:5433/receipts?sslmode=verify-full",
    "s3://bucket",
    "s3://bucket/receipts/",
    "gs://bucket/a/b/",
    "https://collector.example.com/v1/receipts",
  ])("reads and writes %s", (text) => {
    expect(formatReceiptSink(parseReceiptSink(text))).toBe(text);
  });

  it.each([
    "",
    "console",
    "dynamodb://",
    "dynamodb://a",
    "dynamodb://table/x",
    "dynamodb://table?zone=1",
    "bigquery://project.dataset",
    "bigquery://a.b.c.d",
    "cosmosdb://",
    "cosmosdb://a/b",
    "cosmosdb://a/b/c/d",
    "postgres://host",
    "postgres:///db",
    "postgres://host/a/b",
    "s3://",
    "s3://b?x",
    "http://h/x",
    "sqlite://relative",
    "sqlite:///dir/",
  ])("refuses %j", (text) => {
    expect(() => parseReceiptSink(text)).toThrow(TypeError);
  });

  it.each(["postgres://chio:hunter2@db/receipts", "postgres://db/receipts?password=hunter2", "https://a:hunter2@h/r"])(
    "never shows the password in %s",
    (text) => {
      let message = "";
      try {
        parseReceiptSink(text);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/password|credentials/);
      expect(message).not.toContain("hunter2");
    },
  );
});

describe("secret references", () => {
  it.each([
    [KEY_ARN, "aws-secrets-manager"],
    [`${KEY_ARN}-a1B2c3:seed::`, "aws-secrets-manager"],
    [`${KEY_ARN}:seed:AWSCURRENT:`, "aws-secrets-manager"],
    ["arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/chio/key", "aws-ssm-parameter"],
    ["projects/team/secrets/chio-signing-key/versions/7", "gcp-secret-manager"],
    ["secrets/chio-signing-key/versions/latest", "gcp-secret-manager"],
    [KEY_VAULT, "azure-key-vault"],
    ["https://team.vault.azure.net/secrets/chio", "azure-key-vault"],
    ["file:./seed.hex", "file"],
    ["env:SEED", "environment"],
  ])("reads and writes %s", (text, kind) => {
    const ref = parseSecretRef(text);
    expect(ref.kind).toBe(kind);
    expect(formatSecretRef(ref)).toBe(text);
  });

  it.each([
    "https://vault.example.com/secrets/x",
    "https://team.vault.azure.net.evil.com/secrets/x",
    "https://team.vault.azure.net/keys/x",
    "secrets/x",
    "secrets/x/versions/newest",
    "file:",
    "env:1A",
    "arn:aws:s3:::bucket",
  ])("refuses %s", (text) => {
    expect(() => parseSecretRef(text)).toThrow(TypeError);
  });

  it("does not show what may be a pasted secret", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{64}$/), (seed) => {
        try {
          parseSecretRef(seed);
        } catch (error) {
          return !(error as Error).message.includes(seed.slice(0, 8));
        }
        return false;
      }),
    );
  });

  it("knows two references to one secret, whatever version or field", () => {
    expect(sameSecret(parseSecretRef(`${KEY_ARN}:seed::`), awsSecret(KEY_ARN))).toBe(true);
    expect(sameSecret(parseSecretRef("secrets/a/versions/1"), parseSecretRef("projects/p/secrets/a/versions/latest"))).toBe(true);
    expect(
      sameSecret(
        parseSecretRef(KEY_VAULT),
        parseSecretRef("https://TEAM.vault.azure.net/secrets/chio-signing-key".replace("TEAM", "team")),
      ),
    ).toBe(true);
    expect(sameSecret(parseSecretRef(KEY_VAULT), parseSecretRef("https://team.vault.azure.net/secrets/chio-signing-key/"))).toBe(true);
    expect(sameSecret(awsSecret(`${KEY_ARN}-AbCdEf`), awsSecret(KEY_ARN))).toBe(true);
    expect(sameSecret(awsSecret(KEY_ARN), awsSecret(KEY_ARN.replace("us-east-1", deferred("region"))))).toBe(true);
    expect(sameSecret(awsSecret(KEY_ARN), awsSecret(`${KEY_ARN}-backups`))).toBe(false);
    expect(sameSecret(awsSecret(deferred("one")), awsSecret(deferred("other")))).toBe(false);
    expect(sameSecret(parseSecretRef("secrets/a/versions/1"), parseSecretRef("secrets/b/versions/1"))).toBe(false);
    expect(sameSecret(awsSecret(KEY_ARN), parseSecretRef("file:x"))).toBe(false);
  });

  it("takes a Key Vault URI apart", () => {
    expect(keyVaultParts(KEY_VAULT)).toEqual({
      vaultUrl: "https://team.vault.azure.net",
      secret: "chio-signing-key",
      version: "0123456789abcdef0123456789abcdef",
    });
    expect(keyVaultParts(deferred("uri"))).toBeNull();
  });
});

describe("images", () => {
  it.each([
    [`app@${DIGEST}`, "digest"],
    [`registry:5000/team/app:1.2@${DIGEST}`, "digest"],
    ["registry:5000/team/app:1.2", "tag"],
    ["registry:5000/team/app", "none"],
    ["app:latest", "tag"],
    ["bundled:alpine", "build"],
    [deferred("image"), "unknown"],
  ])("%s is pinned by %s", (text, pin) => {
    expect(imagePin(parseImage(text))).toBe(pin);
  });

  it.each(["", "https://ghcr.io/team/app", "Team/app", "app@sha256:12", "app:tag:tag", "bundled:debian", "a b", "../app"])(
    "refuses %j",
    (text) => {
      expect(() => parseImage(text)).toThrow(TypeError);
    },
  );
});

describe("quantities", () => {
  it.each([
    [1, 1000],
    [0.25, 250],
    ["500m", 500],
    ["1.5", 1500],
    ["2", 2000],
  ])("CPU %j is %i thousandths", (given, milli) => {
    expect(parseCpu(given)).toBe(milli);
  });

  it.each([
    [512, 512],
    ["128Mi", 128],
    ["1.5Gi", 1536],
    ["0.5Gi", 512],
  ])("memory %j is %i MiB", (given, mebi) => {
    expect(parseMemory(given)).toBe(mebi);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 0.0001, "", "500", "1 core", "500M", "1e3"].filter((one) => one !== "500"))(
    "CPU %j is no amount",
    (given) => {
      expect(() => parseCpu(given)).toThrow(TypeError);
    },
  );

  it.each([0, -1, 1.5, "128", "128MB", "0.3Mi", "1.0001Gi", "Mi"])("memory %j is no amount", (given) => {
    expect(() => parseMemory(given)).toThrow(TypeError);
  });

  it("are written so that they are read back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64_000 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (cpu, memory) => parseCpu(cpuQuantity(cpu)) === cpu && parseMemory(memoryQuantity(memory)) === memory,
      ),
    );
  });

  it("never add up to more units than the whole", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 10 }), (shares) => {
        const whole = shares.reduce((sum, share) => sum + share, 0);
        return shares.reduce((sum, share) => sum + cpuUnits(share), 0) <= cpuUnits(whole);
      }),
    );
  });
});

describe("deferred values", () => {
  it("are known by their marker, and CDK tokens by theirs", () => {
    expect(isDeferred(deferred("image"))).toBe(true);
    expect(isDeferred(`prefix/${deferred("image")}`)).toBe(true);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of a CDK token
    expect(isDeferred("${Token[TOKEN.12]}")).toBe(true);
    expect(isDeferred("plain")).toBe(false);
    expect(() => deferred("two words")).toThrow(TypeError);
  });

  it("are put back anywhere in plain data", () => {
    const values: Record<string, string> = { host: "h", name: "n" };
    const replace = (parts: ReturnType<typeof deferredParts>) =>
      parts.map((part) => (typeof part === "string" ? part : values[part.deferred])).join("");
    const data = { a: [deferred("host"), 1, null], b: { c: `https://${deferred("host")}/${deferred("name")}?x` } };
    expect(mapDeferred(data, replace)).toEqual({ a: ["h", 1, null], b: { c: "https://h/n?x" } });
  });
});
