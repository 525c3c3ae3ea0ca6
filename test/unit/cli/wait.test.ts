import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCli } from "./run-cli.ts";
import { Gate, PROGRAMS, Running } from "./start-process.ts";

vi.setConfig({ testTimeout: 60_000 });

/** All that a program can see of how it was started, but for its pid. */
const LOOK = `
printf '%s|' "$0" "$@"; echo
pwd; umask
tr '\\0' '\\n' </proc/$$/environ | sort
grep SigIgn /proc/$$/status
for fd in 0 1 2; do grep flags /proc/$$/fdinfo/$fd; done
for fd in /proc/$$/fd/*; do printf '%s ' "\${fd##*/}"; done
`;
const NON_BLOCKING = 0o4000;
const ENV = {
  PATH: "/usr/bin:/bin",
  EMPTY: "",
  "odd.name": "a b\n'\"$x",
  CHIO_SIDECAR_URL: "http://127.0.0.1:9090",
  HTTP_PROXY: "http://127.0.0.1:9",
};

let [gate, folder] = [undefined as unknown as Gate, ""];
beforeEach(async () => {
  gate = await Gate.open();
  folder = mkdtempSync(join(tmpdir(), "chio-wait-"));
});
afterEach(() => {
  gate.close();
  rmSync(folder, { recursive: true });
});

