import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkOptions } from "../../../infra/local/options.ts";
import { containerOptions, oneOffOptions } from "../../../infra/local/plan/create-options.ts";
import type { ImageFacts } from "../../../infra/local/plan/images.ts";
import { gatherMaterials, type MaterialOptions } from "../../../infra/local/plan/materials.ts";
import { planReplica, type ReplicaPlan } from "../../../infra/local/plan/replica-plan.ts";
import type { StartTopologyOptions } from "../../../infra/local/types.ts";
import {
  apiProtect,
  defineTopology,
  type Platform,
  type PlatformTopology,
  resolveFor,
  type TopologyProps,
} from "../../../infra/topology/index.ts";

const SEED = "5eed".repeat(16);
const config = mkdtempSync(join(tmpdir(), "chio-plan-"));
mkdirSync(join(config, "spec"));
writeFileSync(join(config, "kernel.yaml"), "kernel");
writeFileSync(join(config, "policy.yaml"), "policy");
writeFileSync(join(config, "spec/openapi.yaml"), "spec");
afterAll(() => rmSync(config, { recursive: true }));

function graphOf(platform: Platform, props: Partial<TopologyProps> = {}): PlatformTopology {
  const topology = defineTopology({
    name: "notes",
    mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
    app: { image: "app:1", command: ["/app"] },
    sidecar: { image: "chio:1" },
    secrets: {
      signingKey: {
        byPlatform: {
          ecs: "arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key",
          "cloud-run": "secrets/chio-signing-key/versions/7",
          aca: "https://team.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef",
          local: "file:seed.hex",
        },
      },
    },
    ...props,
  });
  return resolveFor(topology, platform);
}

const image = (volumes: readonly string[]): ImageFacts => ({ reference: "image:1", volumes, user: "", stopSignal: "SIGTERM" });

function plan(graph: PlatformTopology, options: MaterialOptions & Pick<StartTopologyOptions, "env" | "hardening"> = {}): ReplicaPlan {
  const images = new Map(graph.containers.map((one) => [one.name, image(one.role === "sidecar" ? ["/var/lib/chio"] : [])]));
  const materials = gatherMaterials(graph, { secrets: { "chio-signing-key": SEED }, ...options }, {});
  return planReplica({ graph, images, materials, env: options.env, hardening: options.hardening ?? "model" });
}

const place = { name: "n", labels: {}, network: "container:owner", volumeName: (volume: string) => `v-${volume}` };
const options = (made: ReplicaPlan, name: string) => containerOptions(made.containers.find((one) => one.model.name === name)!, place);

describe("secrets", () => {
  it.each(["ecs", "cloud-run", "aca"] as const)("are in the sidecar's variables and nowhere else (%s)", (platform) => {
    const made = plan(graphOf(platform));
    expect(options(made, "chio-sidecar").Env).toContain(`CHIO_SIGNING_KEY=${SEED}`);
    const others = made.containers.filter((one) => one.model.name !== "chio-sidecar");
    expect(JSON.stringify(others.map((one) => containerOptions(one, place)))).not.toContain(SEED);
    expect(JSON.stringify(made.volumes.map((one) => one.entries.map((entry) => String(entry.content))))).not.toContain(SEED);
    expect(JSON.stringify(made.notes)).not.toContain(SEED);
    expect(
      JSON.stringify(oneOffOptions(made.containers.find((one) => one.model.name === "chio-sidecar")!, place, ["x"], null)),
    ).not.toContain(SEED);
  });

  it("as files are the container's own, and no one-off program sees them", () => {
    const made = plan(graphOf("local"));
    const file = made.volumes.find((one) => one.entries.some((entry) => entry.path === "chio-signing-key"))!;
    expect(file.entries[0]).toMatchObject({ mode: 0o400, uid: 65532, gid: 65532 });
    const sidecar = made.containers.find((one) => one.model.name === "chio-sidecar")!;
    const mountsOf = (one: ReturnType<typeof containerOptions>) => one.HostConfig?.Mounts?.map((mount) => mount.Target);
    expect(mountsOf(containerOptions(sidecar, place))).toContain("/run/secrets");
    expect(containerOptions(sidecar, place).Env).toContain("CHIO_SIGNING_KEY_FILE=/run/secrets/chio-signing-key");
    expect(mountsOf(oneOffOptions(sidecar, place, ["x"], null))).not.toContain("/run/secrets");
  });

  it("and files without a value are said all at once", () => {
    const graph = graphOf("ecs", { config: { kind: "efs", fileSystemId: "fs-1" } });
    const missing = () => gatherMaterials(graph, {}, {});
    expect(missing).toThrow(/secret chio-signing-key/);
    expect(missing).toThrow(/volume chio-config \(efs\) at \/etc\/chio/);
  });
});

