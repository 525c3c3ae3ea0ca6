import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type StartedTopology, type StartTopologyOptions, startTopology, type TimelineEvent } from "../../../infra/local/index.ts";
import {
  type AnyTopology,
  apiProtect,
  defineTopology,
  type PlatformTopology,
  resolveFor,
  type Topology,
  type TopologyProps,
} from "../../../infra/topology/index.ts";
import { call } from "../../../scripts/lib/demo/calls.mjs";
import { engine, labels } from "../support/engine.ts";
import { APP_IMAGE, IMAGES, type ImageUnderTest } from "../support/images.ts";
import { NOTES_COMMAND, PINNED, SIGNING_KEY, writeNotesContext } from "../support/notes-topology.ts";
import { APP_FIXTURE, newSeed } from "../support/sidecar.ts";

export const { seed: SEED, keypair: KEYPAIR } = newSeed();
export const IMAGE: ImageUnderTest = IMAGES.find((one) => one.name === "distroless") ?? IMAGES[0]!;

/** Directory with the app's image and the sidecar's files; made for one test file. */
export let workspace = "";
export const inWorkspace = (path: string) => join(workspace, path);

export function useWorkspace(): void {
  beforeAll(() => {
    workspace = mkdtempSync(join(tmpdir(), "chio-local-"));
    mkdirSync(inWorkspace("config"));
    writeNotesContext(inWorkspace("image"), APP_IMAGE);
    for (const file of ["openapi.yaml", "policy.yaml"]) cpSync(join(APP_FIXTURE, file), inWorkspace(`config/${file}`));
    writeFileSync(inWorkspace("config/kernel.yaml"), "upstream: http://127.0.0.1:8080\n");
  });
  afterAll(() => rmSync(workspace, { recursive: true, force: true }));
}

/** The notes service of the fixtures behind its sidecar. Its image is built from the workspace, as a user's would be. */
export function notesTopology(props: Partial<TopologyProps> = {}): Topology {
  return defineTopology({
    name: "notes",
    mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
    app: {
      image: { kind: "build", context: inWorkspace("image"), dockerfile: "Dockerfile", target: null },
      command: NOTES_COMMAND,
      health: "/calls",
    },
    sidecar: { image: `registry.example.com/chio-sidecar${PINNED}`, flavor: IMAGE.name === "distroless" ? "distroless" : "alpine" },
    secrets: {
      signingKey: { byPlatform: { ...SIGNING_KEY.byPlatform, local: "env:CHIO_TEST_SEED" } },
    },
    policySource: "/etc/chio/policy.yaml",
    config: {
      byPlatform: {
        ecs: { kind: "efs", fileSystemId: "fs-0123456789abcdef0", accessPointId: "fsap-0123456789abcdef0" },
        "cloud-run": { kind: "gcs", bucket: "notes-config" },
        aca: { kind: "azure-file", storageName: "notes-config" },
        local: { kind: "host", directory: inWorkspace("config") },
      },
    },
    ...props,
  });
}

/** Starts it with the values of this run; what a test gives comes on top. */
export async function start(topology: AnyTopology, options: StartTopologyOptions): Promise<StartedTopology> {
  return await startTopology(topology, { ...defaults(topology, options.platform), ...options });
}

export function defaults(topology: AnyTopology, platform: StartTopologyOptions["platform"]): Partial<StartTopologyOptions> {
  const graph: PlatformTopology = resolveFor(topology, platform);
  const images = Object.fromEntries(graph.containers.filter((one) => one.image.kind === "registry").map((one) => [one.name, IMAGE.tag]));
  return { images, secrets: { "chio-signing-key": SEED }, configDirectory: inWorkspace("config"), labels: labels() };
}

/** Names of the containers, volumes and networks that carry this run's label. */
export async function remains(): Promise<string[]> {
  const docker = await engine();
  const filters = { label: Object.entries(labels()).map(([name, value]) => `${name}=${value}`) };
  const [containers, volumes, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listVolumes({ filters }),
    docker.listNetworks({ filters }),
  ]);
  return [
    ...containers.map(({ Names, Id }) => Names[0] ?? Id),
    ...(volumes.Volumes ?? []).map(({ Name }) => Name),
    ...networks.map(({ Name }) => Name),
  ];
}

/** Position of the first event that matches, -1 when there is none. */
export function indexOf(events: readonly TimelineEvent[], wanted: Partial<TimelineEvent>, from = 0): number {
  return events.findIndex(
    (event, index) => index >= from && Object.entries(wanted).every(([key, value]) => event[key as keyof TimelineEvent] === value),
  );
}

/** Asserts that the events happened in this order. Returns their positions. */
export function inOrder(events: readonly TimelineEvent[], ...wanted: readonly Partial<TimelineEvent>[]): number[] {
  const found: number[] = [];
  for (const one of wanted) {
    const index = indexOf(events, one, (found.at(-1) ?? -1) + 1);
    if (index < 0) {
      const shown = events
        .map(({ at, replica, container, kind, detail }) => `${at} ${replica} ${container} ${kind} ${detail ?? ""}`)
        .join("\n");
      throw new Error(`no ${JSON.stringify(one)} after number ${found.at(-1) ?? -1} of\n${shown}`);
    }
    found.push(index);
  }
  return found;
}

export const get = async (url: string, path: string, token?: string) => await call(url, "GET", path, token === undefined ? {} : { token });
