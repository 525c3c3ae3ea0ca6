import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { aptInstall } from "./apt.mjs";
import { exec, execOk } from "./exec.mjs";
import { SetupError } from "./failure.mjs";
import { mayInstall } from "./platform.mjs";
import { say, step } from "./progress.mjs";

const STATE = "/var/lib/chio-kit";
const LOG = "/var/log/chio-kit-dockerd.log";
const START_TIMEOUT_MS = 60_000;

/** Docker's command line. @param {readonly string[]} args @param {import("./exec.mjs").ExecOptions} [options] */
export const docker = (args, options) => exec("docker", args, options);

/** @param {readonly string[]} args @param {import("./exec.mjs").ExecOptions} [options] */
export const dockerOk = (args, options) => execOk("docker", args, options);

/** The engine's version, or null when none answers. @returns {Promise<string | null>} */
export async function engineVersion() {
  const result = await docker(["version", "--format", "{{.Server.Version}}"], { timeoutMs: 15_000 });
  return result.code === 0 ? result.stdout.trim() : null;
}

/** Returns when a Docker engine answers; installs and starts one where this user may, else says what to do. */
export async function ensureDocker() {
  if ((await engineVersion()) !== null) return;
  if (!mayInstall()) throw new SetupError("no Docker engine answers", howToGetDocker());
  if (!existsSync("/usr/sbin/dockerd") && !existsSync("/usr/bin/dockerd")) await aptInstall("Docker", ["docker.io"]);
  await startEngine();
}

function howToGetDocker() {
  if (process.platform === "darwin") return "start Docker Desktop (open -a Docker), or install it: https://docs.docker.com/get-docker/";
  if (existsSync("/usr/bin/dockerd") || existsSync("/usr/sbin/dockerd")) {
    return "sudo systemctl start docker; and for leave to use it: sudo usermod -aG docker $USER, then log in again";
  }
  if (existsSync("/usr/bin/apt-get")) return "sudo apt-get install -y docker.io && sudo usermod -aG docker $USER, then log in again";
  return "install Docker (https://docs.docker.com/get-docker/) and start it";
}

async function startEngine() {
  await step("starting the Docker engine", async () => {
    if (existsSync("/run/systemd/system")) {
      await execOk("systemctl", ["start", "docker"]);
    } else {
      mkdirSync(STATE, { recursive: true });
      const log = openSync(LOG, "a");
      // Its own data directory: an engine that is installed properly later finds /var/lib/docker as it left it.
      spawn("dockerd", ["--data-root", `${STATE}/docker`], { detached: true, stdio: ["ignore", log, log], cwd: "/" }).unref();
    }
    const deadline = Date.now() + START_TIMEOUT_MS;
    while ((await engineVersion()) === null) {
      if (Date.now() > deadline) {
        const tail = existsSync(LOG) ? readFileSync(LOG, "utf8").trimEnd().split("\n").slice(-5).join("\n") : "";
        throw new SetupError(`dockerd does not answer after ${START_TIMEOUT_MS / 1000} s\n${tail}`, `read ${LOG}`);
      }
      await sleep(300);
    }
  });
  if (!existsSync("/run/systemd/system")) say(`  it keeps running; to stop it: kill $(cat /var/run/docker.pid). Log: ${LOG}`);
}

/** @param {string} image */
export async function hasImage(image) {
  return (await docker(["image", "inspect", "--format", "{{.Id}}", image])).code === 0;
}

/**
 * The builders that work here, with the client to use: BuildKit needs a client before 23 or the buildx plugin (Debian's own client has it where
 * another comes first on PATH), the classic one an engine before 29.
 * @returns {Promise<{ builder: "buildkit" | "classic", program: string }[]>}
 */
export async function builders() {
  const found = [];
  for (const program of ["docker", "/usr/bin/docker"]) {
    const version = Number.parseInt((await exec(program, ["version", "--format", "{{.Client.Version}}"])).stdout, 10);
    if (version < 23 || (await exec(program, ["buildx", "version"])).code === 0) {
      found.push({ builder: /** @type {const} */ ("buildkit"), program });
      break;
    }
  }
  if (Number.parseInt((await engineVersion()) ?? "", 10) < 29) found.push({ builder: /** @type {const} */ ("classic"), program: "docker" });
  return found;
}