describe.runIf(process.platform === "linux").each(PROGRAMS)("chio wait as a process (%s)", (name, chio) => {
  /** Node touches the standard streams and what is ignored before any of our code runs; the program that is shipped does not. */
  const shipped = name !== "node";
  const wait = (command: string[], { flags = [], env = ENV }: { flags?: string[]; env?: Record<string, string> } = {}) =>
    new Running(
      [...chio, "wait", "--for", gate.url, "--interval", "10", ...flags, ...(command.length > 0 ? ["--", ...command] : [])],
      env,
      folder,
    );
  const marker = () => join(folder, "started");

  it("becomes the command: its process, arguments, environment, folder, streams and signals", async () => {
    gate.ready = true;
    // No shell between: `--`, flags of ours and names of our commands belong to the app.
    const command = ["sh", "-c", LOOK, "my app", "a b", "", "--timeout", "api", "--", "$x"];
    const direct = await new Running(["/usr/bin/env", ...command], ENV, folder).ended;
    expect(direct).toMatchObject({ code: 0, stderr: "" });
    const through = await wait(command).ended;
    expect(through).toMatchObject({ code: 0, stderr: "" });
    const [before, after] = [seen(direct.stdout), seen(through.stdout)];
    expect(after.lines).toEqual(before.lines);
    if (shipped) expect(after.flags).toEqual(before.flags);
    // What this test was itself started with may be closed on the way; nothing may be added.
    expect(after.open.filter((fd) => !before.open.includes(fd))).toEqual([]);
    const alone = wait(["grep", "-E", "^(Pid|Threads|SigBlk)", "/proc/self/status"]);
    expect((await alone.ended).stdout).toBe(`Pid:\t${alone.pid}\nThreads:\t1\nSigBlk:\t0000000000000000\n`);
  });

  it("leaves the streams as they were also when it had to say something", async () => {
    const running = wait(["sh", "-c", "grep flags /proc/$$/fdinfo/1 /proc/$$/fdinfo/2"]);
    await gate.hasBeenAsked(3);
    gate.ready = true;
    const { stdout, stderr } = await running.ended;
    expect(stderr).toMatch(/^chio wait: waiting for http\S+: answered 503: ledger: disk full\nchio wait: \S+ is ready after [\d.]+ s\n$/);
    const flags = [...stdout.matchAll(/flags:\s+(\d+)$/gm)].map(([, octal]) => Number.parseInt(octal!, 8));
    expect(flags).toHaveLength(2);
    if (shipped) expect(flags.map((bits) => bits & NON_BLOCKING)).toEqual([0, 0]);
  });

  it("starts nothing before the sidecar is ready", async () => {
    const running = wait(["sh", "-c", `echo >${marker()}; echo started`]);
    await gate.hasBeenAsked(5);
    expect(existsSync(marker())).toBe(false);
    gate.ready = true;
    expect(await running.ended).toMatchObject({ code: 0, stdout: "started\n" });
    expect(existsSync(marker())).toBe(true);
  });

  it("gives up in time, says why, and starts nothing", async () => {
    const { code, stderr } = await wait(["touch", marker()], { flags: ["--timeout", "0.3"] }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/not ready within 0.3 s: answered 503: ledger: disk full \(wait_timed_out\)/);
    expect(existsSync(marker())).toBe(false);
  });

  it("gives up in time on a server that never answers", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(silent.address() as { port: number }).port}/`;
    const { code, stderr } = await new Running([...chio, "wait", "--for", url, "--timeout", "0.3", "--", "touch", marker()], ENV).ended;
    silent.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/not ready within 0.3 s: gave no answer/);
    expect(existsSync(marker())).toBe(false);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
  ] as const)("ends at once on %s while it waits, and starts nothing", async (signal, code) => {
    const running = wait(["touch", marker()]);
    await gate.hasBeenAsked(2);
    running.kill(signal);
    const ended = await running.ended;
    expect(ended).toMatchObject({ code, signal: null });
    expect(ended.stderr).toContain(`${signal} before`);
    expect(existsSync(marker())).toBe(false);
  });

  it.runIf(shipped)("keeps ignoring what it was started to ignore", async () => {
    const script = 'trap "" HUP; exec "$@"';
    const inner = [...chio, "wait", "--for", gate.url, "--interval", "10", "--", "sh", "-c", "grep SigIgn /proc/$$/status"];
    const running = new Running(["/bin/sh", "-c", script, "sh", ...inner], ENV);
    await gate.hasBeenAsked(2);
    running.kill("SIGHUP");
    await gate.hasBeenAsked(gate.asked + 3);
    gate.ready = true;
    expect(await running.ended).toMatchObject({ code: 0, stdout: "SigIgn:\t0000000000000001\n" });
  });

  it("is no longer there for the app's signals and exit code", async () => {
    gate.ready = true;
    const trapping = wait(["sh", "-c", 'trap "exit 7" TERM; echo up; while :; do sleep 0.02; done']);
    await trapping.says("up");
    trapping.kill("SIGTERM");
    expect(await trapping.ended).toMatchObject({ code: 7, signal: null });
    const plain = wait(["sh", "-c", "echo up; exec sleep 60"]);
    await plain.says("up");
    plain.kill("SIGTERM");
    expect(await plain.ended).toMatchObject({ code: null, signal: "SIGTERM" });
    expect((await wait(["sh", "-c", "exit 3"]).ended).code).toBe(3);
  });

  it("exits 0 without a command once the sidecar is ready", async () => {
    const running = wait([]);
    await gate.hasBeenAsked(2);
    gate.ready = true;
    expect(await running.ended).toMatchObject({ code: 0, stdout: "" });
  });

  it("says at once that a command is not there, or is no program", async () => {
    const absent = await wait(["no-such-app"]).ended;
    expect(absent).toMatchObject({ code: 127, stdout: "" });
    expect(absent.stderr).toContain("there is no program no-such-app on the PATH (/usr/bin:/bin) (command_not_found)");
    writeFileSync(marker(), "plain text");
    const plain = await wait([marker()]).ended;
    expect(plain).toMatchObject({ code: 126, stdout: "" });
    expect(plain.stderr).toContain("is not executable for this user");
    expect(gate.asked).toBe(0);
  });

  it("says what a program needs that this image lacks", async () => {
    gate.ready = true;
    const foreign = Buffer.from(readFileSync("/bin/true"));
    const at = foreign.indexOf("/lib64/ld-linux") >= 0 ? foreign.indexOf("/lib64/ld-linux") : foreign.indexOf("/lib/ld-");
    foreign.write("/lib/ld-musl-none.so.1\0\0\0\0\0\0".slice(0, foreign.indexOf(0, at) - at), at, "latin1");
    writeFileSync(join(folder, "foreign"), foreign, { mode: 0o755 });
    writeFileSync(join(folder, "script"), "#!/opt/none/python -u\n", { mode: 0o755 });
    writeFileSync(join(folder, "neither"), "hello\n", { mode: 0o755 });
    for (const [name, reason] of [
      ["foreign", "it needs /lib/ld-musl-none.so.1, which this image lacks: it was built for musl"],
      ["script", "it needs /opt/none/python, which this image lacks"],
      ["neither", "it is neither a program nor a script with #!"],
    ] as const) {
      const { code, stderr } = await wait([`./${name}`]).ended;
      expect(stderr).toBe(
        `error: ./${name} cannot be started: ${reason} (command_not_runnable)\nfix: give a program that runs in this image by itself\n`,
      );
      expect(code).toBe(126);
    }
  });
});

/** What {@link LOOK} printed. */
function seen(stdout: string): { lines: string[]; flags: string[]; open: string[] } {
  const lines = stdout.split("\n");
  const open = lines.pop()!.trim().split(" ");
  return { lines: lines.filter((line) => !line.startsWith("flags:")), flags: lines.filter((line) => line.startsWith("flags:")), open };
}

describe("chio wait: misuse", () => {
  it.each([
    [["wait"], "--for"],
    [["wait", "--for", "127.0.0.1:9090"], "http://"],
    [["wait", "--for", "file:///etc/passwd"], "http://"],
    [["wait", "--for", "http://127.0.0.1/", "--timeout", "soon"], "from 0 to 86400"],
    [["wait", "--for", "http://127.0.0.1/", "--interval", "0"], "from 1 to 60000"],
  ])("%j is 2", async (argv, said) => {
    const { code, stderr } = await runCli(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});
