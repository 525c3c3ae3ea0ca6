import * as pulumi from "@pulumi/pulumi";
import { ChioContainerApp, type ChioContainerAppArgs } from "../../../infra/azure/index.ts";
import { type LateCase, runCases } from "../pulumi/late-cases.ts";
import { standIn, TYPES, unknown } from "./cloud.ts";
import { ARGS, DIGEST, secret } from "./fixtures.ts";

const TAGGED = "team.azurecr.io/app:v1";
const trial = [{ code: "CHIO-IMAGE-UNPINNED", reason: "trial" }];
const image = (reference: pulumi.Input<string>) => ({ ...ARGS.app, image: reference });
const elsewhere = "/subscriptions/00000000-0000-0000-0000-0000000000bb/resourceGroups/data/providers";
const cases: Record<string, LateCase<Partial<ChioContainerAppArgs>>> = {
  pinned: { args: { app: image(pulumi.output(`${TAGGED}@${DIGEST}`)) } },
  unpinned: { args: { app: image(pulumi.output(TAGGED)) } },
  "unpinned, accepted": { args: { app: image(pulumi.output(TAGGED)), accept: trial } },
  "secret, accepted": { args: { app: image(pulumi.secret("hidden.azurecr.io/app:v1")), accept: trial } },
  "secret and unpinned": { args: { app: image(pulumi.secret("hidden.azurecr.io/app:v1")) } },
  "accepted in vain": { args: { app: image(pulumi.output(`${TAGGED}@${DIGEST}`)), accept: trial } },
  "no secret reference": { args: { secrets: { signingKey: pulumi.output("6b6579") } } },
  "a secret of another cloud": { args: { secrets: { signingKey: pulumi.output("projects/p/secrets/key/versions/1") } } },
  scaling: { args: { scaling: { minReplicas: pulumi.output(30) } } },
  traffic: { args: { traffic: [{ weight: pulumi.output(50) }, { revision: "r", weight: 20 }] } },
  range: { args: { allowedIpRanges: [pulumi.output("everywhere")] } },
  registry: { args: { registries: [pulumi.output("ghcr.io")] } },
  "resource id": { args: { resourceIds: [pulumi.output("/subscriptions/x")] } },
  "unused resource id": { args: { resourceIds: [pulumi.output(`${elsewhere}/Microsoft.KeyVault/vaults/other`)] } },
  "Cosmos DB in another subscription": {
    args: { resourceIds: [`${elsewhere}/Microsoft.DocumentDB/databaseAccounts/team-receipts`] },
  },
  "one identity for both": {
    args: { identity: { id: pulumi.output("/id") }, workloadIdentity: { id: pulumi.output("/ID"), clientId: "c" } },
  },
  "several at once": {
    args: { app: image(pulumi.output(TAGGED)), scaling: { minReplicas: pulumi.output(30) } },
  },
  "unknown in a preview": {
    preview: true,
    args: {
      resourceGroupName: unknown<string>(),
      app: image(unknown<string>()),
      secrets: { signingKey: unknown<string>() },
      scaling: { minReplicas: unknown<number>() },
      policySource: { kind: "azblob", account: unknown<string>(), container: "c", blob: "policy.yaml" },
      traffic: [{ weight: unknown<number>() }, { revision: unknown<string>(), weight: 20 }],
      resourceIds: [unknown<string>()],
      registries: [unknown<string>()],
    },
  },
  "nothing unknown in a preview": { preview: true, args: { secrets: { signingKey: pulumi.output(secret("key")) } } },
  "wrong in a preview": { preview: true, args: { app: image(pulumi.output(TAGGED)) } },
};

await runCases(
  cases,
  standIn,
  (args) => new ChioContainerApp("svc", { ...ARGS, ...args }).posture,
  (cloud) => ({ app: cloud.of(TYPES.app)[0]?.inputs ?? null, grants: cloud.of(TYPES.role).length }),
);
