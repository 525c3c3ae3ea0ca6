import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import type { ChioContainerAppArgs } from "../../../infra/azure/index.ts";
import { GROUP, SUBSCRIPTION, TYPES } from "./cloud.ts";
import { deploy, type Loose } from "./deploy.ts";
import { ARGS, secret } from "./fixtures.ts";

const ROLES: Record<string, string> = {
  "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
  "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
  "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
};
const VAULT = `${GROUP}/providers/Microsoft.KeyVault/vaults/team`;

/** Each role assignment as "who: role on scope". */
async function roles(changes: Partial<ChioContainerAppArgs> = {}) {
  const { cloud } = await deploy(changes);
  const said = cloud.of(TYPES.role).map(({ inputs }: Loose) => {
    const [subscription, role] = inputs.roleDefinitionId.split("/providers/Microsoft.Authorization/roleDefinitions/");
    expect(inputs.scope.startsWith(`${subscription}/`)).toBe(true);
    expect(inputs.principalType).toBe("ServicePrincipal");
    return `${inputs.principalId}: ${ROLES[role]} on ${inputs.scope}`;
  });
  return { cloud, said };
}

it("grants the platform's identity each secret and the registry, the workload's one blob, and nothing on a vault or account", async () => {
  const { said } = await roles();
  const platform = "agent-tool-server-platform-principal";
  expect(said.sort()).toEqual(
    [
      ...["chio-signing-key", "chio-capability-authority-url", "chio-kernel-config", "chio-openapi-spec"].map(
        (name) => `${platform}: Key Vault Secrets User on ${VAULT}/secrets/${name}`,
      ),
      `${platform}: AcrPull on ${GROUP}/providers/Microsoft.ContainerRegistry/registries/team`,
      `agent-tool-server-workload-principal: Storage Blob Data Reader on ${GROUP}/providers/Microsoft.Storage/storageAccounts/teamconfig/blobServices/default/containers/chio`,
    ].sort(),
  );
});

it("narrows the read to one blob, and lists nothing", async () => {
  const { cloud } = await roles();
  const blob = cloud.of(TYPES.role).find(({ inputs }: Loose) => inputs.condition !== undefined)?.inputs as Loose;
  const read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
  const path = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path";
  expect(blob.condition).toBe(`((!(ActionMatches{'${read}'})) OR (@Resource[${path}] StringEquals 'policies/policy.yaml'))`);
  expect(blob.conditionVersion).toBe("2.0");
});

it("lets receipts be added to one container, and neither read, replaced nor deleted", async () => {
  const { cloud } = await roles();
  const account = `${GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/team-receipts`;
  const definition = cloud.one(TYPES.cosmosRole).inputs as Loose;
  expect(definition).toMatchObject({ accountName: "team-receipts", resourceGroupName: "tools", assignableScopes: [account] });
  expect(definition.permissions).toEqual([
    {
      dataActions: [
        "Microsoft.DocumentDB/databaseAccounts/readMetadata",
        "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create",
      ],
    },
  ]);
  const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(definition.roleDefinitionId).toMatch(guid);
  const assignment = cloud.one(TYPES.cosmosAssignment).inputs as Loose;
  expect(assignment).toMatchObject({
    principalId: "agent-tool-server-workload-principal",
    scope: `${account}/dbs/chio/colls/receipts`,
    roleDefinitionId: `${account}/sqlRoleDefinitions/${definition.roleDefinitionId}`,
  });
  expect(assignment.roleAssignmentId).toMatch(guid);
  expect(assignment.roleAssignmentId).not.toBe(definition.roleDefinitionId);
});

it("takes a data-plane role that exists, and the account where no container is named", async () => {
  const receiptRole = "/subscriptions/x/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002";
  const { cloud } = await roles({ receipts: { sink: { kind: "cosmosdb", account: "team-receipts" }, receiptRole } });
  expect(cloud.of(TYPES.cosmosRole)).toEqual([]);
  expect(cloud.one(TYPES.cosmosAssignment).inputs).toMatchObject({
    roleDefinitionId: receiptRole,
    scope: `${GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/team-receipts`,
  });
});

it("makes every grant before the app", async () => {
  const { cloud } = await roles();
  const { dependsOn } = cloud.one(TYPES.app);
  const grants = [TYPES.role, TYPES.cosmosRole, TYPES.cosmosAssignment].flatMap((type) => cloud.of(type));
  expect(grants).toHaveLength(8);
  for (const { type, name } of grants)
    expect(
      dependsOn.some((urn) => urn.endsWith(`${type}::${name}`)),
      name,
    ).toBe(true);
});

it("grants a secret once, whatever its versions", async () => {
  const { said } = await roles({
    secrets: { signingKey: secret("key"), env: { OLD_KEY: secret("key", "a".repeat(32)) } },
    config: { kind: "image" },
  });
  expect(said.filter((one) => one.includes("Secrets User"))).toEqual([
    `agent-tool-server-platform-principal: Key Vault Secrets User on ${VAULT}/secrets/key`,
  ]);
});

it("finds by name what is in another resource group or subscription", async () => {
  const other = "/subscriptions/00000000-0000-0000-0000-0000000000bb/resourceGroups/security/providers";
  const { said, cloud } = await roles({
    resourceIds: [
      pulumi.output(`${other}/Microsoft.KeyVault/vaults/Team`),
      `${other}/Microsoft.Storage/storageAccounts/teamconfig`,
      `${SUBSCRIPTION}/resourceGroups/data/providers/Microsoft.DocumentDB/databaseAccounts/team-receipts`,
      `${other}/Microsoft.ContainerRegistry/registries/team`,
    ],
  });
  for (const one of said) expect(one).toContain(` on ${other}/`);
  expect(cloud.one(TYPES.cosmosRole).inputs).toMatchObject({ resourceGroupName: "data" });
  expect(cloud.one(TYPES.cosmosAssignment).inputs).toMatchObject({ resourceGroupName: "data" });
});

it("grants what is fetched at start, file by file", async () => {
  const { cloud } = await roles({
    config: { kind: "fetched", base: "azblob://teamconfig/chio/v1/" },
    receipts: {},
    secrets: { signingKey: ARGS.secrets.signingKey },
  });
  const blobs = cloud.of(TYPES.role).flatMap(({ inputs }: Loose) => /StringEquals '([^']+)'/.exec(inputs.condition ?? "")?.[1] ?? []);
  expect(blobs.sort()).toEqual(["policies/policy.yaml", "v1/kernel.yaml", "v1/spec/openapi.yaml"]);
});

it("finds a registry whose server carries a domain label", async () => {
  const { said } = await roles({ registries: ["team-a1b2c3.azurecr.io"] });
  expect(said.filter((one) => one.includes("AcrPull"))).toEqual([
    `agent-tool-server-platform-principal: AcrPull on ${GROUP}/providers/Microsoft.ContainerRegistry/registries/team`,
  ]);
});
