import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { expect, it, vi } from "vitest";
import { loadOpenApi, loadPolicy } from "../../../sidecar/policy/index.ts";
import { loadConfig } from "../../../sidecar/service/config.ts";
import { known, settled, standIn, TYPES } from "./cloud.ts";
import { DIGEST } from "./fixtures.ts";

const directory = new URL("../../../infra/examples/gcp/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, directory), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: what is sent has the provider's form, which the assertions spell out
type Loose = any;

async function run(settings: Record<string, string> = {}) {
  const cloud = await standIn();
  pulumi.runtime.setAllConfig({
    "gcp:project": "team",
    "gcp:region": "us-central1",
    "project:appImage": `us-docker.pkg.dev/team/apps/app@${DIGEST}`,
    "project:sidecarImage": `us-docker.pkg.dev/team/apps/chio-sidecar@${DIGEST}`,
    "project:signingKeyVersion": "1",
    ...settings,
  });
  vi.resetModules();
  const program = await import("../../../infra/examples/gcp/index.ts");
  await settled();
  return { cloud, program, service: cloud.one(TYPES.service).inputs as Loose };
}

it("the example deploys as it stands", async () => {
  const { cloud, program, service } = await run({ "project:callers": '["serviceAccount:agent@team.iam.gserviceaccount.com"]' });
  expect(await known(program.uri as pulumi.Output<string>)).toBe("https://agent-tool-server-abc-uc.a.run.app");
  expect(service.traffics).toEqual([{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }]);
  expect(cloud.one(TYPES.invoker).inputs).toMatchObject({ member: "serviceAccount:agent@team.iam.gserviceaccount.com" });
  const mounts = service.template.containers[0].volumeMounts.map((one: Loose) => one.mountPath);
  expect(mounts).toEqual(["/etc/chio/kernel", "/etc/chio/spec", "/etc/chio/policy", "/var/lib/chio"]);
  expect(service.template.volumes.filter((one: Loose) => one.secret !== undefined).map((one: Loose) => one.secret.secret)).toEqual([
    "projects/1/secrets/chio-kernel-config",
    "projects/1/secrets/chio-openapi-spec",
    "projects/1/secrets/chio-policy",
  ]);
  expect(cloud.of(TYPES.secretReader)).toHaveLength(5);
});

it("the example stages a rollout and rolls back by revision", async () => {
  const { service } = await run({ "project:stableRevision": "agent-tool-server-00001-abc", "project:newPercent": "10" });
  expect(service.traffics).toEqual([
    { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", revision: "agent-tool-server-00001-abc", percent: 90 },
    { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 10, tag: "next" },
  ]);
  const back = await run({ "project:stableRevision": "agent-tool-server-00001-abc", "project:newPercent": "0" });
  expect(back.service.traffics.map((one: Loose) => one.percent)).toEqual([100, 0]);
});

it("the example's files are ones that the sidecar starts with", async () => {
  expect(() => loadPolicy(read("config/policy.yaml"), "policy.yaml")).not.toThrow();
  expect(() => loadOpenApi(read("config/openapi.yaml"), "openapi.yaml")).not.toThrow();
  const { service } = await run();
  const sidecar = service.template.containers[0];
  const files: Record<string, string> = {
    "/etc/chio/kernel/kernel.yaml": read("config/kernel.yaml"),
    "/etc/chio/spec/openapi.yaml": read("config/openapi.yaml"),
    "/etc/chio/policy/policy.yaml": read("config/policy.yaml"),
  };
  const env = Object.fromEntries(
    sidecar.envs.map((one: Loose) => [one.name, one.value ?? (one.name === "CHIO_SIGNING_KEY" ? "01" : "fe").repeat(32)]),
  );
  const flag = (name: string) => ({ flag: `--${name}`, texts: [sidecar.args[sidecar.args.indexOf(`--${name}`) + 1]] });
  const flags = { upstream: flag("upstream"), specPath: flag("spec"), listen: flag("listen") };
  const loaded = loadConfig({
    flags,
    env,
    readFile: (path: string) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return new TextEncoder().encode(text);
    },
  });
  expect(loaded.warnings).toEqual([]);
});
