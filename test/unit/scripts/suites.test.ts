import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SetupError } from "../../../scripts/lib/failure.mjs";
import { ROOT } from "../../../scripts/lib/paths.mjs";
import { readReport, runCheck, runSetup } from "../../../scripts/lib/suites.mjs";

const file = (path: string, statuses: string[], extra: { status?: string; message?: string } = {}) => ({
  name: join(ROOT, path),
  status: extra.status ?? (statuses.includes("failed") ? "failed" : "passed"),
  ...(extra.message === undefined ? {} : { message: extra.message }),
  assertionResults: statuses.map((status, index) => ({ status, fullName: `case ${index}` })),
});

describe("counting a Vitest report", () => {
  it("sums each project's tests and names what failed or was skipped", () => {
    const testResults = [
      file("test/unit/a.test.ts", ["passed", "failed", "skipped"]),
      file("test/conformance/b.test.ts", ["passed", "passed", "todo"]),
    ];
    expect(readReport({ testResults }, ["unit", "conformance"], 1)).toEqual([
      { name: "unit", passed: 1, failed: ["test/unit/a.test.ts: case 1"], skipped: ["test/unit/a.test.ts: case 2"] },
      { name: "conformance", passed: 2, failed: [], skipped: ["test/conformance/b.test.ts: case 2"] },
    ]);
  });

  it("counts the lifecycle suite apart from the container tests around it", () => {
    const testResults = [
      file("test/containers/lifecycle/a.test.ts", ["passed", "failed"]),
      file("test/containers/b.test.ts", ["passed"]),
      file("test/containers/local/c.test.ts", ["passed"]),
    ];
    expect(readReport({ testResults }, ["containers", "lifecycle"], 1)).toEqual([
      { name: "containers", passed: 2, failed: [], skipped: [] },
      { name: "lifecycle", passed: 1, failed: ["test/containers/lifecycle/a.test.ts: case 1"], skipped: [] },
    ]);
  });

  it("counts a file that could not be loaded as a failure", () => {
    const testResults = [
      file("test/unit/a.test.ts", ["passed"]),
      file("test/unit/b.test.ts", [], { status: "failed", message: "Cannot find x\n  at" }),
    ];
    expect(readReport({ testResults }, ["unit"], 1)[0]).toMatchObject({ passed: 1, failed: ["test/unit/b.test.ts: Cannot find x"] });
  });

  it("counts a project without a test as a failure, whatever Vitest says", () => {
    expect(readReport({ testResults: [] }, ["security"], 0)[0]).toMatchObject({ passed: 0, failed: ["security: no test was run"] });
    const testResults = [file("test/security/a.test.ts", ["skipped", "skipped"])];
    expect(readReport({ testResults }, ["security"], 0)[0]?.failed).toEqual(["security: no test was run"]);
  });

  it("does not pass over an exit code that no test accounts for", () => {
    const testResults = [file("test/unit/a.test.ts", ["passed"])];
    expect(readReport({ testResults }, ["unit"], 1)[0]?.failed).toEqual([expect.stringContaining("Vitest ended with 1")]);
    expect(readReport({ testResults }, ["unit"], 0)[0]?.failed).toEqual([]);
  });
});

describe("checks and steps", () => {
  it("a check counts as one, passed or failed", async () => {
    let shown = "";
    const show = (text: string) => {
      shown += text;
    };
    const check = (name: string, command: string[]) => runCheck(name, command, show);
    expect(await check("yes", [process.execPath, "-e", "console.log('all well')"])).toMatchObject({ passed: 1, failed: [] });
    expect(shown).toBe("");
    const failing = await check("no", [process.execPath, "-e", "console.log('what is wrong'); process.exit(3)"]);
    expect(failing).toMatchObject({ passed: 0, failed: ["no (exit code 3)"] });
    expect(shown).toContain("what is wrong");
    expect(await check("absent", ["/no/such/program"])).toMatchObject({ passed: 0, failed: ["absent (exit code 127)"] });
  });

  it("a step counts only when it fails", async () => {
    expect(await runSetup("fine", async () => {})).toMatchObject({ passed: 0, failed: [] });
    const refuse = async () => {
      throw new SetupError("no engine", "start one");
    };
    const shown: string[] = [];
    const failed = await runSetup("engine", refuse, (text) => void shown.push(text));
    expect(shown.join("")).toContain("fix: start one");
    expect(failed).toMatchObject({ passed: 0, failed: [expect.stringContaining("engine: ")] });
  });
});
