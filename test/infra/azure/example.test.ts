import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { expect, it, vi } from "vitest";
import { loadOpenApi, loadPolicy } from "../../../sidecar/policy/index.ts";
import { loadConfig } from "../../../sidecar/service/config.ts";
import { known, settled, standIn, TYPES } from "./cloud.ts";
import type { Loose } from "./deploy.ts";
import { DIGEST, VERSION } from "./fixtures.ts";

const directory = new URL("../../../infra/examples/azure/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, directory), "utf8");

async function run(settings: Record<string, string> = {}) {
  const cloud = await standIn();
  pulumi.runtime.setAllConfig({
    "project:resourceGroup": "tools",
    "project:vault": "team-vault",
    "project:registry": "team",
    "project:appImage": `team.azurecr.io/app@${DIGEST}`,
    "project:sidecarImage": `team.azurecr.io/chio-sidecar@${DIGEST}`,
    "project:signingKey": `https://team-vault.vault.azure.net/secrets/chio-signing-key/${VERSION}`,
    "project:callers": '["203.0.113.7/32"]',
    ...settings,
  });
  vi.resetModules();
  const program = await import("../../../infra/examples/azure/index.ts");
  await settled();
  return { cloud, program, app: cloud.one(TYPES.app).inputs as Loose };
}

it("the example deploys as it stands", async () => {
  const { cloud, program, app } = await run({ "project:appCommand": '["node","server.js"]' });
  expect(await known(program.url as pulumi.Output<string>)).toBe("https://agent-tool-server.happy-sea.eastus.azurecontainerapps.io");
  expect(app.configuration).toMatchObject({
    activeRevisionsMode: "Single",
    ingress: { external: true, targetPort: 9090, ipSecurityRestrictions: [{ action: "Allow", ipAddressRange: "203.0.113.7/32" }] },
  });
  const [sidecar, service] = app.template.containers;
  expect(sidecar.volumeMounts.map((one: Loose) => one.mountPath)).toEqual([
    "/etc/chio/kernel",
    "/etc/chio/spec",
    "/etc/chio/policy",
    "/var/lib/chio",
  ]);
  expect(service.command.slice(-3)).toEqual(["--", "node", "server.js"]);
  const scopes = cloud.of(TYPES.role).map(({ inputs }: Loose) => inputs.scope.replace(/.*\/providers\//, ""));
  expect(scopes.sort()).toEqual([
    "Microsoft.ContainerRegistry/registries/team",
    ...["chio-kernel-config", "chio-openapi-spec", "chio-policy", "chio-sidecar-control-token", "chio-signing-key"].map(
      (name) => `Microsoft.KeyVault/vaults/team-vault/secrets/${name}`,
    ),
  ]);
});

it("the example stages a rollout and rolls back by revision", async () => {
  const stable = { "project:stableRevision": "agent-tool-server--0000001" };
  const { app } = await run({ ...stable, "project:newPercent": "10" });
  expect(app.configuration.activeRevisionsMode).toBe("Multiple");
  expect(app.configuration.ingress.traffic).toEqual([
    { revisionName: "agent-tool-server--0000001", weight: 90 },
    { latestRevision: true, weight: 10, label: "next" },
  ]);
  const back = await run({ ...stable, "project:newPercent": "0" });
  expect(back.app.configuration.ingress.traffic.map((one: Loose) => one.weight)).toEqual([100, 0]);
});

it("the example's files are ones that the sidecar starts with", async () => {
  expect(() => loadPolicy(read("config/policy.yaml"), "policy.yaml")).not.toThrow();
  expect(() => loadOpenApi(read("config/openapi.yaml"), "openapi.yaml")).not.toThrow();
  const { app } = await run();
  const [sidecar] = app.template.containers;
  const files: Record<string, string> = {
    "/etc/chio/kernel/kernel.yaml": read("config/kernel.yaml"),
    "/etc/chio/spec/openapi.yaml": read("config/openapi.yaml"),
    "/etc/chio/policy/policy.yaml": read("config/policy.yaml"),
  };
  const env = Object.fromEntries(
    sidecar.env.map((one: Loose) => [one.name, one.value ?? (one.name === "CHIO_SIGNING_KEY" ? "01" : "fe").repeat(32)]),
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
