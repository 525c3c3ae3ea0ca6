import { describe, expect, it } from "vitest";
import {
  apiProtect,
  deferred,
  defineTopology,
  mcpServeHttp,
  PLATFORMS,
  type Platform,
  resolveFor,
  sidecarAccess,
  TopologyInputError,
  type TopologyProps,
  WORKLOAD_CLIENT_ID,
} from "../../../infra/topology/index.ts";
import type { ParsedProps } from "../../../infra/topology/schema/props.ts";
import { APP_IMAGE, baseline, container, DIGEST, PROPS, SIDECAR_IMAGE } from "./fixtures.ts";

const sidecar = (props: Partial<TopologyProps>, platform: Platform) => container(resolveFor(baseline(props), platform), "sidecar");
const app = (props: Partial<TopologyProps>, platform: Platform) => container(resolveFor(baseline(props), platform), "app");

function issues(input: unknown): string[] {
  try {
    defineTopology(input as TopologyProps);
  } catch (error) {
    if (error instanceof TopologyInputError) return error.issues.map((issue) => `${issue.path}: ${issue.message}`);
    throw error;
  }
  return [];
}

describe("the sidecar", () => {
  it("gets the arguments of api protect", () => {
    expect(sidecar({}, "ecs").args).toEqual([
      "api",
      "protect",
      "--upstream",
      "http://127.0.0.1:8080",
      "--spec",
      "/etc/chio/spec/openapi.yaml",
      "--listen",
      "0.0.0.0:9090",
    ]);
  });

  it("follows the app's port and its own", () => {
    const args = sidecar({ app: { image: APP_IMAGE, port: 3000 }, sidecar: { image: SIDECAR_IMAGE, port: 9191 } }, "aca").args;
    expect(args).toContain("http://127.0.0.1:3000");
    expect(args).toContain("0.0.0.0:9191");
  });

  it("gets the arguments of mcp serve-http, the command last", () => {
    const mode = mcpServeHttp({
      serverId: "search",
      serverName: "Search",
      policy: "/etc/chio/policy.yaml",
      command: ["node", "server.js", "--verbose"],
    });
    const { app: _, ...props } = PROPS;
    const graph = resolveFor(defineTopology({ ...props, mode, policySource: "/etc/chio/policy.yaml" }), "local");
    expect(container(graph, "sidecar").args).toEqual([
      "mcp",
      "serve-http",
      "--policy",
      "/etc/chio/policy.yaml",
      "--server-id",
      "search",
      "--server-name",
      "Search",
      "--listen",
      "0.0.0.0:9090",
      "--",
      "node",
      "server.js",
      "--verbose",
    ]);
    expect(graph.containers).toHaveLength(1);
  });

  it.each([
    ["ecs", "28000"],
    ["cloud-run", "8000"],
    ["aca", "28000"],
    ["local", "28000"],
  ] as const)("drains for the grace less 2 s on %s", (platform, drain) => {
    expect(sidecar({}, platform).env.CHIO_SHUTDOWN_DRAIN_MS).toBe(drain);
    expect(sidecar({ graceSeconds: 60 }, platform).env.CHIO_SHUTDOWN_DRAIN_MS).toBe(platform === "cloud-run" ? "8000" : "58000");
  });

  it("is told everything by variables that it reads", () => {
    expect(sidecar({}, "cloud-run").env).toEqual({
      CHIO_LISTEN_ADDR: "0.0.0.0:9090",
      CHIO_HEALTH_PATH: "/chio/health",
      CHIO_KERNEL_CONFIG_PATH: "/etc/chio/kernel/kernel.yaml",
      CHIO_POLICY_SOURCE: "gs://team-chio-config/policy.yaml",
      CHIO_RECEIPT_SINK: "bigquery://team.chio.receipts",
      CHIO_RECEIPT_STORE: "/var/lib/chio/receipts.sqlite",
      CHIO_RECEIPT_ACKNOWLEDGE: "sink",
      CHIO_LOG_LEVEL: "info",
      CHIO_SHUTDOWN_DRAIN_MS: "8000",
    });
  });

  it("says by name that it keeps no receipts of its own", () => {
    const env = sidecar({ receipts: { sink: "bigquery://a.b.c", store: null } }, "cloud-run").env;
    expect(env.CHIO_ALLOW_EPHEMERAL_RECEIPTS).toBe("true");
    expect(env).not.toHaveProperty("CHIO_RECEIPT_STORE");
  });

  it("probes health for startup and readiness, live for liveness", () => {
    const { startup, liveness, readiness } = sidecar({ sidecar: { image: SIDECAR_IMAGE, healthPath: "/ready" } }, "aca").probes;
    expect([startup, liveness, readiness].map((probe) => probe?.action)).toEqual([
      { kind: "http", path: "/ready", port: 9090 },
      { kind: "http", path: "/chio/live", port: 9090 },
      { kind: "http", path: "/ready", port: 9090 },
    ]);
  });

  it("has the readiness preview of Cloud Run only on request", () => {
    expect(sidecar({}, "cloud-run").probes.readiness).toBeNull();
    expect(sidecar({ cloudRun: { readinessProbe: true } }, "cloud-run").probes.readiness).not.toBeNull();
    expect(resolveFor(baseline({ cloudRun: { readinessProbe: true } }), "cloud-run").settings.launchStage).toBe("BETA");
  });

  it("has the uid of its image", () => {
    expect(sidecar({ sidecar: { image: "bundled:alpine" } }, "ecs").user).toBe("10001:10001");
    expect(sidecar({ sidecar: { image: SIDECAR_IMAGE, flavor: "alpine" } }, "ecs").user).toBe("10001:10001");
    expect(sidecar({}, "ecs").user).toBe("65532:65532");
  });

  it("gets the key as a file where the reference is one", () => {
    expect(sidecar({}, "local").secrets.find((one: { purpose: string }) => one.purpose === "signing-key").target).toEqual({
      kind: "file",
      path: "/run/secrets/chio-signing-key",
      env: "CHIO_SIGNING_KEY_FILE",
    });
    expect(sidecar({}, "ecs").secrets.find((one: { purpose: string }) => one.purpose === "signing-key").target).toEqual({
      kind: "env",
      env: "CHIO_SIGNING_KEY",
    });
  });

  it("needs no kernel.yaml where null says so, though the image names one", () => {
    expect(sidecar({ sidecar: { image: SIDECAR_IMAGE, kernelConfig: null } }, "ecs").env.CHIO_KERNEL_CONFIG_PATH).toBe("");
    expect(sidecar({ config: { kind: "image" } }, "ecs").env).not.toHaveProperty("CHIO_KERNEL_CONFIG_PATH");
  });

  it("fetches its files from where the configuration is", () => {
    const props = {
      config: { kind: "fetched", base: "s3://bucket/prefix/" },
      sidecar: { image: SIDECAR_IMAGE, kernelConfig: "/etc/chio/kernel.yaml" },
    } as const;
    const one = sidecar(props, "ecs");
    expect(one.args).toContain("s3://bucket/prefix/spec/openapi.yaml");
    expect(one.env.CHIO_KERNEL_CONFIG_PATH).toBe("s3://bucket/prefix/kernel.yaml");
    expect(one.mounts.map((mount: { volume: string }) => mount.volume)).toEqual(["chio-state"]);
  });

  it("is told on Azure which identity is its own, when it needs one", () => {
    expect(sidecar({}, "aca").env.AZURE_CLIENT_ID).toBe(deferred(WORKLOAD_CLIENT_ID));
    expect(sidecar({ receipts: { sink: "stdout" }, policySource: "/etc/chio/policy.yaml" }, "aca").env).not.toHaveProperty(
      "AZURE_CLIENT_ID",
    );
    const blob = { mode: apiProtect({ spec: "azblob://team/chio/openapi.yaml" }), policySource: "/etc/chio/policy.yaml" };
    expect(sidecar({ ...blob, receipts: { sink: "stdout" } }, "aca").env).toHaveProperty("AZURE_CLIENT_ID");
  });
});

