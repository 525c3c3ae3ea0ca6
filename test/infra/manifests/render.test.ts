import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadTopologyFile, MANIFEST_KINDS, type ManifestKind, platformOf, renderManifest } from "../../../infra/manifests/index.ts";
import {
  type AnyTopology,
  deferred,
  defineTopology,
  PLATFORMS,
  RULES,
  resolveFor,
  TopologyError,
  TopologyInputError,
  type TopologyProps,
  validate,
} from "../../../infra/topology/index.ts";
import { BREAKS } from "../../unit/topology/breaks.ts";
import { APP_IMAGE, baseline, broken, PROPS, SIDECAR_IMAGE } from "../../unit/topology/fixtures.ts";

/** What a manifest needs beyond the topology. */
const DEPLOYED: Partial<TopologyProps> = {
  cloudRun: { serviceAccount: "chio@team.iam.gserviceaccount.com" },
  ecs: {
    executionRoleArn: "arn:aws:iam::123456789012:role/execution",
    taskRoleArn: "arn:aws:iam::123456789012:role/task",
    region: "us-east-1",
  },
  config: { byPlatform: { ...PROPS.config.byPlatform, local: { kind: "host", directory: "/srv/chio" } } },
  secrets: { ...PROPS.secrets, signingKey: { byPlatform: { ...PROPS.secrets.signingKey.byPlatform, local: "file:/srv/seed.hex" } } },
};

function outcome(kind: ManifestKind, topology: AnyTopology): "rendered" | "findings" | "gaps" {
  try {
    for (const file of renderManifest(kind, topology, { bundledImage: "chio-sidecar:local" })) expect(file.text.length).toBeGreaterThan(20);
    return "rendered";
  } catch (error) {
    if (error instanceof TopologyError) return "findings";
    if (error instanceof TopologyInputError && error.code === "not_renderable") return "gaps";
    throw error;
  }
}

const hasErrors = (topology: AnyTopology, kind: ManifestKind) =>
  validate(topology, platformOf(kind)).some((one) => one.severity === "error");

describe("every manifest", () => {
  it.each(MANIFEST_KINDS)("%s is rendered from the baseline", (kind) => {
    expect(outcome(kind, baseline(DEPLOYED))).toBe("rendered");
  });

  it("has its own file names", () => {
    const topology = baseline(DEPLOYED);
    expect(MANIFEST_KINDS.flatMap((kind) => renderManifest(kind, topology).map((file) => file.path))).toEqual([
      "service.yaml",
      "task-definition.json",
      "container-app.bicep",
      "container-app.json",
      "compose.yaml",
      "chio-sidecar.service",
      "app.service.d/chio-sidecar.conf",
    ]);
  });

  it("is the same text for the same topology", () => {
    for (const kind of MANIFEST_KINDS) expect(renderManifest(kind, baseline(DEPLOYED))).toEqual(renderManifest(kind, baseline(DEPLOYED)));
  });

  it("says all that it lacks, at once", () => {
    const topology = baseline({ sidecar: { image: "bundled" }, config: { kind: "fetched", base: "s3://bucket/" } });
    try {
      renderManifest("ecs", topology);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof TopologyInputError)) throw error;
      expect(error.code).toBe("not_renderable");
      expect(error.issues.map((issue) => issue.path)).toEqual([
        "ecs.executionRoleArn",
        "ecs.taskRoleArn",
        "containers.chio-sidecar.image",
        "ecs.region",
      ]);
    }
  });

  it("holds no value that is not known yet", () => {
    const unknown = baseline({ ...DEPLOYED, sidecar: { image: deferred("image") } });
    for (const kind of MANIFEST_KINDS.filter((one) => one !== "systemd")) expect(outcome(kind, unknown)).toBe("gaps");
  });
});

describe("no broken topology is rendered", () => {
  const cases = Object.entries(BREAKS).flatMap(([code, breaks]) => breaks.map((one) => [code, one] as const));

  it.each(cases.map(([code, one]) => [`${code} ${one.platform}: ${one.what}`, code, one] as const))(
    "%s",
    (_, code, { platform, props, change }) => {
      const graph = broken(platform, change ?? (() => {}), { ...DEPLOYED, ...props });
      const severity = RULES.find((rule) => rule.code === code)?.severity;
      for (const kind of MANIFEST_KINDS.filter((one) => platformOf(one) === platform))
        expect(outcome(kind, graph) === "findings").toBe(severity === "error");
    },
  );
});

