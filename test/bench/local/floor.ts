import { setTimeout as sleep } from "node:timers/promises";
import { type CreateOptions, connect, type DockerContainer } from "../../../infra/local/engine/docker.ts";
import { guardRun } from "../../../infra/local/engine/guard.ts";
import { newRunId, runLabels } from "../../../infra/local/engine/labels.ts";
import { isLoopback } from "../../../infra/local/engine/namespace-owner.ts";
import { cpuQuota } from "../../../infra/local/plan/create-options.ts";
import { provideImages } from "../../../infra/local/plan/images.ts";
import { gatherMaterials } from "../../../infra/local/plan/materials.ts";
import { planReplica } from "../../../infra/local/plan/replica-plan.ts";
import { Caller } from "../../../infra/local/suite/load.ts";
import type { PlatformTopology } from "../../../infra/topology/index.ts";
import { NOTES_CONFIG } from "../../containers/support/notes-topology.ts";

const PORT = "9090/tcp";
const POLL_MS = 5;
const TIMEOUT_MS = 60_000;

/** Image by container, as for `startTopology`, and what calls are made with. */
export interface Means {
  readonly images: Readonly<Record<string, string>>;
  readonly seed: string;
  readonly bearer: string;
}

/**
 * The same containers, with the same share of the processor and of memory, by nothing but Docker: milliseconds from the first request to the engine
 * until a call is answered through both. The app follows the sidecar where the platform has it so.
 */
export async function bareStart(graph: PlatformTopology, { images, seed, bearer }: Means): Promise<number> {
  const engine = await connect();
  const facts = await provideImages(engine, graph, { images });
  const materials = gatherMaterials(graph, { secrets: { "chio-signing-key": seed }, configDirectory: NOTES_CONFIG });
  const { containers } = planReplica({ graph, images: facts, materials, env: undefined, hardening: "model" });
  const sidecarPlan = containers.find(({ model }) => model.role === "sidecar");
  if (sidecarPlan === undefined) throw new RangeError(`${graph.platform}: no sidecar`);
  const made: DockerContainer[] = [];
  // Ctrl-C leaves nothing, as for any run.
  const name = newRunId();
  const unguard = guardRun(name);
  const run = async (role: "init" | "sidecar" | "app", options: CreateOptions, host: CreateOptions["HostConfig"]) => {
    const plan = containers.find(({ model }) => model.role === role);
    if (plan === undefined) return null;
    const memory = plan.model.resources.memoryMiB * 2 ** 20;
    const limits = { ...cpuQuota(plan.startCpuMilli), Memory: memory, MemorySwap: memory, ReadonlyRootfs: plan.readOnlyRoot };
    const container = await engine.docker.createContainer({
      Image: plan.image.reference,
      Labels: runLabels(name),
      Healthcheck: { Test: ["NONE"] },
      ...options,
      HostConfig: { ...limits, ...host },
    });
    made.push(container);
    await container.start();
    return container;
  };
  try {
    const began = performance.now();
    const gate = await run("init", { Cmd: ["install", "/opt/chio"], User: "0:0" }, { Tmpfs: { "/opt/chio": "" } });
    await gate?.wait();
    const sidecar = await run(
      "sidecar",
      {
        Cmd: [...(sidecarPlan.args ?? [])],
        Env: Object.entries({ ...sidecarPlan.env, ...sidecarPlan.secretEnv }).map(([name, value]) => `${name}=${value}`),
        ExposedPorts: { [PORT]: {} },
      },
      {
        PortBindings: { [PORT]: [{ HostIp: isLoopback(engine.host) ? "127.0.0.1" : "", HostPort: "" }] },
        Binds: ["openapi.yaml", "policy.yaml"].map((name) => `${NOTES_CONFIG}/${name}:/etc/chio/${name}:ro`),
      },
    );
    if (sidecar === null) throw new RangeError(`${graph.platform}: no sidecar`);
    const { NetworkSettings } = await sidecar.inspect();
    const url = `http://${engine.host}:${NetworkSettings.Ports[PORT]?.[0]?.HostPort}`;
    const answers = async (path: string) => {
      const caller = new Caller(url, bearer, { path });
      try {
        for (const deadline = Date.now() + TIMEOUT_MS; (await caller.once()).status !== 200; await sleep(POLL_MS)) {
          if (Date.now() > deadline) throw new Error(`${graph.platform}: ${path} is not answered after ${TIMEOUT_MS} ms`);
        }
      } finally {
        caller.close();
      }
    };
    if (graph.startGate.kind !== "traffic") await answers("/chio/health");
    await run("app", {}, { NetworkMode: `container:${sidecar.id}` });
    await answers("/notes");
    return performance.now() - began;
  } finally {
    for (const container of made.toReversed()) await container.remove({ force: true, v: true });
    unguard();
  }
}
