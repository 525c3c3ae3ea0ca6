import type { AnyTopology, Container, SecretBinding, StartCondition, TopologyFor } from "../topology/index.ts";
import { checked, compact, type DataObject, Gaps, type RenderOptions, refuseDeferred, registryImage, some, yamlText } from "./common.ts";

type Graph = TopologyFor<"local">;

const CONDITIONS: { readonly [C in StartCondition]: string } = {
  started: "service_started",
  healthy: "service_healthy",
  completed: "service_completed_successfully",
  succeeded: "service_completed_successfully",
};

/**
 * A compose file with the order, probes, uids and read-only roots of the topology. The app shares the sidecar's network namespace, as the
 * containers of a cloud replica do, so that its loopback is the sidecar's. Throws `TopologyError` on findings, `TopologyInputError` on missing values.
 */
export function composeFile(topology: AnyTopology, options: RenderOptions = {}): DataObject {
  const { graph } = checked(topology, "local", options);
  const gaps = new Gaps();
  const files = graph.containers.flatMap((one) => one.secrets).filter((secret) => secret.target.kind === "file");
  const volumes = graph.volumes.filter((volume) => volume.kind === "empty").map((volume): [string, DataObject] => [volume.name, {}]);
  const compose = compact({
    name: graph.name,
    services: Object.fromEntries(graph.containers.map((one) => [one.name, service(graph, one, gaps, options)])),
    volumes: volumes.length === 0 ? undefined : Object.fromEntries(volumes),
    secrets: files.length === 0 ? undefined : Object.fromEntries(files.map((secret) => [secret.name, secretSource(secret, gaps)])),
  });
  gaps.throwIfAny();
  return compose;
}

/** The same as YAML text. */
export function composeYaml(topology: AnyTopology, options: RenderOptions = {}): string {
  const compose = composeFile(topology, options);
  const gaps = new Gaps();
  refuseDeferred(compose, gaps);
  gaps.throwIfAny();
  return yamlText(compose);
}

function service(graph: Graph, one: Container, gaps: Gaps, options: RenderOptions): DataObject {
  const sidecar = one.role === "sidecar";
  const owner = graph.containers.find((other) => other.role === "sidecar");
  const waits = graph.startOrder.filter((edge) => edge.container === one.name);
  const check = one.healthCheck;
  return compact({
    ...image(one, gaps, options),
    entrypoint: one.entrypoint === null ? undefined : one.entrypoint.map(literal),
    command: one.args === null ? undefined : one.args.map(literal),
    working_dir: one.workingDirectory ?? undefined,
    environment: environment(one),
    secrets: some(one.secrets.flatMap(({ name, target }) => (target.kind === "file" ? [{ source: name, target: target.path }] : []))),
    depends_on:
      waits.length === 0
        ? undefined
        : Object.fromEntries(waits.map(({ dependsOn, condition }) => [dependsOn, { condition: CONDITIONS[condition] }])),
    network_mode: sidecar || one.role === "init" || owner === undefined ? undefined : `service:${owner.name}`,
    ports: sidecar ? [`${graph.settings.publishHost}:${graph.settings.publishPort}:${graph.ingress.port}`] : undefined,
    volumes: some(mounts(graph, one, gaps)),
    tmpfs: some(one.tmpfs.map(({ path, sizeMiB }) => `${path}:size=${sizeMiB}m`)),
    healthcheck:
      check === null
        ? undefined
        : {
            test: ["CMD", ...check.command.map(literal)],
            interval: `${check.intervalSeconds}s`,
            timeout: `${check.timeoutSeconds}s`,
            retries: check.retries,
            start_period: `${check.startPeriodSeconds}s`,
          },
    user: one.user ?? undefined,
    read_only: one.readOnlyRoot,
    cap_drop: some([...one.capabilities.drop]),
    cap_add: some([...one.capabilities.add]),
    security_opt: ["no-new-privileges:true"],
    init: one.initProcess ? true : undefined,
    stop_grace_period: `${one.graceSeconds}s`,
    restart: one.role === "init" ? "no" : "on-failure",
    cpus: one.resources.cpuMilli / 1000,
    mem_limit: `${one.resources.memoryMiB}m`,
  });
}

function image(one: Container, gaps: Gaps, options: RenderOptions): { [key: string]: string | DataObject } {
  if (one.image.kind !== "build") return { image: registryImage(one.image, `containers.${one.name}.image`, gaps, options.bundledImage) };
  const { context, dockerfile, target } = one.image;
  return { build: compact({ context, dockerfile, target: target ?? undefined }) };
}

/** Compose reads `$` as the start of a variable; a literal one is doubled. */
function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}

function environment(one: Container): DataObject | undefined {
  const entries = Object.entries(one.env).map(([name, value]): [string, string] => [name, literal(value)]);
  for (const { target, ref } of one.secrets) {
    if (target.kind === "file") {
      if (target.env !== null) entries.push([target.env, literal(target.path)]);
    } else {
      // Taken from whoever runs it: a value never stands in the file.
      const variable = ref.kind === "environment" ? ref.variable : target.env;
      const hint = ref.kind === "file" ? `set it to the content of ${ref.path}` : "set it";
      entries.push([target.env, `\${${variable}:?${hint.replace(/[${}]/g, "")}}`]);
    }
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function secretSource({ name, ref }: SecretBinding, gaps: Gaps): DataObject {
  if (ref.kind === "file") return { file: ref.path };
  if (ref.kind === "environment") return { environment: ref.variable };
  gaps.add(`secrets.${name}`, "Compose has no field for a secret of a cloud");
  return {};
}

function mounts(graph: Graph, one: Container, gaps: Gaps): string[] {
  return one.mounts.flatMap(({ volume: name, path, readOnly }) => {
    const volume = graph.volumes.find((other) => other.name === name);
    const mode = readOnly ? ":ro" : "";
    switch (volume?.kind) {
      case "empty":
        return [`${name}:${path}${mode}`];
      case "host":
        return [`${volume.source}:${path}${mode}`];
      case "secret":
        return (volume.files ?? []).map((file) => {
          if (file.ref.kind !== "file") gaps.add(`volumes.${name}`, "locally a file of the configuration is a file of this machine");
          return `${file.ref.kind === "file" ? file.ref.path : ""}:${path}/${file.path}:ro`;
        });
      default:
        gaps.add(`containers.${one.name}.mounts`, `Compose has no ${volume?.kind ?? "such"} volume ${name}`);
        return [];
    }
  });
}