/** Pieces from which a service.yaml may be put together, right and wrong ones. */
const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const arbitraryProps = fc.record({
  name: fc.constantFrom("agent-tool-server", "a", "A_b", "x".repeat(40), "double--hyphen"),
  mode: fc.constantFrom<TopologyProps["mode"]>(
    PROPS.mode,
    { kind: "api-protect", spec: null },
    { kind: "api-protect", spec: "/elsewhere/spec.yaml", upstream: "http://10.1.1.1:80" },
    { kind: "mcp-serve-http", serverId: "search", policy: "/etc/chio/policy.yaml", command: ["node", "server.js"] },
    { kind: "mcp-serve-http", serverId: "search", policy: "/etc/chio/policy.yaml" },
  ),
  app: maybe<NonNullable<TopologyProps["app"]>>(
    PROPS.app,
    { image: "app:latest", port: 9090 },
    { image: APP_IMAGE, user: "root", readOnlyRoot: false, bind: "0.0.0.0" },
    {
      image: APP_IMAGE,
      command: ["/bin/app"],
      libc: "musl",
      env: { CHIO_SIGNING_KEY: "x", PRICE: `$5 \${HOME} %h 'quoted' "twice" \\ [bracket]\nline` },
    },
    { image: { byPlatform: { ecs: APP_IMAGE } }, resources: { cpu: "300m", memory: "700Mi" } },
  ),
  sidecar: maybe<NonNullable<TopologyProps["sidecar"]>>(
    PROPS.sidecar,
    { image: "bundled" },
    { image: SIDECAR_IMAGE, readOnlyRoot: false },
    { image: "chio", startup: { periodSeconds: 10, attempts: 100 } },
    { image: SIDECAR_IMAGE, user: "0" },
  ),
  auxiliary: maybe<NonNullable<TopologyProps["auxiliary"]>>(
    [{ name: "otel", image: APP_IMAGE, listens: [4317] }],
    [{ name: "app", image: APP_IMAGE }],
    [{ name: "otel", image: APP_IMAGE }],
  ),
  init: maybe<NonNullable<TopologyProps["init"]>>([{ name: "migrate", image: APP_IMAGE }]),
  secrets: maybe<NonNullable<TopologyProps["secrets"]>>(
    DEPLOYED.secrets ?? {},
    PROPS.secrets,
    { signingKey: "secrets/a/versions/latest" },
    { signingKey: "env:SEED", controlToken: "file:/srv/token" },
  ),
  receipts: maybe<NonNullable<TopologyProps["receipts"]>>(
    PROPS.receipts,
    { sink: "sqlite" },
    { sink: ["stdout", "bigquery://a.b.c"], store: null },
    { store: "/tmp/receipts.sqlite" },
  ),
  config: maybe<NonNullable<TopologyProps["config"]>>(
    PROPS.config,
    DEPLOYED.config ?? { kind: "image" },
    { kind: "fetched", base: "gs://bucket/" },
    { kind: "host", directory: "/srv/chio" },
  ),
  graceSeconds: maybe(30, 5, 60, 121),
  shutdownDrainMs: maybe(1000, 60_000),
  exposure: maybe<"internal" | "external">("internal", "external"),
  architecture: maybe<"amd64" | "arm64">("amd64", "arm64"),
  cloudRun: maybe<NonNullable<TopologyProps["cloudRun"]>>({ serviceAccount: "a@b" }, { cpuIdle: true, readinessProbe: true }),
  ecs: maybe<NonNullable<TopologyProps["ecs"]>>(DEPLOYED.ecs ?? {}, { enableExecuteCommand: true }),
  aca: maybe<NonNullable<TopologyProps["aca"]>>(
    { identityLifecycle: "All" },
    { startGate: true, workloadProfile: "Consumption", registries: ["team.azurecr.io"] },
  ),
});

