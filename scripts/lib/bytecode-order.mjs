import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execOk } from "./exec.mjs";

const SPEC = `openapi: 3.1.0
info: { title: order, version: 1.0.0 }
paths:
  /hello:
    get: { operationId: getGreeting, responses: { "200": { description: ok } } }
`;
const WAIT_MS = 20_000;

/**
 * Starts the program as it is started in production, asks it once whether it is ready, and ends it. Writes which functions that used to `file`, in
 * Bun's format: what is used together can then lie together (see compile.mjs).
 * @param {string} program built with bytecode, for this machine
 * @param {string} folder to work in
 * @param {string} file
 */
export async function recordBytecodeOrder(program, folder, file) {
  const [seed, spec] = [join(folder, "seed.hex"), join(folder, "openapi.yaml")];
  writeFileSync(spec, SPEC);
  await execOk(program, ["keygen", "--out", seed]);
  const args = ["api", "protect", "--upstream", "http://127.0.0.1:9", "--spec", spec, "--listen", "127.0.0.1:0"];
  const child = spawn(program, [...args, "--receipt-store", join(folder, "receipts.sqlite"), "--allow-root"], {
    env: { PATH: process.env.PATH, CHIO_SIGNING_KEY_FILE: seed, BUN_BYTECODE_ORDER_OUT: file },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), WAIT_MS);
  let log = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stderr.on("data", (/** @type {Buffer} */ chunk) => {
    const before = address(log);
    log += chunk.toString();
    const found = address(log);
    if (before !== undefined || found === undefined) return;
    void fetch(`http://${found}/chio/health`)
      .catch(() => {})
      .then(() => child.kill("SIGTERM"));
  });
  await ended;
  clearTimeout(timer);
  if (!existsSync(file)) throw new Error(`chio did not run to record its functions:\n${log}`);
}

/** @param {string} log */
function address(log) {
  return /"address":"([^"]+)"/.exec(log)?.[1];
}
