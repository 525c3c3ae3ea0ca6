import { type InputIssue, TopologyInputError } from "../topology/index.ts";
import { nearest } from "../topology/nearest.ts";
import type { ChioAppProps, ChioAuxiliaryProps, ChioContainerProps, ChioInitProps, ChioProps } from "./props.ts";
import type { ChioFargateServiceProps } from "./service-props.ts";
import type { ChioSidecarProps } from "./sidecar.ts";

/** Gives what is wrong with a value that is there. */
type Check = (value: unknown, path: string) => InputIssue[];
/** One check for each property that the type has, so that none is forgotten. */
type Checks<T> = { readonly [K in keyof Required<T>]: Check };

const wrong = (path: string, expected: string, value: unknown): InputIssue[] => [
  { path, message: `expected ${expected}, got ${kindOf(value)}` },
];
const typed =
  (type: "string" | "number" | "boolean"): Check =>
  (value, path) =>
    typeof value === type ? [] : wrong(path, `a ${type}`, value);
const [text, number, flag] = [typed("string"), typed("number"), typed("boolean")];
/** Goes into the model as it is, which has its own check and the same name for it. */
const ofTheModel: Check = () => [];

/** An object of the CDK, known by a member that its interface has. */
function made(what: string, member: string): Check {
  return (value, path) => (typeof value === "object" && value !== null && member in value ? [] : wrong(path, what, value));
}
const duration = made("a Duration of the CDK", "toSeconds");
const bucket = made("an IBucket of the CDK", "bucketArn");
const key = made("an IKey of the CDK", "keyArn");

function list(check: Check): Check {
  return (value, path) =>
    Array.isArray(value) ? value.flatMap((one, index) => check(one, `${path}[${index}]`)) : wrong(path, "a list", value);
}

function record(check: Check): Check {
  return (value, path) =>
    isPlain(value) ? Object.entries(value).flatMap(([name, one]) => check(one, `${path}.${name}`)) : wrong(path, "an object", value);
}

/** The checks in their order; the first whose `member` the value has decides. */
function either(what: string, ...choices: readonly { readonly when: (value: object) => boolean; readonly check: Check }[]): Check {
  return (value, path) => {
    const choice = typeof value === "object" && value !== null ? choices.find(({ when }) => when(value)) : undefined;
    return choice === undefined ? wrong(path, what, value) : choice.check(value, path);
  };
}
const has = (member: string) => (value: object) => member in value;
const orText =
  (check: Check): Check =>
  (value, path) =>
    typeof value === "string" ? [] : check(value, path);

function shape<T>(checks: Checks<T>, required: readonly (keyof T & string)[] = []): Check {
  const names = Object.keys(checks);
  return (value, path) => {
    if (!isPlain(value)) return wrong(path, "an object", value);
    const at = (name: string) => (path === "" ? name : `${path}.${name}`);
    const missing = required.filter((name) => value[name] === undefined || value[name] === null);
    return [
      ...missing.map((name) => ({ path: at(name), message: "is required" })),
      ...Object.entries(value).flatMap(([name, one]): InputIssue[] => {
        if (Object.hasOwn(checks, name)) {
          return one === undefined || missing.some((gone) => gone === name) ? [] : checks[name as keyof T](one, at(name));
        }
        const close = nearest(name, names);
        return [
          { path: at(name), message: `unknown property; ${close === null ? `known are ${names.join(", ")}` : `did you mean ${close}?`}` },
        ];
      }),
    ];
  };
}

const storedSecret: Check = (value, path) =>
  typeof value === "object" && value !== null && ("secretArn" in value || "parameterArn" in value)
    ? []
    : wrong(path, "an ISecret or an IParameter of the CDK", value);
const secret: Check = either(
  "an ISecret or an IParameter of the CDK, or { secret, field }",
  { when: (value) => !isPlain(value), check: storedSecret },
  {
    when: has("secret"),
    check: shape<{ secret: 1; field: 1; versionStage: 1; versionId: 1 }>({
      secret: storedSecret,
      field: text,
      versionStage: text,
      versionId: text,
    }),
  },
);
const appImage: Check = orText((value, path) =>
  typeof value === "object" && value !== null && ("bind" in value || "imageUri" in value)
    ? []
    : wrong(path, "a reference with a digest, a ContainerImage or a DockerImageAsset", value),
);
const inBucket = shape<{ bucket: 1; key: 1 }>({ bucket, key: text }, ["bucket", "key"]);
const sink = orText(
  either(
    "the text of a sink, { table } or { bucket }",
    { when: has("table"), check: shape<{ table: 1 }>({ table: made("an ITable of the CDK", "tableArn") }) },
    { when: has("bucket"), check: shape<{ bucket: 1; prefix: 1 }>({ bucket, prefix: text }) },
  ),
);
const kindIs = (kind: string) => (value: object) => "kind" in value && value.kind === kind;
const config = either(
  '{ kind: "image" }, { kind: "efs", … } or { kind: "fetched", … }',
  { when: kindIs("image"), check: shape<{ kind: 1 }>({ kind: text }) },
  {
    when: kindIs("efs"),
    check: shape<{ kind: 1; fileSystem: 1; accessPoint: 1; mountPath: 1 }>(
      {
        kind: text,
        fileSystem: made("an IFileSystem of the CDK", "fileSystemId"),
        accessPoint: made("an IAccessPoint of the CDK", "accessPointId"),
        mountPath: text,
      },
      ["fileSystem", "accessPoint"],
    ),
  },
  { when: kindIs("fetched"), check: shape<{ kind: 1; bucket: 1; prefix: 1 }>({ kind: text, bucket, prefix: text }, ["bucket"]) },
);

