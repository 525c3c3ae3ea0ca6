import { describe, expect, it } from "vitest";
import { loadTopologyFile } from "../../../infra/manifests/index.ts";
import { drainBudget, PLATFORMS, posture } from "../../../infra/topology/index.ts";
import { runKit, SERVICE } from "./run-kit.ts";

const topology = loadTopologyFile(SERVICE, "x");
const run = (...argv: string[]) => runKit(["posture", ...argv, "-"], { stdin: SERVICE });

describe("chio-kit posture", () => {
  it("says for every platform and invariant what holds it, and the drain as arithmetic", async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/^Posture of agent-tool-server on (\S+)$/gm)).toHaveLength(PLATFORMS.length);
    expect(stdout.match(/^INV-\d+ +(enforced|partial|unenforceable) /gm)).toHaveLength(10 * PLATFORMS.length);
    for (const platform of PLATFORMS) expect(stdout).toContain(`drain  ${drainBudget(topology, platform).text}\n`);
    expect(stdout).toContain("deregistration 60 s + app stop 30 s + sidecar stop 30 s = 120 s");
  });

  it("is for the platforms that are named", async () => {
    const { stdout } = await run("--platform", "aca", "--platform", "local");
    expect(stdout.match(/^Posture of agent-tool-server on (\S+)$/gm)).toEqual([
      "Posture of agent-tool-server on aca",
      "Posture of agent-tool-server on local",
    ]);
  });

  it("gives machines the library's own report", async () => {
    const { code, stdout } = await run("--platform", "cloud-run", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      name: "agent-tool-server",
      platforms: [
        {
          platform: "cloud-run",
          findings: [],
          accepted: [],
          posture: posture(topology, "cloud-run").entries,
          drain: drainBudget(topology, "cloud-run"),
        },
      ],
    });
  });

  it("shows what a finding does to it, and exits 1 until it is accepted", async () => {
    const text = SERVICE.replace("health: /healthz", "health: /healthz\n  user: '0:0'");
    const broken = await runKit(["posture", "--platform", "ecs", "-"], { stdin: text });
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/^INV-5 +unenforceable not held in this topology$/m);
    expect(broken.stderr).toMatch(/^error CHIO-ROOT-USER at containers\.app\.user$/m);
    const taken = await runKit(["posture", "--platform", "ecs", "--accept", "CHIO-ROOT-USER=image of a vendor", "-"], { stdin: text });
    expect(taken.code).toBe(0);
    expect(taken.stdout).toMatch(/^accepted CHIO-ROOT-USER at containers\.app\.user: image of a vendor$/m);
    expect(taken.stdout).toMatch(/^INV-5 +unenforceable/m);
  });
});
