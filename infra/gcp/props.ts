import type { Collected, Deferral } from "../pulumi/deferral.ts";
import {
  type AppProps,
  type AuxiliaryProps,
  type CloudRunVpc,
  type ConfigProps,
  type ImageProps,
  isDeferred,
  type PolicySource,
  parseSecretRef,
  type ReceiptSink,
  type SecretRef,
  type TopologyProps,
} from "../topology/index.ts";
import type { ChioCloudRunServiceArgs, CloudRunConfig, CloudRunContainerArgs, CloudRunVpcArgs, ImageInput, SecretInput } from "./args.ts";

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
    app: app === undefined ? undefined : { ...app, ...container(app, secret) },
    sidecar: { ...sidecar, image: image(sidecar.image) },
    auxiliary: args.auxiliary?.map((one) => ({ ...one, ...container(one, secret) }) as AuxiliaryProps),
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

type Loose<T> = { [K in keyof T]?: unknown };

/** A number that is not known yet gets the model's default here, and is checked when it is known. */
function known(value: number | string | undefined): unknown {
  return typeof value === "string" && isDeferred(value) ? undefined : value;
}

function container(
  one: Collected<CloudRunContainerArgs>,
  secret: (input: Collected<SecretInput>) => string | SecretRef,
): Partial<AppProps> {
  return prune({ image: image(one.image), secrets: optional(one.secrets, (secrets) => mapValues(secrets, secret)) }) as Partial<AppProps>;
}

/** A reference that is not known yet counts as pinned here, and is checked when it is known. */
function image(given: Collected<ImageInput>): ImageProps {
  if (given !== null && typeof given === "object") return { kind: "provided", ...given };
  return typeof given === "string" && isDeferred(given) ? { kind: "provided", reference: given, pinnedBy: "digest" } : given;
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

function optional<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

function mapValues<T, R>(values: Readonly<Record<string, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
}

/** Drops what was not given, so that the model's defaults hold. Empty parts go too. */
function prune(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, prune(item)]),
  );
}
