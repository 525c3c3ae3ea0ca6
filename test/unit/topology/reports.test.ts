import { describe, expect, it } from "vitest";
import {
  assertValid,
  awsSecret,
  capabilities,
  deniesSecret,
  drainBudget,
  formatPosture,
  INVARIANT_IDS,
  mcpServeHttp,
  PLATFORMS,
  type PostureLevel,
  posture,
  review,
  statementReadsSecret,
  TopologyError,
} from "../../../infra/topology/index.ts";
import { APP_IMAGE, baseline, broken, container, KEY_ARN, PROPS, SIDECAR_IMAGE } from "./fixtures.ts";

describe("the drain budget", () => {
  it("adds up what ECS does one after the other", () => {
    const budget = drainBudget(baseline(), "ecs");
    expect(budget.steps).toEqual([
      { label: "deregistration", seconds: 60 },
      { label: "app stop", seconds: 30 },
      { label: "sidecar stop", seconds: 30 },
    ]);
    expect(budget.totalSeconds).toBe(120);
    expect(budget.text).toBe(
      "ecs: deregistration 60 s + app stop 30 s + sidecar stop 30 s = 120 s. Of its 30 s the sidecar drains for 28 s and keeps 2 s to exit. The target is deregistered first, then the app is stopped, then the sidecar.",
    );
  });

  it("says Cloud Run's ten seconds", () => {
    const budget = drainBudget(baseline({ graceSeconds: 60 }), "cloud-run");
    expect(budget).toMatchObject({ totalSeconds: 10, sidecarGraceSeconds: 10, sidecarDrainSeconds: 8 });
    expect(budget.text).toContain("stop of all containers 10 s = 10 s");
  });

  it("takes the longest grace where all stop at once", () => {
    expect(drainBudget(baseline({ graceSeconds: 90 }), "aca")).toMatchObject({ totalSeconds: 90, sidecarDrainSeconds: 88 });
  });

  it("has no step for an app that is not there", () => {
    const { app: _, ...props } = PROPS;
    const graph = { ...props, mode: mcpServeHttp({ serverId: "local-mock", policy: "/etc/chio/policy.yaml" }) };
    expect(drainBudget(baseline({ ...graph, app: undefined as never }), "local").steps).toEqual([{ label: "sidecar stop", seconds: 30 }]);
  });
});

const levels = (platform: (typeof PLATFORMS)[number], props = {}) =>
  Object.fromEntries(posture(baseline(props), platform).entries.map((entry) => [entry.invariant, entry.level]));

describe("the posture", () => {
  it("has an entry for each invariant on each platform, with how and by whom", () => {
    for (const platform of PLATFORMS) {
      const { entries } = posture(baseline(), platform);
      expect(entries.map((entry) => entry.invariant)).toEqual(INVARIANT_IDS);
      for (const entry of entries) {
        expect(entry.how).not.toBe("");
        expect(entry.by).not.toEqual([]);
        if (entry.level !== "enforced") expect(entry.residualRisk).not.toBe("");
      }
    }
  });

  it.each([
    ["ecs", { "INV-2": "partial" }],
    ["cloud-run", { "INV-3": "partial", "INV-4": "unenforceable", "INV-5": "unenforceable", "INV-6": "partial", "INV-7": "partial" }],
    ["aca", { "INV-1": "partial", "INV-4": "unenforceable", "INV-5": "unenforceable", "INV-8": "partial" }],
    ["local", { "INV-3": "partial", "INV-6": "partial" }],
  ] as const)("on %s is enforced but for what the platform cannot do", (platform, exceptions) => {
    const expected: Record<string, PostureLevel> = Object.fromEntries(INVARIANT_IDS.map((id) => [id, "enforced"]));
    expect(levels(platform)).toEqual({ ...expected, ...exceptions });
  });

  it("rises on Azure with the start gate, on Cloud Run with readiness", () => {
    expect(levels("aca", { app: { image: APP_IMAGE, command: ["/app"] } })).toMatchObject({ "INV-1": "enforced", "INV-8": "enforced" });
    expect(levels("cloud-run", { cloudRun: { readinessProbe: true } })).toMatchObject({ "INV-6": "enforced" });
  });

  it("falls where the sidecar runs somebody else's program", () => {
    const mode = mcpServeHttp({ serverId: "search", policy: "/etc/chio/policy.yaml", command: ["node", "server.js"] });
    expect(levels("ecs", { mode })["INV-3"]).toBe("partial");
  });

  it("stays lowered by an accepted finding, and says why it was accepted", () => {
    const topology = baseline({
      sidecar: { image: "ghcr.io/backbay-labs/chio-sidecar:latest" },
      accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "staging only" }],
    });
    expect(() => assertValid(topology, "ecs")).not.toThrow();
    const entry = posture(topology, "ecs").entries.find((one) => one.invariant === "INV-10");
    expect(entry).toMatchObject({ level: "unenforceable", by: [], brokenBy: ["CHIO-IMAGE-UNPINNED"] });
    expect(entry?.residualRisk).toContain("staging only");
    expect(formatPosture(posture(topology, "ecs"))).toContain(
      "accepted CHIO-IMAGE-UNPINNED at containers.chio-sidecar.image: staging only",
    );
  });
});

