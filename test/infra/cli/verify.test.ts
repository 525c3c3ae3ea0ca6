import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RULES } from "../../../infra/topology/index.ts";
import { changed, FAULTLESS, fixture } from "../posture/documents.ts";
import { runKit, scratch } from "./run-kit.ts";
import { sarifProblems } from "./sarif-check.ts";

const REFERENCE = "test/fixtures/foreign/cloud-run.service.yaml";
const TASK = "test/fixtures/foreign/ecs.task-definition.json";

/** A file of its own. */
function file(text: string, name = "document.json"): string {
  const path = join(scratch(), name);
  writeFileSync(path, text);
  return path;
}

describe("chio-kit verify", () => {
  it("prints each finding with file, line, code, path, message, fix and link, and ends with 1", async () => {
    const { code, stdout, stderr } = await runKit(["verify", REFERENCE]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain(
      [
        `${REFERENCE}: Cloud Run service (Knative, serving.knative.dev/v1)`,
        "agent-tool-server on cloud-run, sidecar chio-sidecar: 5 errors, 0 warnings, 7 facts not in the document",
        `${REFERENCE}:74:15: error CHIO-SIGNING-KEY-VERSION at spec.template.spec.containers[1].env[7]`,
        "  chio-signing-key is taken at version latest",
        "  Fix: name the version's number in place of latest, and deploy a new revision to rotate",
        "  See: docs/topology.md#chio-signing-key-version",
      ].join("\n"),
    );
    expect(stdout).toMatch(/unknown CHIO-ROOT-USER, CHIO-IMAGE-USER at spec\.template\.spec\.containers\[0\]\n {2}which user app runs as/);
    expect(stdout).toMatch(/^posture on cloud-run: 3 enforced/m);
  });

  it("ends with 0 where there is no error, whatever is not known", async () => {
    const { code, stdout } = await runKit(["verify", "-"], { stdin: FAULTLESS.aca });
    expect(code).toBe(0);
    expect(stdout).toContain("stdin: Azure Resource Manager template");
    expect(stdout).toContain("0 errors, 0 warnings");
  });

  it("points to the line that is meant", async () => {
    const { stdout } = await runKit(["verify", TASK, "--json"]);
    const lines = fixture("ecs.task-definition.json").split("\n");
    const { documents } = JSON.parse(stdout);
    const port = documents[0].services[0].findings.find((one: { code: string }) => one.code === "CHIO-EXTRA-PORT");
    expect(lines[port.place.line - 1]?.slice(port.place.column - 1)).toMatch(/^\{ "containerPort": 8080/);
  });

  it("checks several documents, and one that cannot be read hides nothing in the others", async () => {
    const { code, stdout, stderr } = await runKit(["verify", file("{}"), TASK, REFERENCE]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: .*document\.json: no format that can be checked is recognized \(document_unknown\)\nfix: give one of: /,
    );
    expect(stdout).toContain(`${TASK}: Amazon ECS task definition`);
    expect(stdout).toContain(`${REFERENCE}: Cloud Run service`);
  });

  it("passes by a document without a sidecar where another has one", async () => {
    const plain = file('{"containerDefinitions": [{"name": "web", "image": "nginx"}]}');
    const together = await runKit(["verify", file(FAULTLESS.ecs, "task.json"), plain]);
    expect(together.code).toBe(0);
    expect(together.stderr).toMatch(/^note: .*no container looks like the sidecar in document \(web\)\n$/);
    const alone = await runKit(["verify", plain]);
    expect(alone.code).toBe(1);
    expect(alone.stderr).toMatch(/^error: .*\(document_no_sidecar\)\nfix: add the sidecar/);
  });

  it("takes findings on by code and reason, over all documents", async () => {
    const codes = ["CHIO-SIGNING-KEY-VERSION", "CHIO-PROBE-PATH", "CHIO-DRAIN", "CHIO-IMAGE-UNPINNED"];
    const accepted = await runKit(["verify", REFERENCE, ...codes.flatMap((one) => ["--accept", `${one}=until March, J. Doe`])]);
    expect(accepted.code).toBe(0);
    expect(accepted.stdout).toContain("0 errors, 0 warnings, 5 accepted");
    expect(accepted.stdout).toContain(
      "accepted CHIO-DRAIN at spec.template.spec.containers[1].env\n  the drain of chio-sidecar is left to its own default of 25 s\n  Reason: until March, J. Doe",
    );
    const unmatched = await runKit(["verify", file(FAULTLESS.ecs), "--accept", "CHIO-EXEC=x"]);
    expect(unmatched.code).toBe(1);
    expect(unmatched.stdout).toContain("CHIO-ACCEPTANCE-UNMATCHED");
  });

  it("gives machines one document", async () => {
    const { code, stdout } = await runKit(["verify", REFERENCE, "--json"]);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      ok: false,
      errors: [],
      findings: [],
      documents: [{ origin: REFERENCE, format: "cloud-run-v1", unguarded: [] }],
    });
    const [service] = report.documents[0].services;
    expect(service).toMatchObject({ name: "agent-tool-server", platform: "cloud-run", sidecar: "chio-sidecar", accepted: [] });
    expect(service.findings[0]).toEqual({
      code: "CHIO-SIGNING-KEY-VERSION",
      severity: "error",
      path: "spec.template.spec.containers[1].env[7]",
      message: "chio-signing-key is taken at version latest",
      fix: "name the version's number in place of latest, and deploy a new revision to rotate",
      link: "docs/topology.md#chio-signing-key-version",
      service: "agent-tool-server",
      platform: "cloud-run",
      place: { line: 74, column: 15 },
    });
    expect(service.posture).toHaveLength(10);
  });

  it.each([
    [["verify"], "missing required argument"],
    [["verify", "-", "--json", "--sarif"], "cannot be used with"],
    [["verify", "-", "--platform", "azure"], "Did you mean aca?"],
    [["verify", "-", "--accept", "CHIO-EXEC"], "Write CODE=reason"],
    [["verify", "/nowhere/x.yaml"], "/nowhere/x.yaml does not exist"],
  ])("%j is misuse", async (argv, message) => {
    const { code, stdout, stderr } = await runKit(argv, { stdin: FAULTLESS.ecs });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  it("takes a document for another platform than the one named as an error", async () => {
    const { code, stderr } = await runKit(["verify", TASK, "--platform", "aca"]);
    expect(code).toBe(1);
    expect(stderr).toContain("this document is for ecs, not for aca (document_platform)");
  });
});

describe("chio-kit verify --sarif", () => {
  it("is SARIF 2.1.0, with a rule, a region and a link for each result", async () => {
    const { code, stdout } = await runKit(["verify", REFERENCE, TASK, "--sarif", "--accept", "CHIO-DRAIN=until March"]);
    expect(code).toBe(1);
    const log = JSON.parse(stdout);
    expect(sarifProblems(log)).toEqual([]);
    const [run] = log.runs;
    expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual([
      ...RULES.map(({ code: rule }) => rule),
      "CHIO-DOCUMENT-VALUE",
    ]);
    for (const result of run.results) expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
    expect(run.results[0]).toMatchObject({
      ruleId: "CHIO-SIGNING-KEY-VERSION",
      level: "error",
      locations: [{ physicalLocation: { artifactLocation: { uri: REFERENCE }, region: { startLine: 74, startColumn: 15 } } }],
    });
    const suppressed = run.results.filter((one: { suppressions?: object[] }) => one.suppressions !== undefined);
    expect(suppressed.map((one: { ruleId: string }) => one.ruleId)).toEqual(["CHIO-DRAIN", "CHIO-DRAIN"]);
    expect(run.invocations).toEqual([{ executionSuccessful: true, toolExecutionNotifications: [] }]);
  });

  it("says what could not be read", async () => {
    const { code, stdout } = await runKit(["verify", "-", "--sarif"], { stdin: "a: [" });
    expect(code).toBe(1);
    const log = JSON.parse(stdout);
    expect(sarifProblems(log)).toEqual([]);
    expect(log.runs[0].invocations[0]).toMatchObject({ executionSuccessful: false, toolExecutionNotifications: [{ level: "error" }] });
  });

  it("is held to the structure by a check that can fail", () => {
    expect(
      sarifProblems({
        version: "2.1.0",
        runs: [{ tool: { driver: { name: "x", colour: 1 } }, results: [{ ruleId: "A", message: {}, level: "fatal" }] }],
      }),
    ).toEqual([
      "runs[0].tool.driver.colour: unknown property",
      "runs[0].results[0].message: needs text, markdown or id",
      'runs[0].results[0].level: "fatal" is none of none, note, warning, error',
    ]);
  });
});

describe("chio-kit prevention", () => {
  it("writes the files of each platform, and leaves other files alone", async () => {
    const directory = scratch();
    const { code, stdout } = await runKit([
      "prevention",
      "--platform",
      "all",
      "--out",
      directory,
      "--require-sidecar",
      "--organization",
      "123456789012",
    ]);
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => line.startsWith("created")).length).toBe(
      readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length,
    );
    expect(readFileSync(join(directory, "ecs/chio.guard"), "utf8")).toContain("rule chio_sidecar_count");
    expect(readFileSync(join(directory, "cloud-run/constraints/custom.chioExtraPort.yaml"), "utf8")).toContain(
      "organizations/123456789012/customConstraints/custom.chioExtraPort",
    );
    expect(JSON.parse(readFileSync(join(directory, "aca/definitions/chio-plain-http.json"), "utf8")).properties.policyRule.then).toEqual({
      effect: "[parameters('effect')]",
    });
    mkdirSync(join(directory, "single"));
    writeFileSync(join(directory, "single/chio.guard"), "mine");
    const refused = await runKit(["prevention", "--platform", "ecs", "--out", join(directory, "single")]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("files_differ");
    expect(readFileSync(join(directory, "single/chio.guard"), "utf8")).toBe("mine");
  });

  it.each([
    [["prevention", "--out", "x"], "required option '--platform"],
    [["prevention", "--platform", "ecs"], "required option '--out"],
    [["prevention", "--platform", "ecs", "--out", "x", "--sidecar", "a' or true"], "is not a container name"],
    [["prevention", "--platform", "ecs", "--out", "x", "--port", "0"], "is not a port"],
    [["prevention", "--platform", "cloud-run", "--out", "x", "--organization", "acme"], "is not a number"],
  ])("%j is misuse", async (argv, message) => {
    const { code, stderr } = await runKit(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

it("a faultless document that somebody changed is told apart", async () => {
  const text = changed(FAULTLESS.aca, (document) => (document.resources[0].properties.configuration.ingress.allowInsecure = true));
  expect((await runKit(["verify", "-"], { stdin: text })).stdout).toContain("error CHIO-PLAIN-HTTP");
});
