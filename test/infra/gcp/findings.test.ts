import { readdirSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { apiProtect, ChioCloudRunService, type ChioCloudRunServiceArgs } from "../../../infra/gcp/index.ts";
import { TopologyError, TopologyInputError } from "../../../infra/topology/index.ts";
import { settled, standIn, TYPES } from "./cloud.ts";
import { ARGS } from "./fixtures.ts";

/** What the constructor throws, once nothing but the component itself was declared. */
async function refusal(changes: object): Promise<TopologyError | TopologyInputError> {
  const cloud = await standIn();
  let thrown: unknown;
  try {
    new ChioCloudRunService("svc", { ...ARGS, ...changes } as ChioCloudRunServiceArgs);
  } catch (error) {
    thrown = error;
  }
  await settled();
  expect(cloud.declared.filter((one) => one.type.startsWith("gcp:"))).toEqual([]);
  if (thrown instanceof TopologyError || thrown instanceof TopologyInputError) return thrown;
  throw new Error(`nothing was refused: ${String(thrown)}`);
}

async function accepted(changes: object): Promise<void> {
  const cloud = await standIn();
  new ChioCloudRunService("svc", { ...ARGS, ...changes } as ChioCloudRunServiceArgs);
  await settled();
  expect(cloud.of(TYPES.service)).toHaveLength(1);
}

const codes = (error: unknown) => (error as TopologyError).findings.filter((one) => one.severity === "error").map((one) => one.code);

/** Each insecure wiring, its finding, and the secure one next to it. */
const PAIRS: [title: string, insecure: object, code: string, secure: object][] = [
  [
    "a key at version latest",
    { secrets: { signingKey: "secrets/chio-signing-key/versions/latest" } },
    "CHIO-SIGNING-KEY-VERSION",
    { secrets: { signingKey: "secrets/chio-signing-key/versions/1" } },
  ],
  [
    "an image by tag",
    { sidecar: { image: "us-docker.pkg.dev/team/apps/chio-sidecar:v1" } },
    "CHIO-IMAGE-UNPINNED",
    { sidecar: { image: { reference: "us-docker.pkg.dev/team/apps/chio-sidecar:v1", pinnedBy: "content-hash" } } },
  ],
  [
    "the key given to the app",
    { app: { ...ARGS.app, secrets: { CHIO_SIGNING_KEY: "secrets/chio-signing-key/versions/7" } } },
    "CHIO-SIGNING-KEY-SCOPE",
    { app: { ...ARGS.app, secrets: { API_TOKEN: "secrets/api-token/versions/1" } } },
  ],
  [
    "an upstream that is not on loopback",
    { mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml", upstream: "http://app.internal:8080" }) },
    "CHIO-UPSTREAM",
    { mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1:8080" }) },
  ],
  ["a sidecar without a spec", { mode: apiProtect({ spec: null }) }, "CHIO-START-DEADLOCK", {}],
  [
    "a startup window over 240 s",
    { sidecar: { ...ARGS.sidecar, startup: { periodSeconds: 10, attempts: 30 } } },
    "CHIO-PROBE-WINDOW",
    { sidecar: { ...ARGS.sidecar, startup: { periodSeconds: 10, attempts: 24 } } },
  ],
  ["a drain over the grace", { shutdownDrainMs: 30_000 }, "CHIO-DRAIN", { shutdownDrainMs: 7000 }],
  ["a request longer than an hour", { timeoutSeconds: 4000 }, "CHIO-REQUEST-TIMEOUT", { timeoutSeconds: 3600 }],
];

it.each(PAIRS)("refuses %s, and takes the secure form", async (_title, insecure, code, secure) => {
  expect(codes(await refusal(insecure))).toContain(code);
  await accepted(secure);
});

it("says all findings in one error", async () => {
  const error = await refusal({
    sidecar: { image: "us-docker.pkg.dev/team/apps/chio-sidecar:latest" },
    secrets: { signingKey: "secrets/chio-signing-key/versions/latest" },
    mode: apiProtect({ spec: null }),
  });
  expect(new Set(codes(error))).toEqual(new Set(["CHIO-IMAGE-UNPINNED", "CHIO-SIGNING-KEY-VERSION", "CHIO-START-DEADLOCK"]));
  for (const code of codes(error)) expect(error.message).toContain(code);
});

it("takes a finding on by its code and reason, and shows it in the posture", async () => {
  const image = "us-docker.pkg.dev/team/apps/chio-sidecar:v1";
  const cloud = await standIn();
  const component = new ChioCloudRunService("svc", {
    ...ARGS,
    sidecar: { image },
    accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "trial, ticket 17" }],
  });
  await settled();
  expect(cloud.one(TYPES.service).inputs).toMatchObject({
    template: { containers: expect.arrayContaining([expect.objectContaining({ image })]) },
  });
  const posture = await new Promise<unknown>((resolve) => component.posture.apply(resolve));
  expect(JSON.stringify(posture)).toContain("trial, ticket 17");
});

it("refuses an acceptance that accepts nothing, also beside outputs", async () => {
  const accept = [{ code: "CHIO-IMAGE-UNPINNED", reason: "no longer true" }];
  expect(codes(await refusal({ accept }))).toEqual(["CHIO-ACCEPTANCE-UNMATCHED"]);
});

it.each<[string, object, string]>([
  ["an unknown argument", { deletionProtecton: false }, "deletionProtecton: unknown property"],
  ["a missing region", { region: undefined }, "region: is required"],
  ["a resource in place of its output", { app: { ...ARGS.app, image: 7 } }, "app.image"],
  ["an invoker that is no member", { invokers: ["alice@example.com"] }, 'invokers[0]: "alice@example.com" is no IAM member'],
  ["shares that are not 100 %", { traffic: [{ percent: 10 }, { revision: "a", percent: 80 }] }, "traffic: adds up to 90 %"],
  ["a share of no kind", { traffic: [{ percent: 100.5 }] }, "traffic[0].percent: is 100.5"],
  ["two shares for the latest", { traffic: [{ percent: 50 }, { percent: 50 }] }, "two shares for the latest"],
  ["an account id that no account has", { serviceAccountId: "X" }, "serviceAccountId"],
  ["two accounts", { serviceAccountId: "chio-one", serviceAccount: "a@b.iam.gserviceaccount.com" }, "give one of them"],
  ["a bundled image", { sidecar: { image: "bundled" } }, "Pulumi builds no image here"],
  ["a misspelt property of the model", { sidecar: { ...ARGS.sidecar, healthpath: "/x" } }, 'did you mean "healthPath"?'],
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
  expect(() => new ChioCloudRunService("svc", { ...ARGS, app: { ...ARGS.app, image: thing as unknown as string } })).toThrow(
    "app.image: is a resource",
  );
  await settled();
  expect(cloud.of(TYPES.service)).toEqual([]);
});

it("never loads the whole of a provider", () => {
  for (const folder of ["gcp", "pulumi", "examples/gcp"]) {
    const directory = new URL(`../../../infra/${folder}/`, import.meta.url);
    for (const name of readdirSync(directory).filter((one) => one.endsWith(".ts")))
      expect(readFileSync(new URL(name, directory), "utf8"), name).not.toMatch(/from "@pulumi\/gcp(\/[a-z0-9]+)?"/);
  }
});
