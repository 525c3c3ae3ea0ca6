import { execFile } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { promisify } from "node:util";
import { evaluateBody, type Fixture, residentMiB } from "../lib/chio.ts";
import { type Figure, interleave } from "../lib/figures.ts";
import { answers, freePort } from "../lib/process.ts";
import { signingFloor, signs } from "../lib/servers.ts";
import { load } from "../lib/wrk.ts";
import { rate } from "./rate.ts";

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run("docker", args, { maxBuffer: 1 << 24 })).stdout.trim();

const LIMITS = ["--cpus", "0.5", "--memory", "128m", "--memory-swap", "128m"];
const CONNECTIONS = 80;
/** As long as it takes at half a processor until the just-in-time compiler has seen every hot function: some 15,000 calls. */
const WARM_UP_SECONDS = 15;

/**
 * The real image under 0.5 CPU and 128 MiB at 80 connections: Cloud Run's reference size. Beside it the bare signing endpoint under the same limits,
 * in the same image: what half of this machine's processor gives at most. Both are warm when they are measured.
 */
export async function constrained(image: string, bun: string, fixture: Fixture, seconds: number): Promise<Figure[]> {
  const name = "evaluate, 0.5 CPU and 128 MiB, 80 connections";
  const target = ">= 4,000/s, no kill";
  if ((await docker("image", "inspect", image).catch(() => null)) === null) {
    const note = `not run: no image ${image}; make it with: npm run images`;
    return [{ name, value: null, unit: "requests/s", target, met: null, note }];
  }
  const [port, floorPort] = [await freePort(), await freePort()];
  const common = ["run", "--detach", "--network", "host", ...LIMITS, "--read-only", "--cap-drop", "ALL"];
  const mounted = (path: string, inside: string) => ["--volume", `${path}:${inside}:ro`];
  const sidecar = await docker(
    ...[...common, ...mounted(fixture.spec, "/etc/chio/spec/openapi.yaml"), "--volume", "/var/lib/chio"],
    ...["--env", `CHIO_SIGNING_KEY=${readFileSync(fixture.seed, "utf8").trim()}`],
    ...["--env", "CHIO_LOG_LEVEL=warn", "--env", "CHIO_KERNEL_CONFIG_PATH="],
    ...[image, "api", "protect", "--upstream", "http://127.0.0.1:1"],
    ...["--spec", "/etc/chio/spec/openapi.yaml", "--listen", `127.0.0.1:${port}`],
  );
  const floor = await docker(
    ...[...common, ...mounted(realpathSync(bun), "/bun"), ...mounted(signingFloor, "/sign.ts")],
    ...["--entrypoint", "/bun", image, "/sign.ts", String(floorPort)],
  );
  try {
    await started(sidecar, answers(`http://127.0.0.1:${port}/chio/health`));
    await started(floor, signs(`http://127.0.0.1:${floorPort}/`));
    const pid = Number(await docker("inspect", "--format", "{{.State.Pid}}", sidecar));
    const headers = { "content-type": "application/json" };
    const body = { method: "POST", body: evaluateBody(), connections: CONNECTIONS };
    const bareLoad = { ...body, headers, url: `http://127.0.0.1:${floorPort}/` };
    const ownLoad = {
      ...body,
      headers: { ...headers, "x-chio-capability": fixture.capability },
      url: `http://127.0.0.1:${port}/chio/evaluate`,
    };
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, residentOfTree(pid));
    }, 100);
    for (const warming of [bareLoad, ownLoad]) await load({ ...warming, seconds: WARM_UP_SECONDS });
    const { bare, ours } = await interleave(3, { bare: rate({ ...bareLoad, seconds }), ours: rate({ ...ownLoad, seconds }) });
    clearInterval(watch);
    const killed = (await docker("inspect", "--format", "{{.State.OOMKilled}} {{.State.Running}}", sidecar)) !== "false true";
    return [
      {
        name,
        value: ours,
        unit: "requests/s",
        floor: { name: "bare signing endpoint, same limits", value: bare },
        ratio: ours / bare,
        target,
        met: ours >= 4_000 && !killed,
      },
      { name: "resident set under that load, peak", value: peak, unit: "MiB", target: "< 96 MiB", met: peak < 96 },
    ];
  } finally {
    await docker("rm", "--force", "--volumes", sidecar, floor);
  }
}

async function started(id: string, ready: () => Promise<boolean>): Promise<void> {
  for (let wait = 0; !(await ready()); wait++) {
    if (wait > 500) throw new Error(`the container did not become ready:\n${await docker("logs", id)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** tini and its child: the largest of the two is chio. 0 once they are gone, which the load then reports. */
function residentOfTree(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
    return Math.max(...[pid, ...children].map(residentMiB));
  } catch {
    return 0;
  }
}
