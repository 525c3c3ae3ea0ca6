import { RoleAssignment } from "@pulumi/azure-native/authorization/roleAssignment.js";
import { SqlResourceSqlRoleAssignment } from "@pulumi/azure-native/cosmosdb/sqlResourceSqlRoleAssignment.js";
import { SqlResourceSqlRoleDefinition } from "@pulumi/azure-native/cosmosdb/sqlResourceSqlRoleDefinition.js";
import * as pulumi from "@pulumi/pulumi";
import { referredSecrets } from "../manifests/container-app-template.ts";
import type { Deferral } from "../pulumi/deferral.ts";
import { guid, label, Names } from "../pulumi/names.ts";
import {
  formatReceiptSink,
  keyVaultParts,
  type PolicySource,
  type ReceiptSink,
  sidecarAccess,
  type TopologyFor,
  TopologyInputError,
} from "../topology/index.ts";
import { blobCondition } from "./blob-condition.ts";
import type { AppIdentity } from "./identities.ts";
import { type ResourceFinder, roleDefinition } from "./resource-ids.ts";

type Graph = TopologyFor<"aca">;

/** Azure's built-in roles, the same in every tenant. */
export const ROLES = {
  keyVaultSecretsUser: "4633458b-17de-408a-b874-0445c86b69e6",
  acrPull: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
  storageBlobDataReader: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
} as const;

/** Adding an item, and what every client of Cosmos DB asks first. No read, no replacement, no deletion. */
const ADD_ITEMS = [
  "Microsoft.DocumentDB/databaseAccounts/readMetadata",
  "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create",
];

export interface GrantContext {
  /** Pulumi name of the component: stem of the grants' names. */
  readonly stem: string;
  readonly graph: Graph;
  readonly deferral: Deferral;
  readonly finder: ResourceFinder;
  readonly options: pulumi.CustomResourceOptions;
}

/** Read on each secret that a container or volume names, once per secret. Never on the vault. */
export function grantSecrets(context: GrantContext, identity: AppIdentity): pulumi.Resource[] {
  const { graph, deferral, finder, stem } = context;
  const names = new Names(`${stem}-reads`);
  const seen = new Set<string>();
  return [...referredSecrets(graph)].flatMap(([name, ref]) => {
    if (ref.kind !== "azure-key-vault") return [];
    const known = keyVaultParts(ref.uri);
    const key = known === null ? ref.uri : `${known.vaultUrl}/${known.secret}`.toLowerCase();
    if (seen.has(key)) return [];
    seen.add(key);
    const parts = deferral.restoreText(ref.uri).apply((uri) => {
      const read = keyVaultParts(uri);
      if (read === null)
        throw new TopologyInputError([
          { path: `secrets.${name}`, message: "is no Key Vault URL; write https://VAULT.vault.azure.net/secrets/NAME/VERSION" },
        ]);
      return { vault: new URL(read.vaultUrl).hostname.split(".")[0] ?? "", secret: read.secret };
    });
    const vault = finder.find("vault", parts.vault);
    return assign(
      context,
      identity,
      names.next(label(name)),
      pulumi.interpolate`${vault.id}/secrets/${parts.secret}`,
      "keyVaultSecretsUser",
    );
  });
}

/** Pulling from each registry. */
export function grantPulls(context: GrantContext, identity: AppIdentity): pulumi.Resource[] {
  const { graph, deferral, finder, stem } = context;
  const names = new Names(`${stem}-pulls-from`);
  return graph.settings.registries.flatMap((server) => {
    const name = deferral.restoreText(server).apply(registryName);
    return assign(context, identity, names.next(label(server)), finder.find("registry", name).id, "acrPull");
  });
}

/** `team.azurecr.io`, or `team-HASH.azurecr.io` where the name carries a domain label, is registry `team`. */
function registryName(server: string): string {
  return /^[a-z0-9]+/i.exec(server)?.[0] ?? server;
}

