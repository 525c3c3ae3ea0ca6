import * as pulumi from "@pulumi/pulumi";
import { ChioCloudRunService, type ChioCloudRunServiceArgs } from "../../../infra/gcp/index.ts";
import { type LateCase, runCases } from "../pulumi/late-cases.ts";
import { standIn, TYPES, unknown } from "./cloud.ts";
import { ARGS, DIGEST } from "./fixtures.ts";

const TAGGED = "us-docker.pkg.dev/team/apps/app:v1";
const cases: Record<string, LateCase<Partial<ChioCloudRunServiceArgs>>> = {
  pinned: { args: { app: { ...ARGS.app, image: pulumi.output(`${TAGGED}@${DIGEST}`) } } },
  unpinned: { args: { app: { ...ARGS.app, image: pulumi.output(TAGGED) } } },
  "unpinned, accepted": {
    args: { app: { ...ARGS.app, image: pulumi.output(TAGGED) }, accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "trial" }] },
  },
  "secret, accepted": {
    args: {
      app: { ...ARGS.app, image: pulumi.secret("us-docker.pkg.dev/hidden/app:v1") },
      accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "trial" }],
    },
  },
  "accepted in vain": {
    args: { app: { ...ARGS.app, image: pulumi.output(`${TAGGED}@${DIGEST}`) }, accept: [{ code: "CHIO-IMAGE-UNPINNED", reason: "trial" }] },
  },
  "latest key": { args: { secrets: { signingKey: pulumi.output("projects/1/secrets/key/versions/latest") } } },
  "no secret reference": { args: { secrets: { signingKey: pulumi.output("6b6579") } } },
  "secret and unpinned": { args: { app: { ...ARGS.app, image: pulumi.secret("us-docker.pkg.dev/hidden/app:v1") } } },
  concurrency: { args: { scaling: { concurrency: pulumi.output(5000) } } },
  traffic: { args: { traffic: [{ percent: pulumi.output(50) }, { revision: "r", percent: 20 }] } },
  "public by an output": { args: { invokers: [pulumi.output("allUsers")] } },
  "several at once": {
    args: { app: { ...ARGS.app, image: pulumi.output(TAGGED) }, secrets: { signingKey: pulumi.output("secrets/key/versions/latest") } },
  },
  "unknown in a preview": {
    preview: true,
    args: {
      app: { ...ARGS.app, image: unknown<string>() },
      secrets: { signingKey: unknown<string>() },
      scaling: { minInstances: unknown<number>() },
      policySource: { kind: "gs", bucket: unknown<string>(), object: "policy.yaml" },
      invokers: [unknown<string>()],
    },
  },
  "wrong in a preview": { preview: true, args: { app: { ...ARGS.app, image: pulumi.output(TAGGED) } } },
};

await runCases(
  cases,
  standIn,
  (args) => new ChioCloudRunService("svc", { ...ARGS, ...args }).posture,
  (cloud) => ({ service: cloud.of(TYPES.service)[0]?.inputs ?? null, invokers: cloud.of(TYPES.invoker).length }),
);
