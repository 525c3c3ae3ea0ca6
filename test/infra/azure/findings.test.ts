import { readdirSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { expect, it, vi } from "vitest";
import { apiProtect, ChioContainerApp, type ChioContainerAppArgs, mcpServeHttp } from "../../../infra/azure/index.ts";
import { TopologyError, TopologyInputError } from "../../../infra/topology/index.ts";
import { GROUP, known, settled, standIn, TYPES } from "./cloud.ts";
import { deploy } from "./deploy.ts";
import { ARGS, secret } from "./fixtures.ts";

/** What the constructor throws, once nothing but the component itself was declared. */
async function refusal(changes: object): Promise<TopologyError | TopologyInputError> {
  const cloud = await standIn();
  let thrown: unknown;
  try {
    new ChioContainerApp("svc", { ...ARGS, ...changes } as ChioContainerAppArgs);
  } catch (error) {
    thrown = error;
  }
  await settled();
  expect(cloud.declared.filter((one) => one.type.startsWith("azure-native:"))).toEqual([]);
  if (thrown instanceof TopologyError || thrown instanceof TopologyInputError) return thrown;
  throw new Error(`nothing was refused: ${String(thrown)}`);
}

const codes = (error: unknown) => (error as TopologyError).findings.filter((one) => one.severity === "error").map((one) => one.code);
const ID = `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one`;

/** Each insecure wiring, its finding, and the secure one next to it. */
const PAIRS: [title: string, insecure: object, code: string, secure: object][] = [
  [
    "an image by tag",
    { sidecar: { image: "team.azurecr.io/chio-sidecar:v1" } },
    "CHIO-IMAGE-UNPINNED",
    { sidecar: { image: { reference: "team.azurecr.io/chio-sidecar:v1", pinnedBy: "content-hash" } } },
  ],
  [
    "the key given to the app",
    { app: { ...ARGS.app, secrets: { CHIO_SIGNING_KEY: secret("chio-signing-key") } } },
    "CHIO-SIGNING-KEY-SCOPE",
    { app: { ...ARGS.app, secrets: { API_TOKEN: secret("api-token") } } },
  ],
  [
    "a key that is not in Key Vault",
    { secrets: { signingKey: "arn:aws:secretsmanager:us-east-1:111122223333:secret:key" } },
    "CHIO-SECRET-STORE",
    { secrets: { signingKey: secret("key") } },
  ],
  [
    "an upstream that is not on loopback",
    { mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml", upstream: "http://app.internal:8080" }) },
    "CHIO-UPSTREAM",
    { mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1:8080" }) },
  ],
  ["a sidecar without a spec", { mode: apiProtect({ spec: null }) }, "CHIO-START-DEADLOCK", {}],
  ["a start gate without a command", { app: { image: ARGS.app.image }, startGate: true }, "CHIO-START-GATE", { startGate: true }],
  [
    "a start gate of another libc",
    { app: { ...ARGS.app, libc: "musl" } },
    "CHIO-START-GATE",
    { app: { ...ARGS.app, libc: "musl" }, sidecar: { ...ARGS.sidecar, flavor: "alpine" } },
  ],
  ["a grace too short for a drain", { graceSeconds: 10 }, "CHIO-GRACE", { graceSeconds: 600 }],
  ["a drain over the grace", { shutdownDrainMs: 30_000 }, "CHIO-DRAIN", { shutdownDrainMs: 20_000 }],
  [
    "a startup probe out of range",
    { sidecar: { ...ARGS.sidecar, startup: { attempts: 241 } } },
    "CHIO-PROBE-RANGE",
    { sidecar: { ...ARGS.sidecar, startup: { attempts: 240 } } },
  ],
  [
    "more CPU than the profile has",
    { app: { ...ARGS.app, resources: { cpu: 6, memory: "8Gi" } } },
    "CHIO-RESOURCES",
    { app: { ...ARGS.app, resources: { cpu: 3, memory: "6Gi" } } },
  ],
  [
    "fewer replicas at most than at least",
    { scaling: { minReplicas: 5, maxReplicas: 2 } },
    "CHIO-SCALING",
    { scaling: { minReplicas: 5 } },
  ],
  [
    "receipts that end with the replica",
    { receipts: { sink: "sqlite" } },
    "CHIO-RECEIPTS-LOST",
    { receipts: { sink: "https://receipts.example.com/v1" } },
  ],
  [
    "an MCP server without a command",
    { mode: mcpServeHttp({ serverId: "tools", policy: "/etc/chio/policy/policy.yaml" }), config: { kind: "image" } },
    "CHIO-MCP-COMMAND",
    {
      mode: mcpServeHttp({ serverId: "tools", policy: "/etc/chio/policy/policy.yaml", command: ["node", "mcp.js"] }),
      config: { kind: "image" },
      app: undefined,
      policySource: undefined,
    },
  ],
];

it.each(PAIRS)("refuses %s, and takes the secure form", async (_title, insecure, code, secure) => {
  expect(codes(await refusal(insecure))).toContain(code);
  expect((await deploy(secure, "svc")).app.containerAppName).toBe("svc");
});

it("says all findings in one error", async () => {
  const error = await refusal({
    sidecar: { image: "team.azurecr.io/chio-sidecar:latest" },
    graceSeconds: 10,
    mode: apiProtect({ spec: null }),
  });
  expect(new Set(codes(error))).toEqual(new Set(["CHIO-IMAGE-UNPINNED", "CHIO-GRACE", "CHIO-START-DEADLOCK"]));
  for (const code of codes(error)) expect(error.message).toContain(code);
});

it("takes a finding on by its code and reason, and shows it in the posture", async () => {
  const image = "team.azurecr.io/chio-sidecar:v1";
  const accept = [{ code: "CHIO-IMAGE-UNPINNED", reason: "trial, ticket 17" }];
  const { container, component } = await deploy({ sidecar: { image }, accept });
  expect(container("chio-sidecar").image).toBe(image);
  expect(JSON.stringify(await known(component.posture))).toContain("trial, ticket 17");
  await refusal({ sidecar: { image }, accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: " " }] });
});

it("refuses an acceptance that accepts nothing, also beside outputs", async () => {
  const accept = [{ code: "CHIO-IMAGE-UNPINNED", reason: "no longer true" }];
  expect(codes(await refusal({ accept }))).toEqual(["CHIO-ACCEPTANCE-UNMATCHED"]);
});

it.each<[string, object, string]>([
  ["an unknown argument", { deletionProtecton: false }, 'deletionProtecton: unknown property; did you mean "deletionProtection"?'],
  ["a missing resource group", { resourceGroupName: undefined }, "resourceGroupName: is required"],
  ["a resource in place of its output", { app: { ...ARGS.app, image: 7 } }, "app.image"],
  ["a bundled image", { sidecar: { image: "bundled" } }, "push it and name it by digest"],
  ["a misspelt property of the model", { sidecar: { ...ARGS.sidecar, healthpath: "/x" } }, 'did you mean "healthPath"?'],
  ["a secret's value", { secrets: { signingKey: "c0ffee".repeat(11) } }, "66 characters, not shown"],
  ["weights that are not 100 %", { traffic: [{ weight: 10 }, { revision: "a", weight: 80 }] }, "traffic: adds up to 90 %"],
  ["a weight of no kind", { traffic: [{ weight: 100.5 }] }, "traffic[0].weight: is 100.5"],
  ["two shares for the latest", { traffic: [{ weight: 50 }, { weight: 50 }] }, "two shares for the latest"],
  ["weights with a single revision", { traffic: [{ weight: 100 }], revisionsMode: "Single" }, "needs revisionsMode Multiple"],
  ["sticky sessions with many revisions", { stickySessions: true, revisionsMode: "Multiple" }, "needs a single active revision"],
  ["a range that is none", { allowedIpRanges: ["203.0.113.7"] }, 'allowedIpRanges[0]: "203.0.113.7" is no CIDR block'],
  ["certificates of no kind", { clientCertificates: "maybe" }, "must be ignore, accept or require"],
  ["a registry of somebody else", { registries: ["ghcr.io"] }, 'registries[0]: "ghcr.io" is no Azure container registry'],
  ["an id of no known kind", { resourceIds: [`${GROUP}/providers/Microsoft.Web/sites/x`] }, "resourceIds[0]: is no resource id of"],
  [
    "an id that nothing uses",
    { resourceIds: [`${GROUP}/providers/Microsoft.KeyVault/vaults/tema`] },
    "resourceIds[0]: nothing here uses tema; there is team",
  ],
  [
    "one identity for both",
    { identity: { id: ID }, workloadIdentity: { id: ID.toUpperCase(), clientId: "c" } },
    "can read the signing key",
  ],
  ["a workload identity without its client id", { workloadIdentity: { id: ID } }, "workloadIdentity.clientId: is required"],
  ["a scaler with a secret", { scaling: { rules: [{ name: "q", type: "q", metadata: {}, auth: [] }] } }, "scaling.rules[0].auth: unknown"],
  ["a scaler by the name of ours", { scaling: { rules: [{ name: "http-scale", type: "q", metadata: {} }] } }, "take another one"],
  ["an internal environment without a network", { environment: { internal: true } }, "environment.internal: needs a subnet"],
  ["zones without a network", { environment: { zoneRedundant: true } }, "environment.zoneRedundant: needs a subnet"],
  ["logs kept for a day", { environment: { logRetentionDays: 1 } }, "environment.logRetentionDays: is 1; use 30 to 730"],
  ["an unknown property of the environment", { environment: { subnet: "x" } }, "environment.subnet: unknown property"],
  ["a profile that the environment lacks", { workloadProfile: "big" }, "workloadProfile: big is none of the environment's: Consumption"],
  [
    "a profile twice",
    { environment: { workloadProfiles: [{ name: "Consumption", type: "D4", minimumCount: 0, maximumCount: 1 }] } },
    "has Consumption twice",
  ],
  ["a share without an environment", { config: { kind: "azure-file", storageName: "chio" } }, "config.storageName: a share is registered"],
  [
    "a blob that no condition can name",
    { policySource: { kind: "azblob", account: "a", container: "c", blob: "it's.yaml" } },
    "policySource: blob has a quote",
  ],
])("refuses %s with its place", async (_title, changes, text) => {
  const error = await refusal(changes);
  expect(error).toBeInstanceOf(TopologyInputError);
  expect(error.message).toContain(text);
});

it("takes an output of a resource, not the resource", async () => {
  class Thing extends pulumi.ComponentResource {
    constructor() {
      super("test:Thing", "thing");
    }
  }
  const cloud = await standIn();
  const thing = new Thing();
  expect(() => new ChioContainerApp("svc", { ...ARGS, app: { ...ARGS.app, image: thing as unknown as string } })).toThrow(
    "app.image: is a resource",
  );
  await settled();
  expect(cloud.of(TYPES.app)).toEqual([]);
});

it("warns of what deploys and is perhaps not meant", async () => {
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  const warnings = async (changes: Partial<ChioContainerAppArgs>) => {
    warn.mockClear();
    await deploy(changes);
    return warn.mock.calls.map(([text]) => text).join("\n");
  };
  expect(await warnings({})).toBe("");
  expect(await warnings({ exposure: "external" })).toContain("only capabilities stand between");
  expect(await warnings({ exposure: "external", allowedIpRanges: ["203.0.113.0/24"] })).toBe("");
  expect(await warnings({ exposure: "external", environment: { infrastructureSubnetId: "s" } })).toBe("");
  expect(await warnings({ registries: [] })).toContain("app comes from team.azurecr.io, which is not in registries");
  expect(await warnings({ receipts: { sink: "postgres://chio@db.example.com/receipts" } })).toContain("put them into secrets.env");
  const floating = "https://team.vault.azure.net/secrets/chio-signing-key";
  expect(await warnings({ secrets: { signingKey: floating } })).toContain("CHIO-SIGNING-KEY-FLOATING");
  warn.mockRestore();
});

it("never loads the whole of a provider", () => {
  for (const folder of ["azure", "pulumi", "examples/azure"]) {
    const directory = new URL(`../../../infra/${folder}/`, import.meta.url);
    for (const name of readdirSync(directory).filter((one) => one.endsWith(".ts")))
      expect(readFileSync(new URL(name, directory), "utf8"), name).not.toMatch(/from "@pulumi\/azure-native(\/[a-z0-9]+)?"/);
  }
});
