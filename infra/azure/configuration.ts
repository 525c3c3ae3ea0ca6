import { createHash } from "node:crypto";
import type { ContainerAppArgs } from "@pulumi/azure-native/app/containerApp.js";
import type { app } from "@pulumi/azure-native/types/input.js";
import * as pulumi from "@pulumi/pulumi";
import { Gaps } from "../manifests/common.ts";
import { referredSecrets, revisionTemplate, secretList } from "../manifests/container-app-template.ts";
import type { Deferral } from "../pulumi/deferral.ts";
import { given } from "../pulumi/values.ts";
import { deferred, formatSecretRef, type TopologyFor, WORKLOAD_CLIENT_ID } from "../topology/index.ts";
import type { ChioContainerAppArgs, ScaleRule } from "./args.ts";
import type { AppIdentity, WorkloadIdentity } from "./identities.ts";
import { trafficWeights } from "./traffic.ts";

type Graph = TopologyFor<"aca">;

/** Markers of values that the construct itself makes. */
const IDENTITY = "azure.identity";
const SECRETS_REVISION = "azure.secretsRevision";

/** The parts of the app that the model describes, with markers in the places of what is not known. */
export interface AppDocument {
  readonly template: { readonly terminationGracePeriodSeconds: number; readonly containers: readonly object[] };
  readonly secrets: readonly object[];
}

/** Throws `TopologyInputError` with everything that Azure has no field for. */
export function appDocument(graph: Graph): AppDocument {
  const gaps = new Gaps();
  const template = revisionTemplate(graph, deferred(WORKLOAD_CLIENT_ID), gaps);
  const secrets = secretList(graph, deferred(IDENTITY), gaps);
  gaps.throwIfAny();
  return { template: withSecretsRevision(graph, template), secrets: secrets as object[] };
}

/**
 * Secrets belong to the app, not to a revision: another version of the key alone would make no revision, and its replicas would come to sign
 * with two keys. A variable that changes with the references makes one.
 */
function withSecretsRevision(graph: Graph, template: ReturnType<typeof revisionTemplate>): AppDocument["template"] {
  const sidecar = graph.containers.find((one) => one.role === "sidecar")?.name;
  const containers = template.containers as readonly { name: string; env?: readonly object[] }[];
  const variable = { name: "SECRETS_REVISION", value: deferred(SECRETS_REVISION) };
  return {
    ...template,
    terminationGracePeriodSeconds: template.terminationGracePeriodSeconds as number,
    containers: containers.map((one) => (one.name === sidecar ? { ...one, env: [...(one.env ?? []), variable] } : one)),
  };
}

export interface AppParts {
  readonly graph: Graph;
  readonly document: AppDocument;
  readonly deferral: Deferral;
  readonly args: ChioContainerAppArgs;
  readonly identity: AppIdentity;
  readonly workload: WorkloadIdentity | null;
  /** Known once everything is checked. Null: it is. */
  readonly checked: pulumi.Output<unknown> | null;
}

/** Identity, configuration and template of the app, each value in its place and as secret as it was. */
export function appParts(parts: AppParts): Pick<ContainerAppArgs, "identity" | "configuration" | "template"> {
  const { graph, document, deferral, args, identity, workload, checked } = parts;
  deferral.provide(IDENTITY, identity.id);
  deferral.provide(SECRETS_REVISION, secretsRevision(graph, deferral));
  if (workload !== null) deferral.provide(WORKLOAD_CLIENT_ID, workload.clientId);
  const template = deferral.restore(document.template) as app.TemplateArgs;
  const { terminationGracePeriodSeconds } = document.template;
  const identities = [identity.id, ...(workload === null ? [] : [workload.id])];
  const { settings } = graph;
  return {
    identity: { type: "UserAssigned", userAssignedIdentities: identities },
    configuration: {
      activeRevisionsMode: settings.revisionsMode,
      maxInactiveRevisions: settings.maxInactiveRevisions,
      ingress: ingress(graph, args),
      secrets: deferral.restore(document.secrets) as app.SecretArgs[],
      ...(settings.registries.length === 0
        ? {}
        : { registries: settings.registries.map((server) => ({ server: deferral.restoreText(server), identity: identity.id })) }),
      // The first is used by the platform alone: no container gets a token of it.
      identitySettings: identities.map((id, index) => ({ identity: id, lifecycle: index === 0 ? settings.identityLifecycle : "Main" })),
    },
    template: {
      ...template,
      // Values that were not known are checked before this one is: without it the app is not changed.
      ...(checked === null ? {} : { terminationGracePeriodSeconds: checked.apply(() => terminationGracePeriodSeconds) }),
      scale: scale(graph, args),
      ...given({ revisionSuffix: args.revisionSuffix }),
    } satisfies app.TemplateArgs,
  };
}

function scale({ scaling: model }: Graph, { scaling }: ChioContainerAppArgs): app.ScaleArgs {
  return {
    minReplicas: scaling?.minReplicas ?? model.minReplicas,
    maxReplicas: scaling?.maxReplicas ?? model.maxReplicas,
    rules: [httpRule(scaling?.concurrency ?? model.concurrency), ...(scaling?.rules ?? []).map(customRule)],
    ...given({ cooldownPeriod: scaling?.cooldownPeriod, pollingInterval: scaling?.pollingInterval }),
  };
}

function ingress(graph: Graph, args: ChioContainerAppArgs): app.IngressArgs {
  const { settings, ingress: model } = graph;
  const traffic = trafficWeights(settings.revisionsMode, args.traffic);
  return {
    external: model.exposure === "external",
    targetPort: model.port,
    transport: settings.transport,
    allowInsecure: model.allowInsecure,
    clientCertificateMode: args.clientCertificates ?? "ignore",
    ...given({
      traffic,
      ipSecurityRestrictions: args.allowedIpRanges?.map((ipAddressRange, index) => ({
        name: `allowed-${index + 1}`,
        action: "Allow",
        ipAddressRange,
      })),
      customDomains: args.customDomains?.map(({ name, certificateId }) => ({ name, certificateId, bindingType: "SniEnabled" })),
      stickySessions: args.stickySessions === true ? { affinity: "sticky" } : undefined,
    }),
  };
}

function httpRule(concurrency: pulumi.Input<number>): app.ScaleRuleArgs {
  return { name: "http-scale", http: { metadata: { concurrentRequests: pulumi.interpolate`${concurrency}` } } };
}

function customRule({ name, type, metadata, identity }: ScaleRule): app.ScaleRuleArgs {
  return { name, custom: { type, metadata, ...given({ identity }) } };
}

function secretsRevision(graph: Graph, deferral: Deferral): pulumi.Output<string> {
  const references = [...referredSecrets(graph)].map(
    ([name, ref]) => pulumi.interpolate`${name}=${deferral.restoreText(formatSecretRef(ref))}`,
  );
  return pulumi.all(references).apply((all) => createHash("sha256").update(all.sort().join("\n")).digest("hex").slice(0, 12));
}