describe("the app", () => {
  it("waits for the sidecar, on every platform", () => {
    for (const platform of PLATFORMS)
      expect(resolveFor(baseline(), platform).startOrder).toContainEqual({
        container: "app",
        dependsOn: "chio-sidecar",
        condition: "healthy",
      });
  });

  it("learns where the sidecar is, and none of its secrets", () => {
    expect(app({}, "ecs").env).toEqual({
      CHIO_SIDECAR_URL: "http://127.0.0.1:9090",
      CHIO_SIDECAR_HEALTH_URL: "http://127.0.0.1:9090/chio/health",
    });
    expect(app({}, "ecs").secrets).toEqual([]);
  });

  it("is probed as it was said", () => {
    expect(app({ app: { image: APP_IMAGE } }, "cloud-run").probes.startup.action).toEqual({ kind: "tcp", port: 8080 });
    expect(app({}, "cloud-run").probes.liveness.action).toEqual({ kind: "http", path: "/healthz", port: 8080 });
    expect(app({ app: { image: APP_IMAGE, health: "none" } }, "aca").probes).toEqual({ startup: null, liveness: null, readiness: null });
    expect(app({ app: { image: APP_IMAGE, healthCommand: { command: ["/probe"] } } }, "ecs").healthCheck).toEqual({
      command: ["/probe"],
      intervalSeconds: 10,
      timeoutSeconds: 5,
      retries: 3,
      startPeriodSeconds: 15,
    });
  });

  it("starts through the gate on Azure when its command is known", () => {
    const graph = resolveFor(
      baseline({ app: { image: APP_IMAGE, command: ["node", "server.js"], libc: "musl" }, sidecar: { image: "bundled" } }),
      "aca",
    );
    expect(graph.startGate).toEqual({
      kind: "wrapper",
      container: "chio-gate",
      program: "/opt/chio/chio",
      programLibc: "musl",
      appLibc: "musl",
    });
    expect(container(graph, "app").entrypoint).toEqual([
      "/opt/chio/chio",
      "wait",
      "--for",
      "http://127.0.0.1:9090/chio/health",
      "--",
      "node",
      "server.js",
    ]);
    expect(container(graph, "init").image).toEqual({ kind: "bundled", flavor: "alpine", configDirectory: null });
    expect(graph.startOrder).toContainEqual({ container: "app", dependsOn: "chio-gate", condition: "succeeded" });
    expect(resolveFor(baseline(), "aca").startGate).toEqual({ kind: "traffic" });
    expect(resolveFor(baseline({ app: { image: APP_IMAGE, command: ["/app"] }, aca: { startGate: false } }), "aca").startGate).toEqual({
      kind: "traffic",
    });
  });

  it("runs after init containers, through the sidecar", () => {
    const graph = resolveFor(baseline({ init: [{ name: "migrate", image: APP_IMAGE }] }), "ecs");
    expect(graph.startOrder[0]).toEqual({ container: "chio-sidecar", dependsOn: "migrate", condition: "succeeded" });
    expect(container(graph, "init").essential).toBe(false);
  });
});

