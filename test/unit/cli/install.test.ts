import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { installProgram } from "../../../sidecar/cli/start/copy.ts";
import { interpreterOf, libcOf } from "../../../sidecar/cli/start/executable.ts";
import { privateMounts, runOnTmpfs } from "../ledger/mounts.ts";
import { runCli } from "./run-cli.ts";
import { Running } from "./start-process.ts";

vi.setConfig({ testTimeout: 60_000 });
const PROGRAM = join(import.meta.dirname, "install-program.ts");

let [folder, source] = ["", ""];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chio-install-"));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "volume"));
  source = join(folder, "program");
  writeFileSync(source, `#!/bin/sh\necho first\n${"#".repeat(300_000)}\n`, { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const volume = (name = "") => join(folder, "volume", name);

describe("chio install", () => {
  it("refuses to copy Node or Bun where it runs from source", async () => {
    const { code, stdout, stderr } = await runCli(["install", "--to", volume()]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`this is the source, run by ${process.execPath}`);
    expect(readdirSync(volume())).toEqual([]);
  });

  it("takes a folder, or a file in one, and leaves nothing else", () => {
    expect(installProgram(source, volume())).toMatchObject({ path: volume("chio"), copied: true });
    expect(installProgram(source, volume("gate"))).toMatchObject({ path: volume("gate"), copied: true });
    expect(readdirSync(volume()).sort()).toEqual(["chio", "gate"]);
    for (const name of ["chio", "gate"]) {
      expect(statSync(volume(name)).mode & 0o7777).toBe(0o555);
      expect(readFileSync(volume(name))).toEqual(readFileSync(source));
    }
  });

  it("leaves the same program alone and replaces any other", () => {
    installProgram(source, volume());
    const before = statSync(volume("chio"));
    expect(installProgram(source, volume())).toMatchObject({ copied: false });
    expect(statSync(volume("chio")).ino).toBe(before.ino);
    for (const spoil of [
      () => chmodSync(volume("chio"), 0o755),
      () => {
        rmSync(volume("chio"));
        writeFileSync(volume("chio"), readFileSync(source).fill(35, 20, 21), { mode: 0o555 });
      },
      () => {
        rmSync(volume("chio"));
        copyFileSync(source, volume("elsewhere"));
        chmodSync(volume("elsewhere"), 0o555);
        symlinkSync("elsewhere", volume("chio"));
      },
    ]) {
      spoil();
      expect(installProgram(source, volume())).toMatchObject({ copied: true });
      expect(readFileSync(volume("chio"))).toEqual(readFileSync(source));
      expect(statSync(volume("chio")).mode & 0o7777).toBe(0o555);
    }
    expect(readFileSync(volume("elsewhere"))).toEqual(readFileSync(source));
  });

  it("replaces a program that is running", async () => {
    copyFileSync("/bin/sh", source);
    chmodSync(source, 0o755);
    installProgram(source, volume());
    const running = new Running([volume("chio"), "-c", "echo up; read line; echo $line"], {});
    await running.says("up");
    writeFileSync(join(folder, "newer"), "#!/bin/sh\n", { mode: 0o755 });
    expect(installProgram(join(folder, "newer"), volume())).toMatchObject({ copied: true });
    running.kill("SIGKILL");
    expect((await running.ended).signal).toBe("SIGKILL");
  });

  it.each([
    ["none/chio", /there is no folder \S+none$/],
    ["none/", /there is no folder \S+none\/$/],
    ["volume/file/chio", /there is no folder \S+file$/],
  ])("says which folder of %s is not there", (to, said) => {
    writeFileSync(volume("file"), "");
    expect(() => installProgram(source, `${folder}/${to}`)).toThrow(said);
    expect(existsSync(join(folder, "none"))).toBe(false);
  });

  it("does not replace a folder", () => {
    mkdirSync(volume("chio"));
    expect(() => installProgram(source, volume())).toThrow(/chio is a folder/);
  });

  it.runIf(process.getuid?.() === 0)("says that another user may not write there", async () => {
    const argv = [process.execPath, PROGRAM, volume(), source];
    const as = ["/usr/bin/env", "setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"];
    const { stdout } = await new Running([...as, ...argv], { PATH: process.env.PATH ?? "" }).ended;
    expect(JSON.parse(stdout)).toMatchObject({
      said: {
        code: "install_target_unusable",
        message: `uid 65532 may not write ${volume("chio")}`,
        fix: expect.stringContaining("EmptyDir"),
      },
      left: [],
    });
  });

  it.runIf(privateMounts !== null).each([
    ["64k", "there is no room for 1 MiB in"],
    ["4m,ro", "is read-only"],
    ["4m,noexec", "mounted noexec"],
  ])("says what is wrong with a volume of %s, and leaves nothing there", (options, said) => {
    const result = runOnTmpfs(process.execPath, options, volume(), PROGRAM, source);
    expect(result).toMatchObject({ said: { code: "install_target_unusable", message: expect.stringContaining(said) }, left: [] });
  });
});

describe("what starts a file", () => {
  it("is read from programs and scripts", () => {
    expect(interpreterOf(source)).toEqual({ kind: "script", path: "/bin/sh" });
    const loader = interpreterOf(process.execPath);
    if (process.platform === "linux") expect(loader).toEqual({ kind: "program", path: expect.stringMatching(/^\/lib.*\/ld-/) });
    for (const [text, expected] of [
      ["", null],
      ["text", null],
      ["#!", { kind: "script", path: null }],
      ["#!  /usr/bin/env -S node\n", { kind: "script", path: "/usr/bin/env" }],
      ["\x7fELF", null],
    ] as const) {
      writeFileSync(volume("other"), text);
      expect(interpreterOf(volume("other"))).toEqual(expected);
    }
  });

  it("tells the C library by its loader", () => {
    expect(["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1", "/lib/other.so"].map(libcOf)).toEqual([
      "glibc",
      "glibc",
      "musl",
      null,
    ]);
  });
});
