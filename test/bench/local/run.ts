// Benchmark of the local run: from `startTopology` to the first answer, beside the containers' own start. `npm run bench -- --only local`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dockerBuild } from "../../../infra/local/engine/build.ts";
import { connect } from "../../../infra/local/engine/docker.ts";
import { startTopology } from "../../../infra/local/index.ts";
import { Caller } from "../../../infra/local/suite/load.ts";
import { everyRoute, hexSeed } from "../../../infra/local/suite/trial.ts";
import { type Platform, resolveFor } from "../../../infra/topology/index.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { NOTES_CONFIG, notesTopology, writeNotesContext } from "../../containers/support/notes-topology.ts";
import { type Figure, interleave } from "../lib/figures.ts";
import { table } from "../lib/report.ts";
import { writeResults } from "../lib/results.ts";
import { bareStart, type Means } from "./floor.ts";

const ROUNDS = 7;
const ALLOWED_MS = 1_500;
const APP = `chio-kit-bench/notes:${process.pid}`;
const options = { image: { type: "string" }, node: { type: "string" }, write: { type: "boolean", default: false } } as const;
const { image, node, write } = parseArgs({ options }).values;
if (!image || !node)
  throw new Error("--image names the sidecar's image, --node an image with Node for the app; `npm run bench -- --only local` does both");

const topology = notesTopology();
const key = Keypair.generate();
const means: Means = { images: { app: APP, "chio-sidecar": image }, seed: hexSeed(key), bearer: everyRoute(key) };

/** Milliseconds from the call to the first answer of the app through ingress and sidecar. */
async function toTraffic(platform: Platform): Promise<number> {
  const began = performance.now();
  const running = await startTopology(topology, {
    platform,
    images: means.images,
    secrets: { "chio-signing-key": means.seed },
    configDirectory: NOTES_CONFIG,
  });
  const caller = new Caller(running.ingressUrl, means.bearer, { path: "/notes" });
  try {
    const { status, error } = await caller.once();
    if (status !== 200) throw new Error(`${platform}: the first call was answered with ${status ?? error}`);
    return performance.now() - began;
  } finally {
    caller.close();
    await running.remove();
  }
}

async function starting(platform: Platform): Promise<Figure> {
  const graph = resolveFor(topology, platform);
  const { bare, local } = await interleave(ROUNDS, { bare: () => bareStart(graph, means), local: () => toTraffic(platform) });
  return {
    name: `startTopology on ${platform}, to the first answer`,
    value: local,
    unit: "ms",
    floor: { name: "its containers by Docker alone", value: bare },
    ratio: local / bare,
    target: `<= ${ALLOWED_MS.toLocaleString("en-US")} ms over it`,
    met: local - bare <= ALLOWED_MS,
  };
}

const context = mkdtempSync(join(tmpdir(), "chio-bench-"));
const figures: Figure[] = [];
try {
  writeNotesContext(context, node);
  await dockerBuild({ name: "app", tag: APP, context, dockerfile: null, target: null, onLine: () => {} });
  for (const platform of ["ecs", "cloud-run", "aca"] as const) {
    console.error(`bench: ${platform} …`);
    figures.push(await starting(platform));
  }
} finally {
  rmSync(context, { recursive: true });
  await (await connect()).docker
    .getImage(APP)
    .remove({ force: true })
    .catch(() => {});
}

console.log(table(figures));
if (write) writeResults(import.meta.dirname, figures);
if (figures.some((figure) => figure.met === false)) console.error("bench: a target was missed, see above");