/** What the sidecar reaches itself: each blob that it reads, each container that it adds receipts to. */
export function grantAccess(
  context: GrantContext,
  identity: AppIdentity | null,
  receiptRole: pulumi.Input<string> | undefined,
): pulumi.Resource[] {
  const principalId = identity?.principalId;
  if (identity === null || principalId == null) return [];
  const { reads, writes } = sidecarAccess(context.graph);
  const names = new Names(context.stem);
  const blobs = new Map(
    reads.flatMap((one) => (one.kind === "azblob" ? [[`${one.account}/${one.container}/${one.blob}`, one] as const] : [])),
  );
  return [
    ...[...blobs.values()].flatMap((blob) => grantBlob(context, identity, names.next(`reads-${label(blob.blob)}`), blob)),
    ...writes.flatMap((sink) =>
      sink.kind === "cosmosdb" ? grantReceipts(context, principalId, names.next("adds-receipts"), sink, receiptRole) : [],
    ),
  ];
}

function grantBlob(
  context: GrantContext,
  identity: AppIdentity,
  name: string,
  source: PolicySource & { kind: "azblob" },
): pulumi.Resource[] {
  const { deferral, finder } = context;
  const account = finder.find("storage", deferral.restoreText(source.account));
  const scope = pulumi.interpolate`${account.id}/blobServices/default/containers/${deferral.restoreText(source.container)}`;
  return assign(context, identity, name, scope, "storageBlobDataReader", {
    condition: deferral.restoreText(source.blob).apply(blobCondition),
    conditionVersion: "2.0",
  });
}

function grantReceipts(
  { deferral, finder, options, graph }: GrantContext,
  principalId: pulumi.Output<string>,
  name: string,
  sink: ReceiptSink & { kind: "cosmosdb" },
  role: pulumi.Input<string> | undefined,
): pulumi.Resource[] {
  const account = finder.find("cosmos", deferral.restoreText(sink.account)).apply((one) => {
    if (!one.own)
      throw new TopologyInputError([
        {
          path: "receipts.sink",
          message: `${one.name} is in another subscription, where the provider makes no roles for Cosmos DB; grant it there, and give workloadIdentity without its principalId`,
        },
      ]);
    return one;
  });
  const place = { accountName: account.name, resourceGroupName: account.resourceGroup };
  const scope =
    sink.database === null || sink.container === null
      ? account.id
      : pulumi.interpolate`${account.id}/dbs/${deferral.restoreText(sink.database)}/colls/${deferral.restoreText(sink.container)}`;
  const definition =
    role === undefined
      ? new SqlResourceSqlRoleDefinition(
          name,
          {
            ...place,
            roleDefinitionId: guid(`${name} definition`),
            // Unique in the account, which several services may share.
            roleName: `${graph.name} adds receipts (${pulumi.getProject()} ${pulumi.getStack()})`,
            type: "CustomRole",
            assignableScopes: [account.id],
            permissions: [{ dataActions: ADD_ITEMS }],
          },
          options,
        )
      : null;
  const assignment = new SqlResourceSqlRoleAssignment(
    name,
    { ...place, roleAssignmentId: guid(`${name} assignment`), roleDefinitionId: definition?.id ?? role ?? "", principalId, scope },
    options,
  );
  return definition === null ? [assignment] : [definition, assignment];
}

function assign(
  { options }: GrantContext,
  { principalId }: AppIdentity,
  name: string,
  scope: pulumi.Output<string>,
  role: keyof typeof ROLES,
  condition: { condition?: pulumi.Input<string>; conditionVersion?: string } = {},
): pulumi.Resource[] {
  if (principalId === null) return [];
  const args = {
    scope,
    roleDefinitionId: roleDefinition(scope, ROLES[role]),
    principalId,
    // Without it Azure may not find an identity that was made a moment ago.
    principalType: "ServicePrincipal",
    ...condition,
  };
  return [new RoleAssignment(name, args, options)];
}

/** Places that no role of Azure opens: they want credentials of their own. */
export function ungranted(graph: Graph): string[] {
  const { reads, writes } = sidecarAccess(graph);
  return [
    ...reads.filter((source) => source.kind === "s3" || source.kind === "gs").map((source) => `the ${source.kind} source`),
    ...writes.filter((sink) => sink.kind !== "cosmosdb" && sink.kind !== "https").map((sink) => `the sink ${formatReceiptSink(sink)}`),
  ];
}
