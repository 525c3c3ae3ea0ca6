import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { docker, dockerOk } from "../docker.mjs";
import { inRoot } from "../paths.mjs";
import { call } from "./calls.mjs";

const START_TIMEOUT_MS = 15_000;
const RECEIPT_DB = "/var/lib/chio/receipts.sqlite";

/**
 * The same in containers: app and sidecar share one network namespace, as in a pod or a task; only the sidecar's port is published. The sidecar
 * has a read-only root file system, no capabilities and one volume.
 * @param {{ image: string, appImage: string }} images
 * @returns {Promise<import("./stage.mjs").Stage>}
 */
export async function containerStage({ image, appImage }) {
  const name = `chio-demo-${randomBytes(4).toString("hex")}`;
  const [app, sidecar, volume] = [`${name}-app`, `${name}-sidecar`, `${name}-receipts`];
  const directory = mkdtempSync(join(tmpdir(), "chio-demo-"));
  const fixture = inRoot("test", "fixtures", "app");
  const hardened = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

  /** @param {string[]} args @param {string} [input] */
  const chio = (args, input) => {
    const run = ["run", "--rm", "-i", "--network", "none", ...hardened, "-v", `${volume}:/var/lib/chio`, image, ...args];
    return dockerOk(run, input === undefined ? {} : { input });
  };
  const close = async () => {
    await docker(["rm", "-f", "-v", sidecar, app]);
    await docker(["volume", "rm", "-f", volume]);
    rmSync(directory, { recursive: true, force: true });
  };

  try {
    await dockerOk(["volume", "create", "--label", "dev.chio-kit.demo", volume]);
    const { seed, public_key: publicKey } = JSON.parse((await chio(["keygen"])).stdout);
    const appOptions = ["-p", "127.0.0.1::9090", "-v", `${fixture}:/app:ro`, "--user", "1000:1000", "--init"];
    await dockerOk(["run", "-d", "--name", app, ...appOptions, "--entrypoint", "node", appImage, "/app/server.mjs"]);
    const published = (await dockerOk(["port", app, "9090/tcp"])).stdout.trim().split("\n")[0] ?? "";
    const url = `http://${published}`;
    const mounts = ["policy", "openapi"].flatMap((file) => ["-v", `${fixture}/${file}.yaml:/etc/chio/${file}.yaml:ro`]);
    const settings = ["-e", "CHIO_SIGNING_KEY", "-e", "CHIO_KERNEL_CONFIG_PATH=", "-e", "CHIO_SHUTDOWN_DRAIN_MS=10000"];
    const command = [
      "api",
      "protect",
      "--upstream",
      "http://127.0.0.1:8080",
      "--spec",
      "/etc/chio/openapi.yaml",
      "--policy",
      "/etc/chio/policy.yaml",
    ];
    await dockerOk(
      [
        "create",
        "--name",
        sidecar,
        "--network",
        `container:${app}`,
        ...hardened,
        "-v",
        `${volume}:/var/lib/chio`,
        ...mounts,
        ...settings,
        image,
        ...command,
      ],
      { env: { ...process.env, CHIO_SIGNING_KEY: seed } },
    );
    const start = async () => {
      await dockerOk(["start", sidecar]);
      await ready(url, sidecar);
    };
    await start();

    const bearer = `-H "Authorization: Bearer $(cat ${directory}/capability)"`;
    const cli = `docker run --rm --network none -v ${volume}:/var/lib/chio ${image}`;
    return {
      url,
      seed,
      publicKey,
      receiptDb: RECEIPT_DB,
      description: [
        `app      container ${app}: loopback only, in the network namespace that it shares with the sidecar`,
        `sidecar  container ${sidecar} (${image}): ${url}, read-only root, no capabilities, log on volume ${volume}`,
      ],
      chio,
      appCalls: async () => {
        const script = 'fetch("http://127.0.0.1:8080/calls").then((answer) => answer.text()).then((text) => console.log(text))';
        return JSON.parse((await dockerOk(["exec", app, "node", "-e", script])).stdout);
      },
      keepCapability: (token) => writeFileSync(join(directory, "capability"), `${token}\n`, { mode: 0o600 }),
      stop: async (signal) => {
        await dockerOk(["kill", "--signal", signal, sidecar]);
        return Number((await dockerOk(["wait", sidecar])).stdout.trim());
      },
      restart: start,
      byHand: () => [
        `curl -i ${url}/notes`,
        `curl -i ${bearer} ${url}/notes`,
        `curl -i ${bearer} -H 'Content-Type: application/json' -d '{"path":"/etc/shadow"}' ${url}/files/read`,
        `${cli} receipt list --receipt-db ${RECEIPT_DB} --newest-first --limit 5`,
        `${cli} checkpoint verify --receipt-db ${RECEIPT_DB}`,
      ],
      placeholders: { $URL: url, $DIR: directory, $VOLUME: volume },
      howToStop: () => `docker rm -f -v ${sidecar} ${app} && docker volume rm ${volume} && rm -r ${directory}`,
      detach: async () => {},
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param {string} url @param {string} container */
async function ready(url, container) {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(20)) {
    const answer = await call(url, "GET", "/chio/health").catch(() => null);
    if (answer?.status === 200) return;
  }
  throw new Error(`the sidecar did not become ready:\n${(await docker(["logs", container])).output}`);
}