describe("whatever the input", () => {
  it("a manifest is rendered exactly when the topology has no error and lacks no value", () => {
    fc.assert(
      fc.property(arbitraryProps, fc.constantFrom(...MANIFEST_KINDS), (props, kind) => {
        const topology = defineTopology(props as TopologyProps);
        expect(outcome(kind, topology) === "findings").toBe(hasErrors(topology, kind));
      }),
      { numRuns: 400 },
    );
  });

  it("accepting every finding never makes a renderer fail in any other way than by naming what it lacks", () => {
    fc.assert(
      fc.property(arbitraryProps, fc.constantFrom(...MANIFEST_KINDS), (props, kind) => {
        const topology = defineTopology(props as TopologyProps);
        const codes = new Set(validate(topology, platformOf(kind)).map((one) => one.code));
        const acceptances = [...codes].map((code) => ({ code, reason: "test" }));
        try {
          renderManifest(kind, topology, { acceptances, bundledImage: "chio-sidecar:local" });
        } catch (error) {
          expect(error).toBeInstanceOf(TopologyInputError);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("accepted breaks of a graph end the same way", () => {
    for (const [code, breaks] of Object.entries(BREAKS)) {
      for (const { platform, props, change } of breaks) {
        const graph = broken(platform, change ?? (() => {}), { ...DEPLOYED, ...props });
        for (const kind of MANIFEST_KINDS.filter((one) => platformOf(one) === platform)) {
          try {
            renderManifest(kind, graph, { acceptances: [{ code, reason: "test" }] });
          } catch (error) {
            expect(error).toBeInstanceOf(TopologyInputError);
          }
        }
      }
    }
  });

  it("what is no topology is told as such", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        expect(() => defineTopology(input as TopologyProps)).toThrow(TopologyInputError);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => loadTopologyFile(text, "service.yaml")).toThrow(TopologyInputError);
      }),
    );
  });

  it("a changed property is either taken or told", () => {
    const paths: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]) => {
      paths.push(path);
      if (value !== null && typeof value === "object")
        for (const [key, item] of Object.entries(value)) walk(item, [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(PROPS, []);
    fc.assert(
      fc.property(
        fc.constantFrom(...paths.slice(1)),
        fc.oneof(fc.jsonValue(), fc.constant("__proto__"), fc.constant(-1)),
        (path, value) => {
          const props = structuredClone(PROPS) as unknown;
          let at = props as Record<string | number, unknown>;
          for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
          at[path.at(-1) ?? ""] = value;
          let topology: AnyTopology;
          try {
            topology = defineTopology(props as TopologyProps);
          } catch (error) {
            expect(error).toBeInstanceOf(TopologyInputError);
            return;
          }
          for (const platform of PLATFORMS) validate(resolveFor(topology, platform), platform);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("text survives", () => {
  const awkward = `$5 \${HOME} %h 'quoted' "twice" \\ [bracket]\nline\ttab`;
  /** Words that YAML 1.1, which gcloud reads, takes for a truth, a number, a time or a merge. */
  const words = ["yes", "No", "on", "y", "1_000", "12:30", "2001-01-01", "0b101", "010", "<<", "~"];
  const others = Object.fromEntries(words.map((word, index) => [`WORD_${index}`, word]));
  const topology = baseline({
    ...DEPLOYED,
    app: { ...PROPS.app, env: { AWKWARD: awkward, BRACKET: "[parameters('x')]", LISTEN: "[::1]:8080", ...others }, args: [awkward] },
  });
  const file = (kind: ManifestKind, index = 0) => renderManifest(kind, topology)[index]?.text ?? "";

  it("in YAML for Cloud Run", () => {
    const app = parse(file("cloud-run")).spec.template.spec.containers[1];
    expect(app.env.find((one: { name: string }) => one.name === "AWKWARD").value).toBe(awkward);
    expect(app.args).toEqual([awkward]);
  });

  it.each(["1.1", "1.2"] as const)("in YAML %s", (version) => {
    const app = parse(file("cloud-run"), { version }).spec.template.spec.containers[1];
    const named = new Map(app.env.map(({ name, value }: { name: string; value: unknown }) => [name, value]));
    const { environment } = parse(file("compose"), { version }).services.app;
    for (const [name, word] of Object.entries(others)) expect([named.get(name), environment[name]]).toEqual([word, word]);
  });

  it("in compose, where a dollar is doubled", () => {
    const { app } = parse(file("compose")).services;
    expect(app.environment.AWKWARD.replaceAll("$$", "$")).toBe(awkward);
    expect(app.environment.AWKWARD).toContain("$$5 $${HOME}");
  });

  it("in ARM JSON, where a leading bracket is doubled", () => {
    const env = JSON.parse(file("aca", 1)).resources[0].properties.template.containers[1].env;
    expect(env.find((one: { name: string }) => one.name === "BRACKET").value).toBe("[[parameters('x')]");
    // Only what ends with a bracket too is an expression.
    expect(env.find((one: { name: string }) => one.name === "LISTEN").value).toBe("[::1]:8080");
    expect(env.find((one: { name: string }) => one.name === "AWKWARD").value).toBe(awkward);
  });

  it("in Bicep, escaped", () => {
    expect(file("aca")).toContain(`value: '$5 \\\${HOME} %h \\'quoted\\' "twice" \\\\ [bracket]\\nline\\ttab'`);
    expect(file("aca")).toContain(`value: '[parameters(\\'x\\')]'`);
  });

  it("in JSON for ECS", () => {
    const app = JSON.parse(file("ecs")).containerDefinitions[1];
    expect(app.environment.find((one: { name: string }) => one.name === "AWKWARD").value).toBe(awkward);
  });
});