describe("choices by platform", () => {
  it("fall back to their default", () => {
    const topology = baseline({ graceSeconds: { byPlatform: { ecs: 60, default: 45 } } });
    expect(container(resolveFor(topology, "ecs"), "sidecar").graceSeconds).toBe(60);
    expect(container(resolveFor(topology, "aca"), "sidecar").graceSeconds).toBe(45);
  });

  it("count as not given where they have neither", () => {
    expect(sidecar({ receipts: { sink: { byPlatform: { ecs: "dynamodb://chio-receipts" } } } }, "aca").env.CHIO_RECEIPT_SINK).toBe(
      "stdout",
    );
  });
});

describe("a topology", () => {
  it("cannot be changed by accident", () => {
    const graph = resolveFor(baseline(), "ecs");
    expect(() => Object.assign(graph.ingress, { port: 1 })).toThrow(TypeError);
  });

  it("is plain data, and the same for the same input", () => {
    expect(JSON.parse(JSON.stringify(baseline()))).toEqual(baseline());
  });

  it("keeps nothing of an explicit undefined", () => {
    const loose = { ...PROPS, graceSeconds: undefined, app: { ...PROPS.app, command: undefined } } as unknown as TopologyProps;
    expect(defineTopology(loose)).toEqual(baseline());
  });

  it("is not taken for another platform's", () => {
    const graph = resolveFor(baseline(), "ecs");
    expect(resolveFor(graph, "ecs")).toBe(graph);
    expect(() => resolveFor(graph, "aca")).toThrow(/resolved for ecs/);
  });
});

describe("what the sidecar reaches", () => {
  it("is its policy and its remote sinks", () => {
    expect(sidecarAccess(resolveFor(baseline(), "ecs"))).toEqual({
      reads: [{ kind: "s3", bucket: "team-chio-config", key: "policy.yaml" }],
      writes: [{ kind: "dynamodb", table: "chio-receipts", region: null }],
    });
    expect(sidecarAccess(resolveFor(baseline(), "local"))).toEqual({ reads: [], writes: [] });
  });

  it("is each file that it fetches", () => {
    const props = {
      config: { kind: "fetched", base: "gs://bucket/prefix/" },
      sidecar: { image: SIDECAR_IMAGE, kernelConfig: "/etc/chio/kernel.yaml" },
    } as const;
    expect(sidecarAccess(resolveFor(baseline(props), "cloud-run")).reads).toEqual([
      { kind: "gs", bucket: "team-chio-config", object: "policy.yaml" },
      { kind: "gs", bucket: "bucket", object: "prefix/spec/openapi.yaml" },
      { kind: "gs", bucket: "bucket", object: "prefix/kernel.yaml" },
    ]);
  });
});

