import * as v from "valibot";
import { parseCpu, parseMemory } from "../quantities.ts";
import { acaSchema, cloudRunSchema, ecsSchema, localSchema } from "./platforms.ts";
import {
  absolutePath,
  boolean,
  byKind,
  choice,
  either,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  port,
  record,
  string,
  text,
} from "./tools.ts";
import {
  acceptanceSchema,
  configSchema,
  healthCheckEntries,
  imageSchema,
  policySourceSchema,
  receiptSinkSchema,
  secretSchema,
} from "./values.ts";

const command = () => v.pipe(list(text()), v.minLength(1, "must name a program"));
const envName = () => v.pipe(text(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of an environment variable"));
const env = () => record(envName(), string());

const quantity = (parse: (value: string | number) => number) =>
  v.pipe(
    either([string(), v.number((issue) => `must be a number or a quantity, not ${issue.received}`)], (input) =>
      typeof input === "string" ? 0 : 1,
    ),
    v.rawTransform<string | number, number>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );

const resources = choice(
  v.pipe(
    object({ cpu: quantity(parseCpu), memory: quantity(parseMemory) }),
    v.transform(({ cpu, memory }) => ({ cpuMilli: cpu, memoryMiB: memory })),
  ),
);

const container = {
  image: choice(imageSchema),
  command: optional(command()),
  args: optional(list(string())),
  workingDirectory: optional(absolutePath()),
  env: optional(env()),
  secrets: optional(record(envName(), choice(secretSchema))),
  resources: optional(resources),
  user: optional(text()),
  readOnlyRoot: optional(boolean()),
  writable: optional(list(object({ path: absolutePath(), sizeMiB: integer(1) }))),
};

const mode = byKind([
  object({
    kind: v.literal("api-protect"),
    upstream: optional(text()),
    spec: nullable(text()),
    policy: optional(absolutePath()),
    extraArgs: optional(list(text()), []),
  }),
  object({
    kind: v.literal("mcp-serve-http"),
    serverId: text(),
    serverName: optional(text()),
    policy: absolutePath(),
    command: optional(list(string()), []),
    extraArgs: optional(list(text()), []),
  }),
]);

const app = object({
  ...container,
  name: optional(text()),
  port: optional(port()),
  bind: optional(text()),
  health: optional(
    v.pipe(
      text(),
      v.check(
        (value) => value.startsWith("/") || value === "tcp" || value === "none",
        'must be a path such as /healthz, or "tcp", or "none"',
      ),
    ),
  ),
  healthCommand: optional(object({ command: command(), ...healthCheckEntries })),
  libc: optional(oneOf(["glibc", "musl", "none"])),
});

const sidecar = object({
  name: optional(text()),
  image: optional(choice(imageSchema)),
  flavor: optional(oneOf(["distroless", "alpine"])),
  port: optional(port()),
  healthPath: optional(v.pipe(text(), v.regex(/^\/[A-Za-z0-9/_.~-]*$/, "must be an absolute URL path without query"))),
  kernelConfig: optional(nullable(text())),
  logLevel: optional(oneOf(["trace", "debug", "info", "warn", "error"])),
  trustedIssuers: optional(list(text())),
  policyRefresh: optional(v.pipe(text(), v.regex(/^(off|\d+(ms|s|m|h))$/, 'must be an interval such as "30s" or "5m"'))),
  env: optional(env()),
  resources: optional(resources),
  user: optional(text()),
  readOnlyRoot: optional(boolean()),
  healthCommand: optional(object({ command: optional(command()), ...healthCheckEntries })),
  startup: optional(object({ periodSeconds: optional(integer(1)), attempts: optional(integer(1)) })),
});

const sinks = choice(
  v.pipe(
    either([receiptSinkSchema, v.pipe(list(receiptSinkSchema), v.minLength(1, "must name at least one sink"))], (input) =>
      Array.isArray(input) ? 1 : 0,
    ),
    v.transform((value) => (Array.isArray(value) ? value : [value])),
  ),
);

/** The whole input: what TypeScript callers pass to `defineTopology`, and what a service.yaml says. */
export const propsSchema = object({
  $schema: optional(string()),
  name: text(),
  mode,
  app: optional(app),
  sidecar: optional(sidecar),
  auxiliary: optional(list(object({ ...container, name: text(), listens: optional(list(port())) }))),
  init: optional(list(object({ ...container, name: text() }))),
  secrets: optional(
    object({
      signingKey: optional(choice(secretSchema)),
      capabilityAuthorityUrl: optional(choice(secretSchema)),
      controlToken: optional(choice(secretSchema)),
      env: optional(record(envName(), choice(secretSchema))),
    }),
  ),
  policySource: optional(choice(policySourceSchema)),
  receipts: optional(
    object({ sink: optional(sinks), acknowledge: optional(choice(oneOf(["ledger", "sink"]))), store: optional(nullable(absolutePath())) }),
  ),
  config: optional(choice(configSchema)),
  exposure: optional(choice(oneOf(["internal", "external"]))),
  scaling: optional(
    choice(object({ minReplicas: optional(integer(0)), maxReplicas: optional(integer(1)), concurrency: optional(integer(1)) })),
  ),
  requestTimeoutSeconds: optional(choice(integer(1))),
  graceSeconds: optional(choice(integer(1))),
  shutdownDrainMs: optional(choice(integer(0))),
  architecture: optional(oneOf(["amd64", "arm64"])),
  ecs: optional(ecsSchema),
  cloudRun: optional(cloudRunSchema),
  aca: optional(acaSchema),
  local: optional(localSchema),
  accept: optional(list(acceptanceSchema)),
});

/** The input with every short form read into its typed value. Defaults are not in it yet. */
export type ParsedProps = v.InferOutput<typeof propsSchema>;
