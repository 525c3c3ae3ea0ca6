import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { projectFiles } from "../../../infra/cli/init/project.ts";
import { INIT_PLATFORMS } from "../../../infra/cli/init/templates.ts";
import { ask } from "../../../infra/cli/io.ts";
import { runKit, scratch } from "./run-kit.ts";

const listed = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort();

describe("a question", () => {
  it("is written out, and the line that is typed is its answer", async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const answer = ask("Name: ", input, output);
    input.write("order-desk\n");
    expect(await answer).toBe("order-desk");
    expect(String(output.read())).toContain("Name: ");
  });

  it("has no answer when the input ends", async () => {
    const input = new PassThrough();
    const answer = ask("Name: ", input, new PassThrough());
    input.end();
    await expect(answer).rejects.toThrow();
  });
});

describe("chio-kit init", () => {
  it.each(INIT_PLATFORMS)("writes a project for %s from flags alone", async (platform) => {
    const dir = join(scratch(), "new");
    const { code, stdout, stderr, asked } = await runKit(["init", "--platform", platform, "--name", "order-desk", "--dir", dir]);
    expect({ code, stderr, asked }).toEqual({ code: 0, stderr: "", asked: [] });
    const files = projectFiles(platform, "order-desk");
    expect(listed(dir)).toEqual(files.map(({ path }) => path).sort());
    for (const { path, text } of files) {
      expect(stdout).toContain(`created ${join(dir, path)}\n`);
      expect(readFileSync(join(dir, path), "utf8")).toBe(text);
    }
    expect(stdout).toContain(`  cd ${dir}\n  npm install\n`);
  });

  it("asks a person for what no flag says, again after a wrong answer", async () => {
    const parent = scratch();
    const dir = join(parent, "My Shop");
    const answers = ["4711", "gcp", "Shop!", "", ""];
    const { code, asked, stderr } = await runKit(["init", "--dir", dir], { answers });
    expect(code).toBe(0);
    expect(asked.map((question) => question.trim().split("\n").at(-1))).toEqual([
      "Number or name:",
      "Number or name:",
      "Name of the service [my-shop]:",
      "Name of the service [my-shop]:",
    ]);
    expect(stderr).toMatch(/^Type a number from 1 to \d, or a name\.\nA name begins with a letter/);
    expect(JSON.parse(readFileSync(join(dir, "package.json"), "utf8")).name).toBe("my-shop");
  });

  it("asks for nothing that a flag has said but the directory, and takes a number for the platform", async () => {
    const dir = join(scratch(), "there");
    const named = await runKit(["init", "--platform", "aws", "--name", "shop"], { answers: [dir] });
    expect(named).toMatchObject({ code: 0, asked: ["Directory [shop]: "] });
    expect(listed(dir)).toContain("cdk.json");
    const all = await runKit(["init", "--platform", "aws", "--name", "shop", "--dir", dir], { answers: [] });
    expect(all).toMatchObject({ code: 0, asked: [], stdout: expect.stringMatching(/^unchanged /) });
    const numbered = await runKit(["init", "--name", "shop", "--dir", join(scratch(), "x")], { answers: ["1"] });
    expect(numbered.code).toBe(0);
  });

  it("writes nothing when the person leaves", async () => {
    const dir = join(scratch(), "none");
    const { code, stdout, stderr } = await runKit(["init", "--dir", dir], { answers: ["aws"] });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: cancelled; nothing was written \(cancelled\)\nfix: /);
    expect(() => readdirSync(dir)).toThrow(/ENOENT/);
  });

  it("overwrites nothing unless told, and then only its own files", async () => {
    const dir = scratch();
    mkdirSync(join(dir, "config"));
    writeFileSync(join(dir, "config/policy.yaml"), "mine");
    writeFileSync(join(dir, "notes.txt"), "mine");
    const argv = ["init", "--platform", "gcp", "--name", "shop", "--dir", dir];
    const refused = await runKit(argv);
    expect(refused).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/policy\.yaml would be overwritten \(files_differ\)/),
    });
    expect(listed(dir)).toEqual(["config/policy.yaml", "notes.txt"]);
    const forced = await runKit([...argv, "--force"]);
    expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining(`overwritten ${join(dir, "config/policy.yaml")}`) });
    expect(readFileSync(join(dir, "notes.txt"), "utf8")).toBe("mine");
    expect(readFileSync(join(dir, "config/policy.yaml"), "utf8")).toContain("name: shop");
  });

  it.each(["Shop", "3d", "a_b", "a--b", "-a", "a-", "", "x".repeat(33), "a;rm -rf ~", "a'b", "ä"])("refuses %j as a name", async (name) => {
    for (const platform of INIT_PLATFORMS) {
      const { code, stdout } = await runKit(["init", "--platform", platform, `--name=${name}`, "--dir", "/nonexistent/chio"]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    }
  });
});
