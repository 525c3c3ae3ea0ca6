import { describe, expect, it } from "vitest";
import { describeProblem } from "../../../sidecar/service/errors.ts";
import { load, OTHER_KEY, onlyProblem, SEED, YAML_PATH } from "./load.ts";

describe("kernel.yaml", () => {
  it("takes upstream's four keys", () => {
    const { config, warnings } = load({
      yaml: "listen: 0.0.0.0:9090\next_authz_listen: 0.0.0.0:9091\nreceipt_sink: stdout\npolicy_source: file:///etc/chio/policy.yaml\n",
    });
    expect(config).toMatchObject({
      listen: { host: "0.0.0.0", port: 9090 },
      receiptSinks: [{ kind: "sqlite" }, { kind: "stdout" }],
      policyPath: "/etc/chio/policy.yaml",
      kernelConfigPath: YAML_PATH,
    });
    expect(warnings).toEqual([expect.stringMatching(/kernel\.yaml:2:1 \(ext_authz_listen\): not served by this program/)]);
  });

  it("takes numbers, booleans, lists and sections", () => {
    const { config } = load({
      yaml: `trusted_issuers: [${OTHER_KEY}]\nhttp:\n  safe_methods: session_allow\nreceipts:\n  queue: 7\n  checkpoint: {batch: 5, interval: 2s}\n  retention: {days: 3, bytes: 2GiB}\nlimits:\n  max_body_bytes: 0\n`,
    });
    expect(config).toMatchObject({
      safeMethods: "session_allow",
      queueLimit: 7,
      checkpoint: { batchSize: 5, intervalMs: 2000 },
      retention: { maxAgeDays: 3, maxBytes: 2_147_483_648 },
      limits: { maxBodyBytes: 0 },
    });
    expect(config.trustedIssuers[0]).toBe(OTHER_KEY);
  });

  it.each(["", "# nothing\n", "---\n"])("takes an empty file: %j", (yaml) => {
    expect(load({ yaml }).config.kernelConfigPath).toBe(YAML_PATH);
  });

  const cases: [yaml: string, code: string, source: string, message: RegExp, fix: RegExp][] = [
    [
      "receipts:\n  stoer: /a.db\n",
      "config_key_unknown",
      `${YAML_PATH}:2:3 (receipts.stoer)`,
      /nothing reads/,
      /did you mean receipts\.store\?/,
    ],
    ["zebra: 1\n", "config_key_unknown", `${YAML_PATH}:1:1 (zebra)`, /nothing reads/, /docs\/configuration\.md/],
    ["listen: [a, b]\n", "config_value_invalid", `${YAML_PATH}:1:1 (listen)`, /not one value/, /give listen one value/],
    ["listen:\n", "config_value_invalid", `${YAML_PATH}:1:1 (listen)`, /not one value/, /take the line out/],
    ["trusted_issuers: {a: b}\n", "config_value_invalid", `${YAML_PATH}:1:1 (trusted_issuers)`, /list of values/, /trusted_issuers/],
    ["receipts: sqlite\n", "config_value_invalid", `${YAML_PATH}:1:1 (receipts)`, /is a section/, /receipts\.store/],
    [`signing_key: ${SEED}\n`, "config_secret_in_file", `${YAML_PATH}:1:1 (signing_key)`, /secret does not belong/, /CHIO_SIGNING_KEY/],
    ["- a\n", "config_file_invalid", `${YAML_PATH}:1:1`, /not a mapping/, /listen: 127/],
    ["a: b: c\n", "config_file_invalid", `${YAML_PATH}:1:4`, /YAML/, /mend/],
    ["listen: 1.2.3.4:5\nlisten: 1.2.3.4:6\n", "config_file_invalid", `${YAML_PATH}:2:1`, /twice/, /mend/],
    ["listen: !!js/function 'x'\n", "config_file_invalid", `${YAML_PATH}:1:9`, /tag/i, /mend/],
  ];
  for (const [yaml, code, source, message, fix] of cases) {
    it(`refuses ${JSON.stringify(yaml)}`, () => {
      const one = onlyProblem({ yaml });
      expect(one).toMatchObject({ code, source });
      expect(one.message).toMatch(message);
      expect(one.fix).toMatch(fix);
      expect(describeProblem(one)).not.toContain(SEED);
    });
  }

  it("does without the default file, not without one that is there and broken", () => {
    expect(load().config.kernelConfigPath).toBeNull();
    expect(onlyProblem({ yaml: ": :" }).code).toBe("config_file_invalid");
  });
});
