import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import {
  type Acceptance,
  type ConfigProps,
  defineTopology,
  type EcsProps,
  type PolicySource,
  type ReceiptSink,
  type SecretRef,
  type TopologyFor,
  type TopologyProps,
} from "../topology/index.ts";
import { appImage, ChioImage, type ResolvedImage } from "./image.ts";
import type {
  ChioAppProps,
  ChioAuxiliaryProps,
  ChioConfig,
  ChioContainerProps,
  ChioInitProps,
  ChioPolicySource,
  ChioProps,
  ChioReceiptSink,
  ChioSecret,
} from "./props.ts";
import { type StoredSecret, secretRef } from "./stored-secret.ts";

export type EcsGraph = TopologyFor<"ecs">;

/** The graph, and the CDK's objects that stand behind its references. */
export interface Model {
  readonly graph: EcsGraph;
  /** By container name. */
  readonly images: ReadonlyMap<string, ResolvedImage>;
  /** By the ARN in the model. */
  readonly secrets: ReadonlyMap<string, StoredSecret>;
  /** By the name in the model. */
  readonly buckets: ReadonlyMap<string, IBucket>;
  readonly tables: ReadonlyMap<string, ITable>;
  /** Those that only synthesis can judge: they speak of policies and rules that others may still add. */
  readonly lateAcceptances: readonly Acceptance[];
}

/** Found in the finished construct tree, not in the props. */
export const LATE_CODES: readonly string[] = ["CHIO-TASK-ROLE", "CHIO-INGRESS-SOURCE"];

export interface ModelInput {
  readonly name: string;
  readonly props: ChioProps;
  readonly app: ChioAppProps | undefined;
  readonly auxiliary: readonly ChioAuxiliaryProps[];
  readonly init: readonly ChioInitProps[];
  readonly ecs: Partial<EcsProps>;
  readonly more: Partial<Pick<TopologyProps, "exposure" | "scaling" | "requestTimeoutSeconds">>;
  /** How the app's image is written where the container exists already. */
  readonly appImage?: ResolvedImage;
}

/** The topology from CDK props. Throws `TopologyInputError` with every wrong property at once; it does not judge. */
export function model({ name, props, app, auxiliary, init, ecs, more, ...rest }: ModelInput): Model {
  const images = new Map<string, ResolvedImage>();
  const secrets = new Map<string, StoredSecret>();
  const buckets = new Map<string, IBucket>();
  const tables = new Map<string, ITable>();
  const secret = (given: ChioSecret): SecretRef => secretRef(given, secrets);
  const container = (given: ChioContainerProps, containerName: string, image = appImage(given.image)) => {
    images.set(containerName, image);
    return containerProps(given, image, secret);
  };
  const { containerName: sidecarName, image: sidecarImage = ChioImage.bundled(), ...sidecar } = props.sidecar ?? {};
  images.set(sidecarName ?? "chio-sidecar", sidecarImage);
  const sinks = [props.receipts?.sink ?? []].flat() as readonly ChioReceiptSink[];
  const accept = props.accept ?? [];
  const topology = defineTopology({
    name,
    mode: props.mode,
    sidecar: {
      ...sidecar,
      ...defined({ name: sidecarName }),
      image: sidecarImage.ref,
      flavor: sidecarImage.flavor,
    },
    ...(app === undefined
      ? {}
      : {
          app: {
            ...container(app, app.containerName ?? "app", rest.appImage),
            ...defined({ name: app.containerName, port: app.port, bind: app.bind, healthCommand: app.healthCheck }),
          },
        }),
    auxiliary: auxiliary.map((one) => ({
      ...container(one, one.containerName),
      name: one.containerName,
      ...defined({ listens: one.listens }),
    })),
    init: init.map((one) => ({ ...container(one, one.containerName), name: one.containerName })),
    secrets: {
      signingKey: secret(props.signingKey),
      ...(props.capabilityAuthorityUrl === undefined ? {} : { capabilityAuthorityUrl: secret(props.capabilityAuthorityUrl) }),
      ...(props.controlToken === undefined ? {} : { controlToken: secret(props.controlToken) }),
      env: mapValues(props.sidecarSecrets ?? {}, secret),
    },
    ...(props.policySource === undefined ? {} : { policySource: policySource(props.policySource, buckets) }),
    receipts: {
      ...(sinks.length === 0 ? {} : { sink: sinks.map((one) => receiptSink(one, buckets, tables)) }),
      ...defined({ acknowledge: props.receipts?.acknowledge, store: props.receipts?.store }),
    },
    ...(props.config === undefined ? {} : { config: config(props.config, buckets) }),
    ...defined({ graceSeconds: props.graceSeconds, architecture: props.architecture }),
    ...more,
    ecs,
    accept: accept.filter((one) => !LATE_CODES.includes(one.code)),
  });
  return {
    graph: topology.graphs.ecs,
    images,
    secrets,
    buckets,
    tables,
    lateAcceptances: accept.filter((one) => LATE_CODES.includes(one.code)),
  };
}

function containerProps(given: ChioContainerProps, image: ResolvedImage, secret: (given: ChioSecret) => SecretRef) {
  return {
    image: image.ref,
    env: given.environment ?? {},
    secrets: mapValues(given.secrets ?? {}, secret),
    ...defined({
      command: given.entryPoint,
      args: given.command,
      workingDirectory: given.workingDirectory,
      resources: given.resources,
      user: given.user,
      readOnlyRoot: given.readonlyRootFilesystem,
      writable: given.writable,
    }),
  };
}

function policySource(given: ChioPolicySource, buckets: Map<string, IBucket>): string | PolicySource {
  if (typeof given === "string") return given;
  buckets.set(given.bucket.bucketName, given.bucket);
  return { kind: "s3", bucket: given.bucket.bucketName, key: given.key };
}

function receiptSink(given: ChioReceiptSink, buckets: Map<string, IBucket>, tables: Map<string, ITable>): string | ReceiptSink {
  if (typeof given === "string") return given;
  if ("table" in given) {
    tables.set(given.table.tableName, given.table);
    return { kind: "dynamodb", table: given.table.tableName, region: null };
  }
  buckets.set(given.bucket.bucketName, given.bucket);
  return { kind: "s3", bucket: given.bucket.bucketName, prefix: given.prefix ?? "" };
}

function config(given: ChioConfig, buckets: Map<string, IBucket>): ConfigProps {
  switch (given.kind) {
    case "image":
      return given;
    case "efs":
      return {
        kind: "efs",
        fileSystemId: given.fileSystem.fileSystemId,
        accessPointId: given.accessPoint.accessPointId,
        ...defined({ mountPath: given.mountPath }),
      };
    case "fetched":
      buckets.set(given.bucket.bucketName, given.bucket);
      return { kind: "fetched", base: `s3://${given.bucket.bucketName}/${given.prefix ?? ""}` };
  }
}

/** Without the keys whose value is undefined: the model knows "not given", and no undefined. */
export function defined<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function mapValues<T, U>(given: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, map(value)]));
}
