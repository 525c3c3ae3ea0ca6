import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadTopologyFile, MANIFEST_KINDS, renderManifest } from "../../../infra/manifests/index.ts";
import { runKit, SERVICE, scratch } from "./run-kit.ts";

const FILES = {
  "cloud-run": ["service.yaml"],
  ecs: ["task-definition.json"],
  aca: ["container-app.bicep", "container-app.json"],
  compose: ["compose.yaml"],
  systemd: ["chio-sidecar.service", "app.service.d/chio-sidecar.conf"],
} as const;
const render = (argv: readonly string[], text = SERVICE) => runKit(["render", ...argv, "-"], { stdin: text });
const listed = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort();

describe("chio-kit render", () => {
  it.each(MANIFEST_KINDS)("writes the files of %s, as the library renders them", async (kind) => {
    const out = join(scratch(), "made/for/it");
    const { code, stdout, stderr } = await render(["--platform", kind, "--out", out]);
    expect(code).toBe(0);
    expect(listed(out)).toEqual([...FILES[kind]].sort());
    expect(stdout).toBe(FILES[kind].map((path) => `created ${join(out, path)}\n`).join(""));
    expect(stderr).toMatch(/^posture on \S+: \d+ enforced/m);
    for (const { path, text } of renderManifest(kind, loadTopologyFile(SERVICE, "x")))
      expect(readFileSync(join(out, path), "utf8")).toBe(text);
  });

  it("takes several platforms, or all, and writes each once", async () => {
    const some = scratch();
    expect((await render(["--platform", "ecs", "--platform", "cloud-run", "--platform", "ecs", "--out", some])).code).toBe(0);
    expect(listed(some)).toEqual(["service.yaml", "task-definition.json"]);
    const all = scratch();
    expect((await render(["--platform", "all", "--out", all])).code).toBe(0);
    expect(listed(all)).toEqual(Object.values(FILES).flat().sort());
  });

  it("prints one file as it is, and several under their names", async () => {
    const one = await render(["--platform", "cloud-run", "--out", "-"]);
    expect(parse(one.stdout)).toMatchObject({ kind: "Service", metadata: { name: "agent-tool-server" } });
    const two = await render(["--platform", "aca", "--out", "-"]);
    expect(two.stdout.match(/^==> .* <==$/gm)).toEqual(["==> container-app.bicep <==", "==> container-app.json <=="]);
  });

  it("leaves a file that differs alone, names it and writes nothing else, without --force", async () => {
    const out = scratch();
    writeFileSync(join(out, "container-app.json"), "mine");
    const refused = await render(["--platform", "aca", "--out", out]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /^error: nothing was written: \S+container-app\.json would be overwritten \(files_differ\)\nfix: .*--force/m,
    );
    expect(listed(out)).toEqual(["container-app.json"]);
    expect(readFileSync(join(out, "container-app.json"), "utf8")).toBe("mine");
    const forced = await render(["--platform", "aca", "--out", out, "--force"]);
    expect(forced.stdout).toMatch(/^created \S+container-app\.bicep\noverwritten \S+container-app\.json\n$/);
    const again = await render(["--platform", "aca", "--out", out]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^unchanged .*\nunchanged .*\n$/) });
  });

  it("says what is in the way of the output", async () => {
    const out = scratch();
    writeFileSync(join(out, "file"), "");
    const below = await render(["--platform", "ecs", "--out", join(out, "file")]);
    expect(below).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("task-definition.json cannot be written: a part of the path is a file"),
    });
    mkdirSync(join(out, "task-definition.json"));
    const onto = await render(["--platform", "ecs", "--out", out]);
    expect(onto).toMatchObject({ code: 1, stderr: expect.stringContaining("task-definition.json is a directory (output_not_writable)") });
  });

  it("does not write through a link to nowhere", async () => {
    const out = scratch();
    const target = join(scratch(), "elsewhere");
    symlinkSync(target, join(out, "task-definition.json"));
    const { code, stderr } = await render(["--platform", "ecs", "--out", out]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("cannot be written: a link is there that leads nowhere") });
    expect(() => readFileSync(target)).toThrow(/ENOENT/);
  });

  it("gives machines one document", async () => {
    const { code, stdout, stderr } = await render(["--platform", "aca", "--platform", "ecs", "--out", "-", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report.ok).toBe(true);
    expect(report.files.map((file: { path: string; text: string }) => [file.path, file.text.length > 500])).toEqual([
      ["task-definition.json", true],
      ["container-app.bicep", true],
      ["container-app.json", true],
    ]);
    expect(report.platforms.map((one: { platform: string }) => one.platform)).toEqual(["ecs", "aca"]);
    for (const one of report.platforms) expect(one.posture).toHaveLength(10);
  });
});

