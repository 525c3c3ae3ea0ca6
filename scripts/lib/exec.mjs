import { spawn } from "node:child_process";

/** Programs at work: none outlives this process. @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

/**
 * @typedef {object} ExecOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] replaces the environment
 * @property {(line: string) => void} [onLine] each line of output as it comes
 * @property {string} [input] text for standard input; without it standard input is empty
 * @property {boolean} [inherit] show output as it comes instead of collecting it
 * @property {number} [timeoutMs]
 */

/**
 * @typedef {object} ExecResult
 * @property {number} code exit status; 127 when the program is not there, 128 + n after a signal
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} output both streams in order of arrival
 */

/**
 * Runs a program to its end. Never rejects: a missing program is code 127.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {ExecOptions} [options]
 * @returns {Promise<ExecResult>}
 */
export function exec(file, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined ? "ignore" : "pipe", options.inherit ? "inherit" : "pipe", options.inherit ? "inherit" : "pipe"],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" }),
    });
    running.add(child);
    const out = { stdout: "", stderr: "", output: "" };
    let partial = "";
    /** @param {"stdout" | "stderr"} stream @param {string} text */
    const collect = (stream, text) => {
      out[stream] += text;
      out.output += text;
      if (!options.onLine) return;
      const lines = (partial + text).split(/\r?\n|\r/);
      partial = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") options.onLine(line);
    };
    child.stdout?.setEncoding("utf8").on("data", (text) => collect("stdout", text));
    child.stderr?.setEncoding("utf8").on("data", (text) => collect("stderr", text));
    child.on("error", (error) => {
      running.delete(child);
      resolve({ code: 127, ...out, output: `${out.output}${error.message}\n` });
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      if (partial.trim() !== "") options.onLine?.(partial);
      resolve({ code: code ?? 128 + (signal === "SIGKILL" ? 9 : 15), ...out });
    });
    if (options.input !== undefined) child.stdin?.on("error", () => {}).end(options.input);
  });
}

/**
 * Like `exec`, but throws when the program fails; the message carries the end of its output.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {ExecOptions} [options]
 */
export async function execOk(file, args, options = {}) {
  const result = await exec(file, args, options);
  if (result.code === 0) return result;
  const tail = result.output.trimEnd().split("\n").slice(-40).join("\n");
  throw new Error(`${[file, ...args].join(" ")} ended with ${result.code}\n${tail}`);
}
