import { containerProps, type ImageInput, imageProps } from "../pulumi/containers.ts";
import type { Collected, Deferral } from "../pulumi/deferral.ts";
import { known, type Loose, mapValues, optional, prune } from "../pulumi/values.ts";
import {
  type CloudRunVpc,
  type ConfigProps,
  isDeferred,
  type PolicySource,
  parseSecretRef,
  type ReceiptSink,
  type SecretRef,
  type TopologyProps,
} from "../topology/index.ts";
import type { ChioCloudRunServiceArgs, CloudRunConfig, CloudRunVpcArgs, SecretInput } from "./args.ts";

export type PlainArgs = Collected<ChioCloudRunServiceArgs>;

/**
 * The model's props. With `later` some values are markers; without it all are real. `fallbackName` stands in for a name that is not known.
 */
export function topologyProps(args: PlainArgs, fallbackName: string, later: Deferral | null): TopologyProps {
  const secret = (input: Collected<SecretInput>) => secretRef(input, later);
  const { sidecar, app, secrets, receipts, scaling } = args;
  const props: Loose<TopologyProps> = {
    name: args.name === undefined || isDeferred(args.name) ? fallbackName : args.name,
    mode: args.mode,
    app: optional(app, (one) => containerProps<SecretInput, string | SecretRef>(one, secret)),
    sidecar: { ...sidecar, image: imageProps(sidecar.image as Collected<ImageInput>) },
    auxiliary: args.auxiliary?.map((one) => containerProps<SecretInput, string | SecretRef>(one, secret)),
    secrets: {
      signingKey: secret(secrets.signingKey),
      capabilityAuthorityUrl: optional(secrets.capabilityAuthorityUrl, secret),
      controlToken: optional(secrets.controlToken, secret),
      env: optional(secrets.env, (env) => mapValues(env, secret)),
    },
    policySource: args.policySource as string | PolicySource | undefined,
    receipts: {
      sink: receipts?.sink as ReceiptSink | string | undefined,
      acknowledge: receipts?.acknowledge,
      store: receipts?.store,
    },
    config: optional(args.config, (config) => delivery(config, secret)),
    exposure: args.exposure,
    scaling: {
      minReplicas: known(scaling?.minInstances),
      maxReplicas: known(scaling?.maxInstances),
      concurrency: known(scaling?.concurrency),
    },
    requestTimeoutSeconds: known(args.timeoutSeconds),
    shutdownDrainMs: args.shutdownDrainMs,
    cloudRun: {
      project: args.project,
      region: args.region,
      serviceAccount: args.serviceAccount,
      ingress: args.ingress,
      executionEnvironment: args.executionEnvironment,
      startupCpuBoost: args.startupCpuBoost,
      cpuIdle: args.cpuIdle,
      readinessProbe: args.readinessProbe,
      vpc: optional(args.vpc, network),
      invokers: args.invokers,
      binaryAuthorization: args.binaryAuthorization,
    },
    accept: args.accept,
  };
  return prune(props) as TopologyProps;
}

function secretRef(given: Collected<SecretInput>, later: Deferral | null): string | SecretRef {
  if (typeof given === "string") {
    if (later === null || !isDeferred(given)) return given;
    const part = (pick: (ref: SecretRef & { kind: "gcp-secret-manager" }) => string) => (text: string) => {
      const ref = parseSecretRef(text);
      if (ref.kind !== "gcp-secret-manager")
        throw new TypeError("a secret of Cloud Run is a version in Secret Manager: projects/P/secrets/S/versions/N");
      return pick(ref);
    };
    return {
      kind: "gcp-secret-manager",
      project: null,
      secret: later.derive(
        given,
        "secret",
        part(({ project, secret }) => (project === null ? secret : `projects/${project}/secrets/${secret}`)),
      ),
      version: later.derive(
        given,
        "version",
        part(({ version }) => version),
      ),
    };
  }
  if (given === null || typeof given !== "object") return given;
  const full = /^projects\/([^/]+)\/secrets\/([^/]+)$/.exec(given.secret);
  return {
    kind: "gcp-secret-manager",
    project: given.project ?? full?.[1] ?? null,
    secret: full?.[2] ?? given.secret,
    version: String(given.version),
  };
}

function delivery(config: Collected<CloudRunConfig>, secret: (input: Collected<SecretInput>) => string | SecretRef): ConfigProps {
  if (config.kind === "secret-files") return { ...config, files: config.files.map(({ path, ref }) => ({ path, ref: secret(ref) })) };
  if (config.kind === "fetched" && "bucket" in config) {
    const prefix = config.prefix ?? "";
    return { kind: "fetched", base: `gs://${config.bucket}/${prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`}` };
  }
  return config as ConfigProps;
}

function network(vpc: Collected<CloudRunVpcArgs>): CloudRunVpc {
  const egress = vpc.egress ?? "private-ranges-only";
  return vpc.kind === "direct" ? { ...vpc, tags: vpc.tags ?? [], egress } : { ...vpc, egress };
}