describe("a topology that breaks rules", () => {
  const EXEC = SERVICE.replace("ecs:\n  region", "ecs:\n  enableExecuteCommand: true\n  region").replace("port: 8080", "");

  it("is rendered for no platform, and every finding has code, path and fix", async () => {
    const out = scratch();
    const { code, stdout, stderr } = await render(
      ["--platform", "all", "--out", out],
      EXEC.replace("@sha256:000", ":v1#").replace(/#0+/, ""),
    );
    expect({ code, stdout, files: listed(out) }).toEqual({ code: 1, stdout: "", files: [] });
    expect(stderr).toMatch(/^agent-tool-server on ecs: 2 errors/m);
    expect(stderr).toMatch(/^error CHIO-EXEC at settings\.enableExecuteCommand\n {2}\S.*\n {2}Fix: \S/m);
    for (const platform of ["cloud-run", "aca"])
      expect(stderr).toMatch(new RegExp(`^agent-tool-server on ${platform}: 1 error\nerror CHIO-IMAGE-UNPINNED`, "m"));
    expect(stderr).toMatch(/^error: nothing was rendered: .*--accept CODE=reason\n$/m);
  });

  it("is rendered when the finding is accepted, and the output says by whom", async () => {
    // ECS alone has the finding; on the other platforms the acceptance is not asked for.
    const flags = ["--platform", "all", "--out", "-", "--accept", "CHIO-EXEC=debugging this week = J. Doe"];
    const { code, stdout, stderr } = await render(flags, EXEC);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^agent-tool-server on ecs: 1 accepted\naccepted CHIO-EXEC at settings\.enableExecuteCommand\n.*\n {2}Reason: debugging this week = J\. Doe$/m,
    );
    expect(stdout).toContain("==> task-definition.json <==");
  });

  it("on one platform alone is accepted there, where the others could have the finding and have not", async () => {
    const text = SERVICE.replace(/image: (\S*app)@(\S*)/, "image: { byPlatform: { ecs: '$1:v1', default: '$1@$2' } }");
    expect((await render(["--platform", "all", "--out", "-"], text)).stderr.match(/^error CHIO-\S+/gm)).toEqual([
      "error CHIO-IMAGE-UNPINNED",
    ]);
    const taken = await render(["--platform", "all", "--out", "-", "--accept", "CHIO-IMAGE-UNPINNED=trial"], text);
    expect(taken).toMatchObject({ code: 0, stderr: expect.not.stringContaining("CHIO-ACCEPTANCE-UNMATCHED") });
  });

  it("is not helped by an acceptance that is mistyped or not needed", async () => {
    const typo = await render(["--platform", "ecs", "--out", "-", "--accept", "CHIO-EXCE=reason"], EXEC);
    expect(typo).toMatchObject({ code: 1, stderr: expect.stringMatching(/CHIO-ACCEPTANCE-UNMATCHED[\s\S]*did you mean CHIO-EXEC\?/) });
    const idle = await render(["--platform", "ecs", "--out", "-", "--accept", "CHIO-EFS=reason"]);
    expect(idle).toMatchObject({ code: 1, stderr: expect.stringContaining("has no CHIO-EFS on ecs") });
  });

  it("comes as JSON with --json, with exit code 1", async () => {
    const { code, stdout, stderr } = await render(["--platform", "ecs", "--out", scratch(), "--json"], EXEC);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      ok: false,
      files: [],
      platforms: [{ platform: "ecs", findings: [{ code: "CHIO-EXEC", severity: "error" }] }],
    });
  });

  it("that lacks values of several platforms is told all of them at once", async () => {
    const { code, stderr } = await render(["--platform", "all", "--out", "-"], SERVICE.slice(0, SERVICE.indexOf("ecs:\n  region")));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: \d+ problems \(not_renderable\)$/m);
    expect(stderr).toMatch(/^standard input: cloudRun\.serviceAccount: .*\(cloud-run\)$/m);
    expect(stderr).toMatch(/^standard input: ecs\.executionRoleArn: .*\(ecs\)$/m);
    expect(stderr).toMatch(/^fix: /m);
  });
});
