import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { evaluateBody, type Fixture, residentMiB } from "../lib/chio.ts";
import { type Figure, median } from "../lib/figures.ts";
import { answers, freePort } from "../lib/process.ts";
import { load } from "../lib/wrk.ts";

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run("docker", args, { maxBuffer: 1 << 24 })).stdout.trim();

/** The real image under 0.5 CPU and 128 MiB at 80 connections: Cloud Run's reference size. */
export async function constrained(image: string, fixture: Fixture, seconds: number): Promise<Figure[]> {
  const name = "evaluate, 0.5 CPU and 128 MiB, 80 connections";
  if ((await docker("image", "inspect", image).catch(() => null)) === null) {
    return [
      {
        name,
        value: null,
        unit: "requests/s",
        target: ">= 4,000/s",
        met: null,
        note: `not run: no image ${image}; make it with: npm run images`,
      },
    ];
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const id = await docker(
    ...["run", "--detach", "--network", "host", "--cpus", "0.5", "--memory", "128m", "--memory-swap", "128m"],
    ...["--read-only", "--cap-drop", "ALL", "--volume", `${fixture.spec}:/etc/chio/spec/openapi.yaml:ro`, "--volume", "/var/lib/chio"],
    ...[
      "--env",
      `CHIO_SIGNING_KEY=${readFileSync(fixture.seed, "utf8").trim()}`,
      "--env",
      "CHIO_LOG_LEVEL=warn",
      "--env",
      "CHIO_KERNEL_CONFIG_PATH=",
    ],
    ...[
      image,
      "api",
      "protect",
      "--upstream",
      "http://127.0.0.1:1",
      "--spec",
      "/etc/chio/spec/openapi.yaml",
      "--listen",
      `127.0.0.1:${port}`,
    ],
  );
  try {
    const ready = answers(`${url}/chio/health`);
    for (let wait = 0; !(await ready()); wait++) {
      if (wait > 500) throw new Error(`the container did not become healthy:\n${await docker("logs", id)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const pid = Number(await docker("inspect", "--format", "{{.State.Pid}}", id));
    const target = `${url}/chio/evaluate`;
    const headers = { "content-type": "application/json", "x-chio-capability": fixture.capability };
    const samples: number[] = [];
    let peak = 0;
    for (let round = 0; round < 3; round++) {
      const watch = setInterval(() => {
        peak = Math.max(peak, residentOfTree(pid));
      }, 100);
      const result = await load({ url: target, method: "POST", body: evaluateBody(), headers, connections: 80, seconds });
      clearInterval(watch);
      if (result.failures > 0) throw new Error(`${result.failures} requests failed under 0.5 CPU`);
      samples.push(result.requestsPerSecond);
    }
    const killed = (await docker("inspect", "--format", "{{.State.OOMKilled}} {{.State.Running}}", id)) !== "false true";
    const rate = median(samples);
    return [
      { name, value: rate, unit: "requests/s", target: ">= 4,000/s, no kill", met: rate >= 4_000 && !killed },
      { name: "resident set under that load, peak", value: peak, unit: "MiB", target: "< 96 MiB", met: peak < 96 },
    ];
  } finally {
    await docker("rm", "--force", "--volumes", id);
  }
}

/** tini and its child: the largest of the two is chio. */
function residentOfTree(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  return Math.max(...[pid, ...children].map(residentMiB));
}
