import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { APP_IMAGE, IMAGES } from "../support/images.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
/** The image that runs: the distroless one where it was built. */
export const SIDECAR = (IMAGES.find((image) => image.name === "distroless") ?? IMAGES[0])!;

/** A directory as a user has it: service.yaml, config/ with spec and policy, app/ with a Dockerfile. `app` replaces the app's lines. */
export function project(name: string, app?: string): string {
  const directory = mkdtempSync(join(tmpdir(), "chio-up-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const path of ["app", "config"]) mkdirSync(join(directory, path));
  for (const path of ["server.mjs", "openapi.yaml"]) copyFileSync(join("test/fixtures/app", path), join(directory, "app", path));
  for (const path of ["policy.yaml", "openapi.yaml"]) copyFileSync(join("test/fixtures/app", path), join(directory, "config", path));
  writeFileSync(join(directory, "config/kernel.yaml"), "http: { safe_methods: deny_by_default }\n");
  writeFileSync(
    join(directory, "app/Dockerfile"),
    `FROM ${APP_IMAGE}\nCOPY server.mjs openapi.yaml /app/\nWORKDIR /app\nCMD ["node", "server.mjs"]\n`,
  );
  writeFileSync(
    join(directory, "service.yaml"),
    `name: ${name}
mode: { kind: api-protect, spec: /etc/chio/openapi.yaml, policy: /etc/chio/policy.yaml }
app:
${app ?? '  image: { kind: build, context: app, dockerfile: Dockerfile, target: null }\n  env: { PORT: "8080", HOST: 127.0.0.1 }'}
sidecar: { image: "registry.example.com/chio-sidecar@${DIGEST}", flavor: ${SIDECAR.name === "distroless" ? "distroless" : "alpine"} }
secrets:
  signingKey:
    byPlatform:
      ecs: arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key
      cloud-run: secrets/chio-signing-key/versions/7
      aca: https://team.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef
receipts: { sink: { byPlatform: { ecs: dynamodb://chio-receipts, default: stdout } } }
config: { kind: image }
`,
  );
  return directory;
}

/** Removes an image that a test made the engine build. */
export function dropImage(reference: string): void {
  onTestFinished(() => {
    try {
      execFileSync("docker", ["rmi", "--force", reference], { stdio: "ignore" });
    } catch {
      // It was never built.
    }
  });
}

export interface Run {
  readonly child: ChildProcess;
  /** Everything so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with what matched; rejects when the program ends or the time does. */
  until(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  readonly ended: Promise<number | null>;
}

/** `chio-kit up` as a process of its own, as a shell starts it. Killed after the test where it is still there. */
export function up(directory: string, flags: readonly string[]): Run {
  const args = ["infra/cli/main.ts", "up", ...flags, "--image", `chio-sidecar=${SIDECAR.tag}`, join(directory, "service.yaml")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  onTestFinished(async () => {
    if (!over) child.kill("SIGKILL");
    await ended;
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async until(pattern, timeoutMs = 60_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const match = pattern.exec(stdout);
        if (match !== null) return match;
        if (over || Date.now() > deadline) throw new Error(`${over ? "it ended" : "time is up"} before ${pattern}\n${stdout}\n${stderr}`);
        await sleep(50);
      }
    },
  };
}

/** Names of what the process has left on the engine. */
export function leftBy(child: Pick<ChildProcess, "pid">): string[] {
  const label = `label=dev.chio-kit.owner`;
  const rows = (args: string[]) =>
    execFileSync("docker", args, { encoding: "utf8" })
      .split("\n")
      .filter((row) => row.endsWith(`/${child.pid}`));
  const format = '{{.Name}} {{.Label "dev.chio-kit.owner"}}';
  return [
    ...rows(["ps", "--all", "--filter", label, "--format", format.replace(".Name", ".Names")]),
    ...rows(["volume", "ls", "--filter", label, "--format", format]),
    ...rows(["network", "ls", "--filter", label, "--format", format]),
  ];
}

/** SIGKILL to the sidecar of that process alone: others may run on the same engine. */
export function killSidecar(child: ChildProcess): void {
  const labels = ["label=dev.chio-kit.container=chio-sidecar", `label=dev.chio-kit.owner=${hostname()}/${child.pid}`];
  const ids = execFileSync("docker", ["ps", "--quiet", ...labels.flatMap((label) => ["--filter", label])], { encoding: "utf8" });
  execFileSync("docker", ["kill", ...ids.split("\n").filter(Boolean)], { stdio: "ignore" });
}
