import {
  type Container,
  imageText,
  isDeferred,
  LIMITS,
  type Platform,
  type PlatformTopology,
  type StartCondition,
  type StartEdge,
  sidecarAccess,
} from "../topology/index.ts";
import { policyWords, secretName, secretStore, sinkWords, volumeWords } from "./words.ts";

/** What is in the picture, before anything has a place. */
export interface Card {
  readonly name: string;
  readonly role: Container["role"];
  /** 1 is started first; those with one number are started together. */
  readonly stage: number;
  readonly lines: readonly Line[];
}

/** `warn`: something that the platform could hold and was not asked to. */
export interface Line {
  readonly text: string;
  readonly warn?: true;
}

/** Something outside of the replica that one container reads or writes. */
export interface Outside {
  readonly kind: "secrets" | "policy" | "config" | "receipts";
  readonly container: string;
  readonly title: string;
  /** `target`: the variable or path inside the container, or what it is there. */
  readonly rows: readonly { readonly name: string; readonly target: string | null }[];
}

export interface OrderArrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

export interface Model {
  readonly cards: readonly Card[];
  readonly outside: readonly Outside[];
  readonly order: readonly OrderArrow[];
  /** From the sidecar to the app on loopback. */
  readonly upstream: { readonly from: string; readonly to: string; readonly label: string } | null;
}

const CONDITIONS: { readonly [C in StartCondition]: string } = {
  started: "once started",
  healthy: "once healthy",
  completed: "once completed",
  succeeded: "once succeeded",
};

export function modelOf(graph: PlatformTopology): Model {
  const stages = stagesOf(graph);
  return {
    cards: graph.containers.map((one) => ({
      name: one.name,
      role: one.role,
      stage: stages.get(one.name) ?? 1,
      lines: linesOf(graph, one),
    })),
    outside: graph.containers.flatMap((one) => outsideOf(graph, one)),
    order: orderOf(graph).map(({ container, dependsOn, condition }) => ({
      from: dependsOn,
      to: container,
      label: CONDITIONS[condition],
    })),
    upstream: upstreamOf(graph),
  };
}

/**
 * The edges that somebody holds. Azure has no order but that of init containers; there an app that starts through the wrapper waits, and the
 * other edges of the model are wishes.
 */
function orderOf({ platform, startOrder, startGate, containers }: PlatformTopology): readonly StartEdge[] {
  if (platform !== "aca") return startOrder;
  const by = (name: string) => containers.find((one) => one.name === name);
  const gated = (name: string) => startGate.kind === "wrapper" && by(name)?.entrypoint?.[0] === startGate.program;
  return startOrder.filter(({ container, dependsOn }) => by(dependsOn)?.role === "init" || gated(container));
}

/** Longest way from a container that waits for nobody. Bounded, because a topology that is not valid may have a cycle. */
function stagesOf(graph: PlatformTopology): Map<string, number> {
  const waits = orderOf(graph).map(({ container, dependsOn }) => [dependsOn, container] as const);
  const inits = graph.containers.filter((one) => one.role === "init").map((one) => one.name);
  // Azure has no order among containers but this: init containers first, one after the other.
  if (graph.platform === "aca") {
    const others = graph.containers.filter((one) => one.role !== "init").map((one) => one.name);
    for (const [index, name] of inits.entries()) for (const later of [...inits.slice(index + 1), ...others]) waits.push([name, later]);
  }
  const stages = new Map(graph.containers.map((one) => [one.name, 1]));
  for (let round = 0; round < graph.containers.length; round++) {
    for (const [before, after] of waits) {
      const next = (stages.get(before) ?? 0) + 1;
      if (next > (stages.get(after) ?? 0) && next <= graph.containers.length) stages.set(after, next);
    }
  }
  return stages;
}

