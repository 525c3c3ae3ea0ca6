import { PassThrough } from "node:stream";
import { systemClock, within } from "../clock.ts";
import { LocalRunError } from "../errors.ts";
import type { ExecResult } from "../types.ts";
import { asked, type CreateOptions, type Docker, type DockerContainer, type Engine, reason, refusal } from "./docker.ts";

/** Runs a program in a running container. What cannot be started ends with 126, as in a shell. */
export async function execIn(engine: Engine, container: DockerContainer, command: readonly string[]): Promise<ExecResult> {
  try {
    const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true, stdin: false });
    const output = await textOf(engine.docker, stream);
    const { ExitCode } = await exec.inspect();
    return { exitCode: ExitCode ?? 126, output };
  } catch (error) {
    if (refusal(error) === null) throw error;
    return { exitCode: 126, output: reason(error) };
  }
}

/** Creates a container, runs it to its end and removes it. Throws `LocalRunError` `docker_failed` when it does not end in time. */
export async function runOnce(engine: Engine, options: CreateOptions, timeoutMs: number): Promise<ExecResult> {
  const container = await asked("cannot create a one-off container", engine.docker.createContainer(options));
  try {
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const output = textOf(engine.docker, stream);
    const waiting = container.wait({ condition: "next-exit" }) as Promise<{ StatusCode: number }>;
    waiting.catch(() => {});
    await asked("cannot start a one-off container", container.start());
    const ended = await within(systemClock, timeoutMs, waiting);
    if (!ended.done) {
      throw new LocalRunError("docker_failed", `a one-off container did not end within ${timeoutMs} ms`, {
        fix: "give it a larger timeoutMs",
      });
    }
    return { exitCode: ended.value.StatusCode, output: await output };
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Both streams of an attached program, in order, once it has ended. */
export function textOf(docker: Docker, stream: NodeJS.ReadableStream): Promise<string> {
  const both = new PassThrough();
  let text = "";
  both.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  docker.modem.demuxStream(stream as Parameters<typeof docker.modem.demuxStream>[0], both, both);
  return new Promise((resolve) => {
    stream.on("end", () => both.end(() => resolve(text)));
    stream.on("close", () => both.end(() => resolve(text)));
    stream.on("error", () => resolve(text));
  });
}