describe("acceptances", () => {
  const unpinned = { sidecar: { image: "ghcr.io/backbay-labs/chio-sidecar:latest" }, app: { image: "registry.example.com/team/app:1" } };

  it("take a finding off by its code, for all its places", () => {
    const { findings, accepted } = review(baseline(unpinned), "ecs", [{ code: "CHIO-IMAGE-UNPINNED", reason: "staging" }]);
    expect(findings).toEqual([]);
    expect(accepted.map((one) => [one.path, one.reason])).toEqual([
      ["containers.chio-sidecar.image", "staging"],
      ["containers.app.image", "staging"],
    ]);
  });

  it("take it off in one place when they name one", () => {
    const { findings } = review(baseline(unpinned), "ecs", [
      { code: "CHIO-IMAGE-UNPINNED", reason: "staging", path: "containers.app.image" },
    ]);
    expect(findings.map((one) => [one.code, one.path])).toEqual([["CHIO-IMAGE-UNPINNED", "containers.chio-sidecar.image"]]);
  });

  it.each(["", "  ", "\n"])("need a reason, which %j is not", (reason) => {
    expect(review(baseline(unpinned), "ecs", [{ code: "CHIO-IMAGE-UNPINNED", reason }]).findings.map((one) => one.code)).toEqual([
      "CHIO-IMAGE-UNPINNED",
      "CHIO-IMAGE-UNPINNED",
      "CHIO-ACCEPTANCE-REASON",
    ]);
  });

  it("must match something", () => {
    const { findings } = review(baseline(), "ecs", [
      { code: "CHIO-IMAGE-UNPINED", reason: "typing error" },
      { code: "CHIO-EXEC", reason: "was once on" },
    ]);
    expect(findings.map((one) => [one.code, one.message])).toEqual([
      ["CHIO-ACCEPTANCE-UNMATCHED", 'there is no finding "CHIO-IMAGE-UNPINED"; did you mean CHIO-IMAGE-UNPINNED?'],
      ["CHIO-ACCEPTANCE-UNMATCHED", "agent-tool-server has no CHIO-EXEC on ecs"],
    ]);
  });

  it("of one platform are not in the way of another", () => {
    const accept = [{ code: "CHIO-EXEC", reason: "break glass, ticket 17" }];
    const props = { ecs: { enableExecuteCommand: true }, accept };
    expect(review(baseline(props), "ecs").accepted).toHaveLength(1);
    expect(review(baseline(props), "aca").findings).toEqual([]);
    const only = baseline({ ...unpinned, accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "staging", platform: "ecs" }] });
    expect(review(only, "ecs").findings).toEqual([]);
    expect(review(only, "aca").findings).toHaveLength(2);
  });
});

