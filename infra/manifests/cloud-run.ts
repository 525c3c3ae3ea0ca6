import {
  type AnyTopology,
  type CloudRunVpc,
  type Container,
  cpuQuantity,
  memoryQuantity,
  type SecretRef,
  type TopologyFor,
  type Volume,
} from "../topology/index.ts";
import { checked, compact, type DataObject, Gaps, type RenderOptions, refuseDeferred, registryImage, some, yamlText } from "./common.ts";

type Graph = TopologyFor<"cloud-run">;

/** The Knative Service (v1) that `gcloud run services replace` takes. Throws `TopologyError` on findings, `TopologyInputError` on missing values. */
export function cloudRunService(topology: AnyTopology, options: RenderOptions = {}): DataObject {
  const { graph } = checked(topology, "cloud-run", options);
  const gaps = new Gaps();
  const { settings } = graph;
  const service: DataObject = {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: {
      name: graph.name,
      annotations: compact({
        "run.googleapis.com/launch-stage": settings.launchStage,
        "run.googleapis.com/ingress": settings.ingress,
        "run.googleapis.com/binary-authorization": settings.binaryAuthorization ?? undefined,
      }),
    },
    spec: {
      template: {
        metadata: { annotations: revisionAnnotations(graph) },
        spec: compact({
          serviceAccountName: gaps.need(
            settings.serviceAccount,
            "cloudRun.serviceAccount",
            "without an account of its own the revision runs as the project's default one",
          ),
          containerConcurrency: graph.scaling.concurrency,
          timeoutSeconds: graph.ingress.requestTimeoutSeconds,
          containers: graph.containers.map((one) => container(graph, one, gaps)),
          volumes: some(graph.volumes.map((volume) => volumeSource(graph, volume, gaps))),
        }),
      },
    },
  };
  gaps.throwIfAny();
  return service;
}

/** The same as YAML text. */
export function cloudRunYaml(topology: AnyTopology, options: RenderOptions = {}): string {
  const service = cloudRunService(topology, options);
  const gaps = new Gaps();
  refuseDeferred(service, gaps);
  gaps.throwIfAny();
  return yamlText(service);
}

function revisionAnnotations(graph: Graph): DataObject {
  const { settings, scaling, containers, startOrder } = graph;
  const dependencies: Record<string, string[]> = {};
  for (const { container: name, dependsOn } of startOrder) dependencies[name] = [...(dependencies[name] ?? []), dependsOn];
  const aliases = secretAliases(graph);
  return compact({
    "autoscaling.knative.dev/minScale": String(scaling.minReplicas),
    "autoscaling.knative.dev/maxScale": String(scaling.maxReplicas),
    "run.googleapis.com/container-dependencies": startOrder.length === 0 ? undefined : JSON.stringify(dependencies),
    "run.googleapis.com/execution-environment": settings.executionEnvironment,
    "run.googleapis.com/cpu-throttling": String(containers.every((one) => one.cpuIdle)),
    "run.googleapis.com/startup-cpu-boost": String(settings.startupCpuBoost),
    "run.googleapis.com/secrets":
      aliases.size === 0 ? undefined : [...aliases].map(([resource, alias]) => `${alias}:${resource}`).join(","),
    ...(settings.vpc === null ? {} : network(settings.vpc)),
  });
}

function network(vpc: CloudRunVpc): Record<string, string> {
  const egress = { "run.googleapis.com/vpc-access-egress": vpc.egress };
  if (vpc.kind === "connector") return { "run.googleapis.com/vpc-access-connector": vpc.connector, ...egress };
  const { network, subnetwork, tags } = vpc;
  return {
    "run.googleapis.com/network-interfaces": JSON.stringify([{ network, subnetwork, ...(tags.length === 0 ? {} : { tags }) }]),
    ...egress,
  };
}

