import { describe, expect, it } from "vitest";
import { load, onlyProblem, type Refusal } from "./load.ts";

describe("refused receipt settings", () => {
  const cases: Refusal[] = [
    [
      "sink scheme",
      { env: { CHIO_RECEIPT_SINK: "dynamodb://t" } },
      "config_unsupported",
      "CHIO_RECEIPT_SINK",
      /dynamodb:\/\/ is not served/,
      /sqlite, sqlite:\/\/\/absolute\/path, stdout or https:\/\/host\/path/,
    ],
    [
      "sink in the clear",
      { env: { CHIO_RECEIPT_SINK: "http://h/v1" } },
      "config_unsupported",
      "CHIO_RECEIPT_SINK",
      /in the clear/,
      /https:/,
    ],
    [
      "one sink twice",
      { env: { CHIO_RECEIPT_SINK: "https://h/v1,https://h/v1" } },
      "config_conflict",
      "CHIO_RECEIPT_SINK",
      /twice/,
      /once/,
    ],
    ["sink", { env: { CHIO_RECEIPT_SINK: "stdout,bigquery://a.b.c" } }, "config_unsupported", "CHIO_RECEIPT_SINK", /bigquery/, /stdout/],
    [
      "relative sqlite",
      { env: { CHIO_RECEIPT_SINK: "sqlite://x.db" } },
      "config_unsupported",
      "CHIO_RECEIPT_SINK",
      /this form of sqlite:/,
      /absolute/,
    ],
    [
      "two stores",
      { flags: { receiptStore: "/a.db", receiptSink: "sqlite:///b.db" } },
      "config_conflict",
      "--receipt-store and --receipt-sink",
      /\/b\.db, \/a\.db/,
      /name one/,
    ],
    [
      "acknowledge",
      { flags: { acknowledge: "sink" } },
      "config_unsupported",
      "--receipt-acknowledge",
      /remote sink/,
      /https:\/\/ sink, or use ledger/,
    ],
  ];
  for (const [what, given, code, source, message, fix] of cases) {
    it(what, () => {
      const one = onlyProblem(given);
      expect(one).toMatchObject({ code, source });
      expect(one.message).toMatch(message);
      expect(one.fix).toMatch(fix);
    });
  }
});

describe("an https sink", () => {
  const env = { CHIO_RECEIPT_SINK: "stdout,https://h.example/v1" };

  it("stands beside the store, and may be what answers wait for", () => {
    const { config } = load({ env: { ...env, CHIO_RECEIPT_SINK_TOKEN: "a-token-of-16-characters", CHIO_RECEIPT_ACKNOWLEDGE: "sink" } });
    expect(config).toMatchObject({
      receiptSinks: [{ kind: "sqlite" }, { kind: "stdout" }, { kind: "https", url: new URL("https://h.example/v1") }],
      receiptSinkToken: "a-token-of-16-characters",
      acknowledge: "sink",
    });
  });

  it("is what the token is for: without one the token is a warning", () => {
    const { warnings } = load({ env: { CHIO_RECEIPT_SINK_TOKEN: "a-token-of-16-characters" } });
    expect(warnings).toContainEqual(expect.stringMatching(/^CHIO_RECEIPT_SINK_TOKEN: there is no https/));
    expect(warnings.join()).not.toContain("a-token");
  });
});
