import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../sidecar/cli/commands.ts";
import { processIo } from "../../../sidecar/cli/io.ts";
import { run } from "../../../sidecar/cli/program.ts";
import { VERSION } from "../../../sidecar/service/version.ts";
import { runCli, testIo } from "./run-cli.ts";

describe("chio", () => {
  it("alone prints help that names every command, and exits 0", async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: chio /);
    for (const { name, summary } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b.*${summary.slice(0, 10)}`, "m"));
  });

  it.each([["--help"], ["-h"], ["help"], ["health", "--help"], ["help", "health"]])(
    "%s %s exits 0 and prints to stdout",
    async (...argv) => {
      const { code, stdout, stderr } = await runCli(argv.filter((word) => word !== undefined));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^Usage: chio/);
    },
  );

  it("--version prints the version", async () => {
    expect(await runCli(["--version"])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  it.each([
    [["helth"], /unknown command 'helth'[\s\S]*health/],
    [["health", "--lisen", "x"], /unknown option '--lisen'[\s\S]*--listen/],
    [["--verson"], /unknown option '--verson'[\s\S]*--version/],
    [["api", "protetc"], /unknown command 'protetc'[\s\S]*protect/],
    [["api", "protect", "--upstraem", "x"], /unknown option '--upstraem'[\s\S]*--upstream/],
    [["health", "extra"], /too many arguments/],
    [["health", "--timeout-ms", "soon"], /milliseconds/],
    [["health", "--url", "file:///x"], /http:\/\/ URL/],
    [["health", "--url"], /argument missing/],
  ])("%j is misuse: exit 2 and one clear line", async (argv, message) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each([
    [["--bogus"], "chio --help"],
    [["bogus"], "chio --help"],
    [["receipt", "bogus"], "chio receipt --help"],
    [["canonicalize"], "chio canonicalize --help"],
    [["receipt", "list", "--limit", "x"], "chio receipt list --help"],
  ])("%j is told where it says how it is meant", async (argv, help) => {
    const { code, stderr } = await runCli(argv);
    expect({ code, last: stderr.trimEnd().split("\n").at(-1) }).toEqual({ code: 2, last: `fix: \`${help}\` shows how it is meant` });
  });

  it("the help of a command that is not there is misuse, and says so", async () => {
    const { code, stdout, stderr } = await runCli(["help", "helth"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: unknown command 'helth'/);
  });

  it("a folder where a file is meant is misuse, by name", async () => {
    const { io, result } = testIo();
    // As Bun says it; Node adds the path.
    const readFile = () => Promise.reject(Object.assign(new Error("EISDIR: illegal operation on a directory, read"), { code: "EISDIR" }));
    await run(["canonicalize", "docs"], { ...io, readFile });
    expect(result).toEqual({ code: 2, stdout: "", stderr: "error: docs is a directory\n" });
  });

  it("a family without its verb prints its help and is misuse", async () => {
    const { code, stderr } = await runCli(["api"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Usage: chio api/);
    expect(stderr).toContain("protect");
  });

  it("finds every command of its list in the modules that the list names, with a description", async () => {
    const io = processIo();
    for (const { name, load } of COMMANDS) {
      const program = new Command();
      for (const { register } of await load()) register(program, io);
      expect(program.commands.map((command) => command.name())).toEqual([name]);
      for (const command of [...program.commands, ...program.commands.flatMap((parent) => parent.commands)]) {
        expect(command.description(), command.name()).not.toBe("");
      }
    }
  });

  it("runs as a program, with exit codes", () => {
    const chio = (...argv: string[]) =>
      spawnSync(process.execPath, ["sidecar/cli/main.ts", ...argv], { encoding: "utf8", timeout: 60_000 });
    expect(chio().status).toBe(0);
    expect(chio("--bogus").status).toBe(2);
  });
});
