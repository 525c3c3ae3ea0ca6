import { referredSecrets } from "../manifests/container-app-template.ts";
import { argumentNames } from "../pulumi/check.ts";
import { type InputIssue, isDeferred, keyVaultParts, sidecarAccess, type TopologyFor } from "../topology/index.ts";
import type { ChioContainerAppArgs, ExistingWorkloadIdentity } from "./args.ts";
import { blobProblem } from "./blob-condition.ts";
import { environmentIssues, isInternal, newEnvironment } from "./environment.ts";
import { ONE_FOR_BOTH, sameId } from "./identities.ts";
import type { PlainArgs } from "./props.ts";
import { parseResourceId, RESOURCE_TYPES, type ResourceKind } from "./resource-ids.ts";
import { trafficIssues } from "./traffic.ts";

type Graph = TopologyFor<"aca">;

const KNOWN = {
  resourceGroupName: 1,
  location: 1,
  name: 1,
  mode: 1,
  app: 1,
  sidecar: 1,
  auxiliary: 1,
  init: 1,
  secrets: 1,
  policySource: 1,
  receipts: 1,
  config: 1,
  environment: 1,
  exposure: 1,
  allowedIpRanges: 1,
  clientCertificates: 1,
  customDomains: 1,
  stickySessions: 1,
  transport: 1,
  scaling: 1,
  graceSeconds: 1,
  shutdownDrainMs: 1,
  startGate: 1,
  workloadProfile: 1,
  revisionsMode: 1,
  traffic: 1,
  revisionSuffix: 1,
  maxInactiveRevisions: 1,
  registries: 1,
  resourceIds: 1,
  identity: 1,
  workloadIdentity: 1,
  deletionProtection: 1,
  tags: 1,
  accept: 1,
} as const satisfies Record<keyof ChioContainerAppArgs, 1>;

/** What the model does not see: names that TypeScript would have refused, and the parts that are Azure's alone. */
export function argumentIssues(args: ChioContainerAppArgs): InputIssue[] {
  const issues = argumentNames("ChioContainerApp", args, KNOWN, ["resourceGroupName", "mode", "sidecar", "secrets"]);
  if (args === null || typeof args !== "object") return issues;
  const { identity, workloadIdentity, traffic, revisionsMode } = args;
  for (const [path, one] of Object.entries({ identity, workloadIdentity })) {
    if (one === undefined) continue;
    const wanted = path === "identity" ? (["id"] as const) : (["id", "clientId"] as const);
    for (const field of wanted)
      if ((one as Partial<ExistingWorkloadIdentity>)[field] === undefined)
        issues.push({ path: `${path}.${field}`, message: "is required" });
  }
  if (typeof identity?.id === "string" && typeof workloadIdentity?.id === "string" && sameId(identity.id, workloadIdentity.id))
    issues.push({ path: "workloadIdentity.id", message: ONE_FOR_BOTH });
  if (args.stickySessions === true && (revisionsMode === "Multiple" || (revisionsMode === undefined && traffic !== undefined)))
    issues.push({ path: "stickySessions", message: "needs a single active revision; take it out, or set revisionsMode to Single" });
  if (args.clientCertificates !== undefined && !["ignore", "accept", "require"].includes(args.clientCertificates))
    issues.push({ path: "clientCertificates", message: "must be ignore, accept or require" });
  for (const [index, rule] of (args.scaling?.rules ?? []).entries()) issues.push(...scaleRuleIssues(rule, `scaling.rules[${index}]`));
  return [...issues, ...environmentIssues(args)];
}

/** A scaler takes no secrets here: they are the app's, the signing key among them. */
function scaleRuleIssues(rule: object, path: string): InputIssue[] {
  const fields = ["name", "type", "metadata", "identity"];
  return [
    ...Object.keys(rule)
      .filter((key) => !fields.includes(key))
      .map((key) => ({
        path: `${path}.${key}`,
        message: `unknown property; a scaler has ${fields.join(", ")}, and signs in with an identity`,
      })),
    ...fields
      .slice(0, 3)
      .filter((key) => (rule as { [key: string]: unknown })[key] === undefined)
      .map((key) => ({ path: `${path}.${key}`, message: "is required" })),
    ...((rule as { name?: unknown }).name === "http-scale"
      ? [{ path: `${path}.name`, message: "is the name of the rule for HTTP; take another one" }]
      : []),
  ];
}

