import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { LocalRunError } from "../errors.ts";

export interface BuildRequest {
  /** Container that the image is for. */
  readonly name: string;
  readonly tag: string;
  readonly context: string;
  /** Null: `Dockerfile` in the context. */
  readonly dockerfile: string | null;
  readonly target: string | null;
  readonly onLine: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const KEPT_LINES = 20;

/** `docker build`: the command line and not the API, since only it has BuildKit, which many a Dockerfile needs. Throws `LocalRunError` `image_missing`. */
export async function dockerBuild({ name, tag, context, dockerfile, target, onLine, signal }: BuildRequest): Promise<void> {
  const args = [
    "build",
    "--tag",
    tag,
    ...(dockerfile === null ? [] : ["--file", dockerfile]),
    ...(target === null ? [] : ["--target", target]),
  ];
  const child = spawn("docker", [...args, context], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, BUILDKIT_PROGRESS: "plain" },
    ...(signal === undefined ? {} : { signal }),
  });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (text) => {
      onLine(text);
      last.push(text);
      if (last.length > KEPT_LINES) last.shift();
    });
  }
  const failure = await new Promise<string | null>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? null : `docker build ended with ${code}:\n${last.join("\n")}`));
  });
  signal?.throwIfAborted();
  if (failure === null) return;
  throw new LocalRunError("image_missing", `the image of container ${name} cannot be built from ${context}: ${failure}`, {
    fix: `mend the build (\`docker ${args.join(" ")} ${context}\`), or name an image of this machine: images: { ${JSON.stringify(name)}: "…" }`,
  });
}