describe("the error", () => {
  it("has every finding at once, with fix and link, and what was accepted", () => {
    const graph = broken(
      "ecs",
      (one) => {
        container(one, "app").ports = [8080];
        one.startOrder = [];
        container(one, "sidecar").user = "root";
      },
      { sidecar: { image: "chio:latest" } },
    );
    try {
      assertValid(graph, "ecs", [{ code: "CHIO-IMAGE-UNPINNED", reason: "local trial" }]);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof TopologyError)) throw error;
      expect(error.findings.map((one) => one.code)).toEqual(["CHIO-START-ORDER", "CHIO-EXTRA-PORT", "CHIO-ROOT-USER"]);
      expect(error.message).toMatch(/^agent-tool-server on ecs: 3 errors\n/);
      for (const { code, path, fix, link } of error.findings)
        for (const text of [code, path, fix, link]) expect(error.message).toContain(text);
      expect(error.message).toContain("accepted CHIO-IMAGE-UNPINNED at containers.chio-sidecar.image");
      expect(error.message).toContain("Reason: local trial");
    }
  });

  it("never shows the value of a secret", () => {
    const seed = "5e".repeat(32);
    const topology = baseline({
      app: { image: APP_IMAGE, env: { CHIO_SIGNING_KEY: seed } },
      sidecar: { image: SIDECAR_IMAGE, env: { CHIO_SIDECAR_CONTROL_TOKEN: seed } },
    });
    expect(() => assertValid(topology, "ecs")).toThrow(/CHIO-SIGNING-KEY-SCOPE/);
    expect(() => assertValid(topology, "ecs")).not.toThrow(seed);
  });
});

describe("the capability matrix", () => {
  it("speaks of each invariant on each platform, with a stand-in where something is missing", () => {
    for (const platform of PLATFORMS) {
      const matrix = capabilities(platform);
      expect([...new Set(matrix.map((cell) => cell.invariant))]).toEqual(INVARIANT_IDS);
      for (const cell of matrix) expect(cell.instead === null).toBe(cell.level === "native");
    }
  });
});

describe("task role statements", () => {
  const key = awsSecret(KEY_ARN);
  const allow = (actions: string[], resources: string[]) => ({ effect: "Allow" as const, actions, resources });

  it.each([
    [["secretsmanager:GetSecretValue"], [KEY_ARN]],
    [["secretsmanager:GetSecretValue"], [`${KEY_ARN}-??????`]],
    [["secretsmanager:GetSecretValue"], [`${KEY_ARN}-*`]],
    [["SecretsManager:getSecretValue"], ["*"]],
    [["secretsmanager:Get*"], ["arn:aws:secretsmanager:us-east-1:*:secret:chio/*"]],
    [["secretsmanager:BatchGetSecretValue"], ["*"]],
    [["*"], ["*"]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of a CDK token
    [["secretsmanager:GetSecretValue"], ["${Token[TOKEN.7]}"]],
  ])("%j on %j reads the key", (actions, resources) => {
    expect(statementReadsSecret(allow(actions, resources), key)).toBe(true);
  });

  it.each([
    [["secretsmanager:DescribeSecret"], ["*"]],
    [["secretsmanager:GetSecretValue"], ["arn:aws:secretsmanager:us-east-1:123456789012:secret:other-a1B2c3"]],
    [["dynamodb:PutItem"], ["*"]],
    [["ssm:GetParameter"], ["*"]],
  ])("%j on %j does not", (actions, resources) => {
    expect(statementReadsSecret(allow(actions, resources), key)).toBe(false);
  });

  it("are taken back by a Deny that covers every way", () => {
    const deny = { effect: "Deny" as const, actions: ["secretsmanager:*"], resources: ["*"] };
    expect(deniesSecret([deny], key)).toBe(true);
    expect(deniesSecret([{ ...deny, actions: ["secretsmanager:GetSecretValue"] }], key)).toBe(false);
    expect(deniesSecret([{ ...deny, resources: ["arn:aws:secretsmanager:*:*:secret:other"] }], key)).toBe(false);
    expect(review(baseline({ ecs: { taskRoleStatements: [allow(["*"], ["*"]), deny] } }), "ecs").findings).toEqual([]);
  });
});
