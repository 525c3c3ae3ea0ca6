import { drawScene, type Scene, type Theme } from "../svg/index.ts";
import {
  type Acceptance,
  type AnyTopology,
  PLATFORM_NAMES,
  type Platform,
  type PlatformTopology,
  posture,
  resolveFor,
  review,
} from "../topology/index.ts";
import { layout, MARGIN, text } from "./layout.ts";
import { type Model, modelOf } from "./model.ts";
import { postureStrip } from "./posture-strip.ts";
import { INVARIANT_WORDS, type IngressWords, ingressWords, REPLICA } from "./words.ts";

export interface DiagramOptions {
  /** @default auto: light or dark as the reader's browser asks for */
  readonly theme?: Theme;
  /** On top of those in the topology: they show in the picture. */
  readonly acceptances?: readonly Acceptance[];
}

/**
 * The deployment as a picture (SVG): containers in their start order, where requests go, where each secret comes from and goes to, policy, receipts,
 * and how far each invariant holds. A topology with findings is drawn too, with its findings: a picture deploys nothing.
 */
export function renderDiagram(topology: AnyTopology, platform: Platform, options: DiagramOptions = {}): string {
  return drawScene(diagramScene(topology, platform, options.acceptances), options.theme);
}

/** The same before it is text, with the place of everything. */
export function diagramScene(topology: AnyTopology, platform: Platform, acceptances: readonly Acceptance[] = []): Scene {
  const graph: PlatformTopology = resolveFor(topology, platform);
  const model = modelOf(graph);
  const ingress = ingressWords(graph);
  const { minReplicas, maxReplicas } = graph.scaling;
  const replicas = minReplicas === maxReplicas ? `${minReplicas}` : `${minReplicas} to ${maxReplicas}`;
  const copies = platform === "local" ? "" : `, ${replicas} at a time`;
  const placed = layout(
    model,
    {
      ingress,
      target: graph.ingress.container,
      port: `:${graph.ingress.port}`,
      replica: `${REPLICA[platform]}${copies}`,
      network: [
        `${graph.resources.cpuMilli / 1000} CPU, ${graph.resources.memoryMiB} MiB`,
        ...(graph.containers.length === 1 ? [] : ["shared loopback", ...(platform === "aca" ? ["requests wait until all are ready"] : [])]),
      ].join("; "),
    },
    82,
  );
  const report = posture(graph, platform, acceptances);
  const strip = postureStrip(report, review(graph, platform, acceptances), placed.width, placed.bottom + 22);
  const title = `${graph.name} on ${PLATFORM_NAMES[platform]}`;
  const mode = graph.mode.kind === "api-protect" ? "chio api protect in front of the app" : "chio mcp serve-http";
  return {
    width: placed.width,
    height: strip.bottom + 16,
    title,
    description: inWords(graph, model, ingress, report.entries),
    marks: [
      text(title, [MARGIN, 40], { size: 19, bold: true, width: placed.width - 2 * MARGIN }),
      text(`${mode}, ${graph.containers.length} container${graph.containers.length === 1 ? "" : "s"}`, [MARGIN, 61], {
        size: 12.5,
        fill: "muted",
        width: placed.width - 2 * MARGIN,
      }),
      ...placed.marks,
      ...strip.marks,
    ],
  };
}

function inWords(graph: PlatformTopology, model: Model, ingress: IngressWords, entries: ReturnType<typeof posture>["entries"]): string {
  const { upstream } = model;
  const starts = model.cards.toSorted((a, b) => a.stage - b.stage).map((card) => `${card.stage}. ${card.name} (${card.role})`);
  const levels = Map.groupBy(entries, (entry) => entry.level);
  return [
    `Requests go from ${ingress.caller} through ${ingress.title} to ${graph.ingress.container} on port ${graph.ingress.port}${upstream === null ? "" : `, and from there to ${upstream.to} at ${upstream.label}`}.`,
    `Start order: ${starts.join(", ")}.`,
    ...model.outside.map(
      (one) =>
        `${one.container}: ${one.title}: ${one.rows.map((row) => [row.name, row.target].filter((word) => word !== null).join(" as ")).join("; ")}.`,
    ),
    ...[...levels].map(([level, some]) => `${level}: ${some.map((entry) => INVARIANT_WORDS[entry.invariant]).join(", ")}.`),
  ].join(" ");
}
