import { spawn } from "node:child_process";
import { chownSync, constants, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "../exec.mjs";
import { inRoot } from "../paths.mjs";
import { call } from "./calls.mjs";

const FIXTURE = ["server.mjs", "openapi.yaml", "policy.yaml"];
/** The images' uid: a process that guards others has no business running as root. */
const UNPRIVILEGED = 65532;
const START_TIMEOUT_MS = 15_000;

/**
 * The app and the sidecar as processes of this machine, everything they write in one temporary directory. Started by root, both run as an
 * unprivileged uid.
 * @param {string} program the compiled `chio`
 * @returns {Promise<import("./stage.mjs").Stage>}
 */
export async function processStage(program) {
  const directory = mkdtempSync(join(tmpdir(), "chio-demo-"));
  const uid = process.getuid?.() === 0 ? UNPRIVILEGED : undefined;
  const owner = uid === undefined ? {} : { uid, gid: uid };
  const at = (/** @type {string} */ name) => join(directory, name);
  // Copies, because an unprivileged uid may not be allowed to look into the clone.
  copyFileSync(program, at("chio"), constants.COPYFILE_FICLONE);
  for (const name of FIXTURE) copyFileSync(inRoot("test", "fixtures", "app", name), at(name));
  if (uid !== undefined) chownSync(directory, uid, uid);

  /** @param {string[]} args @param {string} [input] */
  const chio = async (args, input) => {
    const result = await exec(at("chio"), args, { cwd: directory, ...(input === undefined ? {} : { input }) });
    if (result.code !== 0) throw new Error(`chio ${args[0]} ${args[1] ?? ""} ended with ${result.code}: ${result.output}`);
    return result;
  };

  /** @param {string} file @param {string[]} args @param {NodeJS.ProcessEnv} env @param {string} log @param {object} [as] */
  const launch = (file, args, env, log, as = {}) => {
    const out = openSync(at(log), "a");
    const child = spawn(file, args, {
      cwd: directory,
      stdio: ["ignore", out, out],
      env: { PATH: process.env.PATH, ...env },
      detached: true,
      ...as,
    });
    const exited = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 143))));
    return { child, exited: /** @type {Promise<number>} */ (exited) };
  };

  /** Waits for a line of a log. @param {string} log @param {RegExp} line @param {Promise<number>} exited */
  const logged = async (log, line, exited) => {
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline && !ended; await sleep(5)) {
      const matches = [...readFileSync(at(log), "utf8").matchAll(line)];
      const last = matches.at(-1)?.[1];
      if (last !== undefined) return last;
    }
    throw new Error(`${log} never said ${line}:\n${readFileSync(at(log), "utf8")}`);
  };

  const { seed, public_key: publicKey } = JSON.parse((await chio(["keygen"])).stdout);
  const app = launch(process.execPath, [at("server.mjs")], { PORT: "0", ...(uid === undefined ? {} : { RUN_AS: String(uid) }) }, "app.log");
  const appUrl = `http://${await logged("app.log", /listening on (\S+)/g, app.exited)}`;

  const startSidecar = async (/** @type {string} */ listen) => {
    const files = ["--spec", at("openapi.yaml"), "--policy", at("policy.yaml"), "--receipt-store", at("receipts.sqlite")];
    const args = ["api", "protect", "--upstream", appUrl, "--listen", listen, ...files];
    writeFileSync(at("sidecar.log"), "");
    if (uid !== undefined) chownSync(at("sidecar.log"), uid, uid);
    const sidecar = launch(
      at("chio"),
      args,
      { CHIO_SIGNING_KEY: seed, CHIO_HOME: directory, CHIO_SHUTDOWN_DRAIN_MS: "10000" },
      "sidecar.log",
      owner,
    );
    const address = await logged("sidecar.log", /"message":"listening","address":"([^"]+)"/g, sidecar.exited);
    return { ...sidecar, address };
  };
  let sidecar = await startSidecar("127.0.0.1:0");
  const { address } = sidecar;

  const end = async (/** @type {typeof app} */ { child, exited }, /** @type {NodeJS.Signals} */ signal) => {
    child.kill(signal);
    return await exited;
  };
  const close = async () => {
    await Promise.all([end(sidecar, "SIGKILL"), end(app, "SIGKILL")]);
    rmSync(directory, { recursive: true, force: true });
  };

  const bearer = `-H "Authorization: Bearer $(cat ${at("capability")})"`;
  return {
    url: `http://${address}`,
    seed,
    publicKey,
    receiptDb: at("receipts.sqlite"),
    description: [
      `app      ${appUrl}: notes in memory, and files read for whoever asks`,
      `sidecar  http://${address}${uid === undefined ? "" : ` as uid ${uid}`}: policy test/fixtures/app/policy.yaml, log ${at("receipts.sqlite")}`,
    ],
    chio,
    appCalls: async () => (await call(appUrl, "GET", "/calls")).body,
    keepCapability: (token) => writeFileSync(at("capability"), `${token}\n`),
    stop: (signal) => end(sidecar, signal),
    restart: async () => {
      sidecar = await startSidecar(address);
    },
    byHand: () => [
      `curl -i http://${address}/notes`,
      `curl -i ${bearer} http://${address}/notes`,
      `curl -i ${bearer} -H 'Content-Type: application/json' -d '{"path":"/etc/shadow"}' http://${address}/files/read`,
      `${at("chio")} receipt list --receipt-db ${at("receipts.sqlite")} --newest-first --limit 5`,
      `${at("chio")} checkpoint verify --receipt-db ${at("receipts.sqlite")}`,
    ],
    placeholders: { $URL: `http://${address}`, $DIR: directory },
    howToStop: () => `kill ${sidecar.child.pid} ${app.child.pid} && rm -r ${directory}`,
    detach: async () => {
      for (const { child } of [app, sidecar]) child.unref();
    },
    close,
  };
}