describe("configuration", () => {
  it("that a platform mounts is mounted read-only, with the directory's files", () => {
    const made = plan(graphOf("ecs", { config: { kind: "efs", fileSystemId: "fs-1" } }), { configDirectory: config });
    const volume = made.volumes.find((one) => one.name === "chio-config")!;
    expect(volume.entries.map(({ path, mode, uid }) => [path, mode, uid])).toEqual([
      ["spec/", 0o755, 0],
      ["kernel.yaml", 0o444, 0],
      ["policy.yaml", 0o444, 0],
      ["spec/openapi.yaml", 0o444, 0],
    ]);
    const mounts = options(made, "chio-sidecar").HostConfig?.Mounts;
    expect(mounts?.find((mount) => mount.Target === "/etc/chio")).toMatchObject({ Source: "v-chio-config", ReadOnly: true });
    expect(JSON.stringify(options(made, "app").HostConfig?.Mounts)).not.toContain("chio-config");
  });

  it("as secret files is what the model lists, and no more", () => {
    const files = [{ path: "/etc/chio/spec/openapi.yaml", ref: "secrets/chio-openapi/versions/3" }];
    const made = plan(graphOf("cloud-run", { config: { kind: "secret-files", files } }), { configDirectory: config });
    expect(made.volumes.flatMap((one) => one.entries.map((entry) => entry.path))).toEqual(["openapi.yaml"]);
  });

  it("that the sidecar would fetch is a file here, and its argument that file's path", () => {
    const made = plan(graphOf("ecs", { config: { kind: "fetched", base: "s3://bucket/conf/" } }), {
      configDirectory: config,
      files: { "s3://bucket/conf/kernel.yaml": "mine" },
    });
    const { Cmd, Env } = options(made, "chio-sidecar");
    const spec = Cmd?.[Cmd.indexOf("--spec") + 1] ?? "";
    expect(spec).toMatch(/^\/run\/chio-kit\/files\/\d\/openapi\.yaml$/);
    expect(Env?.find((one) => one.startsWith("CHIO_KERNEL_CONFIG_PATH="))).toMatch(/=\/run\/chio-kit\/files\/\d\/kernel\.yaml$/);
    expect(made.volumes.flatMap((one) => one.entries.map((entry) => String(entry.content)))).toEqual(
      expect.arrayContaining(["spec", "mine"]),
    );
  });
});

describe("a container", () => {
  const state = (made: ReplicaPlan) => ({
    volume: made.volumes.find((one) => one.name === "chio-state"),
    noCopy: options(made, "chio-sidecar").HostConfig?.Mounts?.find((one) => one.Target === "/var/lib/chio")?.VolumeOptions?.NoCopy,
  });

  it("has its empty volume as root's on Fargate, unless its image declares it", () => {
    const graph = graphOf("ecs");
    expect(state(plan(graph))).toMatchObject({ volume: { memory: null, entries: [] }, noCopy: false });
    const undeclared = planReplica({
      graph,
      images: new Map(graph.containers.map((one) => [one.name, image([])])),
      materials: gatherMaterials(graph, { secrets: { "chio-signing-key": SEED } }),
      env: undefined,
      hardening: "model",
    });
    expect(state(undeclared).noCopy).toBe(true);
  });

  it("has its empty volume in memory on Cloud Run, and everybody's on Azure", () => {
    expect(state(plan(graphOf("cloud-run"))).volume?.memory).toEqual({ sizeMiB: 64, mode: "0777" });
    expect(state(plan(graphOf("aca"))).volume).toMatchObject({ memory: null, entries: [{ path: "", mode: 0o777 }] });
  });

  it("is as hard as the model says, or as the platform can", () => {
    const hard = options(plan(graphOf("cloud-run")), "app");
    expect(hard).toMatchObject({
      User: "1000:1000",
      HostConfig: { ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] },
    });
    expect(hard.HostConfig?.Tmpfs).toEqual({ "/tmp": "rw,mode=1777" });
    const asThere = options(plan(graphOf("cloud-run"), { hardening: "platform" }), "app");
    expect(asThere).not.toHaveProperty("User");
    expect(asThere.HostConfig).toMatchObject({ ReadonlyRootfs: false, Tmpfs: {} });
    expect(asThere.HostConfig).not.toHaveProperty("CapDrop");
  });

  it("has the CPU of its task on ECS, and its own elsewhere, more at the start on Cloud Run", () => {
    const quota = (platform: Platform, name: string) => Number(options(plan(graphOf(platform)), name).HostConfig?.CpuQuota) / 100;
    expect(quota("ecs", "chio-sidecar")).toBe(graphOf("ecs").resources.cpuMilli);
    expect(quota("aca", "chio-sidecar")).toBe(250);
    expect(quota("cloud-run", "chio-sidecar")).toBe(2000);
  });

  it("notes what was replaced", () => {
    const made = plan(graphOf("ecs"), { env: { "chio-sidecar": { CHIO_RECEIPT_SINK: "stdout", EXTRA: "1" } } });
    expect(made.notes.map((one) => one.text)).toEqual([
      "CHIO_RECEIPT_SINK is set otherwise for this machine",
      "EXTRA is set for this machine",
    ]);
    expect(options(made, "chio-sidecar").Env).toContain("EXTRA=1");
  });
});

describe("a user that the platform cannot set", () => {
  it("is noted when the image has another", () => {
    const texts = (platform: Platform) => plan(graphOf(platform)).notes.map((one) => `${one.container}: ${one.text}`);
    expect(texts("ecs")).toEqual([]);
    expect(texts("aca").at(-1)).toBe(
      "app: its image has no USER, which is root, and the platform would run it so; the model says 1000:1000",
    );
  });
});

describe("options", () => {
  it("with names that the topology does not have are refused, all at once", () => {
    const wrong = () =>
      checkOptions(graphOf("ecs"), { platform: "ecs", images: { ap: "x" }, env: { app: {} }, secrets: { key: "x" }, replicas: 0 });
    expect(wrong).toThrow(/images\.ap: .* it has chio-sidecar, app[\s\S]*secrets\.key: .*chio-signing-key[\s\S]*replicas: 0/);
  });
});
