import { containerProps, type ImageInput, imageProps } from "../pulumi/containers.ts";
import type { Collected } from "../pulumi/deferral.ts";
import { known, type Loose, mapValues, optional, prune } from "../pulumi/values.ts";
import { type ConfigProps, isDeferred, type SecretRef, type TopologyProps } from "../topology/index.ts";
import type { ChioContainerAppArgs, ContainerAppConfig, SecretInput } from "./args.ts";

/** The arguments that the model or the checks see. The others are resources, or go to Azure as they are. */
export type ModelArgs = Omit<ChioContainerAppArgs, "environment" | "identity" | "workloadIdentity" | "tags" | "customDomains">;
export type PlainArgs = Collected<ModelArgs>;

export function modelArgs(args: ChioContainerAppArgs): ModelArgs {
  const { environment: _, identity: _i, workloadIdentity: _w, tags: _t, customDomains: _d, ...rest } = args;
  return rest;
}

export interface Fallbacks {
  /** Stands in for a name that is not known. */
  readonly name: string;
  readonly workloadProfile: string | null;
}

/** The model's props. Values that are not known yet are markers in them. */
export function topologyProps(args: PlainArgs, fallbacks: Fallbacks): TopologyProps {
  const { sidecar, app, secrets, receipts, scaling } = args;
  const props: Loose<TopologyProps> = {
    name: args.name === undefined || isDeferred(args.name) ? fallbacks.name : args.name,
    mode: args.mode,
    app: optional(app, (one) => containerProps<SecretInput, string | SecretRef>(one, secretRef)),
    sidecar: { ...sidecar, image: imageProps(sidecar.image as Collected<ImageInput>) },
    auxiliary: args.auxiliary?.map((one) => containerProps<SecretInput, string | SecretRef>(one, secretRef)),
    init: args.init?.map((one) => containerProps<SecretInput, string | SecretRef>(one, secretRef)),
    secrets: {
      signingKey: secretRef(secrets.signingKey),
      capabilityAuthorityUrl: optional(secrets.capabilityAuthorityUrl, secretRef),
      controlToken: optional(secrets.controlToken, secretRef),
      env: optional(secrets.env, (env) => mapValues(env, secretRef)),
    },
    policySource: args.policySource,
    receipts: { sink: receipts?.sink, acknowledge: receipts?.acknowledge, store: receipts?.store },
    config: optional(args.config, delivery),
    exposure: args.exposure,
    scaling: {
      minReplicas: known(scaling?.minReplicas),
      maxReplicas: known(scaling?.maxReplicas),
      concurrency: known(scaling?.concurrency),
    },
    graceSeconds: args.graceSeconds,
    shutdownDrainMs: args.shutdownDrainMs,
    aca: {
      location: args.location,
      revisionsMode: args.revisionsMode ?? (args.traffic === undefined ? undefined : "Multiple"),
      transport: args.transport,
      workloadProfile: args.workloadProfile ?? fallbacks.workloadProfile,
      registries: args.registries,
      maxInactiveRevisions: args.maxInactiveRevisions,
      startGate: args.startGate,
    },
    accept: args.accept,
  };
  return prune(props) as TopologyProps;
}

/** A URL that is not known yet is taken for one of Key Vault's, and read when it is known. */
function secretRef(given: Collected<SecretInput>): string | SecretRef {
  return typeof given === "string" && isDeferred(given) ? { kind: "azure-key-vault", uri: given } : given;
}

function delivery(config: Collected<ContainerAppConfig>): ConfigProps {
  if (config.kind === "secret-files") return { ...config, files: config.files.map(({ path, ref }) => ({ path, ref: secretRef(ref) })) };
  if (config.kind === "fetched" && "account" in config) {
    const prefix = config.prefix ?? "";
    const end = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
    return { kind: "fetched", base: `azblob://${config.account}/${config.container}/${end}` };
  }
  return config as ConfigProps;
}
