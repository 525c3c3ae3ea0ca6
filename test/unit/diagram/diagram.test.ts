import { describe, expect, it } from "vitest";
import { diagramScene, renderDiagram } from "../../../infra/diagram/index.ts";
import { PALETTES } from "../../../infra/svg/index.ts";
import { deferred, defineTopology, mcpServeHttp, PLATFORMS, type TopologyProps } from "../../../infra/topology/index.ts";
import { collidingBoxes, stumblingBlocks } from "../svg/measure.ts";
import { APP_IMAGE, baseline, broken, KEY_ARN, type Loose, PROPS } from "../topology/fixtures.ts";

const LONG = "a-name-that-is-as-long-as-a-dns-label-may-be-and-not-one-letter";
const WORDS = {
  byPlatform: { ecs: KEY_ARN, "cloud-run": `secrets/${LONG}/versions/3`, aca: "https://team.vault.azure.net/secrets/x", local: "env:X" },
};
/** A topology with so many containers, each with everything that takes room. */
function crowd(count: number): Partial<TopologyProps> {
  return {
    name: count > 5 ? LONG.slice(0, 49) : "tickets",
    app: {
      ...PROPS.app,
      command: ["node", "server.js"],
      secrets: Object.fromEntries(Array.from({ length: count }, (_, index) => [`A_VARIABLE_WITH_A_LONG_NAME_${index}`, WORDS])),
    },
    auxiliary: Array.from({ length: count - 2 }, (_, index) => ({
      name: index === 0 ? LONG : `collector-${index}`,
      image: APP_IMAGE.replace("team/app", `${LONG}/${LONG}`),
      listens: [4000 + index],
      ...(index % 2 === 0 ? { secrets: { TOKEN: WORDS } } : {}),
    })),
  };
}
const MCP: Partial<TopologyProps> = {
  mode: mcpServeHttp({ serverId: "files", policy: "/etc/chio/policy.yaml", command: ["python", "-m", "server", LONG] }),
};

function withoutApp(): TopologyProps {
  const { app: _, policySource: __, ...rest } = PROPS;
  return { ...rest, ...MCP } as TopologyProps;
}

describe.each(PLATFORMS)("the diagram for %s", (platform) => {
  it.each([2, 3, 4, 5, 6, 7, 8, 9, 10])("with %i containers and long names has nothing on top of anything", (count) => {
    const scene = diagramScene(baseline(crowd(count)), platform);
    expect(stumblingBlocks(scene)).toEqual([]);
    expect(collidingBoxes(scene)).toEqual([]);
  });

  it("shows every container, secret, store, port, arrow of order and invariant", () => {
    const shown = new Set(diagramScene(baseline(), platform).marks.flatMap((mark) => (mark.kind === "text" ? [mark.text] : [])));
    const stores = { ecs: "AWS Secrets Manager", "cloud-run": "Secret Manager", aca: "Key Vault team", local: "Files of this machine" };
    for (const text of [
      "chio-sidecar",
      "app",
      platform === "local" ? "/run/secrets/chio-signing-key" : "CHIO_SIGNING_KEY",
      "CHIO_CAPABILITY_AUTHORITY_URL",
      `Secrets: ${stores[platform]}`,
      ":9090",
      "127.0.0.1:8080",
      "INV-1 start order",
      "INV-10 pinned images",
      ...(platform === "aca" ? [] : ["once healthy"]),
    ])
      expect(shown).toContain(text);
  });

  it("draws a wrapped MCP server, which has no other container", () => {
    const scene = diagramScene(defineTopology(withoutApp()), platform);
    expect(stumblingBlocks(scene)).toEqual([]);
    expect(scene.marks.some((mark) => mark.kind === "text" && mark.text.startsWith("runs python"))).toBe(true);
  });
});

describe("the diagram", () => {
  it("says what order Azure holds: by the wrapper, or none", () => {
    const gated = renderDiagram(baseline({ app: { ...PROPS.app, command: ["node", "server.js"] } }), "aca");
    expect(gated).toContain("starts through chio wait");
    expect(gated).toContain("once healthy");
    expect(gated).toContain("Start order: 1. chio-gate (init), 2. chio-sidecar (sidecar), 3. app (app).");
    const open = renderDiagram(baseline(), "aca");
    expect(open).toContain("starts at once; only requests wait");
    expect(open).not.toContain("once healthy");
  });

  it("shows what is broken, and what was accepted", () => {
    const graph = broken("ecs", (one: Loose) => {
      one.containers[1].readOnlyRoot = false;
      one.containers[1].ports = [8080];
    });
    const svg = renderDiagram(graph, "ecs", { acceptances: [{ code: "CHIO-WRITABLE-ROOT", reason: "a cache, until May" }] });
    expect(svg).toContain("This topology does not deploy: CHIO-");
    expect(svg).toContain("Accepted CHIO-WRITABLE-ROOT: a cache, until May");
    expect(svg).toMatch(/class="f-red"[^>]*>uid 1000:1000, writable root/);
    expect(renderDiagram(baseline(), "ecs")).not.toContain("does not deploy");
  });

  it.each([
    ["without a sidecar", (one: Loose) => one.containers.splice(0, 1)],
    ["with two sidecars", (one: Loose) => one.containers.push({ ...one.containers[0], name: "second" })],
    [
      "with a cycle in its order",
      (one: Loose) => one.startOrder.push({ container: "chio-sidecar", dependsOn: "app", condition: "healthy" }),
    ],
    ["with an edge to nobody", (one: Loose) => one.startOrder.push({ container: "app", dependsOn: "nobody", condition: "started" })],
  ])("is drawn for a topology %s", (_, change) => {
    const graph = broken("ecs", change);
    expect(renderDiagram(graph, "ecs")).toContain("This topology does not deploy");
    expect(stumblingBlocks(diagramScene(graph, "ecs"))).toEqual([]);
  });

  it("has a title and a description in words, and cannot be broken out of", () => {
    const svg = renderDiagram(
      broken("ecs", (one: Loose) => (one.containers[1].listens = [{ host: '<script>"&', port: 8080 }])),
      "ecs",
    );
    expect(svg).toMatch(/role="img" aria-labelledby="title desc"/);
    expect(svg).toContain('<title id="title">agent-tool-server on ECS Fargate</title>');
    expect(svg).toMatch(
      /<desc id="desc">Requests go from Callers in the VPC through Application Load Balancer to chio-sidecar on port 9090/,
    );
    expect(svg).toContain("&lt;script&gt;&quot;&amp;");
    expect(svg).not.toContain("<script>");
  });

  it("shows no value of a marker", () => {
    const graph = broken("ecs", (one: Loose) => {
      one.policySource = { kind: "s3", bucket: deferred("bucket"), key: "policy.yaml" };
    });
    expect(renderDiagram(graph, "ecs")).not.toContain("deferred:");
  });

  it("follows the reader's theme, or the one that is asked for", () => {
    expect(renderDiagram(baseline(), "ecs")).toContain("@media(prefers-color-scheme:dark)");
    expect(renderDiagram(baseline(), "ecs", { theme: "light" })).toContain(PALETTES.light.ink);
    const dark = renderDiagram(baseline(), "ecs", { theme: "dark" });
    expect(dark).not.toContain("@media");
    expect(dark).toContain(`.f-page{fill:${PALETTES.dark.page}}`);
  });
});