/** What needs the model, or may be an output: now as far as it is known, and again with the real values during the update. */
export function modelIssues(args: PlainArgs, graph: Graph): InputIssue[] {
  return [
    ...trafficIssues(graph.settings.revisionsMode, args.traffic as ChioContainerAppArgs["traffic"]),
    ...rangeIssues(args.allowedIpRanges ?? []),
    ...registryIssues(graph),
    ...resourceIssues(args.resourceIds ?? [], graph),
    ...sidecarAccess(graph).reads.flatMap((source) => {
      const problem = source.kind === "azblob" && !isDeferred(source.blob) ? blobProblem(source.blob) : null;
      return problem === null ? [] : [{ path: "policySource", message: `blob ${problem}` }];
    }),
  ];
}

function rangeIssues(ranges: readonly string[]): InputIssue[] {
  return ranges.flatMap((range, index) =>
    isDeferred(range) || /^[0-9a-fA-F.:]+\/[0-9]{1,3}$/.test(range)
      ? []
      : [{ path: `allowedIpRanges[${index}]`, message: `${JSON.stringify(range)} is no CIDR block; write 203.0.113.0/24` }],
  );
}

function registryIssues({ settings }: Graph): InputIssue[] {
  return settings.registries.flatMap((server, index) =>
    isDeferred(server) || /^[a-z0-9-]+\.azurecr\.(io|cn|us)$/i.test(server)
      ? []
      : [
          {
            path: `registries[${index}]`,
            message: `${JSON.stringify(server)} is no Azure container registry, and the identity pulls from these alone; write NAME.azurecr.io`,
          },
        ],
  );
}

function resourceIssues(ids: readonly string[], graph: Graph): InputIssue[] {
  return ids.flatMap((text, index): InputIssue[] => {
    if (isDeferred(text)) return [];
    const id = parseResourceId(text);
    const path = `resourceIds[${index}]`;
    if (id === null) return [{ path, message: `is no resource id of ${Object.values(RESOURCE_TYPES).join(", ")}` }];
    const names = resourceNames(graph)[id.kind];
    if (names.some(isDeferred) || names.some((name) => name.toLowerCase() === id.name.toLowerCase())) return [];
    return [{ path, message: `nothing here uses ${id.name}; ${names.length === 0 ? "take it out" : `there is ${names.join(", ")}`}` }];
  });
}

/** Names of what is reached, by kind. */
function resourceNames(graph: Graph): Record<ResourceKind, string[]> {
  const { reads, writes } = sidecarAccess(graph);
  const vaults = [...referredSecrets(graph).values()].flatMap((ref) => {
    if (ref.kind !== "azure-key-vault") return [];
    const parts = keyVaultParts(ref.uri);
    return [parts === null ? ref.uri : (new URL(parts.vaultUrl).hostname.split(".")[0] ?? "")];
  });
  return {
    vault: [...new Set(vaults)],
    registry: graph.settings.registries.map((server) => (isDeferred(server) ? server : (/^[a-z0-9]+/i.exec(server)?.[0] ?? server))),
    storage: reads.flatMap((source) => (source.kind === "azblob" ? [source.account] : [])),
    cosmos: writes.flatMap((sink) => (sink.kind === "cosmosdb" ? [sink.account] : [])),
  };
}

/** What is worth a warning: it deploys, and is perhaps not meant. */
export function doubts(graph: Graph, args: ChioContainerAppArgs): string[] {
  const said: string[] = [];
  const made = newEnvironment(args.environment);
  const open = graph.ingress.exposure === "external" && (made === null || !isInternal(made));
  if (open && args.allowedIpRanges === undefined && args.clientCertificates !== "require")
    said.push(`${graph.name} is reached from outside its environment: only capabilities stand between it and anybody there`);
  const listed = new Set(graph.settings.registries);
  for (const one of graph.containers) {
    const reference = one.image.kind === "registry" || one.image.kind === "provided" ? one.image.reference : "";
    const server = /^([a-z0-9-]+\.azurecr\.(?:io|cn|us))\//i.exec(reference)?.[1];
    if (server !== undefined && !listed.has(server) && ![...listed].some(isDeferred))
      said.push(`${one.name} comes from ${server}, which is not in registries: it is pulled without the identity`);
  }
  return said;
}