function linesOf(graph: PlatformTopology, one: Container): Line[] {
  const uid = one.user === null ? "uid of the image" : `uid ${one.user}`;
  const settable = LIMITS[graph.platform].fields.readOnlyRoot;
  const readOnly = settable && one.readOnlyRoot;
  const root: Line = { text: `${uid}, ${readOnly ? "read-only root" : "writable root"}`, ...(settable && !readOnly ? { warn: true } : {}) };
  const listens = one.listens.map(({ host, port }) => `${host}:${port}`);
  const volumes = one.mounts.flatMap(({ volume, path, readOnly: ro }) => {
    const found = graph.volumes.find((other) => other.name === volume);
    return found?.kind === "empty" ? [`${path}: ${volume}, ${found.medium}${ro ? ", read-only" : ""}`] : [];
  });
  const rest = [
    ...(listens.length === 0 ? [] : [`listens on ${listens.join(", ")}`]),
    ...wrapped(graph, one),
    ...waits(graph, one),
    ...health(one),
    `${one.resources.cpuMilli / 1000} CPU, ${one.resources.memoryMiB} MiB${one.role === "init" ? "" : `, grace ${one.graceSeconds} s`}`,
    ...volumes,
    ...one.tmpfs.map(({ path, sizeMiB }) => `${path}: memory, ${sizeMiB} MiB`),
    ...(one.role === "sidecar" ? configuration(graph) : []),
  ];
  return [{ text: shortImage(imageText(one.image)) }, root, ...rest.map((text) => ({ text }))];
}

/** The end of the repository's name and the beginning of the digest are what a reader compares. */
function shortImage(text: string): string {
  const [name = "", digest] = text.split("@sha256:");
  const last = name
    .split("/")
    .filter((part, index) => index > 0 || !/[.:]/.test(part))
    .slice(-2)
    .join("/");
  return digest === undefined ? name : `${last}@${digest.slice(0, 7)}…`;
}

/** Order among the containers beside the sidecar: that arrow has no room for its word. */
function waits(graph: PlatformTopology, one: Container): string[] {
  const sidecars = graph.containers.filter((other) => other.role === "sidecar").map((other) => other.name);
  if (sidecars.includes(one.name)) return [];
  return orderOf(graph)
    .filter(({ container, dependsOn }) => container === one.name && !sidecars.includes(dependsOn))
    .map(({ dependsOn, condition }) => `${CONDITIONS[condition]}: ${dependsOn}`);
}

function wrapped(graph: PlatformTopology, one: Container): string[] {
  const { mode, startGate } = graph;
  if (one.role === "sidecar" && mode.kind === "mcp-serve-http")
    return [mode.command.length === 0 ? `MCP server ${mode.serverId}, built in` : `runs ${mode.command.join(" ")}`];
  if (startGate.kind === "wrapper" && one.entrypoint?.[0] === startGate.program) return ["starts through chio wait"];
  if (one.role === "app" && startGate.kind === "traffic") return ["starts at once; only requests wait"];
  return [];
}

function health({ healthCheck, probes }: Container): string[] {
  if (healthCheck !== null) {
    const command = healthCheck.command.map((word) => word.slice(word.lastIndexOf("/") + 1)).join(" ");
    return [`${command} every ${healthCheck.intervalSeconds} s`];
  }
  const named = (["startup", "liveness", "readiness"] as const).filter((name) => probes[name] !== null);
  return named.length === 0 ? [] : [`probes: ${named.join(", ")}`];
}

function configuration({ config, mode, policySource, receipts }: PlatformTopology): string[] {
  return [
    ...(policySource === null && mode.policy !== null ? [`policy ${mode.policy}`] : []),
    ...(policySource?.kind === "file" ? [`policy ${policySource.path}`] : []),
    ...(config.kind === "image" ? ["configuration in the image"] : []),
    ...(receipts.store === null ? ["no local receipt store"] : []),
  ];
}