/** True when two types have the same keys. */
type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false;
type Input = Omit<ParsedProps, "$schema">;
type Given<K extends keyof Input & keyof TopologyProps> = SameKeys<NonNullable<Input[K]>, NonNullable<TopologyProps[K]>>;

describe("the types that callers see", () => {
  it("have the properties that the schema reads", () => {
    const same: [
      SameKeys<Input, TopologyProps>,
      Given<"app">,
      Given<"sidecar">,
      Given<"secrets">,
      Given<"receipts">,
      Given<"ecs">,
      Given<"cloudRun">,
      Given<"aca">,
      Given<"local">,
    ] = [true, true, true, true, true, true, true, true, true];
    expect(same).not.toContain(false);
  });
});

describe("wrong input", () => {
  it("is told all at once, with the property and what it should be", () => {
    expect(
      issues({
        nam: "x",
        mode: { kind: "api-protec" },
        app: { image: 5, port: "80", env: { A: 1 } },
        secrets: { signingKey: "abc" },
        graceSeconds: -1,
      }),
    ).toEqual([
      "name: is required",
      "mode.kind: must be one of api-protect, mcp-serve-http",
      "app.image: must be a string, not 5; put it in quotes",
      "app.env.A: must be a string, not 1; put it in quotes",
      'app.port: must be a number, not "80"',
      expect.stringContaining("secrets.signingKey: secret reference (3 characters, not shown"),
      "graceSeconds: must be at least 1",
      'nam: unknown property; did you mean "name"?',
    ]);
  });

  it.each([
    [null, ": must be an object, not null"],
    [[], ": must be an object, not a list"],
    ["text", ': must be an object, not "text"'],
    [{ ...PROPS, app: [] }, "app: must be an object, not a list"],
    [{ ...PROPS, app: { image: { kind: "tarball" } } }, "app.image.kind: must be one of registry, bundled, build, provided"],
    [{ ...PROPS, app: { image: { byPlatform: { ecs: `Up@${DIGEST}` } } } }, "app.image.byPlatform.ecs: image"],
    [{ ...PROPS, mode: { kind: "api-protect" } }, "mode.spec: is required"],
    [{ ...PROPS, mode: { kind: "mcp-serve-http", serverId: "x", policy: "relative.yaml" } }, "mode.policy: must be an absolute path"],
    [{ ...PROPS, app: { image: APP_IMAGE, env: { "A-B": "x" } } }, "app.env.A-B: is not the name of an environment variable"],
    [{ ...PROPS, app: { image: APP_IMAGE, command: [] } }, "app.command: must name a program"],
    [{ ...PROPS, app: { image: APP_IMAGE, port: 70_000 } }, "app.port: must be at most 65535"],
    [{ ...PROPS, app: { image: APP_IMAGE, resources: { cpu: "lots", memory: "1Gi" } } }, 'app.resources.cpu: CPU "lots" is not an amount'],
    [{ ...PROPS, config: { kind: "fetched", base: "s3://bucket/prefix" } }, "config.base: must be an s3://"],
    [{ ...PROPS, receipts: { sink: "kafka://x" } }, 'receipts.sink: receipt sink "kafka://x" has no known form'],
    [{ ...PROPS, policySource: "policy.yaml" }, 'policySource: policy source "policy.yaml" has no known form'],
    [
      { ...PROPS, sidecar: { env: { CHIO_LISTEN_ADDR: "0.0.0.0:1" } } },
      "sidecar.env.CHIO_LISTEN_ADDR: is derived by the kit; set sidecar.port instead",
    ],
    [
      { ...PROPS, app: { image: APP_IMAGE, env: { CHIO_SIDECAR_URL: "http://x" } } },
      "app.env.CHIO_SIDECAR_URL: is derived by the kit; set sidecar.port instead",
    ],
    [{ ...PROPS, ecs: { enableExecuteComand: true } }, 'ecs.enableExecuteComand: unknown property; did you mean "enableExecuteCommand"?'],
    [{ ...PROPS, aca: { revisionsMode: "single" } }, 'aca.revisionsMode: must be one of Single, Multiple; did you mean "Single"?'],
    [{ ...PROPS, accept: [{ code: "CHIO-EXEC" }] }, "accept[0].reason: is required"],
  ])("%#", (input, message) => {
    expect(issues(input).join("\n")).toContain(message);
    expect(issues(input)).toHaveLength(1);
  });
});
