import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../infra/cli/commands.ts";
import { kitIo } from "../../../infra/cli/io.ts";
import { VERSION } from "../../../sidecar/service/version.ts";
import { runKit, SERVICE } from "./run-kit.ts";

describe("chio-kit", () => {
  it("alone prints help that names every command, and exits 0", async () => {
    const { code, stdout, stderr } = await runKit([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: chio-kit /);
    for (const { name, summary } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b.*${summary.slice(0, 10)}`, "m"));
  });

  it("--version prints the version of the package", async () => {
    expect(await runKit(["--version"])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  it.each(COMMANDS.map(({ name }) => name))("%s --help exits 0, prints to stdout and describes every flag", async (name) => {
    const { code, stdout, stderr } = await runKit([name, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^Usage: chio-kit ${name} `));
    expect(stdout).not.toMatch(/^ {2}--\S+(?: <\S+>)?$/m);
  });

  it("finds every command of its list in the modules that the list names", async () => {
    for (const { name, load } of COMMANDS) {
      const program = new Command();
      for (const { register } of await load()) register(program, kitIo());
      expect(program.commands.map((command) => command.name())).toEqual([name]);
    }
  });

  it.each([
    [["rendr"], /unknown command 'rendr'[\s\S]*render/],
    [["--verson"], /unknown option '--verson'[\s\S]*--version/],
    [["render", "--platfrom", "ecs", "x.yaml"], /unknown option '--platfrom'[\s\S]*--platform/],
    [["render", "--platform", "ecs", "--out", "-"], /missing required argument 'service\.yaml'/],
    [["render", "x.yaml"], /'--platform <name>' and '--out <dir>' must be given/],
    [["render", "--platform", "ecs", "x.yaml"], /'--out <dir>' must be given/],
    [["render", "--out", "-", "x.yaml"], /'--platform <name>' must be given/],
    [
      ["render", "--platform", "gcp", "--out", "-", "x.yaml"],
      /'gcp' is invalid.*cloud-run, ecs, aca, compose, systemd and all.*Did you mean cloud-run\?/,
    ],
    [["render", "--platform", "esc", "--out", "-", "x.yaml"], /Did you mean ecs\?/],
    [["render", "--platform", "ecs", "--out", "-", "--accept", "CHIO-EXEC", "x.yaml"], /Write CODE=reason/],
    [["render", "--platform", "ecs", "--out", "-", "--accept", "CHIO-EXEC= ", "x.yaml"], /Write CODE=reason/],
    [["posture", "a.yaml", "b.yaml"], /too many arguments/],
    [["posture", "--platform", "compose", "a.yaml"], /Did you mean local\?/],
    [["posture", "no-such.yaml"], /^error: no-such\.yaml does not exist\n$/],
    [["posture", "infra"], /^error: infra is a directory\n$/],
    [["init", "--platform", "azur3"], /'azur3' is invalid\. Platforms are .*\. Did you mean azure\?/],
    [["init", "--platform", "ecs"], /Did you mean aws\?/],
    [["init", "--name", "x", "--dir", "/nonexistent/chio"], /--platform is needed where nobody can be asked/],
    [["init", "--platform", "gcp", "--dir", "/nonexistent/chio"], /--name is needed where nobody can be asked/],
    [["init", "--platform", "gcp", "--name", "My App", "--dir", "/nonexistent/chio"], /'My App' is invalid\. A name begins with a letter/],
  ])("%j is misuse: exit 2 and one clear message", async (argv, message) => {
    const { code, stdout, stderr } = await runKit(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("runs as a program, with exit codes and pipes", () => {
    const kit = (argv: string[], input = "") =>
      spawnSync(process.execPath, ["infra/cli/main.ts", ...argv], { encoding: "utf8", timeout: 30_000, input });
    expect(kit([]).status).toBe(0);
    expect(kit(["--bogus"]).status).toBe(2);
    const rendered = kit(["render", "--platform", "ecs", "--out", "-", "-"], SERVICE);
    expect({ status: rendered.status, family: JSON.parse(rendered.stdout).family }).toEqual({ status: 0, family: "agent-tool-server" });
    expect(kit(["render", "--platform", "ecs", "--out", "-", "-"], "name: [").status).toBe(1);
    // Nobody sits at a terminal here, so nothing is asked.
    expect(kit(["init"])).toMatchObject({ status: 2, stdout: "" });
  });
});