function outsideOf(graph: PlatformTopology, one: Container): Outside[] {
  return [...secretsOf(one), ...(one.role === "sidecar" ? policyOf(graph, one) : []), ...volumesOf(graph, one), ...receiptsOf(graph, one)];
}

/** One box a store, with each secret and where it goes. The signing key comes first. */
function secretsOf(one: Container): Outside[] {
  const stores = Map.groupBy(
    one.secrets.toSorted((a, b) => Number(b.purpose === "signing-key") - Number(a.purpose === "signing-key")),
    ({ ref }) => secretStore(ref),
  );
  return [...stores].map(([store, secrets]) => ({
    kind: "secrets",
    container: one.name,
    title: `Secrets: ${store}`,
    rows: secrets.map(({ ref, target }) => ({
      name: known(secretName(ref)),
      target: target.kind === "env" ? target.env : target.path,
    })),
  }));
}

function policyOf(graph: PlatformTopology, one: Container): Outside[] {
  return sidecarAccess(graph).reads.map((source) => {
    const { store, place } = policyWords(source);
    const isPolicy = source === graph.policySource;
    return {
      kind: isPolicy ? "policy" : "config",
      container: one.name,
      title: `${isPolicy ? "Policy" : "Configuration"}: ${store}`,
      rows: [{ name: known(place), target: "fetched before it listens" }],
    };
  });
}

function volumesOf(graph: PlatformTopology, one: Container): Outside[] {
  const boxes = one.mounts.flatMap(({ volume: name, path, readOnly }) => {
    const volume = graph.volumes.find((other) => other.name === name);
    const words = volume === undefined ? null : volumeWords(volume);
    if (volume === undefined || words === null) return [];
    const title = `${one.role === "sidecar" ? "Configuration" : "Volume"}: ${words.store}`;
    const target = `${path}${readOnly ? ", read-only" : ", writable"}`;
    const rows = words.lines.map((line, index) => ({ name: known(line), target: index === words.lines.length - 1 ? target : null }));
    return [{ kind: "config" as const, container: one.name, title, rows }];
  });
  return [...Map.groupBy(boxes, (box) => box.title)].map(([title, same]) => ({
    kind: "config",
    container: one.name,
    title,
    rows: same.flatMap((box) => box.rows),
  }));
}

function receiptsOf(graph: PlatformTopology, one: Container): Outside[] {
  if (one.role !== "sidecar") return [];
  const { sinks, acknowledge } = graph.receipts;
  return sinks
    .filter((sink) => sink.kind !== "sqlite")
    .map((sink) => {
      const { store, place } = sinkWords(sink);
      const waits = sink.kind !== "stdout" && acknowledge === "sink";
      return {
        kind: "receipts",
        container: one.name,
        title: `Receipts: ${store}`,
        rows: [
          {
            name: sink.kind === "stdout" ? logOf(graph) : known(place),
            target: waits ? "before the answer leaves" : "after the local store",
          },
        ],
      };
    });
}

function logOf(graph: PlatformTopology): string {
  const names: { readonly [P in Platform]: string } = {
    ecs: graph.platform === "ecs" ? `CloudWatch ${graph.settings.logs.sidecarGroup}` : "",
    "cloud-run": "Cloud Logging",
    aca: "Log Analytics",
    local: "the container's log",
  };
  return names[graph.platform];
}

function upstreamOf(graph: PlatformTopology): Model["upstream"] {
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  const { mode } = graph;
  if (mode.kind !== "api-protect" || sidecar === undefined || !URL.canParse(mode.upstream)) return null;
  const { host, port } = new URL(mode.upstream);
  const app =
    graph.containers.find((one) => one.role !== "sidecar" && one.listens.some((listen) => listen.port === Number(port))) ??
    graph.containers.find((one) => one.role === "app");
  return app === undefined ? null : { from: sidecar.name, to: app.name, label: host };
}

/** What only the deploying tool knows has no name yet. */
function known(text: string): string {
  return isDeferred(text) ? "made by this deployment" : text;
}