function container(graph: Graph, one: Container, gaps: Gaps): DataObject {
  return compact({
    name: one.name,
    image: registryImage(one.image, `containers.${one.name}.image`, gaps),
    command: one.entrypoint === null ? undefined : [...one.entrypoint],
    args: one.args === null ? undefined : [...one.args],
    workingDir: one.workingDirectory ?? undefined,
    ports: some(one.ports.map((port) => ({ containerPort: port }))),
    env: some([
      ...Object.entries(one.env).map(([name, value]) => ({ name, value })),
      ...one.secrets.flatMap(({ target, ref }) =>
        target.kind === "env"
          ? [{ name: target.env, valueFrom: { secretKeyRef: secretKey(graph, ref, `containers.${one.name}.secrets`, gaps) } }]
          : [],
      ),
    ]),
    volumeMounts: some(one.mounts.map(({ volume, path }) => ({ name: volume, mountPath: path }))),
    resources: { limits: { cpu: cpuQuantity(one.resources.cpuMilli), memory: memoryQuantity(one.resources.memoryMiB) } },
    startupProbe: probe(one, "startup", gaps),
    livenessProbe: probe(one, "liveness", gaps),
    readinessProbe: probe(one, "readiness", gaps),
  });
}

function probe(one: Container, kind: "startup" | "liveness" | "readiness", gaps: Gaps): DataObject | undefined {
  const given = one.probes[kind];
  if (given === null) return undefined;
  const { action, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold } = given;
  if (action.kind === "exec") gaps.add(`containers.${one.name}.probes.${kind}`, "Cloud Run has no field for a command as probe");
  const target: DataObject =
    action.kind === "http"
      ? { httpGet: compact({ path: action.path, port: action.port ?? undefined }) }
      : { tcpSocket: compact({ port: action.kind === "tcp" ? (action.port ?? undefined) : undefined }) };
  return { ...target, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold };
}

/** In v1 a secret's `key` is its version. */
function secretKey(graph: Graph, ref: SecretRef, path: string, gaps: Gaps): DataObject {
  if (ref.kind === "gcp-secret-manager") return { name: secretName(graph, ref), key: ref.version };
  gaps.add(path, "Cloud Run has no field for a secret that is not in Secret Manager");
  return {};
}

/** Secrets of other projects go by an alias, which an annotation of the revision explains. */
function secretName(graph: Graph, ref: SecretRef & { kind: "gcp-secret-manager" }): string {
  if (ref.project === null || ref.project === graph.settings.project) return ref.secret;
  return secretAliases(graph).get(`projects/${ref.project}/secrets/${ref.secret}`) ?? ref.secret;
}

function secretAliases(graph: Graph): Map<string, string> {
  const refs = [
    ...graph.containers.flatMap((one) => one.secrets.map((secret) => secret.ref)),
    ...graph.volumes.flatMap((volume) => (volume.kind === "secret" ? (volume.files ?? []).map((file) => file.ref) : [])),
  ];
  const aliases = new Map<string, string>();
  for (const ref of refs) {
    if (ref.kind !== "gcp-secret-manager" || ref.project === null || ref.project === graph.settings.project) continue;
    const resource = `projects/${ref.project}/secrets/${ref.secret}`;
    if (!aliases.has(resource)) aliases.set(resource, `external-${aliases.size + 1}`);
  }
  return aliases;
}

function volumeSource(graph: Graph, volume: Volume, gaps: Gaps): DataObject {
  switch (volume.kind) {
    case "empty":
      return {
        name: volume.name,
        emptyDir: compact({
          medium: volume.medium === "memory" ? "Memory" : undefined,
          sizeLimit: volume.sizeMiB === null ? undefined : memoryQuantity(volume.sizeMiB),
        }),
      };
    case "gcs":
      return {
        name: volume.name,
        csi: { driver: "gcsfuse.run.googleapis.com", readOnly: volume.readOnly, volumeAttributes: { bucketName: volume.bucket } },
      };
    case "secret": {
      const [file, ...more] = volume.files ?? [];
      if (file === undefined || more.length > 0) gaps.add(`volumes.${volume.name}`, "on Cloud Run a secret volume holds one secret");
      if (file === undefined) return { name: volume.name };
      const { name, key } = secretKey(graph, file.ref, `volumes.${volume.name}`, gaps);
      return { name: volume.name, secret: { secretName: name ?? "", items: [{ key: key ?? "", path: file.path }] } };
    }
    default:
      gaps.add(`volumes.${volume.name}`, `Cloud Run has no ${volume.kind} volumes`);
      return { name: volume.name };
  }
}