const CONTAINER: Checks<ChioContainerProps> = {
  image: appImage,
  entryPoint: list(text),
  command: list(text),
  workingDirectory: text,
  environment: record(text),
  secrets: record(secret),
  resources: ofTheModel,
  user: text,
  readonlyRootFilesystem: flag,
  writable: ofTheModel,
};
const APP: Checks<ChioAppProps> = { ...CONTAINER, containerName: text, port: number, bind: text, healthCheck: ofTheModel };
const AUXILIARY: Checks<ChioAuxiliaryProps> = { ...CONTAINER, containerName: text, listens: list(number) };
const INIT: Checks<ChioInitProps> = { ...CONTAINER, containerName: text };

/** Its own names are the model's; only what the constructs take from it is looked at here. */
const sidecar: Check = (value, path) => {
  if (!isPlain(value)) return wrong(path, "an object", value);
  const { image, containerName } = value;
  return [
    ...(image === undefined || (typeof image === "object" && image !== null && "ref" in image && "flavor" in image)
      ? []
      : wrong(`${path}.image`, "ChioImage.bundled(…) or ChioImage.fromRegistry(…)", image)),
    ...(containerName === undefined ? [] : text(containerName, `${path}.containerName`)),
  ];
};

const COMMON: Checks<ChioProps> = {
  mode: (value, path) =>
    isPlain(value) && typeof value.kind === "string" ? [] : wrong(path, "apiProtect({ … }) or mcpServeHttp({ … })", value),
  signingKey: secret,
  capabilityAuthorityUrl: secret,
  controlToken: secret,
  sidecarSecrets: record(secret),
  sidecar,
  policySource: orText(inBucket),
  receipts: shape<{ sink: 1; acknowledge: 1; store: 1 }>({
    sink: (value, path) => (Array.isArray(value) ? list(sink)(value, path) : sink(value, path)),
    acknowledge: ofTheModel,
    store: ofTheModel,
  }),
  config,
  logs: shape<{ retention: 1; encryptionKey: 1; sidecarMode: 1; appMode: 1 }>({
    retention: number,
    encryptionKey: key,
    sidecarMode: ofTheModel,
    appMode: ofTheModel,
  }),
  graceSeconds: number,
  architecture: text,
  accept: list(shape<{ code: 1; reason: 1; path: 1 }>({ code: text, reason: text, path: text }, ["code", "reason"])),
};
const subnets: Check = (value, path) => (isPlain(value) ? [] : wrong(path, "a SubnetSelection", value));
const SERVICE: Checks<ChioFargateServiceProps> = {
  ...COMMON,
  name: text,
  app: shape(APP, ["image"]),
  auxiliary: list(shape(AUXILIARY, ["image", "containerName"])),
  init: list(shape(INIT, ["image", "containerName"])),
  cluster: made("an ICluster of the CDK", "clusterArn"),
  vpc: made("an IVpc of the CDK", "vpcId"),
  taskSubnets: subnets,
  loadBalancerSubnets: subnets,
  family: text,
  exposure: text,
  certificate: made("an ICertificate of the CDK", "certificateArn"),
  listenerPort: number,
  allowFrom: list(made("an IPeer of the CDK", "toIngressRuleConfig")),
  accessLogs: shape<{ bucket: 1; prefix: 1 }>({ bucket, prefix: text }, ["bucket"]),
  loadBalancerDeletionProtection: flag,
  replicas: shape<{ minReplicas: 1; maxReplicas: 1 }>({ minReplicas: number, maxReplicas: number }),
  scaleOnCpuPercent: number,
  requestTimeout: duration,
  deregistrationDelay: duration,
  healthCheckGracePeriod: duration,
  circuitBreaker: shape<{ enable: 1; rollback: 1 }>({ enable: flag, rollback: flag }),
  minHealthyPercent: number,
  maxHealthyPercent: number,
  enableExecuteCommand: flag,
};
const SIDECAR: Checks<ChioSidecarProps> = {
  ...COMMON,
  app: shape<{ containerName: 1; port: 1; bind: 1 }>({ containerName: text, port: number, bind: text }),
};
const REQUIRED = ["mode", "signingKey"] as const;

/** Throws `TopologyInputError` with everything that TypeScript would have refused. */
export function checkServiceProps(props: ChioFargateServiceProps, origin: string): void {
  refuse(shape(SERVICE, REQUIRED)(props, ""), origin);
}

export function checkSidecarProps(props: ChioSidecarProps): void {
  refuse(shape(SIDECAR, REQUIRED)(props, ""), "ChioSidecar");
}

function refuse(issues: readonly InputIssue[], origin: string): void {
  if (issues.length > 0) throw new TopologyInputError(issues, { origin });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Never the value itself: it may be a secret that somebody gave in place of a reference. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return isPlain(value) ? "an object" : `a ${value.constructor.name}`;
  return value === undefined ? "nothing" : `a ${typeof value}`;
}
