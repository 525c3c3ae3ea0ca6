import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadProps, loadTopologyFile } from "../../../infra/manifests/index.ts";
import { defineTopology, serviceJsonSchema, TopologyInputError, type TopologyProps } from "../../../infra/topology/index.ts";
import { propsSchema } from "../../../infra/topology/schema/props.ts";
import { APP_IMAGE, KEY_ARN, PROPS } from "../../unit/topology/fixtures.ts";
import { accepts } from "./json-schema-check.ts";

const SERVICE = `# A service with everything.
name: agent-tool-server
mode:
  kind: api-protect
  spec: /etc/chio/spec/openapi.yaml
app:
  image: ${APP_IMAGE}
  health: /healthz
  resources: { cpu: 375m, memory: 896Mi }
secrets:
  signingKey:
    byPlatform:
      ecs: ${KEY_ARN}
      local: file:./seed.hex
receipts:
  sink: [stdout, s3://team-receipts/agent/]
`;

function errors(text: string): { code: string; lines: string[] } {
  try {
    loadTopologyFile(text, "service.yaml");
  } catch (error) {
    if (error instanceof TopologyInputError) return { code: error.code, lines: error.message.split("\n") };
    throw error;
  }
  return { code: "none", lines: [] };
}

describe("a service.yaml", () => {
  it("comes to the same as the props in a program", () => {
    expect(loadTopologyFile(SERVICE, "service.yaml")).toEqual(
      defineTopology({
        name: "agent-tool-server",
        mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml" },
        app: { image: APP_IMAGE, health: "/healthz", resources: { cpu: "375m", memory: "896Mi" } },
        secrets: { signingKey: { byPlatform: { ecs: KEY_ARN, local: "file:./seed.hex" } } },
        receipts: { sink: ["stdout", "s3://team-receipts/agent/"] },
      }),
    );
  });

  it("may be JSON, and may name its schema", () => {
    const text = JSON.stringify({ $schema: "./service.schema.json", ...PROPS });
    expect(loadTopologyFile(text, "service.json")).toEqual(defineTopology(PROPS));
  });

  it("tells each wrong property with its line and column", () => {
    const text = SERVICE.replace("name: agent-tool-server", "name: 5")
      .replace("health: /healthz", "helth: /healthz")
      .replace("cpu: 375m", "cpu: much")
      .replace("kind: api-protect", "kind: api-protec")
      .replace("stdout, s3", "stdot, s3");
    expect(errors(text)).toEqual({
      code: "input_invalid",
      lines: [
        "service.yaml:2:7: name: must be a string, not 5; put it in quotes",
        "service.yaml:4:9: mode.kind: must be one of api-protect, mcp-serve-http",
        'service.yaml:9:21: app.resources.cpu: CPU "much" is not an amount; write cores (0.5) or thousandths of a core ("500m")',
        'service.yaml:8:3: app.helth: unknown property; did you mean "health"?',
        expect.stringMatching(/^service\.yaml:16:10: receipts\.sink\[0\]: receipt sink "stdot" has no known form/),
      ],
    });
  });

  it("tells what is missing where it should have been", () => {
    expect(errors(SERVICE.replace("  spec: /etc/chio/spec/openapi.yaml\n", "")).lines).toEqual([
      "service.yaml:4:3: mode.spec: is required",
    ]);
  });

  it.each([
    ["", "service.yaml: the file is empty"],
    ["# only a comment\n", "service.yaml: the file is empty"],
    ["null\n", "service.yaml:1:1: must be an object, not null"],
    ["- name: x\n", "service.yaml:1:1: must be an object, not a list"],
    ["just text\n", 'service.yaml:1:1: must be an object, not "just text"'],
    ["name: a\nname: b\n", "service.yaml:2:1: Map keys must be unique"],
    ["name: [a\n", "service.yaml:2:1"],
    ["name: a\n\tmode: b\n", "service.yaml:"],
    ["name: a\n---\nname: b\n", "service.yaml:2:1: there is more than one document; a service.yaml holds one"],
    ["name: *nobody\n", "service.yaml:1:7: there is no anchor &nobody before this"],
    ["name: !!binary aGk=\n", "service.yaml:1:"],
    ["name: !custom x\n", "service.yaml:1:"],
    ["? [a, b]\n: c\n", "service.yaml:1:"],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
        .split("")
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[index]}`).join(",")}]`)
        .join("\n")}\n`,
      "service.yaml:",
    ],
    [`name: ${"x".repeat(1_100_000)}`, "service.yaml: the file is larger than 1048576 bytes"],
  ])("that is none is told: %#", (text, message) => {
    const { lines } = errors(text);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines[0]).toContain(message);
  });

  it("cannot reach the prototype of anything", () => {
    expect(errors("__proto__: { name: x }\nname: a\n").code).toBe("input_invalid");
    expect(({} as { name?: string }).name).toBeUndefined();
    expect(errors(SERVICE.replace("secrets:", "  env: { __proto__: x }\nsecrets:")).code).toBe("input_invalid");
  });

  it("gives its props as they stand, for tools that write them back", () => {
    expect(loadProps(SERVICE, "service.yaml").app?.image).toBe(APP_IMAGE);
  });
});

describe("the published JSON schema", () => {
  const schema = serviceJsonSchema();

  it("is the file that is published", () => {
    const file = new URL("../../../infra/topology/service.schema.json", import.meta.url);
    if (process.env.UPDATE_GENERATED === "1") writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
    expect(JSON.parse(readFileSync(file, "utf8")), "run the tests with UPDATE_GENERATED=1").toEqual(JSON.parse(JSON.stringify(schema)));
  });

  it("describes each property at the top, of the app and of the secrets", () => {
    const properties = schema.properties as Record<string, { description?: string; properties?: Record<string, { description?: string }> }>;
    for (const [name, property] of Object.entries(properties)) expect(property.description, name).toMatch(/\.$/);
    expect(Object.keys(properties)).toEqual(Object.keys(propsSchema.entries));
    for (const [name, property] of Object.entries(properties.secrets?.properties ?? {})) expect(property.description, name).toMatch(/\.$/);
  });

  const variants: TopologyProps[] = [
    PROPS,
    { ...PROPS, mode: { kind: "mcp-serve-http", serverId: "x", policy: "/p.yaml", command: ["a"] } },
    { ...PROPS, receipts: { sink: [{ kind: "stdout" }, "s3://a"], store: null }, scaling: { byPlatform: { ecs: { maxReplicas: 3 } } } },
    {
      ...PROPS,
      config: { kind: "fetched", base: "s3://bucket/" },
      app: {
        image: { kind: "build", context: ".", dockerfile: "Dockerfile", target: null },
        resources: { cpu: 1, memory: 512 },
        env: { A: "b" },
      },
    },
    {
      ...PROPS,
      cloudRun: { vpc: { kind: "direct", network: "n", subnetwork: "s", tags: [], egress: "all-traffic" } },
      ecs: { circuitBreaker: { enable: true, rollback: true } },
    },
  ];

  it("takes what the loader takes", () => {
    for (const props of variants) {
      expect(() => defineTopology(props)).not.toThrow();
      expect(accepts(schema, JSON.parse(JSON.stringify(props)))).toEqual([]);
    }
  });

  it("refuses what the loader refuses for its form", () => {
    const wrong: unknown[] = [
      {},
      { ...PROPS, nam: "x" },
      { ...PROPS, name: 5 },
      { ...PROPS, mode: { kind: "other" } },
      { ...PROPS, mode: { kind: "api-protect" } },
      { ...PROPS, app: [] },
      { ...PROPS, app: { image: 5 } },
      { ...PROPS, app: { image: APP_IMAGE, port: 0 } },
      { ...PROPS, app: { image: APP_IMAGE, port: 1.5 } },
      { ...PROPS, app: { image: APP_IMAGE, env: { "A-B": "x" } } },
      { ...PROPS, app: { image: APP_IMAGE, env: { A: 1 } } },
      { ...PROPS, app: { image: APP_IMAGE, command: [] } },
      { ...PROPS, architecture: "riscv" },
      { ...PROPS, config: { kind: "fetched", base: "s3://bucket" } },
      { ...PROPS, secrets: { signingKey: { byPlatform: { azure: "x" } } } },
      { ...PROPS, accept: [{ code: "CHIO-EXEC" }] },
    ];
    for (const props of wrong) {
      expect(() => defineTopology(props as TopologyProps), JSON.stringify(props)).toThrow(TopologyInputError);
      expect(accepts(schema, JSON.parse(JSON.stringify(props))), JSON.stringify(props)).not.toEqual([]);
    }
  });
});
